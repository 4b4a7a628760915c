"""What runs on the nodes of a Ray cluster. It imports nothing of Ray, which starts and calls it.

On each node `examine` is called once, and a `NodeWorker` is made for each worker there. The process
that it lives in is Ray's and trusted, like the raylet that starts it; jobs are done in a
`WorkerProcess` of it, which is started with an environment of a few fixed variables.
"""

from __future__ import annotations

import dataclasses
import os
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ..sandbox import host
from ..sandbox.processes.cores import cores
from ..versions import code_digest, installed_versions
from .job import Job, JobResult
from .worker_process import WorkerProcess

WATCH_S = 1.0
"""How often a worker looks whether its raylet is there. Ray itself lets a worker that computes
outlive a raylet that was killed; within this time and a moment it is gone instead."""


def examine(tries_to_break_out: bool = False) -> dict[str, Any]:
    """Look at the node that this is called on.

    Args:
        tries_to_break_out: Whether each forbidden thing is also tried from inside a sandbox, which
            takes seconds.

    Returns:
        Plain data, which another version of us could read: the `versions` of packages; the digest
        of our `code`; `asks_for_token`, whether Ray does; the names of `keys` in the environment;
        the `isolation`; and which forbidden things are `possible`.

    Raises:
        BrokenError: No sandbox starts here.
    """
    found: dict[str, Any] = {
        "versions": installed_versions(),
        "code": code_digest(),
        "asks_for_token": os.environ.get("RAY_AUTH_MODE", "").lower() == "token",
        "keys": sorted(name for name in os.environ if name.endswith("_API_KEY")),
        "isolation": dataclasses.asdict(host.isolation()),
        "possible": [],
    }
    if tries_to_break_out:
        found["possible"] = [name for name, how in host.probe().items() if not how]
    return found


@dataclasses.dataclass(frozen=True)
class Failure:
    """Said where a job could not be done for a reason that says nothing of it."""

    reason: str


class NodeWorker:
    """Does one job at a time on the node that it is made on, and tells how it goes.

    It is an actor of Ray. Its process may die at any time: what it has started is then gone too,
    because the kernel ends a worker process with the thread that has started it.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for target in (self._work, _end_with_raylet):
            threading.Thread(target=target, daemon=True).start()

    def is_there(self) -> bool:
        """Whether it lives: an answer says so."""
        return True

    def begin(self, job: Job, inputs: dict[str, Any]) -> list[Any]:
        """Begin a job.

        Args:
            job: The work, without its files.
            inputs: Where these are in Ray's object store, by their digests. What the worker process
                has from earlier jobs is not fetched.

        Returns:
            The first of what `more` returns.
        """
        self._jobs.put(dataclasses.replace(job, inputs=_InStore(inputs)))  # type: ignore[arg-type]
        return self.more()

    def more(self) -> list[Any]:
        """Wait until there is something to tell of the job.

        Returns:
            All that there is by then, which is at least one thing: what the job tells, and in the
            end its `JobResult`, or a `Failure`.
        """
        news = [self._news.get()]
        while not self._news.empty():
            news.append(self._news.get())
        return news

    def _work(self) -> None:
        """What the thread of the worker process does, as long as this process lives."""
        worker = WorkerProcess(cores())
        while True:
            job = self._jobs.get()
            end: JobResult | Failure
            try:
                end = worker.do(job, self._news.put)
            except Exception as error:
                # Such as an input that is no longer in the store.
                end = Failure(f"{type(error).__name__}: {error}")
            self._news.put(end)


class _InStore(Mapping[str, bytes]):
    """Files by their digests, each fetched when it is wanted."""

    def __init__(self, places: dict[str, Any]) -> None:
        self._places = places

    def __getitem__(self, digest: str) -> bytes:
        import ray

        return bytes(ray.get(self._places[digest]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _end_with_raylet() -> None:
    raylet = os.getppid()
    while os.getppid() == raylet:
        time.sleep(WATCH_S)
    os._exit(1)
