"""Runs checks and trials as jobs: plain data in, plain data out, each with its own deadline.

- `EXECUTORS`: the executors by the name that the setting `run.executor` gives them
- `job`: what a job, its result and an executor are, and `run_job`, which does one
- `pool.PooledExecutor`: jobs that wait for one of several workers, as in all executors of ours
- `local.LocalExecutor`: runs jobs on this machine, in as many processes as wanted
- `ray_executor.RayExecutor`: runs jobs on the nodes of a Ray cluster; `ray_connection`,
  `ray_cluster` and `ray_node` are parts of it, and need the package `ray` once they are used
- `worker_process.WorkerProcess`: one such process: its deadlines, tries and cancelling
- `worker`: what it runs

A job holds no database handle and shares no state, and doing it twice gives the same answer:
another executor can send it to another machine. To add one, write a subclass of `job.Executor` in a
file of its own and add a line to `EXECUTORS`; `tests/executor/test_every_executor.py` tries it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import UsageError
from .job import Executor
from .local import LocalExecutor, cores
from .ray_executor import RayExecutor

if TYPE_CHECKING:
    from ..config import RunConfig

Factory = Callable[["RunConfig"], Executor]
"""Makes an executor from the settings of a run, of which `workers` says how many jobs it does at
once; None: as many as suit it."""

EXECUTORS: dict[str, Factory] = {
    "local": lambda run: LocalExecutor(run.workers or cores()),
    "ray": lambda run: RayExecutor(
        run.workers, run.ray_address, needs_token=run.ray_authentication == "token"
    ),
}


def make_executor(run: RunConfig) -> Executor:
    """The executor that the setting `run.executor` names, to be used as a context manager.

    Args:
        run: The settings of a run.

    Raises:
        UsageError: There is no executor of this name, or it cannot work as it is set.
    """
    if run.executor not in EXECUTORS:
        raise UsageError(
            f"The setting `run.executor` is {run.executor!r}, and there is no such executor.",
            f"Choose one of these: {', '.join(EXECUTORS)}.",
        )
    return EXECUTORS[run.executor](run)
