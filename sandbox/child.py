"""What runs inside the sandboxed process.

Started as `python -m taskwright.sandbox.child PARENT_PID MEMORY_MB`. Whatever task code raises
becomes an answer that says so; whatever it prints is gone.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

from .confine import confine, die_with_parent
from .messages import Messages


def main(parent_pid: int, memory_mb: int) -> None:
    die_with_parent(parent_pid)
    messages = Messages()

    # Imported while the file system can still be used.
    from .checks import run_checks
    from .episodes import EpisodeServer

    server = EpisodeServer()
    operations: dict[str, Callable[..., dict[str, Any]]] = {
        "check": functools.partial(run_checks, tell=messages.write),
        "open": server.open,
        "reset": server.reset,
        "step": server.step,
        "film": server.film,
    }
    messages.write({"limits": confine(memory_mb)})
    # From here on standard error is the task's, and what a task says there is not kept.
    os.dup2(1, 2)
    while (request := messages.read()) is not None:
        operation = operations[request.pop("op")]
        messages.write(operation(**request))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
