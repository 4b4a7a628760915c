"""A Ray cluster on this machine, for tests: started as a program, it does what its standard input
says, `add` or `remove` a node, and answers with a line.

Its nodes are processes below its own, and none of them knows what the tests have in their
environment.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from processes import descendants, seconds_until_gone

TOKEN = "a-token-for-tests-of-nothing-of-value"
SMALL_STORE_BYTES = 80 * 2**20
SHUTDOWN_TIMEOUT_S = 30.0


def main() -> None:
    if os.fork():
        # A cluster is nobody's child: tests that kill all processes below them do not mean it.
        return
    print(os.getpid(), flush=True)
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": SMALL_STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line == "add\n":
            cluster.add_node(**node)
        else:
            cluster.remove_node(sorted(cluster.worker_nodes, key=id)[0], allow_graceful=False)
        print("done", flush=True)
    cluster.shutdown()


class RayNodes:
    """A cluster with one CPU on each of its nodes. Use as a context manager."""

    def __init__(self, nodes: int) -> None:
        environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        environment |= self.client_environment() | {"RAY_USAGE_STATS_ENABLED": "0"}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self._pid = int(self._process.stdout.readline())
        self.address = self._process.stdout.readline().strip()
        assert self.address, "no cluster has started"
        for _ in range(nodes - 1):
            self.add()

    @staticmethod
    def client_environment() -> dict[str, str]:
        """What a program needs in its environment to be let in."""
        return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}

    def add(self) -> None:
        self._do("add")

    def remove(self) -> None:
        """Kill all processes of a node that is not the head."""
        self._do("remove")

    def _do(self, what: str) -> None:
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"

    def processes(self, *words: str) -> list[int]:
        """The processes of the cluster whose command line has one of the words; all without any."""
        return [
            pid
            for pid in descendants(self._pid)
            if not words or any(word in command_line(pid) for word in words)
        ]

    def ours(self) -> list[int]:
        """Those that do our work: workers, and whatever they have started."""
        return self.processes("ray::NodeWorker", "taskwright.")

    def __enter__(self) -> RayNodes:
        return self

    def __exit__(self, *_: object) -> None:
        everything = [*descendants(self._pid), self._pid]
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        if seconds_until_gone([self._pid], SHUTDOWN_TIMEOUT_S) >= SHUTDOWN_TIMEOUT_S:
            for pid in everything:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def command_line(pid: int) -> str:
    """The command line of a process; empty once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


if __name__ == "__main__":
    main()
