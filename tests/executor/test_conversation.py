"""What an executor and a real worker process say to each other: which files are sent, and when."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter

import numpy as np
import pytest

from taskwright.executor import job as job_module
from taskwright.executor.contents import digest_of
from taskwright.executor.conversation import MAX_MESSAGE_BYTES, have_done
from taskwright.executor.job import Job, JobResult, run_job
from taskwright.sandbox.processes.process import ModuleProcess
from taskwright.task import from_json, to_json
from taskwright.trainer.learners.network import PolicyNetwork
from taskwright.trainer.policies import network_file
from taskwright.trainer.requests import Film, FilmRequest
from taskwright.world.robots import robot_spaces


class Overheard(ModuleProcess):
    """A worker process, and how many messages of each kind were sent to it."""

    def __init__(self) -> None:
        super().__init__("taskwright.executor.worker", "1", max_reply_bytes=MAX_MESSAGE_BYTES)
        self.sent: Counter[str] = Counter()

    def send(self, message):
        self.sent[next(iter(message))] += 1
        super().send(message)

    def do(self, job: Job) -> JobResult:
        return have_done(self, job, lambda news: None, time.monotonic() + 60.0)


@pytest.fixture(scope="module")
def worker():
    with Overheard() as worker:
        yield worker


@pytest.fixture
def film_job(easy_source):
    """Makes the job to draw how an agent does, whose policy follows from `seed`; other bytes may be
    sent in its place."""

    def make(seed: int, policy: bytes | None = None) -> Job:
        observations, actions = robot_spaces("r2d2")
        network = PolicyNetwork(observations, actions, seed=seed)
        of = {"robot": "r2d2", "task_id": "", "learner": "soft_q"}
        right = network_file(network, observations, **of)
        request = FilmRequest(
            easy_source.replace("> 2.0", "!= 0.0"),
            "r2d2",
            policy=digest_of(right),
            frames=2,
            width=64,
            height=48,
        )
        inputs = {digest_of(right): right if policy is None else policy}
        return Job("film", "film", to_json(request), 60.0, inputs)

    return make


def test_a_file_is_sent_to_a_worker_once_and_gives_what_it_gives_here(worker, film_job):
    worker.sent.clear()
    first, second = worker.do(film_job(1)), worker.do(film_job(1))
    assert worker.sent == {"job": 2, "input": 1}
    assert first == second
    assert first.outputs["film"].startswith(b"\x89PNG")
    assert from_json(Film, first.payload).frames == 2
    assert run_job(film_job(1), lambda news: None) == first
    worker.do(film_job(2))
    assert worker.sent == {"job": 3, "input": 2}


def test_other_bytes_than_the_job_names_are_refused_and_harm_no_later_job(worker, film_job):
    refused = worker.do(film_job(3, policy=b"damaged on its way"))
    assert "came to the worker damaged" in refused.broken
    assert refused.outputs == {}
    assert worker.do(film_job(3)).broken == ""


def test_megabytes_reach_a_worker(worker, film_job):
    job = film_job(4)
    large = np.random.default_rng(0).bytes(8_000_000)
    larger = dataclasses.replace(job, inputs={**job.inputs, digest_of(large): large})
    assert worker.do(larger).broken == ""


def test_more_than_a_worker_may_send_is_one_sentence(film_job, monkeypatch):
    monkeypatch.setattr(job_module, "MAX_OUTPUT_BYTES", 100)
    result = run_job(film_job(5), lambda news: None)
    assert "The film has" in result.broken
    assert "100 bytes are the most that a worker may send" in result.broken
    assert result.outputs == {}


def test_a_job_and_its_result_are_json_with_their_bytes(film_job):
    job = film_job(6)
    assert from_json(Job, to_json(job)) == job
    result = JobResult("x", "{}", outputs={"film": bytes(range(256))})
    assert from_json(JobResult, to_json(result)) == result
