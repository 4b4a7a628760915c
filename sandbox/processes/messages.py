"""A process's end of the JSON messages that its parent exchanges with it (see `channel`)."""

from __future__ import annotations

import json
import os
import struct
from typing import Any


class Messages:
    """Requests come in on one descriptor, answers go out on another."""

    def __init__(self, requests: int, replies: int) -> None:
        self._requests = os.fdopen(requests, "rb")
        self._replies = os.fdopen(replies, "wb")

    @classmethod
    def over_standard_streams(cls) -> Messages:
        """Both pipes are moved out of the way, so that neither `print` nor `input`, nor what a
        library prints, can touch them."""
        messages = cls(os.dup(0), os.dup(1))
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.close(nothing)
        return messages

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
