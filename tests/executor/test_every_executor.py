"""What every executor in the table promises, whatever does its work.

The jobs are checks that pass, checks whose task hangs, and a trial that is out of time at once.
"""

from __future__ import annotations

import os
import signal
import threading
import time

import jobs
import pytest
from jobs import check_job
from processes import descendants, wait_until_gone

from taskwright.config import RunConfig
from taskwright.errors import StorageError, UsageError
from taskwright.executor import EXECUTORS, make_executor
from taskwright.executor.job import Executor, Job, JobCancelled, JobResult
from taskwright.task import Outcome, Trial, from_json, to_json
from taskwright.trainer.requests import TrialRequest

# Starting a cluster takes half a minute.
NAMES = [pytest.param(name, marks=[pytest.mark.slow] * (name == "ray")) for name in EXECUTORS]


@pytest.fixture(scope="module")
def settings_of(request):
    """The settings with which an executor of a name works here."""

    def settings(name: str, workers: int) -> RunConfig:
        place = {}
        if name == "ray":
            place["ray_address"] = request.getfixturevalue("ray_nodes").address
        return RunConfig(executor=name, workers=workers, **place)

    return settings


@pytest.fixture(scope="module", params=NAMES)
def executor(request, settings_of):
    """Each executor in the table, with two workers that are warm."""
    with make_executor(settings_of(request.param, 2)) as executor:
        yield executor


@pytest.fixture(scope="module")
def hanging(easy_source) -> str:
    return jobs.hanging(easy_source)


class Asked(threading.Thread):
    """A job that a thread of its own asks for, and what comes of it."""

    def __init__(self, executor: Executor, job: Job) -> None:
        super().__init__(daemon=True)
        self.executor, self.job = executor, job
        self.states: list[bool] = []
        self.begun = threading.Event()
        self.result: JobResult | BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.executor.run(self.job, at_work=self._hear)
        except BaseException as error:
            self.result = error

    def _hear(self, is_at_work: bool) -> None:
        self.states.append(is_at_work)
        self.begun.set()


def test_has_the_workers_that_it_was_made_with(executor):
    assert executor.workers == 2


def test_a_check_gives_its_outcome_and_tells_when_it_is_at_work(executor, easy_source):
    asked = Asked(executor, check_job(easy_source))
    asked.join(60.0)
    assert asked.result.job_id == asked.job.job_id
    assert from_json(Outcome, asked.result.payload).passed
    assert asked.states == [True, False]


def test_a_trial_that_its_own_limit_cuts_short_gives_a_verdict_and_its_curve(
    executor, easy_source, tmp_path
):
    # Behind is where driving ahead never leads, so it is not solved before it is trained.
    source = easy_source.replace("[0] > 2.0", "[0] < -50.0")
    request = TrialRequest(
        *(source, "r2d2", 0, 300_000, 300_000),
        *(0.5, None, 4, 0.8, 0.5, 4, 16),
    )
    points = []
    job = Job("trial-1", "trial", to_json(request), 120.0)
    trial = from_json(Trial, executor.run(job, points.append).payload)
    assert trial.verdict == "too_hard"
    assert "0.5 seconds" in trial.reason
    assert tuple(points) == trial.curve


def test_a_deadline_is_kept_and_the_job_is_broken_not_the_executor(executor, easy_source, hanging):
    began = time.monotonic()
    result = executor.run(check_job(hanging, deadline_s=1.0))
    assert time.monotonic() - began < 5.0
    assert "did not finish within 1 s" in result.broken
    assert result.payload == ""
    assert executor.run(check_job(easy_source)).broken == ""


def test_as_many_jobs_as_workers_go_on_at_once_and_cancelling_ends_all(
    executor, easy_source, hanging
):
    asked = [Asked(executor, check_job(f"{hanging}# {number}")) for number in range(3)]
    deadline = time.monotonic() + 20.0
    while sum(job.begun.is_set() for job in asked) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    assert sum(job.begun.is_set() for job in asked) == 2
    began = time.monotonic()
    executor.cancel()
    for job in asked:
        job.join(5.0)
    assert time.monotonic() - began < 5.0
    assert [type(job.result) for job in asked] == [JobCancelled] * 3
    assert executor.run(check_job(easy_source)).broken == "", "later jobs are done"


def test_what_waits_can_be_cancelled_alone(executor, easy_source, hanging):
    running = [Asked(executor, check_job(f"{hanging}# {n}", deadline_s=3.0)) for n in range(2)]
    assert all(job.begun.wait(20.0) for job in running)
    waiting = Asked(executor, check_job(easy_source))
    time.sleep(0.3)
    executor.cancel(running=False)
    waiting.join(2.0)
    assert isinstance(waiting.result, JobCancelled)
    for job in running:
        job.join(10.0)
        assert "did not finish within 3 s" in job.result.broken


@pytest.mark.slow
def test_a_worker_that_dies_does_not_take_its_job_with_it(executor, easy_source, hanging):
    asked = Asked(executor, check_job(hanging, deadline_s=6.0))
    assert asked.begun.wait(20.0)
    time.sleep(0.3)
    # Whatever it started here; an executor whose workers are elsewhere has nothing to lose.
    for pid in descendants(os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    asked.join(20.0)
    assert asked.result.broken, "it was begun again, and reached its deadline"
    assert executor.run(check_job(easy_source)).broken == ""


def test_a_job_that_nobody_can_read_is_broken_and_says_so(executor):
    assert "a bug in Taskwright" in executor.run(Job("x", "check", "{}", 30.0)).broken


def test_what_a_listener_raises_reaches_whoever_asked(executor, easy_source):
    def listen(is_at_work: bool) -> None:
        raise StorageError("The disk is full.", "Make room.")

    with pytest.raises(StorageError):
        executor.run(check_job(easy_source), at_work=listen)
    assert executor.run(check_job(easy_source)).broken == ""


@pytest.mark.parametrize("name", NAMES)
def test_closing_ends_all_that_was_started_and_may_be_repeated(name, settings_of, easy_source):
    settings = settings_of(name, 1)
    before = descendants(os.getpid())
    executor = make_executor(settings)
    assert executor.run(check_job(easy_source)).broken == ""
    executor.close()
    executor.close()
    assert wait_until_gone(descendants(os.getpid()) - before, 3.0)


def test_an_executor_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match="'moon'") as caught:
        make_executor(RunConfig(executor="moon"))
    assert all(name in str(caught.value) for name in EXECUTORS)
