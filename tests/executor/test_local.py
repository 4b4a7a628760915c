"""Jobs on this machine: their order, cancelling, and pictures. What holds of every executor is in
`test_every_executor.py`, and what holds of each worker process in `test_worker_process.py`."""

from __future__ import annotations

import threading
import time

import pytest
from jobs import check_job, hanging
from processes import wait_until_gone

from taskwright.executor.job import Job, JobCancelled, JobResult
from taskwright.executor.local import LocalExecutor
from taskwright.task import from_json, to_json
from taskwright.trainer.requests import Film, FilmRequest


@pytest.fixture
def executor():
    with LocalExecutor() as executor:
        yield executor


class Asked(threading.Thread):
    """A job asked for by a thread of its own, and what came of it."""

    def __init__(self, executor: LocalExecutor, job: Job, log: list[str] | None = None) -> None:
        super().__init__()
        self.executor, self.job = executor, job
        self.begun = threading.Event()
        self.log = log if log is not None else []
        self.result: JobResult | BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.executor.run(self.job, at_work=self._hear)
        except BaseException as error:
            self.result = error

    def _hear(self, is_at_work: bool) -> None:
        if is_at_work:
            self.log.append(self.job.kind)
            self.begun.set()


@pytest.mark.slow
def test_checks_go_before_trials_that_wait(executor, easy_source, tmp_path):
    log: list[str] = []
    first = Asked(executor, check_job(hanging(easy_source), deadline_s=1.5), log)
    assert first.begun.wait(5.0)
    # That this is no request makes it a short trial.
    trial = Asked(executor, Job("trial", "trial", "{}", 60.0), log)
    time.sleep(0.2)
    check = Asked(executor, check_job(easy_source), log)
    for asked in (first, trial, check):
        asked.join()
    assert log == ["check", "check", "trial"]


def test_cancelling_ends_what_is_under_way_and_what_waits_and_nothing_later(easy_source):
    with LocalExecutor(workers=1) as executor:
        running = Asked(executor, check_job(hanging(easy_source)))
        assert running.begun.wait(5.0)
        time.sleep(0.5)
        worker = executor._pool[0].pid
        waiting = Asked(executor, check_job(easy_source))
        time.sleep(0.2)
        executor.cancel()
        running.join(timeout=2.0)
        waiting.join(timeout=2.0)
        assert isinstance(running.result, JobCancelled)
        assert isinstance(waiting.result, JobCancelled)
        assert wait_until_gone([worker])
        assert executor.run(check_job(easy_source)).broken == ""


@pytest.mark.parametrize(
    ("format", "first"), [("png", b"\x89PNG"), ("gif", b"GIF89a"), ("mp4", b"\0\0\0 ftyp")]
)
def test_a_film_comes_back_as_the_bytes_of_its_file(executor, easy_source, format, first):
    # A short episode: success ends it.
    source = easy_source.replace("> 2.0", "!= 0.0")
    request = FilmRequest(source, "r2d2", format, width=64, height=48)
    result = executor.run(Job("film", "film", to_json(request), 60.0))
    assert result.broken == ""
    film = from_json(Film, result.payload)
    assert result.outputs["film"].startswith(first)
    assert film.frames == 1 if format == "png" else film.frames > 1
    assert film.success is (None if format == "png" else True)


@pytest.mark.parametrize(("chance", "seen"), [(0.4, True), (0.0, False)])
def test_an_episode_that_succeeds_is_filmed_where_there_is_one(executor, easy_source, chance, seen):
    source = easy_source.replace(
        "self.x = 0.0", f"self.x = 0.0\n        self.lucky = self.np_random.uniform() < {chance}"
    )
    source = source.replace("return False", "return not self.lucky")
    source = source.replace("position[0] > 2.0", "position[0] != 0.0 and self.lucky")
    films = []
    for seed in range(3):
        request = FilmRequest(source, "r2d2", "gif", seed, width=64, height=48)
        result = executor.run(Job(f"film-{seed}", "film", to_json(request), 60.0))
        films.append(from_json(Film, result.payload))
    assert [film.success for film in films] == [seen] * 3


def test_a_task_that_fails_while_drawn_is_told(executor, easy_source):
    source = easy_source.replace("self.x = 0.0", "self.x = 1 / 0")
    request = FilmRequest(source, "r2d2")
    result = executor.run(Job("film", "film", to_json(request), 60.0))
    assert "ZeroDivisionError" in result.broken
