"""A generalist of a run: what is told while it trains is kept, whatever ends the command."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import descendants, wait_until_gone

from taskwright.archive.generalists import POLICY_NAME, generalist_folder, read_generalists
from taskwright.archive.store import Archive
from taskwright.errors import ArchiveError, BrokenError, UsageError
from taskwright.executor.contents import digest_of
from taskwright.executor.job import Executor, Job, JobResult
from taskwright.executor.local import LocalExecutor
from taskwright.generalist import Generalist, GeneralistPoint
from taskwright.generator.generalist import generalist_request, train_on_archive
from taskwright.task import Task, Trial, from_json, to_json
from taskwright.trainer.requests import GeneralistNews, GeneralistRequest

NAME = "r2d2-uniform-seed0"


class Elsewhere(Executor):
    """Trains by telling some steps, and ends as it is told to."""

    workers = 1

    def __init__(self, *steps: int, ends: BaseException | str | None = None) -> None:
        self.steps, self.ends = steps, ends
        self.jobs: list[Job] = []

    def run(self, job, tell=None, at_work=None):
        self.jobs.append(job)
        generalist = Generalist(NAME, "r2d2", "uniform", 0)
        for steps in self.steps:
            now = GeneralistPoint(steps, 1.0, {}, {})
            generalist = dataclasses.replace(
                generalist, steps=steps, curve=(*generalist.curve, now)
            )
            tell(GeneralistNews(generalist, now, f"after {steps} steps".encode()))
        if isinstance(self.ends, BaseException):
            raise self.ends
        if self.ends:
            return JobResult(job.job_id, broken=self.ends)
        return JobResult(job.job_id, to_json(generalist), outputs={"policy": b"at the end"})

    def cancel(self, *, running=True):
        pass

    def close(self):
        pass


@pytest.fixture
def run_dir(tmp_path, make_record, easy_source) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    with Archive.create_or_open(folder) as archive:
        archive.start_journey()
        archive.add(make_record(1, task=Task(easy_source), trial=Trial("learned", "", 0.1, 0.9)))
    return folder


@pytest.fixture
def policy(run_dir) -> Path:
    return generalist_folder(run_dir, NAME) / POLICY_NAME


def request(run_dir: Path) -> GeneralistRequest:
    return generalist_request(
        run_dir,
        robot=None,
        sampler="uniform",
        seed=0,
        max_steps=1000,
        max_seconds=None,
        slots=2,
        evaluation_episodes=2,
        processes=None,
    )


def test_what_was_told_last_is_kept_when_it_is_interrupted_and_goes_along_next_time(
    run_dir, policy
):
    heard = []
    with pytest.raises(KeyboardInterrupt):
        train_on_archive(
            run_dir, request(run_dir), Elsewhere(256, 512, ends=KeyboardInterrupt()), heard.append
        )
    assert policy.read_bytes() == b"after 512 steps"
    assert [news.now.steps for news in heard] == [256, 512]
    (kept,) = read_generalists(run_dir)
    assert kept.steps == 512
    assert kept.updated_at
    again = Elsewhere(768)
    assert train_on_archive(run_dir, request(run_dir), again).steps == 768
    (job,) = again.jobs
    named = from_json(GeneralistRequest, job.payload).checkpoint
    assert job.inputs == {named: b"after 512 steps"}
    assert named == digest_of(b"after 512 steps")


def test_a_worker_that_fails_costs_nothing_that_was_told_and_begins_nothing_anew(run_dir, policy):
    failing = Elsewhere(256, ends="The node is gone.")
    with pytest.raises(BrokenError, match="The node is gone"):
        train_on_archive(run_dir, request(run_dir), failing)
    assert policy.read_bytes() == b"after 256 steps"
    # A second try would begin where this one began, and what it tells would replace what is kept.
    assert failing.jobs[0].tries == 1


def test_where_nothing_is_told_what_lies_there_is_left_alone(run_dir, policy):
    policy.parent.mkdir(parents=True)
    policy.write_bytes(b"mine")
    with (
        LocalExecutor() as executor,
        pytest.raises(UsageError, match="no policy that a generalist can go on from"),
    ):
        train_on_archive(run_dir, request(run_dir), executor)
    assert policy.read_bytes() == b"mine"
    policy.unlink()
    policy.symlink_to("/etc/passwd")
    with pytest.raises((BrokenError, ArchiveError), match="is a link"):
        train_on_archive(run_dir, request(run_dir), Elsewhere(256))


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_trained_ends_all_processes_and_the_same_command_goes_on(
    run_dir, policy
):
    command = [sys.executable, "-m", "taskwright", "train", run_dir, "--all"]
    command += ["--sampler", "uniform", "--steps", "100000000", "--episodes", "1"]
    training = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    started: set[int] = set()
    deadline = time.monotonic() + 120.0
    while not read_generalists(run_dir) and time.monotonic() < deadline:
        started |= descendants(training.pid)
        time.sleep(0.2)
    training.send_signal(signal.SIGINT)
    asked_at = time.monotonic()
    said, _ = training.communicate(timeout=20.0)
    assert time.monotonic() - asked_at < 5.0
    assert "the same command goes on" in said
    assert training.returncode == 130
    assert started
    assert wait_until_gone(started)
    steps = read_generalists(run_dir)[0].steps
    assert steps > 0
    more = [*command, "--minutes", "0.0001", "--json"]
    done = subprocess.run(more, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (kept,) = read_generalists(run_dir)
    assert kept.finished
    assert kept.steps >= steps
