"""Runs checks and trials as jobs: functions of bytes, each with its own deadline.

- `EXECUTORS`: the executors by the name that the setting `run.executor` gives them
- `job`: what a job, its result and an executor are, and `run_job`, which does one
- `local.LocalExecutor`: runs jobs on this machine, in as many processes as wanted
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

from ..errors import TaskwrightError, UsageError
from ..sandbox.processes.cores import cores
from .job import Executor
from .local import LocalExecutor

Factory = Callable[[int | None], Executor]
"""Makes an executor with so many workers; with as many as suit it where that is None."""

EXECUTORS: dict[str, Factory] = {
    "local": lambda workers: LocalExecutor(workers or cores()),
}
GROUP = "taskwright.executors"
"""The entry points by which installed packages add executors: a name, and a `Factory`, such as a
subclass of `Executor` that is made with the number of its workers. None replaces one of ours."""


def executors() -> dict[str, str]:
    """Who computes: by the names of all executors, the packages that they come from."""
    added = {entry.name: _package(entry) for entry in entry_points(group=GROUP)}
    return dict.fromkeys(EXECUTORS, "taskwright") | {
        name: package for name, package in sorted(added.items()) if name not in EXECUTORS
    }


def make_executor(name: str, workers: int | None = None) -> Executor:
    """The executor of a name, to be used as a context manager. Everything that computes asks here.

    Args:
        name: One of `executors()`, such as the setting `run.executor` names.
        workers: How many jobs it does at once. None: as many as suit it; one per core of this
            machine where it is `local`.

    Raises:
        UsageError: There is no executor of this name, or the package that adds it does not work.
    """
    if name in EXECUTORS:
        return EXECUTORS[name](workers)
    found = [entry for entry in entry_points(group=GROUP) if entry.name == name]
    if not found:
        raise UsageError(
            f"There is no executor {name!r}.",
            f"Choose one of these: {', '.join(executors())}; or install the package that adds it.",
        )
    package = _package(found[0])
    try:
        executor = found[0].load()(workers)
    except TaskwrightError:
        raise
    except Exception as error:
        raise _unusable(name, package, f"{type(error).__name__}: {error}") from error
    if not isinstance(executor, Executor):
        raise _unusable(name, package, f"it makes a {type(executor).__name__}, and no `Executor`")
    return executor


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "an unknown package"


def _unusable(name: str, package: str, reason: str) -> UsageError:
    return UsageError(
        f"The executor {name!r} of the package {package} does not work ({reason}).",
        f"Install that package anew, or choose one of ours: {', '.join(EXECUTORS)}.",
    )
