"""Jobs on this machine, in processes of their own."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType

from ..errors import BrokenError
from ..sandbox.processes.channel import ChildFault, ChildTimeout
from ..sandbox.processes.process import ModuleProcess
from ..task import CurvePoint, from_json
from .job import AtWork, Job, JobCancelled, JobResult, Tell

TRIES = 2
"""How often a job is begun whose worker dies: the system may have been short of memory."""


@dataclass
class _Order:
    """A job, and who waits for it."""

    job: Job
    tell: Tell
    at_work: AtWork
    result: Future[JobResult]


class LocalExecutor:
    """Runs up to `workers` jobs at a time, each in a worker process that is kept warm between them.

    A worker that dies or misses a deadline is replaced; other jobs are not affected. Jobs wait for
    a free worker, checks and pictures before trials: they are short, and somebody waits for each.
    Use as a context manager, or call `close`.
    """

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self._orders: queue.PriorityQueue[tuple[int, int, _Order | None]] = queue.PriorityQueue()
        self._sequence = itertools.count()
        self._benches = [_Bench(self._next_order) for _ in range(workers)]

    def run(
        self, job: Job, tell: Tell = lambda point: None, at_work: AtWork = lambda is_it: None
    ) -> JobResult:
        """Do a job and wait for its result; any number of threads may ask at once.

        `tell` and `at_work` are called from another thread. Raises JobCancelled, and whatever those
        two raise, but nothing for what goes wrong in the job.
        """
        order = _Order(job, tell, at_work, Future())
        self._put(order, rank=1 if job.kind == "trial" else 0)
        return order.result.result()

    def cancel(self, *, running: bool = True) -> None:
        """Cancel the jobs that wait for a worker and, unless told otherwise, those under way: what
        their workers still do ends now, with all they started. Later jobs are not affected."""
        with contextlib.suppress(queue.Empty):
            while True:
                *_, order = self._orders.get_nowait()
                if order is not None:
                    order.result.set_exception(JobCancelled())
        if running:
            for bench in self._benches:
                bench.cancel()

    def close(self) -> None:
        """End the workers and all they started. Calling it twice is harmless."""
        self.cancel()
        for _ in self._benches:
            self._put(None, rank=2)
        for bench in self._benches:
            bench.join()
        self._benches.clear()

    def _put(self, order: _Order | None, rank: int) -> None:
        self._orders.put((rank, next(self._sequence), order))

    def _next_order(self) -> _Order | None:
        return self._orders.get()[2]

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Bench(threading.Thread):
    """Where one worker works. A worker ends with the thread that started it, so this one lasts."""

    def __init__(self, next_order: Callable[[], _Order | None]) -> None:
        super().__init__(daemon=True)
        self._next_order = next_order
        self._lock = threading.Lock()
        self._worker: ModuleProcess | None = None
        self._order: _Order | None = None
        self._cancelled = False
        self.start()

    @property
    def pid(self) -> int | None:
        """The worker's process id; None while there is no worker."""
        return self._worker.pid if self._worker else None

    def run(self) -> None:
        while (order := self._next_order()) is not None:
            with self._lock:
                self._order, self._cancelled = order, False
            try:
                order.at_work(True)
                try:
                    result = self._do(order)
                finally:
                    order.at_work(False)
            except BaseException as error:
                # What the worker still does is of no use to anybody.
                self._end_worker()
                order.result.set_exception(error)
            else:
                order.result.set_result(result)
            with self._lock:
                self._order = None
        self._end_worker()

    def cancel(self) -> None:
        """End the job under way, if there is one."""
        with self._lock:
            if self._order is not None:
                self._cancelled = True
                if self._worker is not None:
                    self._worker.kill()

    def _do(self, order: _Order) -> JobResult:
        job = order.job
        deadline = time.monotonic() + job.deadline_s
        fault: Exception
        for _ in range(TRIES):
            try:
                return self._try(order, deadline)
            except ChildTimeout:
                self._end_worker()
                reason = f"did not finish within {job.deadline_s:g} s and was stopped."
                return JobResult(job.job_id, broken=f"The {job.kind} {reason}")
            except (ChildFault, BrokenError) as error:
                self._end_worker()
                fault = error
                if self._cancelled:
                    raise JobCancelled from error
        return JobResult(job.job_id, broken=f"The {job.kind} was not finished: {fault}")

    def _try(self, order: _Order, deadline: float) -> JobResult:
        worker = self._living_worker()
        worker.send(dataclasses.asdict(order.job))
        while True:
            left = max(deadline - time.monotonic(), 0.0)
            message = worker.receive(f"The {order.job.kind}", left)
            if "result" in message:
                return from_json(JobResult, json.dumps(message["result"]))
            order.tell(from_json(CurvePoint, json.dumps(message["point"])))

    def _living_worker(self) -> ModuleProcess:
        if self._worker is not None and not self._worker.is_alive:
            # It died while it had nothing to do.
            self._end_worker()
        with self._lock:
            if self._cancelled:
                raise JobCancelled
            if self._worker is None:
                self._worker = ModuleProcess("taskwright.executor.worker")
            return self._worker

    def _end_worker(self) -> None:
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
