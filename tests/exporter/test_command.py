"""`taskwright export` writes what it was asked for, and says what to do next."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from stable_baselines3 import PPO

from taskwright.archive.store import Archive
from taskwright.cli.commands.export import export
from taskwright.errors import UsageError
from taskwright.world import TaskEnv


@pytest.fixture
def run_dir(tmp_path, two_records):
    """A run folder with two learned tasks, the first with its policy and a picture."""
    folder = tmp_path / "run"
    for name in ("policies", "media"):
        (folder / name).mkdir(parents=True)
    with Archive.create_or_open(folder) as archive:
        for record in two_records:
            archive.start_journey()
            archive.add(record)
    task = two_records[0].task
    env = TaskEnv(task.source)
    model = PPO("MlpPolicy", env, policy_kwargs={"net_arch": [4]}, device="cpu")
    model.save(folder / "policies" / f"{task.task_id}.zip")
    env.close()
    (folder / "media" / f"{task.task_id}.png").write_bytes(b"a picture")
    return folder


def run(*arguments):
    result = CliRunner().invoke(export, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def test_an_export_says_what_to_install_and_what_it_runs(run_dir, tmp_path):
    said = run(run_dir, tmp_path / "My Tasks", "--policies")
    assert "2 tasks, 1 with a trained policy, exported" in said
    assert 'gymnasium.make("my_tasks:DriveAheadNow-v0")' in said
    assert "without a sandbox" in said
    (wheel,) = (tmp_path / "My Tasks" / "dist").glob("*.whl")
    assert f"pip install {wheel}" in said
    policy = np.load(tmp_path / "My Tasks" / "my_tasks" / "policies" / "DriveAheadNow.npz")
    assert policy["mlp_extractor.policy_net.0.weight"].shape == (4, 157)
    assert (tmp_path / "My Tasks" / "pictures" / "DriveAheadNow.png").is_file()


def test_a_policy_that_cannot_be_read_is_left_out_and_told(run_dir, tmp_path):
    (policy,) = (run_dir / "policies").glob("*.zip")
    policy.write_bytes(policy.read_bytes()[:-100])
    arguments = [str(run_dir), str(tmp_path / "out"), "--policies"]
    result = CliRunner().invoke(export, arguments)
    assert "2 tasks, 0 with a trained policy, exported" in result.stdout
    assert f"{policy} cannot be read" in result.stderr
    assert "exported without it" in result.stderr


def test_one_task_is_exported_over_an_earlier_export(run_dir, tmp_path):
    run(run_dir, tmp_path / "out", "--name", "mine")
    with pytest.raises(UsageError, match="--force"):
        run(run_dir, tmp_path / "out", "--name", "mine")
    told = json.loads(
        run(run_dir, tmp_path / "out", "--name", "mine", "--only", "2", "--force", "--json")
    )
    assert told["names"] == ["DriveAheadNow"]
    assert told["ids"] == ["mine:DriveAheadNow-v0"]
    assert told["policies"] == 0


def test_a_status_that_nothing_has_is_told_with_what_there_is(run_dir, tmp_path):
    with pytest.raises(UsageError, match="2 learned"):
        run(run_dir, tmp_path / "out", "--status", "too_hard")
    assert not (tmp_path / "out").exists()
