"""Workers that are lost or not ready, seen from who asks for the work."""

from __future__ import annotations

import threading
import time

import pytest

from taskwright.errors import WorkersGoneError
from taskwright.executor.job import Job, JobCancelled, JobResult
from taskwright.executor.pool import LOSSES, PooledExecutor, Worker, WorkerLost

CHECK = Job("check-1", "check", "{}", 10.0)


class Fickle(Worker):
    """Is lost at its first jobs, and needs to be made ready after each loss."""

    def __init__(self, losses: int = 0, may_get_ready: bool = True) -> None:
        super().__init__()
        self.losses = losses
        self.may_get_ready = may_get_ready
        self.is_up = True
        self.did: list[str] = []

    @property
    def is_ready(self) -> bool:
        return self.is_up

    def get_ready(self, is_closing: threading.Event) -> None:
        if not self.may_get_ready:
            is_closing.wait()
        self.is_up = True

    def _do(self, job, tell):
        self._raise_if_cancelled()
        if self.losses:
            self.losses -= 1
            self.is_up = False
            raise WorkerLost("its node went away")
        self.did.append(job.job_id)
        return JobResult(job.job_id, "done")

    def _kill(self) -> None:
        pass

    def close(self) -> None:
        pass


def refused(pool: PooledExecutor) -> threading.Thread:
    """A thread that asks for a job, and ends when it is told that the job was cancelled."""

    def ask() -> None:
        with pytest.raises(JobCancelled):
            pool.run(CHECK)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def test_a_job_whose_only_worker_is_lost_waits():
    pool = PooledExecutor([Fickle(losses=1, may_get_ready=False)])
    thread = refused(pool)
    thread.join(0.3)
    assert thread.is_alive()
    pool.close()
    thread.join(5.0)
    assert not thread.is_alive()


def test_a_job_whose_worker_is_lost_is_done_by_another():
    lost = Fickle(losses=1, may_get_ready=False)
    other = Fickle()
    states: list[bool] = []
    with PooledExecutor([lost, other]) as pool:
        for number in range(4):
            job = Job(f"check-{number}", "check", "{}", 10.0)
            assert pool.run(job, at_work=states.append).payload == "done"
    assert len(other.did) == 4
    assert not lost.did
    assert states.count(True) == states.count(False)


def test_a_job_that_loses_every_worker_is_broken_in_the_end_and_others_are_not():
    with PooledExecutor([Fickle(losses=LOSSES)]) as pool:
        result = pool.run(CHECK)
        assert result.payload == ""
        assert f"lost {LOSSES} times, the last time because its node went away" in result.broken
        assert pool.run(CHECK).payload == "done"


def test_a_worker_that_went_away_while_idle_costs_the_job_nothing():
    worker = Fickle()
    worker.is_up = False
    with PooledExecutor([worker]) as pool:
        assert pool.run(CHECK).payload == "done"


def test_whoever_waits_is_told_when_no_worker_will_come():
    class Gone(Fickle):
        def get_ready(self, is_closing):
            raise WorkersGoneError("They are gone.", "The same command goes on.")

    worker = Gone()
    worker.is_up = False
    with PooledExecutor([worker]) as pool, pytest.raises(WorkersGoneError):
        pool.run(CHECK)


def test_closing_does_not_wait_for_a_worker_that_does_not_get_ready():
    worker = Fickle(may_get_ready=False)
    worker.is_up = False
    pool = PooledExecutor([worker])
    thread = refused(pool)
    thread.join(0.2)
    pool.close()
    thread.join(5.0)
    assert not thread.is_alive()


def test_of_jobs_that_wait_those_of_the_lowest_turn_are_done_first():
    is_free = threading.Event()

    class Held(Fickle):
        def _do(self, job, tell):
            is_free.wait(10.0)
            return super()._do(job, tell)

    jobs = [
        Job(f"{kind}-{turn}", kind, "{}", 10.0, turn=turn)
        for kind in ("trial", "check")
        for turn in (7, 2, 5)
    ]
    worker = Held()
    with PooledExecutor([worker]) as pool:
        threads = [threading.Thread(target=pool.run, args=(job,)) for job in (CHECK, *jobs)]
        threads[0].start()
        while not worker.is_busy:
            time.sleep(0.01)
        for thread in threads[1:]:
            thread.start()
        while pool._requests.qsize() < len(jobs):
            time.sleep(0.01)
        is_free.set()
        for thread in threads:
            thread.join(5.0)
    in_turn = ["check-2", "check-5", "check-7", "trial-2", "trial-5", "trial-7"]
    assert worker.did == [CHECK.job_id, *in_turn]
