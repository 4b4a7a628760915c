"""What the sandbox's tests share: a look at the processes that are really there."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


class Processes:
    """Reads /proc. A process that has ended but was not waited for yet does not count as alive."""

    def sandboxed_by(self, parent_pid: int) -> list[int]:
        """Ids of the sandboxed children that a process has had forked for it."""
        return [pid for pid in self.serving(parent_pid) if self._name(pid) == "taskwright-task"]

    def serving(self, parent_pid: int) -> list[int]:
        """Ids of the fork server of a process and of all that was forked from it."""
        marks = {"taskwright.sandbox.forkserver", str(parent_pid)}
        return [pid for pid in self._all() if marks <= set(self._command(pid))]

    def in_session(self, session: int) -> list[int]:
        """Ids of the living processes of a session; a sandboxed child leads one of its own."""
        return [pid for pid in self._all() if self._stat(pid)[3:4] == [str(session)]]

    def is_alive(self, pid: int) -> bool:
        return self._stat(pid)[:1] not in ([], ["Z"], ["X"])

    def cpu_s(self, pid: int) -> float:
        """Computing time a process has used."""
        user, system = self._stat(pid)[11:13] or (0, 0)
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _all(self) -> Iterator[int]:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and self.is_alive(int(entry.name)):
                yield int(entry.name)

    def _command(self, pid: int) -> list[str]:
        try:
            return (Path("/proc") / str(pid) / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            return []

    def _name(self, pid: int) -> str:
        try:
            return (Path("/proc") / str(pid) / "comm").read_text().strip()
        except OSError:
            return ""

    def _stat(self, pid: int) -> list[str]:
        """The fields of /proc/PID/stat from the state on; empty where there is no such process."""
        try:
            return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return []


@pytest.fixture(scope="session")
def processes() -> Processes:
    if sys.platform != "linux":
        pytest.skip("needs /proc")
    return Processes()


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    def wait(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """Poll until a condition holds; fails where it does not in time."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"not so within {timeout_s:g} s"
            time.sleep(0.01)

    return wait
