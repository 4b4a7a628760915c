"""A Ray cluster: which of its nodes may be used, and what is started and kept on them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..errors import UsageError
from ..sandbox.host import describe_missing
from ..sandbox.isolation import LEVELS, Isolation, Level
from ..text import one_line
from ..versions import code_digest, installed_versions
from .ray_connection import TOKEN_REMEDY, connect, in_short
from .ray_node import NodeWorker, examine

EXAMINE_TIMEOUT_S = 120.0
"""How long a node may take to be examined: Ray starts a process there, and that a sandbox."""
LOOK_EVERY_S = 1.0
STORE_BYTES = 256_000_000
"""Of inputs that the cluster keeps for later jobs; a policy has 80 to 160 kB."""
ONLY_HERE = ("openai", "sentence-transformers")
"""Packages that no job needs: a node may have another version of them, or none."""
INSTALL_REMEDY = (
    "Install there what this machine has, in the environment from which Ray is started: the same "
    "Taskwright with the same packages."
)
ISOLATION_REMEDY = (
    "Take it out of the cluster, or give it Linux 5.13 or later with Landlock and seccomp; where "
    "it holds nothing of value, --require-isolation none."
)


@dataclass(frozen=True)
class Node:
    """A node that is alive and that has CPUs, and what has been found there."""

    node_id: str
    name: str
    """Its host name and its address."""
    cpus: int
    """How many workers it can hold: one for each CPU that Ray was told of."""
    found: dict[str, Any] | None = None
    """What `ray_node.examine` returned; None where it did not."""
    fault: str = ""
    """Why it may not be used, as what follows its name in a sentence. Empty where it may."""
    remedy: str = ""

    @property
    def isolation(self) -> Isolation:
        """The isolation of a sandbox there; only of a node on which one has started."""
        assert self.found is not None
        return Isolation(**self.found["isolation"])


class Cluster:
    """A connection to a Ray cluster. Any thread may use it.

    Args:
        address: `HOST:PORT` of the head, or `auto` for the cluster that this machine is in.
        needs_token: Whether nodes are refused that let in who has no token.
        warn: Is called with a sentence about each node that comes later and is left out.
        tries_to_break_out: See `ray_node.examine`.

    Raises:
        UsageError: There is no Ray here, no cluster at the address, or no way in.
    """

    def __init__(
        self,
        address: str,
        needs_token: bool,
        warn: Callable[[str], None],
        *,
        tries_to_break_out: bool = False,
    ) -> None:
        self.ray, self._is_ours = connect(address, needs_token)
        self._needs_token = needs_token
        self._warn = warn
        self._tries_to_break_out = tries_to_break_out
        self._required: Level = "none"
        self._lock = threading.Lock()
        self._nodes: dict[str, Node] = {}
        """Those that were alive a moment ago and have been examined."""
        self._new: dict[str, tuple[Node, Any, float]] = {}
        """Those that are being examined, the answer to come, and until when."""
        self._looked_at = -LOOK_EVERY_S
        self._store: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._store_bytes = 0
        self._unusable_since: float | None = None
        self._is_in_use = False
        """Whether nodes that come now come later than others."""
        self._said: set[str] = set()

    def nodes(self) -> list[Node]:
        """Wait until all nodes that have CPUs have been examined.

        Returns:
            These nodes by name, also those that may not be used.
        """
        while True:
            with self._lock:
                self._look()
                if not self._new:
                    self._is_in_use = True
                    return sorted(self._nodes.values(), key=lambda node: node.name)
            time.sleep(0.1)

    def require(self, level: Level) -> Isolation:
        """Leave out nodes that come later and isolate task code less than that.

        Args:
            level: What is required.

        Returns:
            The isolation of the node where it is least.

        Raises:
            UsageError: It is less than required on one that is there now.
        """
        self._required = level
        nodes = self.nodes()
        for node in nodes:
            require_usable(node if node.fault else self._judged(node))
        return min((node.isolation for node in nodes), key=lambda it: LEVELS.index(it.level))

    def usable(self) -> frozenset[str]:
        """The ids of the nodes that may be used, as far as they are alive and examined by now."""
        with self._lock:
            self._look()
            usable = frozenset(node.node_id for node in self._nodes.values() if not node.fault)
            if usable:
                self._unusable_since = None
            elif self._unusable_since is None:
                self._unusable_since = time.monotonic()
                self._warn("The cluster has no node left that can be used: the run waits for one.")
            return usable

    @property
    def unusable_s(self) -> float:
        """For how long, in seconds, no node could be used, as far as `usable` was asked; 0.0 where
        one can."""
        since = self._unusable_since
        return 0.0 if since is None else time.monotonic() - since

    def warn_once(self, text: str) -> None:
        """Warn of something, however many workers notice it.

        Args:
            text: A sentence.
        """
        with self._lock:
            is_new = text not in self._said
            self._said.add(text)
        if is_new:
            self._warn(text)

    def start_worker(self, usable: frozenset[str]) -> Any:
        """Have a `NodeWorker` started, where a CPU is free.

        Args:
            usable: The ids of the nodes of which one is to be taken.

        Returns:
            The actor, which need not live yet, and does not while no CPU is free.
        """
        worker = self.ray.remote(NodeWorker).options(
            num_cpus=1,
            label_selector={"ray.io/node-id": f"in({','.join(sorted(usable))})"},
            # What dies is begun again by us: only we know what was under way.
            max_restarts=0,
            max_task_retries=0,
        )
        return worker.remote()

    def put(self, digest: str, data: bytes) -> Any:
        """Put a file into the cluster's object store, unless it is there already. Each node keeps
        it once it has fetched it.

        Args:
            digest: Its name by its content.
            data: Its bytes.

        Returns:
            What `ray.get` takes.
        """
        with self._lock:
            if digest not in self._store:
                self._store[digest] = self.ray.put(data), len(data)
                self._store_bytes += len(data)
            self._store.move_to_end(digest)
            while self._store_bytes > STORE_BYTES and len(self._store) > 1:
                self._drop(next(iter(self._store)))
            return self._store[digest][0]

    def forget(self, digest: str) -> None:
        """Put a file in anew when it is wanted next, since it may have been lost with a node.

        Args:
            digest: Its name by its content.
        """
        with self._lock:
            if digest in self._store:
                self._drop(digest)

    def close(self) -> None:
        """End the connection, and with it all that was started through it. Calling it twice is
        harmless."""
        if self._is_ours:
            self._is_ours = False
            self.ray.shutdown()

    def _drop(self, digest: str) -> None:
        _, size_bytes = self._store.pop(digest)
        self._store_bytes -= size_bytes

    def _look(self) -> None:
        """See which nodes are alive, and examine those that are new. The lock is held."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            alive = {node.node_id: node for node in map(_alive, self.ray.nodes()) if node}
            for known in (self._nodes, self._new):
                for node_id in known.keys() - alive.keys():
                    del known[node_id]
            for node_id in alive.keys() - self._nodes.keys() - self._new.keys():
                answer = self._examination(node_id)
                self._new[node_id] = alive[node_id], answer, now + EXAMINE_TIMEOUT_S
        for node_id, (node, answer, deadline) in [*self._new.items()]:
            if self.ray.wait([answer], timeout=0)[0] or now > deadline:
                del self._new[node_id]
                self._nodes[node_id] = judged = self._judged(self._examined(node, answer))
                if judged.fault and self._is_in_use:
                    self._warn(f"The node {node.name} {judged.fault}: it is left out.")

    def _examination(self, node_id: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # Its process is of no more use afterwards, nor are the sandboxes that it keeps warm.
        examination = self.ray.remote(num_cpus=0, max_retries=0, max_calls=1)(examine)
        place = NodeAffinitySchedulingStrategy(node_id, soft=False)
        examination = examination.options(scheduling_strategy=place)
        return examination.remote(self._tries_to_break_out)

    def _judged(self, node: Node) -> Node:
        return judged(node, needs_token=self._needs_token, required=self._required)

    def _examined(self, node: Node, answer: Any) -> Node:
        try:
            return replace(node, found=self.ray.get(answer, timeout=0))
        except self.ray.exceptions.GetTimeoutError:
            fault = f"did not answer within {EXAMINE_TIMEOUT_S:g} s"
        except Exception as error:
            fault = f"cannot run Taskwright ({in_short(error)})"
        return replace(node, fault=fault, remedy=INSTALL_REMEDY)


def judged(node: Node, *, needs_token: bool, required: Level) -> Node:
    """Decide whether a node may be used.

    Args:
        node: One that has been examined.
        needs_token: Whether it has to ask for a token.
        required: How far it has to isolate task code.

    Returns:
        The node, with its fault and the remedy where it may not be used.
    """
    found = node.found
    if found is None:
        return node
    versions = installed_versions()
    for package in sorted(versions.keys() - {*ONLY_HERE}):
        there = found["versions"].get(package)
        if there != versions[package]:
            has = f"has {package} {there}" if there else f"lacks {package}"
            fault = f"{has}, and this machine has {versions[package]}"
            return replace(node, fault=fault, remedy=INSTALL_REMEDY)
    if found["code"] != code_digest():
        fault = "has another Taskwright than this machine, although it is called the same version"
        return replace(node, fault=fault, remedy=INSTALL_REMEDY)
    if needs_token and not found["asks_for_token"]:
        fault = "asks for no token, so that anybody who reaches it can run programs there"
        return replace(node, fault=fault, remedy=TOKEN_REMEDY)
    isolation = node.isolation
    if LEVELS.index(isolation.level) < LEVELS.index(required):
        fault = (
            f"has {isolation.level} isolation, but {required} is required: task code could "
            f"{describe_missing(isolation)}"
        )
        return replace(node, fault=fault, remedy=ISOLATION_REMEDY)
    return node


def require_usable(node: Node) -> None:
    """Raises UsageError where a node may not be used.

    Args:
        node: One that has been examined.
    """
    if node.fault:
        raise UsageError(f"The node {node.name} of the cluster {node.fault}.", node.remedy)


def _alive(row: dict[str, Any]) -> Node | None:
    """A row of Ray's table of nodes; None where it is dead or has no CPU for us."""
    cpus = int(row.get("Resources", {}).get("CPU", 0))
    if not row["Alive"] or cpus < 1:
        return None
    host, address = row["NodeManagerHostname"], row["NodeManagerAddress"]
    return Node(row["NodeID"], one_line(f"{host} ({address})"), cpus)
