"""Runs on a real Ray cluster of three nodes on this machine: the archive is that of the local
executor, whatever dies on the way; and what Ray does not know of us: keys, and what we left."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import is_running, seconds_until_gone
from ray_nodes import RayNodes

from taskwright.archive.store import Archive
from taskwright.errors import UsageError
from taskwright.executor.job import Job
from taskwright.executor.local import LocalExecutor
from taskwright.executor.ray_executor import RayExecutor
from taskwright.task import Outcome, Task, from_json, to_json

pytestmark = pytest.mark.slow

KEY = "sk-canary-that-no-worker-may-see"
TRIAL = {
    "max_steps": 3000,
    "environments": 4,
    "screening_episodes": 1,
    "evaluation_episodes": 16,
    "nearest_policies": 1,
}
LONGEST_S = 240.0


def command(run_dir: Path, *options: str) -> list[str]:
    sets = [f"--set=trainer.{name}={value}" for name, value in TRIAL.items()]
    limits = ["--attempts=3", "--set=run.concurrency=3", "--set=novelty.interesting=0", "--seed=3"]
    words = ["run", str(run_dir), "--model=composer", "--quiet", *limits, *sets, *options]
    return [sys.executable, "-m", "taskwright", *words]


def on_ray(run_dir: Path, nodes: RayNodes) -> list[str]:
    return command(run_dir, "--executor=ray", f"--ray-address={nodes.address}")


def environment() -> dict[str, str]:
    return {**os.environ, "OPENAI_API_KEY": KEY}


def archive_of(run_dir: Path) -> list[dict[str, object]]:
    """The records without what is measured by the clock, and the bytes of the policies."""
    with Archive.open(run_dir) as archive:
        rows = [json.loads(to_json(record)) for record in archive.records()]
    for row in rows:
        strip_times(row)
        path = run_dir / "policies" / f"{Task(row['task']['source']).task_id}.zip"
        row["policy"] = path.read_bytes() if path.exists() else None
    return rows


def strip_times(value: object) -> None:
    if isinstance(value, dict):
        for name in [name for name in value if "seconds" in name or name.endswith(("_s", "_at"))]:
            del value[name]
        for inner in value.values():
            strip_times(inner)
    elif isinstance(value, list):
        for inner in value:
            strip_times(inner)


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> list[dict[str, object]]:
    run_dir = tmp_path_factory.mktemp("local") / "run"
    subprocess.run(command(run_dir, "--workers=2"), check=True, env=environment())
    return archive_of(run_dir)


def trials_begun(run_dir: Path) -> int:
    """How many points of learning curves have come: so long, trials are under way."""
    try:
        return (run_dir / "events.jsonl").read_text().count('"curve"')
    except OSError:
        return 0


def wait_for_trials(run_dir: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + LONGEST_S
    while trials_begun(run_dir) < 2:
        assert process.poll() is None, "it ended before it could be disturbed"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_run_gives_the_archive_of_the_local_executor_and_no_worker_sees_a_key(
    ray_nodes, tmp_path, expected
):
    run_dir = tmp_path / "run"
    with subprocess.Popen(on_ray(run_dir, ray_nodes), env=environment()) as driver:
        wait_for_trials(run_dir, driver)
        assert ray_nodes.processes("ray::NodeWorker")
        assert ray_nodes.processes("taskwright.executor.worker")
        for pid in ray_nodes.processes():
            try:
                text = Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue  # It has just ended, or hides its environment from everybody.
            assert KEY.encode() not in text
        assert driver.wait(LONGEST_S) == 0
    assert archive_of(run_dir) == expected
    assert any(row["policy"] for row in expected)
    assert seconds_until_gone(ray_nodes.ours(), 5.0) < 5.0


def test_workers_and_a_node_that_die_cost_time_and_nothing_else(ray_nodes, tmp_path, expected):
    run_dir = tmp_path / "run"
    with subprocess.Popen(on_ray(run_dir, ray_nodes), env=environment()) as driver:
        wait_for_trials(run_dir, driver)
        actor = ray_nodes.processes("ray::NodeWorker")[0]
        os.kill(ray_nodes.processes("taskwright.executor.worker")[0], 9)
        time.sleep(1.0)
        os.kill(actor, 9)
        time.sleep(1.0)
        before = set(ray_nodes.ours())
        ray_nodes.remove()
        time.sleep(5.0)
        left = [pid for pid in before if is_running(pid) and pid not in ray_nodes.processes()]
        ray_nodes.add()
        assert driver.wait(2 * LONGEST_S) == 0
    assert not left, "nothing of a node that is gone runs on"
    assert archive_of(run_dir) == expected


def test_what_hangs_is_stopped_at_its_deadline_and_cancelled_where_it_is(ray_nodes, easy_source):
    hanging = easy_source.replace("        super().__init__()", "        while True: pass")
    job = Job("hangs", "check", to_json(Task(hanging)), 3.0)
    with RayExecutor(3, ray_nodes.address) as executor:
        assert "did not finish within 3 s" in executor.run(job).broken
    assert seconds_until_gone(ray_nodes.ours(), 5.0) < 5.0


def test_a_driver_that_is_killed_leaves_nothing_running_and_the_same_command_goes_on(
    ray_nodes, tmp_path, expected
):
    run_dir = tmp_path / "run"
    with subprocess.Popen(on_ray(run_dir, ray_nodes), env=environment()) as driver:
        wait_for_trials(run_dir, driver)
        ours = ray_nodes.ours()
        assert ours
        driver.kill()
        assert seconds_until_gone(ours, 10.0) < 5.0
    assert not ray_nodes.ours()
    subprocess.run(on_ray(run_dir, ray_nodes), check=True, env=environment(), timeout=LONGEST_S)
    assert archive_of(run_dir) == expected


def test_a_hostile_task_is_refused_there_as_here(ray_nodes, easy_source):
    hostile = easy_source.replace("self.x = 0.0", "import os; os.system('true')")
    sneaky = easy_source.replace("self.x = 0.0", "self.x = ().__class__.__base__.__subclasses__()")
    jobs = [Job("h", "check", to_json(Task(source)), 60.0) for source in (hostile, sneaky)]

    def outcomes(executor):
        done = [from_json(Outcome, executor.run(job).payload) for job in jobs]
        return [dataclasses.replace(outcome, seconds=0.0) for outcome in done]

    with RayExecutor(1, ray_nodes.address) as executor, LocalExecutor() as local:
        there = outcomes(executor)
        assert there == outcomes(local)
    assert [outcome.verdict for outcome in there] == ["rejected", "rejected"]


def test_more_workers_than_the_cluster_has_cpus_are_refused(ray_nodes):
    with pytest.raises(UsageError, match="has 3 CPUs, and 4 workers were asked for"):
        RayExecutor(4, ray_nodes.address)


def test_another_token_is_refused_in_a_sentence(ray_nodes, tmp_path):
    words = on_ray(tmp_path / "run", ray_nodes)
    wrong = {**environment(), "RAY_AUTH_TOKEN": "wrong"}
    done = subprocess.run(words, env=wrong, capture_output=True, text=True)
    assert done.returncode == 2
    assert "does not accept the token" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_doctor_shows_each_node(ray_nodes):
    words = ["doctor", "--executor=ray", f"--ray-address={ray_nodes.address}", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "taskwright", *words], capture_output=True, text=True
    )
    findings = json.loads(done.stdout)["findings"]
    nodes = [found for found in findings if found["name"].startswith("node ")]
    assert [node["state"] for node in nodes] == ["ok"] * 3, done.stdout
    assert all("isolation full" in node["detail"] for node in nodes)
    assert "3 of 3 nodes may be used" in done.stdout
