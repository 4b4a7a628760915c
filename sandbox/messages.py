"""The child's end of the JSON messages that `process.JsonProcess` exchanges with it."""

from __future__ import annotations

import json
import os
import struct
from typing import Any


class Messages:
    """Requests come in on standard input, answers go out on standard output.

    Both pipes are moved out of the way first, so that neither `print` nor `input` in task code, nor
    PyBullet's greeting, can touch them.
    """

    def __init__(self) -> None:
        self._requests = os.fdopen(os.dup(0), "rb")
        self._replies = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.close(nothing)

    def read(self) -> dict[str, Any] | None:
        """The next request; None when the parent has closed the pipe."""
        header = self._requests.read(4)
        if len(header) < 4:
            return None
        (length,) = struct.unpack(">I", header)
        request: dict[str, Any] = json.loads(self._requests.read(length))
        return request

    def write(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode()
        self._replies.write(struct.pack(">I", len(data)) + data)
        self._replies.flush()
