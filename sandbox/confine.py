"""What a sandboxed child takes from itself before any task code runs.

First version of the boundary: an emptied environment (see `process.py`), a session of its own, no
new privileges, limits on memory, files, file sizes and core dumps, and death with its parent. It
does not yet keep the child from the network or from reading files; `doctor` says so.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38


def die_with_parent(parent_pid: int) -> bool:
    """Ask the kernel to SIGKILL this process when its parent ends. False where it cannot (not
    Linux): then the child ends when it finds its request pipe closed.

    Exits at once where the parent is gone already, in the instant before the kernel was asked.
    """
    if sys.platform != "linux":
        return False
    done: bool = ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0
    if os.getppid() != parent_pid:
        os._exit(0)
    return done


def confine(memory_mb: int) -> list[str]:
    """Apply every limit this host allows; returns the names of those in force."""
    in_force = []
    limits = {
        "memory": (resource.RLIMIT_AS, memory_mb * 2**20),
        "file size": (resource.RLIMIT_FSIZE, 0),
        "open files": (resource.RLIMIT_NOFILE, 64),
        "core dumps": (resource.RLIMIT_CORE, 0),
    }
    for name, (limit, value) in limits.items():
        # macOS refuses some of these; what is refused is missing from the list.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))
            in_force.append(name)
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
            in_force.append("no new privileges")
        if prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
            in_force.append("no debugging")
    # Writing past the file-size limit should raise an error, not kill the child.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    return in_force
