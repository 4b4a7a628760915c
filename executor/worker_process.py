"""One worker process, seen from the side that gives it jobs: deadlines, tries and cancelling."""

from __future__ import annotations

import threading
import time

from ..errors import BrokenError
from ..sandbox.processes.channel import ChildFault, ChildTimeout
from ..sandbox.processes.process import ModuleProcess
from .conversation import MAX_MESSAGE_BYTES, have_done
from .job import AtWork, Job, JobCancelled, JobResult, Tell, ignore_news, ignore_state


class WorkerProcess:
    """Does one job at a time in a worker process, which is kept warm between jobs and is replaced
    when it dies or misses a deadline.

    The process starts with the first job. It ends with the *thread* that gave it that job, so one
    thread gives it all of them and lasts as long as it is wanted. Only `cancel`, `is_busy` and
    `pid` are for other threads.

    Args:
        workers: How many of them share this machine, and so its cores.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._lock = threading.Lock()
        self._process: ModuleProcess | None = None
        self._is_busy = False
        self._is_cancelled = False

    @property
    def pid(self) -> int | None:
        """The process id; None while there is no process."""
        process = self._process
        return process.pid if process else None

    @property
    def is_busy(self) -> bool:
        """Whether a job is under way."""
        return self._is_busy

    def do(self, job: Job, tell: Tell = ignore_news, at_work: AtWork = ignore_state) -> JobResult:
        """Do a job and wait for its result.

        Args:
            job: The work. Its deadline counts from now.
            tell: Is called with what is told while the job goes on, from this thread.
            at_work: Is called with True now and with False when the job has ended, however it ends,
                from this thread.

        Returns:
            What `run_job` returns; `broken` too where the deadline is missed, or where the process
            dies in each of the job's tries.

        Raises:
            JobCancelled: `cancel` was called. What `tell` and `at_work` raise is raised here too.
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
            # What the process still does is of no use to anybody.
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
                if self._process is not None:
                    self._process.kill()

    def close(self) -> None:
        """End the process and all it started. Calling it twice is harmless; a job that is done
        later starts another."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def _do(self, job: Job, tell: Tell) -> JobResult:
        deadline = time.monotonic() + job.deadline_s
        fault: Exception
        for _ in range(job.tries):
            try:
                return self._try(job, tell, deadline)
            except ChildTimeout:
                self.close()
                reason = f"did not finish within {job.deadline_s:g} s and was stopped."
                return JobResult(job.job_id, broken=f"The {job.kind} {reason}")
            except (ChildFault, BrokenError) as error:
                self.close()
                fault = error
                if self._is_cancelled:
                    raise JobCancelled from error
        return JobResult(job.job_id, broken=f"The {job.kind} was not finished: {fault}")

    def _try(self, job: Job, tell: Tell, deadline: float) -> JobResult:
        return have_done(self._living_process(), job, tell, deadline)

    def _living_process(self) -> ModuleProcess:
        if self._process is not None and not self._process.is_alive:
            # It died while it had nothing to do.
            self.close()
        with self._lock:
            if self._is_cancelled:
                raise JobCancelled
            if self._process is None:
                self._process = ModuleProcess(
                    "taskwright.executor.worker",
                    str(self._workers),
                    max_reply_bytes=MAX_MESSAGE_BYTES,
                )
            return self._process
