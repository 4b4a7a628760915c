"""Jobs that wait for one of several workers, and the threads that hand them out."""

from __future__ import annotations

import abc
import contextlib
import itertools
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from .job import (
    AtWork,
    Executor,
    Job,
    JobCancelled,
    JobResult,
    Tell,
    broken,
    ignore_news,
    ignore_state,
)

LOSSES = 5
"""How often a job is begun whose worker is lost with the machine it is on, unless it may be tried
once only."""


class WorkerLost(Exception):
    """A worker went away with the machine that it was on. That says nothing about its job, which
    another one begins anew."""


class Worker(abc.ABC):
    """Does one job at a time. All its methods are called from one thread, but for `cancel`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_busy = False
        self._is_cancelled = False

    @property
    def is_busy(self) -> bool:
        """Whether a job is under way."""
        return self._is_busy

    @property
    @abc.abstractmethod
    def is_ready(self) -> bool:
        """Whether a job can be given to it; where it cannot, `get_ready` is called before."""

    @abc.abstractmethod
    def get_ready(self, is_closing: threading.Event) -> None:
        """Wait until a job can be given to it, or until `is_closing` is set.

        Args:
            is_closing: Set once nobody wants the worker any more.

        Raises:
            TaskwrightError: There is no prospect of that. Whoever waits for a job is told.
        """

    def do(self, job: Job, tell: Tell = ignore_news, at_work: AtWork = ignore_state) -> JobResult:
        """Do a job and wait for its result.

        Args:
            job: The work. Its deadline counts from now.
            tell: Is called with what is told while the job goes on, from this thread.
            at_work: Is called with True now and with False when the job has ended, however it ends,
                from this thread.

        Returns:
            What `run_job` returns; `broken` too where the deadline is missed, or where the process
            that does it dies again and again.

        Raises:
            JobCancelled: `cancel` was called. What `tell` and `at_work` raise is raised here too.
            WorkerLost: The machine of this worker went away.
        """
        with self._lock:
            self._is_busy, self._is_cancelled = True, False
        try:
            at_work(True)
            try:
                return self._do(job, tell)
            finally:
                at_work(False)
        except BaseException:
            # What the worker still does is of no use to anybody.
            self.close()
            raise
        finally:
            with self._lock:
                self._is_busy = False

    def cancel(self) -> None:
        """End the job under way, if there is one: its process is killed, and `do` raises."""
        with self._lock:
            if self._is_busy:
                self._is_cancelled = True
                self._kill()

    def _raise_if_cancelled(self, cause: Exception | None = None) -> None:
        if self._is_cancelled:
            raise JobCancelled from cause

    @abc.abstractmethod
    def _do(self, job: Job, tell: Tell) -> JobResult: ...

    @abc.abstractmethod
    def _kill(self) -> None:
        """End what does the job, if anything does, from another thread and without waiting."""

    @abc.abstractmethod
    def close(self) -> None:
        """End what the worker has started. Calling it twice is harmless; a job that is done later
        starts it again."""


@dataclass
class _Request:
    """A job, and the thread that waits for its result."""

    job: Job
    tell: Tell
    at_work: AtWork
    result: Future[JobResult]
    number: int
    losses: int = 0
    """How many workers were lost that had begun it."""

    @property
    def place(self) -> tuple[int, int, int]:
        """Its place among the jobs that wait: those that were begun already go first, then checks
        and pictures, since they are short and somebody waits for each; then by their turns."""
        rank = 2 if self.job.kind == "trial" else 1
        return 0 if self.losses else rank, self.job.turn, self.number


LAST = 3
"""The rank of what tells a thread to end."""


class PooledExecutor(Executor):
    """Hands jobs to workers, each of which has a thread of its own that lasts as long as this.

    Jobs wait for a free worker, checks and pictures before trials: they are short, and somebody
    waits for each; of these, each in its turn. A job whose worker is lost goes to another one. Use
    as a context manager, or call `close`.

    Args:
        workers: Those who do the work; this closes them.
    """

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.workers = len(workers)
        self._is_closing = threading.Event()
        self._requests: queue.PriorityQueue[tuple[int, int, int, _Request | None]] = (
            queue.PriorityQueue()
        )
        self._numbers = itertools.count()
        self._pool = list(workers)
        self._threads = [
            threading.Thread(target=self._work, args=(worker,), daemon=True) for worker in workers
        ]
        for thread in self._threads:
            thread.start()

    def run(self, job: Job, tell: Tell = ignore_news, at_work: AtWork = ignore_state) -> JobResult:
        """Do a job in a worker, and wait for its result.

        Args:
            job: The work. Its deadline counts from when a worker takes it up.
            tell: Is called with what is told while the job goes on, from a worker's thread.
            at_work: Is called with True when a worker takes the job up, and with False when it
                leaves it, from that worker's thread.

        Returns:
            What `run_job` returns; `broken` too where the deadline is missed, or where the worker
            dies again and again.

        Raises:
            JobCancelled: The job was cancelled. What `tell` and `at_work` raise is raised here too.
            TaskwrightError: There is no worker any more, and no prospect of one.
        """
        request = _Request(job, tell, at_work, Future(), next(self._numbers))
        self._put(request)
        return request.result.result()

    def cancel(self, *, running: bool = True) -> None:
        """Cancel the jobs that wait for a worker. Those that are asked for later are done.

        Args:
            running: Whether the jobs under way are cancelled too, by killing what does them.
        """
        self._refuse_waiting(JobCancelled())
        if running:
            for worker in self._pool:
                worker.cancel()

    def close(self) -> None:
        """Cancel all jobs, and end the workers and their threads. Calling it twice is harmless."""
        self._is_closing.set()
        self.cancel()
        for _ in self._threads:
            self._requests.put((LAST, 0, next(self._numbers), None))
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _put(self, request: _Request) -> None:
        self._requests.put((*request.place, request))

    def _refuse_waiting(self, error: BaseException) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                *_, request = self._requests.get_nowait()
                if request is not None:
                    request.result.set_exception(error)

    def _work(self, worker: Worker) -> None:
        """What the thread of a worker does."""
        while True:
            *_, request = self._requests.get()
            if request is None:
                break
            if worker.is_ready:
                self._have_done(worker, request)
            elif self._is_closing.is_set():
                request.result.set_exception(JobCancelled())
            else:
                # Whoever is ready before this one does the job.
                self._put(request)
                self._get_ready(worker)
        worker.close()

    def _get_ready(self, worker: Worker) -> None:
        try:
            worker.get_ready(self._is_closing)
        except BaseException as error:
            worker.close()
            self._refuse_waiting(error)

    def _have_done(self, worker: Worker, request: _Request) -> None:
        try:
            result = worker.do(request.job, request.tell, request.at_work)
        except WorkerLost as lost:
            request.losses += 1
            if request.losses < LOSSES and request.job.tries > 1:
                self._put(request)
                return
            times = "" if request.losses == 1 else f" {request.losses} times, the last time"
            why = f"its worker was lost{times} because {lost}"
            result = broken(request.job, f"The {request.job.kind} was not finished: {why}")
        except BaseException as error:
            request.result.set_exception(error)
            return
        request.result.set_result(result)
