"""Limits that hold on any POSIX host, and privileges that a task has no use for."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys

from .kernel import prctl, syscall

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_PR_SET_NO_NEW_PRIVS = 38
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3 = 0x20080522


def die_with_parent(parent_pid: int) -> None:
    """Ask the kernel to SIGKILL this process when its parent ends (more exactly, the thread that
    started this process). On other systems than Linux nothing happens: there a child ends when it
    finds its request pipe closed.

    Exits at once where the parent is gone already, in the instant before the kernel was asked.
    """
    if sys.platform != "linux":
        return
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(0)


def set_name(name: str) -> None:
    """Set the name that `ps` and `top` show for this process; at most 15 characters are kept."""
    if sys.platform == "linux":
        prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()))


def limit_resources(memory_mb: int, cpu_s: int) -> list[str]:
    """Limit what this process can use up; returns the names of the limits in force."""
    in_force = []
    limits = {
        "memory": (resource.RLIMIT_AS, memory_mb * 2**20),
        "computing time": (resource.RLIMIT_CPU, cpu_s),
        "processes": (resource.RLIMIT_NPROC, 0),
        "file size": (resource.RLIMIT_FSIZE, 0),
        "open files": (resource.RLIMIT_NOFILE, 64),
        "core dumps": (resource.RLIMIT_CORE, 0),
    }
    for name, (limit, value) in limits.items():
        # macOS refuses some of these; what is refused is missing from the list.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))
            in_force.append(name)
    # Writing past the file-size limit should raise an error, not kill the child.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    return in_force


def drop_privileges(machine: str) -> list[str]:
    """Give up what root or a set-user-id program could do; returns what has been given up."""
    given_up = []
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    with contextlib.suppress(OSError, KeyError):
        syscall(_CAPSET[machine], ctypes.byref(header), ctypes.byref(nothing))
        given_up.append("capabilities")
    with contextlib.suppress(OSError):
        prctl(_PR_SET_NO_NEW_PRIVS, 1)
        given_up.append("new privileges")
    if hide():
        given_up.append("debugging")
    return given_up


def hide() -> bool:
    """Keep other processes of this user from attaching to this one and from reading its memory and
    environment. Returns whether the host does so."""
    try:
        prctl(_PR_SET_DUMPABLE, 0)
    except OSError:
        return False
    return True
