"""The process that drives a run: its command writes its process id into `run.lock`."""

from __future__ import annotations

import os
from pathlib import Path

from ..files import FileProblem, open_file, read_bytes

FILE_NAME = "run.lock"
MAX_BYTES = 32


def driver(run_dir: Path) -> int | None:
    """Find the process that drives a run.

    Args:
        run_dir: The run folder.

    Returns:
        The process id of the command that drives the run, or None where no such process is alive.
    """
    try:
        process_id = int(read_bytes(open_file(run_dir / FILE_NAME, MAX_BYTES), MAX_BYTES))
        os.kill(process_id, 0)
    except (FileProblem, OSError, ValueError, OverflowError):
        return None
    return process_id if process_id > 0 else None
