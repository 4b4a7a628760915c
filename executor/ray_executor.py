"""Jobs on a Ray cluster: one worker for each of its CPUs, or as many as are asked for."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

from ..errors import UsageError, WorkersGoneError
from ..sandbox.isolation import Isolation, Level
from .job import Job, JobResult, Tell
from .pool import PooledExecutor, Worker, WorkerLost
from .ray_cluster import LOOK_EVERY_S, Cluster, require_usable
from .ray_connection import START_REMEDY, in_short
from .ray_node import Failure

GRACE_S = 60.0
"""How much later than its deadline a job may answer. The deadline is kept where the job is done;
this is for a node that says nothing any more."""
IS_THERE_TIMEOUT_S = 10.0
PATIENCE_S = 600.0
"""How long a run waits for a node to come, once there is none."""
SLOW_START_S = 60.0
"""After so long, it is told that a worker waits for its CPU: others may be using the cluster."""


class RayExecutor(PooledExecutor):
    """Runs jobs on a Ray cluster. Nothing but bytes goes there and back, and no environment.

    A job whose worker dies, or the node that it is on, is begun again on another one. A node that
    comes later takes the place of one that has gone. A cluster that has no node left is waited for.

    Args:
        workers: How many jobs are done at once. None: as many as the cluster has CPUs.
        address: `HOST:PORT` of the head, or `auto` for the cluster that this machine is in.
        needs_token: Whether nodes are refused that let in who has no token.

    Raises:
        UsageError: There is no Ray here, no cluster, no way in, a node that cannot do our jobs, or
            fewer CPUs than workers.
    """

    def __init__(
        self, workers: int | None = None, address: str = "auto", needs_token: bool = True
    ) -> None:
        self._cluster = Cluster(address, needs_token, lambda text: self.warn(text))
        try:
            count = self._places(workers)
        except BaseException:
            self._cluster.close()
            raise
        super().__init__([RayWorker(self._cluster) for _ in range(count)])

    def require_isolation(self, level: Level) -> Isolation:
        """The isolation of the node where it is least.

        Args:
            level: What is required, also of nodes that come later: those are left out.

        Returns:
            What task code is kept from everywhere.

        Raises:
            UsageError: It is less than required on some node.
        """
        return self._cluster.require(level)

    def close(self) -> None:
        """Cancel all jobs, end the workers, and leave the cluster. Calling it twice is harmless."""
        super().close()
        self._cluster.close()

    def _places(self, workers: int | None) -> int:
        nodes = self._cluster.nodes()
        for node in nodes:
            require_usable(node)
        cpus = sum(node.cpus for node in nodes)
        if cpus == 0:
            raise UsageError("No node of the cluster has a CPU for us.", START_REMEDY)
        if workers is not None and workers > cpus:
            raise UsageError(
                f"The cluster has {cpus} CPUs, and {workers} workers were asked for.",
                f"Ask for at most --workers {cpus}, or let more nodes join.",
            )
        return workers or cpus


class RayWorker(Worker):
    """One worker: an actor on some node, which is replaced when it dies.

    Args:
        cluster: Where it is.
    """

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._cluster = cluster
        self._ray = cluster.ray
        self._actor: Any = None

    @property
    def is_ready(self) -> bool:
        """Whether the actor answers."""
        if self._actor is None:
            return False
        try:
            self._ray.get(self._actor.is_there.remote(), timeout=IS_THERE_TIMEOUT_S)
        except self._ray.exceptions.RayError:
            return False
        return True

    def get_ready(self, is_closing: threading.Event) -> None:
        """Have an actor started, and wait until it lives.

        Args:
            is_closing: Set once nobody wants the worker any more.

        Raises:
            WorkersGoneError: For `PATIENCE_S` no node could be used.
        """
        began = time.monotonic()
        while not is_closing.is_set():
            self.close()
            if usable := self._cluster.usable():
                with self._lock:
                    self._actor = self._cluster.start_worker(usable)
                if self._lives(usable, is_closing):
                    return
            if self._cluster.unusable_s > PATIENCE_S:
                raise WorkersGoneError(
                    f"For {PATIENCE_S / 60:g} minutes the cluster had no node that can be used.",
                    "The same command goes on where it stopped, once there is one.",
                )
            if usable and time.monotonic() - began > SLOW_START_S:
                self._cluster.warn_once(
                    "Workers wait for CPUs of the cluster: others seem to be using them."
                )
            is_closing.wait(LOOK_EVERY_S)

    def _lives(self, usable: frozenset[str], is_closing: threading.Event) -> bool:
        """Wait until the actor lives. Returns whether it does: it will not where it has failed, and
        it is asked for anew where other nodes can be used by now or nobody has a CPU for it."""
        first = self._actor.is_there.remote()
        began = time.monotonic()
        while not is_closing.is_set() and self._cluster.usable() == usable:
            if self._ray.wait([first], timeout=LOOK_EVERY_S)[0]:
                return self.is_ready
            if time.monotonic() - began > SLOW_START_S:
                break
        return False

    def close(self) -> None:
        """End the actor with what it started. Calling it twice is harmless."""
        with self._lock:
            self._kill()
            self._actor = None

    def _kill(self) -> None:
        if self._actor is not None:
            self._ray.kill(self._actor)

    def _do(self, job: Job, tell: Tell) -> JobResult:
        with self._lock:
            self._raise_if_cancelled()
        deadline = time.monotonic() + job.deadline_s + GRACE_S
        try:
            inputs = {
                digest: self._cluster.put(digest, data) for digest, data in job.inputs.items()
            }
            answer = self._actor.begin.remote(dataclasses.replace(job, inputs={}), inputs)
            while True:
                left_s = max(deadline - time.monotonic(), 0.0)
                for news in self._ray.get(answer, timeout=left_s):
                    if isinstance(news, JobResult):
                        return news
                    if isinstance(news, Failure):
                        raise self._lost(job, news.reason)
                    tell(news)
                answer = self._actor.more.remote()
        except self._ray.exceptions.RayError as error:
            self._raise_if_cancelled(error)
            raise self._lost(job, in_short(error)) from error

    def _lost(self, job: Job, reason: str) -> WorkerLost:
        for digest in job.inputs:
            self._cluster.forget(digest)
        return WorkerLost(reason)
