"""Processes, as /proc tells of them: which a process has started, and whether they are gone.

One that has ended and is not yet waited for is gone: whoever inherits orphans may take their time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from pathlib import Path

SANDBOXED = "taskwright-task"
"""The name of the processes that generated code runs in, as the kernel cuts it."""


def descendants(pid: int, name: str = "") -> set[int]:
    """The running processes below one; only those whose name begins so, where one is given."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if fields := _stat(int(folder.name)):
            names[int(folder.name)], parents[int(folder.name)] = fields
    found: set[int] = set()
    while new := {child for child, parent in parents.items() if parent in {pid, *found}} - found:
        found |= new
    return {child for child in found if names[child].startswith(name)}


def is_running(pid: int) -> bool:
    return _stat(pid) is not None


def wait_until_gone(pids: Iterable[int], timeout_s: float = 2.0) -> bool:
    """Whether all of them are gone in time."""
    return seconds_until_gone(pids, timeout_s) < timeout_s


def seconds_until_gone(pids: Iterable[int], timeout_s: float) -> float:
    """How long it takes until none of the processes runs; at most about the timeout."""
    began, left = time.monotonic(), list(pids)
    while left := [pid for pid in left if is_running(pid)]:
        if time.monotonic() - began >= timeout_s:
            break
        time.sleep(0.02)
    return time.monotonic() - began


def _stat(pid: int) -> tuple[str, int] | None:
    """Name and parent of a running process."""
    with contextlib.suppress(OSError):
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        state, parent = rest.split()[:2]
        if state not in "ZX":
            return name, int(parent)
    return None
