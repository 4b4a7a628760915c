"""Jobs on this machine: results, deadlines, and a worker that does not take others with it."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from taskwright.executor.job import Job
from taskwright.executor.local import LocalExecutor
from taskwright.sandbox.process import child_environment
from taskwright.task import Outcome, Task, from_json, to_json
from taskwright.trainer.plans import Film, FilmPlan


@pytest.fixture
def executor():
    with LocalExecutor() as executor:
        yield executor


def check_job(source: str, deadline_s: float = 60.0) -> Job:
    task = Task(source)
    return Job(f"check-{task.task_id}", "check", to_json(task), deadline_s)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid: int, timeout_s: float = 2.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_the_same_job_gives_the_same_result_from_one_warm_worker(executor, easy_source):
    first = executor.run(check_job(easy_source))
    worker = executor._benches[0].pid
    second = executor.run(check_job(easy_source))
    assert executor._benches[0].pid == worker
    outcomes = [from_json(Outcome, result.payload) for result in (first, second)]
    assert all(outcome.passed for outcome in outcomes)
    assert first.job_id == second.job_id


def test_a_missed_deadline_is_broken_and_the_next_job_is_not_affected(executor, easy_source):
    hanging = easy_source.replace("        super().__init__()", "        while True: pass")
    executor.run(check_job(easy_source))
    worker = executor._benches[0].pid
    started = time.monotonic()
    result = executor.run(check_job(hanging, deadline_s=1.0))
    assert time.monotonic() - started < 3.0
    assert "did not finish within 1 s" in result.broken
    assert wait_until_gone(worker)
    assert executor.run(check_job(easy_source)).broken == ""


def test_a_worker_that_is_killed_breaks_its_job_only(executor, easy_source):
    executor.run(check_job(easy_source))
    worker = executor._benches[0].pid
    hanging = easy_source.replace("        super().__init__()", "        while True: pass")
    threading.Timer(0.5, os.kill, (worker, signal.SIGKILL)).start()
    result = executor.run(check_job(hanging))
    assert "SIGKILL" in result.broken
    assert executor.run(check_job(easy_source)).broken == ""


def test_a_job_we_cannot_read_is_broken_and_says_so(executor):
    result = executor.run(Job("x", "check", "{}", 30.0))
    assert "a bug in Taskwright" in result.broken


def test_no_key_reaches_the_worker(executor, easy_source, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    executor.run(check_job(easy_source))
    with open(f"/proc/{executor._benches[0].pid}/environ", "rb") as file:
        assert b"sk-canary" not in file.read()
    assert "OPENAI_API_KEY" not in child_environment()


@pytest.mark.parametrize("ending", ["png", "gif", "mp4"])
def test_a_film_is_written_where_it_was_asked_for(executor, easy_source, tmp_path, ending):
    path = tmp_path / "media" / f"film.{ending}"
    # A short episode: success ends it.
    source = easy_source.replace("> 2.0", "!= 0.0")
    plan = FilmPlan(source, "r2d2", str(path), width=64, height=48)
    result = executor.run(Job("film", "film", to_json(plan), 60.0))
    assert result.broken == ""
    film = from_json(Film, result.payload)
    assert path.stat().st_size > 100
    assert film.frames == 1 if ending == "png" else film.frames > 1
    assert film.success is (None if ending == "png" else True)
    assert [child.name for child in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(("chance", "seen"), [(0.4, True), (0.0, False)])
def test_an_episode_that_succeeds_is_filmed_where_there_is_one(
    executor, easy_source, tmp_path, chance, seen
):
    source = easy_source.replace(
        "self.x = 0.0", f"self.x = 0.0\n        self.lucky = self.np_random.uniform() < {chance}"
    )
    source = source.replace("return False", "return not self.lucky")
    source = source.replace("position[0] > 2.0", "position[0] != 0.0 and self.lucky")
    films = []
    for seed in range(3):
        plan = FilmPlan(source, "r2d2", str(tmp_path / "film.gif"), seed, width=64, height=48)
        result = executor.run(Job(f"film-{seed}", "film", to_json(plan), 60.0))
        films.append(from_json(Film, result.payload))
    assert [film.success for film in films] == [seen] * 3


def test_a_task_that_fails_while_drawn_is_told(executor, easy_source, tmp_path):
    source = easy_source.replace("self.x = 0.0", "self.x = 1 / 0")
    plan = FilmPlan(source, "r2d2", str(tmp_path / "film.png"))
    result = executor.run(Job("film", "film", to_json(plan), 60.0))
    assert "ZeroDivisionError" in result.broken
