"""Checks of the replays in a run folder before they are shown: a browser unpacks and draws whatever
it is given."""

from __future__ import annotations

import functools
from pathlib import Path

from ..files import FileProblem, gunzip, open_file, read_bytes
from ..sandbox.recording import Recording, problem_of_all
from ..task import from_json

MAX_PACKED_BYTES, MAX_BYTES = 16_000_000, 32_000_000
"""The size limits of a file and of its unpacked content, a hundred times those of most."""
KNOWN = 1_000
"""How many files are remembered with their problem, or with none."""


def replay_problem(path: Path) -> str:
    """What is wrong with a replay, as a clause; empty where nothing is."""
    try:
        stat = path.lstat()
    except OSError:
        return "it is not there"
    return _problem(path, stat.st_ino, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(KNOWN)
def _problem(path: Path, *state: int) -> str:
    """As `replay_problem`; the answer is remembered until the file changes."""
    try:
        data = gunzip(read_bytes(open_file(path, MAX_PACKED_BYTES), MAX_PACKED_BYTES), MAX_BYTES)
        wrong = problem_of_all(from_json(Recording, data))
    except FileProblem as problem:
        return str(problem)
    except ValueError:
        return "it is not of the format taskwright-replay-1"
    return f"it holds {wrong}" if wrong else ""
