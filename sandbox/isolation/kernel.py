"""System calls that Python does not offer, through the C library. Linux only: elsewhere each raises
OSError, and the protection it was meant for is missing."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)
_IS_LINUX = sys.platform == "linux"


def syscall(number: int, *arguments: Any) -> int:
    """Make a system call. Raises OSError with the kernel's reason where it fails."""
    _require_linux()
    return _checked(_libc.syscall(ctypes.c_long(number), *map(_word, arguments)))


def prctl(option: int, *arguments: Any) -> int:
    """Change an attribute of this process. Raises OSError."""
    _require_linux()
    words = [_word(argument) for argument in arguments] + [ctypes.c_ulong(0)] * 4
    return _checked(_libc.prctl(ctypes.c_int(option), *words[:4]))


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones. Raises OSError."""
    _require_linux()
    _checked(_libc.unshare(ctypes.c_int(flags)))


def _require_linux() -> None:
    if not _IS_LINUX:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def _word(argument: Any) -> Any:
    """An argument as a machine word: a number, an address, or an object that has an address."""
    return ctypes.c_ulong(argument) if isinstance(argument, int) else argument


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
