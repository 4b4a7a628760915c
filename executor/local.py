"""Jobs on this machine, in processes of their own."""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from .job import (
    AtWork,
    Executor,
    Job,
    JobCancelled,
    JobResult,
    Tell,
    ignore_news,
    ignore_state,
)
from .worker_process import WorkerProcess


@dataclass
class _Request:
    """A job, and the thread that waits for its result."""

    job: Job
    tell: Tell
    at_work: AtWork
    result: Future[JobResult]


class LocalExecutor(Executor):
    """Runs up to `workers` jobs at a time, each in a worker process that is kept warm between them.

    A worker that dies or misses a deadline is replaced; other jobs are not affected. Jobs wait for
    a free worker, checks and pictures before trials: they are short, and somebody waits for each.
    Use as a context manager, or call `close`.

    Args:
        workers: How many jobs are done at once. A process starts with the first job it is given.
    """

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self._requests: queue.PriorityQueue[tuple[int, int, _Request | None]] = (
            queue.PriorityQueue()
        )
        self._sequence = itertools.count()
        self._threads = [_WorkerThread(self._next_request, workers) for _ in range(workers)]

    def run(self, job: Job, tell: Tell = ignore_news, at_work: AtWork = ignore_state) -> JobResult:
        """Do a job in a worker process, and wait for its result.

        Args:
            job: The work. Its deadline counts from when a worker takes it up.
            tell: Is called with what is told while the job goes on, from a worker's thread.
            at_work: Is called with True when a worker takes the job up, and with False when it
                leaves it, from that worker's thread.

        Returns:
            What `run_job` returns; `broken` too where the deadline is missed, or where the worker
            dies in each of the job's tries.

        Raises:
            JobCancelled: The job was cancelled. What `tell` and `at_work` raise is raised here too.
        """
        request = _Request(job, tell, at_work, Future())
        self._put(request, rank=1 if job.kind == "trial" else 0)
        return request.result.result()

    def cancel(self, *, running: bool = True) -> None:
        """Cancel the jobs that wait for a worker. Those that are asked for later are done.

        Args:
            running: Whether the jobs under way are cancelled too, by killing their workers.
        """
        with contextlib.suppress(queue.Empty):
            while True:
                *_, request = self._requests.get_nowait()
                if request is not None:
                    request.result.set_exception(JobCancelled())
        if running:
            for thread in self._threads:
                thread.worker.cancel()

    def close(self) -> None:
        """Cancel all jobs, and end the workers and their threads. Calling it twice is harmless."""
        self.cancel()
        for _ in self._threads:
            self._put(None, rank=2)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _put(self, request: _Request | None, rank: int) -> None:
        self._requests.put((rank, next(self._sequence), request))

    def _next_request(self) -> _Request | None:
        return self._requests.get()[2]


class _WorkerThread(threading.Thread):
    """The thread of one worker process. A process ends with the thread that started it, so this
    thread lasts as long as the executor."""

    def __init__(self, next_request: Callable[[], _Request | None], workers: int) -> None:
        super().__init__(daemon=True)
        self._next_request = next_request
        self.worker = WorkerProcess(workers)
        self.start()

    def run(self) -> None:
        while (request := self._next_request()) is not None:
            try:
                result = self.worker.do(request.job, request.tell, request.at_work)
            except BaseException as error:
                request.result.set_exception(error)
            else:
                request.result.set_result(result)
        self.worker.close()
