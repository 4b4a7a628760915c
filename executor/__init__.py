"""Runs checks and trials as jobs: functions of bytes, each with its own deadline.

- `EXECUTORS`: the executors by the name that the setting `run.executor` gives them
- `job`: what a job, its result and an executor are, and `run_job`, which does one
- `pool.PooledExecutor`: jobs that wait for one of several workers, as in all executors of ours
- `local.LocalExecutor`: runs jobs on this machine, in as many processes as wanted
- `ray_executor.RayExecutor`: runs jobs on the nodes of a Ray cluster; `ray_connection`,
  `ray_cluster` and `ray_node` are parts of it, which import Ray once they are used
- `worker_process.WorkerProcess`: one such process: its deadlines, tries and cancelling
- `worker`: what it runs; `conversation`: what the two say to each other
- `contents.Contents`: files that are remembered by the hash of their content

A job holds no database handle, names no file and shares no state, and doing it twice gives the
same answer: another executor can send it to another machine. To add one, write a subclass of
`job.Executor` in a file of its own and add a line to `EXECUTORS`, which
`tests/executor/test_every_executor.py` tries; or add it from a package of your own, by an entry
point of the group `GROUP`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from ..errors import TaskwrightError, UsageError
from ..sandbox.processes.cores import cores
from .job import Executor
from .local import LocalExecutor
from .ray_executor import RayExecutor

if TYPE_CHECKING:
    from ..config import RunConfig

Factory = Callable[["RunConfig"], Executor]
"""Makes an executor by the settings of a run. Of these, `workers` is how many jobs it does at once;
where that is None, as many as suit it."""

EXECUTORS: dict[str, Factory] = {
    "local": lambda run: LocalExecutor(run.workers or cores()),
    "ray": lambda run: RayExecutor(
        run.workers, run.ray_address, needs_token=run.ray_authentication == "token"
    ),
}
GROUP = "taskwright.executors"
"""The entry points by which installed packages add executors: a name, and a `Factory`. None
replaces one of ours."""


def executors() -> dict[str, str]:
    """All executors that there are: ours, and those of installed packages.

    Returns:
        By the name of each, the package that it comes from.
    """
    added = {entry.name: _package(entry) for entry in entry_points(group=GROUP)}
    return dict.fromkeys(EXECUTORS, "taskwright") | {
        name: package for name, package in sorted(added.items()) if name not in EXECUTORS
    }


def make_executor(run: RunConfig) -> Executor:
    """The executor that the setting `run.executor` names, to be used as a context manager.
    Everything that computes asks here.

    Args:
        run: The settings of a run; `executor` is one of `executors()`.

    Returns:
        The executor. Its workers start when they are needed.

    Raises:
        UsageError: There is no executor of this name, the package that adds it does not work, or
            it cannot work as it is set.
    """
    name = run.executor
    if name in EXECUTORS:
        return EXECUTORS[name](run)
    require_known(name)
    (entry, *_) = (entry for entry in entry_points(group=GROUP) if entry.name == name)
    package = _package(entry)
    try:
        executor = entry.load()(run)
    except TaskwrightError:
        raise
    except Exception as error:
        raise _unusable(name, package, f"{type(error).__name__}: {error}") from error
    if not isinstance(executor, Executor):
        raise _unusable(name, package, f"it makes a {type(executor).__name__}, and no `Executor`")
    return executor


def require_known(name: str) -> None:
    """See that there is an executor of a name.

    Args:
        name: Such as the setting `run.executor` holds.

    Raises:
        UsageError: There is none.
    """
    if name not in executors():
        raise UsageError(
            f"There is no executor {name!r}.",
            f"Choose one of these: {', '.join(executors())}; or install the package that adds it.",
        )


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "an unknown package"


def _unusable(name: str, package: str, reason: str) -> UsageError:
    return UsageError(
        f"The executor {name!r} of the package {package} does not work ({reason}).",
        f"Install that package anew, or choose one of ours: {', '.join(EXECUTORS)}.",
    )
