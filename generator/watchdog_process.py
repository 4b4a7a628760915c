"""The process that watches over a run, and ends it where it does not end by itself.

While something in C is computed, such as a regular expression on a text that makes it slow, Python
stands still: it hears neither signals nor the clock. So somebody outside has to. `Watchdog` starts
this file as a script, with the arguments RUN_PID and PATIENCE_S. It uses nothing but the standard
library, so that it is there at once and costs next to nothing.

Its standard input is a pipe from the run:

====== =======================================================================================
byte   meaning
====== =======================================================================================
0      a double follows: in so many seconds the run is to have ended
1-64   the run has received the signal of that number: Python's C code tells, in any event
====== =======================================================================================

When the pipe is closed, the run has ended, and so does this.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import select
import signal
import struct
import sys
import time

DEADLINE = 0
SECONDS = struct.Struct("d")
STOPPING = (signal.SIGINT, signal.SIGTERM)
TICK_S = 0.5
LONGEST_WAIT_S = 3600.0
"""Longer waits are done in parts, since the system limits the length of one."""
SHOW_CURSOR = "\x1b[?25h"


def main(run_pid: int, patience_s: float) -> None:
    # A signal to the run may reach all its processes; this one is needed until the run has ended.
    for number in (*STOPPING, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    since = _what_should_end_it()
    _be_patient(run_pid, patience_s)
    if os.getppid() == run_pid:
        _say(
            f"taskwright: The run did not end within {patience_s:g} s {since}, so it was killed. "
            "Whatever had ended is in the archive, and the same command goes on.\n"
        )
        _kill(run_pid)


def _what_should_end_it() -> str:
    """Wait for something after which the run should end."""
    deadline = math.inf
    while (left_s := deadline - time.monotonic()) > 0:
        message = _next_byte(left_s)
        if message == DEADLINE:
            (seconds,) = SECONDS.unpack(os.read(0, SECONDS.size))
            deadline = time.monotonic() + seconds
        elif message in STOPPING:
            return f"of {signal.Signals(message).name}"
    return "of the end of its time"


def _be_patient(run_pid: int, patience_s: float) -> None:
    """Wait for the run to end. Only the time counts in which both it and we were not suspended."""
    while patience_s > 0:
        began = time.monotonic()
        _next_byte(min(TICK_S, patience_s))
        if not _is_suspended(run_pid):
            # No more than that, however long it took: it was this process that was suspended.
            patience_s -= min(time.monotonic() - began, TICK_S)


def _next_byte(timeout_s: float) -> int | None:
    """The next message of the run; None where none comes in time. Exits where the pipe is
    closed."""
    if not select.select([0], [], [], min(timeout_s, LONGEST_WAIT_S))[0]:
        return None
    message = os.read(0, 1)
    if not message:
        sys.exit()
    return message[0]


def _is_suspended(pid: int) -> bool:
    """Whether a process is stopped, as by Ctrl-Z. Where there is no /proc, none is."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        # The state follows the name, which may hold anything.
        return file.read().rpartition(")")[2].split()[0] in "Tt"
    return False


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    if sys.platform == "linux":
        # The first process of a container cannot be killed from within it. But the kernel itself
        # ends one that has used more computing time than it may.
        with contextlib.suppress(OSError):
            resource.prlimit(pid, resource.RLIMIT_CPU, (0, 1))


def _say(text: str) -> None:
    """Write to standard error without waiting: nothing here may block on a reader."""
    with contextlib.suppress(OSError):
        if os.isatty(2):
            # A live picture has hidden the cursor, and left it in the middle of a line.
            text = f"{SHOW_CURSOR}\n{text}"
        if select.select([], [2], [], 0)[1]:
            os.write(2, text.encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
