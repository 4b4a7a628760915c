"""The lock of a run folder: one command at a time writes to it, and others see which one."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import ArchiveError
from ..files import FileProblem, open_file, read_bytes
from .folder import LOCK_NAME, check_folder

MAX_LOCK_BYTES = 32
"""The most bytes that are read: the file holds the number of a process and nothing else."""


@contextlib.contextmanager
def locked(run_dir: Path) -> Iterator[None]:
    """Keep a second command from writing to the same folder.

    Raises:
        ArchiveError: Another command writes to it, or something in it leads out of it.
    """
    check_folder(run_dir, to_write=True)
    with (run_dir / LOCK_NAME).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise ArchiveError(
                f"The run folder {run_dir} is in use by process {holder}.",
                "Wait until that run has ended, or choose another folder.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def lock_holder(run_dir: Path) -> int | None:
    """The id of the process that writes to a run folder; None where no such process is alive. The
    folder may come from somebody else, so whatever the file holds, nothing is raised."""
    try:
        process_id = int(read_bytes(open_file(run_dir / LOCK_NAME, MAX_LOCK_BYTES), MAX_LOCK_BYTES))
        os.kill(process_id, 0)
    except (FileProblem, OSError, ValueError, OverflowError):
        return None
    return process_id if process_id > 0 else None
