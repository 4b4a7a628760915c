"""The end of a process and of everything it has started."""

from __future__ import annotations

import os
import signal
import time

POLL_S = 0.001


def end_group(pid: int, grace_s: float) -> bool:
    """Kill a child of this process that leads a process group, and its whole group; it still has to
    be waited for. Returns whether it had ended by itself within `grace_s`."""
    deadline = time.monotonic() + grace_s
    # The process is not reaped yet, so that no other process can get its id.
    peek = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while not (ended := os.waitid(os.P_PID, pid, peek) is not None):
        if time.monotonic() >= deadline:
            break
        time.sleep(POLL_S)
    for kill in (os.kill, os.killpg):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            # The process does not lead its group yet, or macOS refuses because the group has ended.
            continue
    return ended
