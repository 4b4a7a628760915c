"""Landlock: which files a process can reach at all, whoever's they are.

Linux 5.13 and later offer it to every process, root or not. What a newer kernel can restrict
besides files (TCP, abstract sockets, signals to processes outside) is restricted as well. See
https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

from .kernel import syscall

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

READ_FILE, READ_DIRECTORY = 1 << 2, 1 << 3
# How many kinds of access to files each version of the interface knows; the first had 13.
_FILE_ACCESS_KINDS = {1: 13, 2: 14, 3: 15, 4: 15}
_LATEST_FILE_ACCESS_KINDS = 16
_CONNECT_AND_BIND_TCP = 0b11
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def version() -> int:
    """The version of Landlock's interface that this kernel speaks; 0 where it has none."""
    try:
        return syscall(_CREATE_RULESET, 0, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def make_ruleset(readable: Iterable[Path]) -> int:
    """A ruleset under which these files and folders can be read and nothing else can be done to
    any file. Returns a descriptor for `restrict`. Raises OSError where the kernel has no Landlock.
    """
    known = version()
    handled = (1 << _FILE_ACCESS_KINDS.get(known, _LATEST_FILE_ACCESS_KINDS)) - 1
    ruleset = _Ruleset(handled, _CONNECT_AND_BIND_TCP, _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS)
    # An older kernel wants the shorter structure it knows.
    size = 8 if known < 4 else 16 if known < 6 else 24
    descriptor = syscall(_CREATE_RULESET, ctypes.byref(ruleset), size, 0)
    for path in readable:
        with contextlib.suppress(FileNotFoundError):
            _allow_reading(descriptor, path)
    return descriptor


def _allow_reading(ruleset: int, path: Path) -> None:
    target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        access = READ_FILE | READ_DIRECTORY if path.is_dir() else READ_FILE
        rule = _PathBeneath(access, target)
        syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(target)


def restrict(ruleset: int) -> None:
    """Put this thread, and all it starts, under a ruleset for good; needs `no_new_privs` first."""
    syscall(_RESTRICT_SELF, ruleset, 0)
