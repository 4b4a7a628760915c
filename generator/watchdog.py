"""Starts and informs the process that watches over a run (see `watchdog_process`)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from ..sandbox.processes.process import child_environment
from .watchdog_process import DEADLINE, SECONDS

ENDING_S = 10.0
"""How long a run may take to end once it should. Usually it takes a tenth of a second, and
containers are killed after as long."""
SCRIPT = Path(__file__).with_name("watchdog_process.py")


class Watchdog:
    """Kills this process where it has not ended ENDING_S after SIGINT or SIGTERM, or after its
    time, whatever it computes. What it has started ends with it.

    For commands, whose process is theirs to end. Use as a context manager: signals count from its
    beginning to its end, in the main thread; in another thread, time alone does.
    """

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        # The descriptor that reports signals must not block.
        os.set_blocking(self._writing, False)
        self._wakeup_before: int | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SCRIPT), str(os.getpid()), str(ENDING_S)],
            stdin=self._reading,
            stdout=subprocess.DEVNULL,
            env=child_environment(),
            cwd="/",
            start_new_session=True,
        )

    def expect_end_within(self, seconds: float) -> None:
        """Tell it when this process is to end by itself, counted from now."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writing, bytes([DEADLINE]) + SECONDS.pack(seconds))

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._wakeup_before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        if self._wakeup_before is not None:
            try:
                signal.set_wakeup_fd(self._wakeup_before)
            except (OSError, ValueError):
                # The watchdog has been closed meanwhile.
                signal.set_wakeup_fd(-1)
        # It is killed instead of asked to end, since it may be suspended.
        self._process.kill()
        self._process.wait()
        # Kept open until now, so that nothing is ever written to a pipe that nobody has open.
        os.close(self._reading)
        os.close(self._writing)
