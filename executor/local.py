"""Jobs on this machine, in a process of their own."""

from __future__ import annotations

import dataclasses
import json
import time
from types import TracebackType

from ..errors import BrokenError
from ..sandbox.channel import ChildFault, ChildTimeout
from ..sandbox.process import ModuleProcess
from ..task import CurvePoint, from_json
from .job import Job, JobResult, Tell


class LocalExecutor:
    """Runs jobs one at a time in a worker process that is kept warm between them.

    A worker that dies or misses a deadline is replaced; its job counts as broken, the next one is
    not affected. Use as a context manager, or call `close`. The worker ends with the thread that
    started it, so call `run` from one that lasts.
    """

    def __init__(self) -> None:
        self._worker: ModuleProcess | None = None

    def run(self, job: Job, tell: Tell = lambda point: None) -> JobResult:
        """Do a job and wait for its result. Never raises for what goes wrong in the job."""
        deadline = time.monotonic() + job.deadline_s
        try:
            if self._worker is None:
                self._worker = ModuleProcess("taskwright.executor.worker")
            self._worker.send(dataclasses.asdict(job))
            while True:
                left = max(deadline - time.monotonic(), 0.0)
                message = self._worker.receive(f"The {job.kind}", left)
                if "point" in message:
                    tell(from_json(CurvePoint, json.dumps(message["point"])))
                else:
                    return from_json(JobResult, json.dumps(message["result"]))
        except ChildTimeout:
            self.close()
            reason = f"The {job.kind} did not finish within {job.deadline_s:g} s and was stopped."
            return JobResult(job.job_id, broken=reason)
        except (ChildFault, BrokenError) as fault:
            self.close()
            return JobResult(job.job_id, broken=f"The {job.kind} was not finished: {fault}")
        except BaseException:
            # Interrupted: what the worker still does is of no use to anybody.
            self.close()
            raise

    def close(self) -> None:
        """End the worker and all it started."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
