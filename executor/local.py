"""Jobs on this machine, in processes of their own, and how they share its cores."""

from __future__ import annotations

import os
from pathlib import Path

from .pool import PooledExecutor
from .worker_process import WorkerProcess

CGROUP = Path("/sys/fs/cgroup/cpu.max")


def cores(quota: Path = CGROUP) -> int:
    """The number of cores that this process may use.

    Args:
        quota: The file in which Linux tells the share of the cores that a container may use.

    Returns:
        The cores that the process may run on, or those that its container may use where these are
        fewer; at least 1.
    """
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    try:
        most, period = quota.read_text().split()
        return min(count, max(round(int(most) / int(period)), 1))
    except (OSError, ValueError):
        # No such limit: the file is missing, or says "max".
        return count


def processes_for(processes: int | None, workers: int) -> int:
    """How many processes step the environments of each trial.

    A worker learns while its processes wait, so one core for both is enough.

    Args:
        processes: The number that was asked for; None where nobody asked for one.
        workers: How many trials run at once.

    Returns:
        What was asked for, else an even share of the cores; at least 1.
    """
    return processes or max(cores() // workers, 1)


class LocalExecutor(PooledExecutor):
    """Runs up to `workers` jobs at a time, each in a worker process that is kept warm between them.

    A worker that dies or misses a deadline is replaced; other jobs are not affected. Use as a
    context manager, or call `close`.

    Args:
        workers: How many jobs are done at once. A process starts with the first job it is given.
    """

    def __init__(self, workers: int = 1) -> None:
        super().__init__([WorkerProcess() for _ in range(workers)])
