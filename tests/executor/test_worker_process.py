"""One worker process: that it stays warm, its deadlines, and what happens when it dies."""

from __future__ import annotations

import dataclasses
import os
import resource
import signal
import threading
import time

import pytest
from jobs import check_job, hanging
from processes import wait_until_gone

from taskwright.executor.job import Job
from taskwright.executor.worker_process import WorkerProcess
from taskwright.sandbox.processes.process import child_environment
from taskwright.task import Outcome, from_json, to_json
from taskwright.trainer.requests import FilmRequest


@pytest.fixture
def worker():
    worker = WorkerProcess(workers=1)
    yield worker
    worker.close()


def test_the_same_job_gives_the_same_result_from_one_warm_worker(worker, easy_source):
    first = worker.do(check_job(easy_source))
    first_pid = worker.pid
    second = worker.do(check_job(easy_source))
    assert worker.pid == first_pid
    outcomes = [from_json(Outcome, result.payload) for result in (first, second)]
    assert all(outcome.passed for outcome in outcomes)
    assert first.job_id == second.job_id


def test_a_missed_deadline_is_broken_and_the_next_job_is_not_affected(worker, easy_source):
    worker.do(check_job(easy_source))
    first_pid = worker.pid
    started = time.monotonic()
    result = worker.do(check_job(hanging(easy_source), deadline_s=1.0))
    assert time.monotonic() - started < 3.0
    assert "did not finish within 1 s" in result.broken
    assert wait_until_gone([first_pid])
    assert worker.do(check_job(easy_source)).broken == ""


def kill_workers(worker: WorkerProcess, times: int) -> threading.Thread:
    """Kill the worker `times` times, each time when a new one has been at work for a moment."""

    def kill() -> None:
        killed: list[int] = []
        while len(killed) < times:
            time.sleep(0.05)
            pid = worker.pid
            if pid is not None and pid not in killed and worker.is_busy:
                time.sleep(0.3)
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_a_job_whose_worker_is_killed_is_begun_once_more(worker, easy_source):
    killer = kill_workers(worker, times=1)
    result = worker.do(check_job(easy_source))
    killer.join()
    assert from_json(Outcome, result.payload).passed


def test_a_worker_that_is_killed_again_breaks_its_job_only(worker, easy_source):
    killer = kill_workers(worker, times=2)
    result = worker.do(check_job(hanging(easy_source)))
    killer.join()
    assert "SIGKILL" in result.broken
    assert worker.do(check_job(easy_source)).broken == ""


def test_a_worker_that_dies_while_idle_is_replaced(worker, easy_source):
    worker.do(check_job(easy_source))
    first_pid = worker.pid
    os.kill(first_pid, signal.SIGKILL)
    assert worker.do(check_job(easy_source)).broken == ""
    assert worker.pid != first_pid


def test_a_machine_without_room_for_temporary_files_breaks_the_job_and_says_so(worker, easy_source):
    source = easy_source.replace("> 2.0", "!= 0.0")
    request = FilmRequest(source, "r2d2", "gif", width=64, height=48)
    # Once before the limit: Python would else store what it compiles for this job, cut short.
    assert worker.do(Job("film", "film", to_json(request), 60.0)).broken == ""
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (100, 100))
    film = Job("film", "film", to_json(dataclasses.replace(request, format="mp4")), 60.0)
    result = worker.do(film)
    assert "machine that did the film" in result.broken
    assert "File too large" in result.broken
    assert "Make room in" in result.broken


def test_no_key_reaches_the_worker(worker, easy_source, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    worker.do(check_job(easy_source))
    with open(f"/proc/{worker.pid}/environ", "rb") as file:
        assert b"sk-canary" not in file.read()
    assert "OPENAI_API_KEY" not in child_environment()
