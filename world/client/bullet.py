"""PyBullet, which is imported here first and only here, so that it comes without a word.

It greets whoever imports it on standard error, in the middle of what a command or somebody's script
prints, and its EGL plugin tells of the graphics card on both streams. Both print with C's stdio. So
C's streams point elsewhere for that instant, while the descriptors stay as they are: what other
threads print through Python goes where it belongs, and so does what a process prints that is
started meanwhile. And where a descriptor is closed, nothing is written into whatever file has got
its number.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys
import threading
from collections.abc import Iterator

_STREAMS = {"linux": ("stdout", "stderr"), "darwin": ("__stdoutp", "__stderrp")}
"""What C's standard library calls the pointers to its streams, where they can be changed."""
_CAN_BE_CHANGED = sys.platform == "darwin" or "CS_GNU_LIBC_VERSION" in os.confstr_names
_SIZE_BYTES = 64
_lock = threading.RLock()


@contextlib.contextmanager
def without_words() -> Iterator[None]:
    """Let nothing be printed with C's stdio, for the length of a `with` block. Elsewhere than with
    the GNU C library and on macOS nothing is kept back."""
    nowhere = _leading_nowhere()
    if nowhere is None:
        yield
        return
    with _lock:
        streams = _standard_streams()
        before = [stream.value for stream in streams]
        for stream in streams:
            stream.value = nowhere
        try:
            yield
        finally:
            for stream, value in zip(streams, before, strict=True):
                stream.value = value


@functools.cache
def _standard_streams() -> list[ctypes.c_void_p]:
    library = ctypes.CDLL(None)
    return [ctypes.c_void_p.in_dll(library, name) for name in _STREAMS[sys.platform]]


@functools.cache
def _leading_nowhere() -> int | None:
    """A stream that writes into a little memory of its own and drops the rest, so that no file has
    to be opened for it; None where there can be none. It is never closed: another thread may still
    be printing to it."""
    if not _CAN_BE_CHANGED:
        return None
    make = ctypes.CDLL(None).fmemopen
    make.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)
    make.restype = ctypes.c_void_p
    stream: int | None = make(None, _SIZE_BYTES, b"w")
    return stream


# Whoever has imported it before us has heard it.
with without_words() if "pybullet" not in sys.modules else contextlib.nullcontext():
    import pybullet

__all__ = ["pybullet", "without_words"]
