"""Files by the hash of their content: what is sent once need not be sent again."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

ROOM_BYTES = 64_000_000
"""Several hundred policies; ours have 80 to 160 kB."""


def digest_of(data: bytes) -> str:
    """The name of a file by its content: the SHA-256 of its bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


class Contents:
    """Files by their digest. Where there are too many, the one that was not wanted for longest is
    forgotten. Any number of threads may use it at once.

    Args:
        room_bytes: The size of all files together that are kept.
    """

    def __init__(self, room_bytes: int = ROOM_BYTES) -> None:
        self._room_bytes = room_bytes
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._size_bytes = 0
        self._lock = threading.Lock()

    def get(self, digest: str) -> bytes | None:
        """The file of this digest; None where it is not here, or not here any more."""
        with self._lock:
            if digest in self._files:
                self._files.move_to_end(digest)
            return self._files.get(digest)

    def add(self, data: bytes) -> str:
        """Keep a file. Returns its digest, which is worked out here: it belongs to these bytes."""
        digest = digest_of(data)
        with self._lock:
            if digest not in self._files:
                self._files[digest] = data
                self._size_bytes += len(data)
            self._files.move_to_end(digest)
            while self._size_bytes > self._room_bytes:
                _, forgotten = self._files.popitem(last=False)
                self._size_bytes -= len(forgotten)
        return digest
