"""Memory that a parent and its sandboxed children share, to move numbers without copying them."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def shared_memory(size_bytes: int) -> Iterator[tuple[int, mmap.mmap]]:
    """A descriptor to pass to children and the memory behind it, filled with zeros.

    The descriptor is closed at the end of the block; the memory lasts as long as it is used. It has
    no name that could be left behind when this process is killed.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("taskwright", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        os.ftruncate(descriptor, size_bytes)
        if hasattr(os, "memfd_create"):
            # A child that made it smaller would crash its parent at the next access.
            sizes = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, sizes)
        yield descriptor, mmap.mmap(descriptor, size_bytes)
    finally:
        os.close(descriptor)
