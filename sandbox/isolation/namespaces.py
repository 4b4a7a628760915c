"""Namespaces: a network without interfaces, and a process table that ends with its first process.

They need root or unprivileged user namespaces, which many hosts and containers refuse. So they are
a second wall behind seccomp and Landlock, never the only one.
"""

from __future__ import annotations

import os
from pathlib import Path

from .kernel import unshare

_NEW_USER, _NEW_NETWORK, _NEW_PROCESSES, _NEW_IPC = 0x10000000, 0x40000000, 0x20000000, 0x08000000


def enter() -> bool:
    """Move this process to namespaces of its own; the processes it starts live in the new process
    table, whose first one takes all others with it when it ends. False where the host refuses, and
    then nothing has changed.
    """
    # Some hosts refuse half-way, and that cannot be undone: another process tries first.
    if (scout := os.fork()) == 0:
        try:
            _enter()
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(scout, 0)[1] != 0:
        return False
    _enter()
    return True


def _enter() -> None:
    ours = _NEW_NETWORK | _NEW_PROCESSES | _NEW_IPC
    try:
        unshare(ours)
        return
    except OSError:
        # The privilege is missing; a user namespace of our own gives it.
        pass
    uid, gid = os.geteuid(), os.getegid()
    unshare(_NEW_USER | ours)
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny")
    (own / "uid_map").write_text(f"{uid} {uid} 1")
    (own / "gid_map").write_text(f"{gid} {gid} 1")
