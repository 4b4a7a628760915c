"""What earlier versions have left is still of use: a run folder with its archive, settings, policy
and replay, and an exported package, both made in November 2026 (commit c067602)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

import taskwright as tw
from taskwright.browser.app import create_app
from taskwright.config import load_config, resolve

KEPT = Path(__file__).parent / "older" / "2026-11.tar.xz"
TASK = "2db08182abee"
COMMAND = [sys.executable, "-m", "taskwright"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("older")
    with tarfile.open(KEPT) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def run_dir(kept: Path, tmp_path: Path) -> Path:
    return shutil.copytree(kept / "run", tmp_path / "run")


def command(*arguments: object) -> str:
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_its_records_are_read(run_dir: Path) -> None:
    with tw.open_archive(run_dir) as archive:
        assert [record.status for record in archive] == ["learned"] * 4
        assert archive.complaints == []
        assert archive[TASK].trial.success_after == pytest.approx(0.92, abs=0.01)


def test_its_settings_are_understood(run_dir: Path) -> None:
    config = resolve(load_config(run_dir / "config.yaml", follow=False))
    assert (config.run.seed, config.run.concurrency, config.run.robot) == (0, 4, "r2d2")


def test_its_tasks_pass_the_checks(run_dir: Path) -> None:
    assert tw.check(run_dir, TASK).passed


def test_its_pages_are_shown(run_dir: Path) -> None:
    with TestClient(create_app(run_dir), base_url="http://localhost") as client:
        for address in ("/", "/task/1", "/lineage", "/map", "/run"):
            answer = client.get(address)
            assert answer.status_code == 200, address
        assert "Visit 2 pads in order" in client.get("/").text


def test_its_policy_acts_and_its_task_is_exported_with_it(run_dir: Path, tmp_path: Path) -> None:
    exported = tw.export(run_dir, tmp_path / "my_tasks", only=[TASK], policies=True)
    assert exported.policies == 1


@pytest.mark.slow
def test_it_is_reported_and_its_replays_are_completed(run_dir: Path, tmp_path: Path) -> None:
    command("report", run_dir, "--out", tmp_path / "report")
    assert "Visit 2 pads in order" in (tmp_path / "report" / "report.html").read_text()
    command("replay", run_dir, "3")
    assert (run_dir / "media" / "04b0b011f04b.replay.json.gz").exists()


@pytest.mark.slow
def test_it_goes_on_and_its_policy_is_tried_on_new_tasks(run_dir: Path) -> None:
    tiny = {"max_steps": 400, "environments": 4, "evaluation_episodes": 16}
    ending = tw.run(run_dir, attempts=5, settings={"trainer": tiny})
    assert sum(ending.counts.values()) == 5
    assert ending.counts["learned"] >= 4


def test_its_export_is_still_a_package(kept: Path, tmp_path: Path) -> None:
    (wheel,) = kept.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = (
        "import gymnasium, json\n"
        "env = gymnasium.make('older_tasks:Visit2PadsInOrder-v0')\n"
        "print(json.dumps(env.reset(seed=7)[0].tolist()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    ours = tw.make(kept / "run", TASK).reset(seed=7)[0]
    np.testing.assert_allclose(json.loads(done.stdout), ours, atol=1e-6)
