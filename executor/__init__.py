"""Runs checks and trials as jobs: plain data in, plain data out, each with its own deadline.

- `EXECUTORS`: the executors by the name that the setting `run.executor` gives them
- `job`: what a job, its result and an executor are, and `run_job`, which does one
- `pool.PooledExecutor`: jobs that wait for one of several workers, as in all executors of ours
- `local.LocalExecutor`: runs jobs on this machine, in as many processes as wanted
- `worker_process.WorkerProcess`: one such process: its deadlines, tries and cancelling
- `worker`: what it runs

A job holds no database handle and shares no state, and doing it twice gives the same answer:
another executor can send it to another machine. To add one, write a subclass of `job.Executor` in a
file of its own and add a line to `EXECUTORS`; `tests/executor/test_every_executor.py` tries it.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import UsageError
from .job import Executor
from .local import LocalExecutor, cores

EXECUTORS: dict[str, Callable[[int], Executor]] = {
    "local": LocalExecutor,
}


def make_executor(name: str, workers: int | None = None) -> Executor:
    """The executor that the setting `run.executor` names, to be used as a context manager.

    Args:
        name: A key of `EXECUTORS`.
        workers: How many jobs it does at once. None: one per core of this machine.

    Raises:
        UsageError: There is no executor of this name.
    """
    if name not in EXECUTORS:
        raise UsageError(
            f"The setting `run.executor` is {name!r}, and there is no such executor.",
            f"Choose one of these: {', '.join(EXECUTORS)}.",
        )
    return EXECUTORS[name](workers or cores())
