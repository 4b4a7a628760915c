"""Jobs on this machine, in processes of their own."""

from __future__ import annotations

from .pool import PooledExecutor
from .worker_process import WorkerProcess


class LocalExecutor(PooledExecutor):
    """Runs up to `workers` jobs at a time, each in a worker process that is kept warm between them.

    A worker that dies or misses a deadline is replaced; other jobs are not affected. Use as a
    context manager, or call `close`.

    Args:
        workers: How many jobs are done at once. A process starts with the first job it is given.
    """

    def __init__(self, workers: int = 1) -> None:
        super().__init__([WorkerProcess(workers) for _ in range(workers)])
