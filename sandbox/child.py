"""What runs inside the sandboxed process.

Started as `python -m taskwright.sandbox.child PARENT_PID MEMORY_MB`.

Reads requests from standard input and writes one answer to each on standard output (see
`process.py`). Whatever task code raises becomes an answer that says so; whatever it prints is gone.
"""

from __future__ import annotations

import functools
import json
import os
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from .confine import confine, die_with_parent


def main(parent_pid: int, memory_mb: int) -> None:
    die_with_parent(parent_pid)
    requests, replies = _take_streams()

    # Imported while the file system can still be used, and with standard output out of the way of
    # PyBullet's greeting.
    from .checks import run_checks
    from .episodes import EpisodeServer

    server = EpisodeServer()

    def tell(news: dict[str, Any]) -> None:
        _write(replies, news)

    operations: dict[str, Callable[..., dict[str, Any]]] = {
        "check": functools.partial(run_checks, tell=tell),
        "open": server.open,
        "reset": server.reset,
        "step": server.step,
        "film": server.film,
    }
    limits = confine(memory_mb)
    _write(replies, {"limits": limits})
    # From here on standard error is the task's, and what a task says there is not kept.
    os.dup2(1, 2)
    while (request := _read(requests)) is not None:
        operation = operations[request.pop("op")]
        _write(replies, operation(**request))


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """Move the protocol's pipes out of the way of `print` and `input`."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return requests, replies


def _read(stream: BinaryIO) -> dict[str, Any] | None:
    header = stream.read(4)
    if len(header) < 4:
        return None
    (length,) = struct.unpack(">I", header)
    request: dict[str, Any] = json.loads(stream.read(length))
    return request


def _write(stream: BinaryIO, reply: dict[str, Any]) -> None:
    data = json.dumps(reply).encode()
    stream.write(struct.pack(">I", len(data)) + data)
    stream.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
