"""A command in a real terminal, and what it wrote to it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Sequence


def in_terminal(
    command: Sequence[str],
    *,
    environment: dict[str, str] | None = None,
    columns: int = 100,
    rows: int = 40,
    timeout_s: float = 120.0,
    interrupt_at: bytes | None = None,
) -> tuple[int, bytes]:
    """The exit status, and every byte that the terminal got on either stream. Where `interrupt_at`
    has been written, Ctrl-C is pressed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    # Else these would be believed instead of the terminal.
    inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    variables = {**inherited, "TERM": "xterm-256color", **(environment or {})}
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=variables,
    )
    os.close(theirs)
    written = b""
    deadline = time.monotonic() + timeout_s
    try:
        while True:
            left_s = deadline - time.monotonic()
            assert left_s > 0, f"{command} goes on after {timeout_s} s: {written[-2000:]!r}"
            if not select.select([ours], [], [], min(left_s, 1.0))[0]:
                continue
            try:
                data = os.read(ours, 65536)
            except OSError:  # The last process that had it open has ended.
                break
            if not data:
                break
            written += data
            if interrupt_at is not None and interrupt_at in written:
                process.send_signal(signal.SIGINT)
                interrupt_at = None
        return process.wait(timeout=max(deadline - time.monotonic(), 1.0)), written
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        os.close(ours)
        process.wait()
