"""What lies in a run folder: files and folders, and no way out of it.

A run folder may come from somebody else. A link in it could have us read or overwrite anything that
the user may, and a pipe could have us wait for ever. So none is followed: the folder itself may be
reached through links, but what Taskwright uses in it are files and folders.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import ArchiveError

LOCK_NAME = "run.lock"
"""Holds the id of the process that writes to the folder; see `run_lock`."""
FRAME_STRIP_ENDING, REPLAY_ENDING = ".moments.png", ".replay.json.gz"
"""The endings of the file names in `media`, which begin with a `task_id`."""
FILES = frozenset(
    (
        *(f"archive.db{ending}" for ending in ("", "-wal", "-shm", "-journal")),
        *(f"feedback.db{ending}" for ending in ("", "-wal", "-shm", "-journal")),
        "config.yaml",
        "events.jsonl",
        "llm.jsonl",
        "metric.npz",
        LOCK_NAME,
    )
)
FOLDERS = frozenset(
    ("demonstrations", "generalists", "in_flight", "media", "policies", "report", "tb", "vectors")
)


def policy_path(run_dir: Path, task_id: str) -> str:
    """Where the policy learned on a task lies: an absolute path, as the other paths here. Links
    on the way to the folder are followed, those in it by nobody."""
    return str(run_dir.resolve() / "policies" / f"{task_id}.zip")


def poster_path(run_dir: Path, task_id: str) -> str:
    """Where the picture of a task lies."""
    return str(run_dir.resolve() / "media" / f"{task_id}.png")


def frame_strip_path(run_dir: Path, task_id: str) -> str:
    """Where the picture lies by which the success of a task's agent was judged."""
    return str(run_dir.resolve() / "media" / f"{task_id}{FRAME_STRIP_ENDING}")


def replay_path(run_dir: Path, task_id: str) -> Path:
    """Where the replay of a task lies."""
    return run_dir.resolve() / "media" / f"{task_id}{REPLAY_ENDING}"


def check_folder(run_dir: Path, *, to_write: bool = False) -> None:
    """Raise ArchiveError where something that is used in a run folder is neither a file nor a
    folder. Readers open single files with care (`taskwright.files`); with `to_write`, all files are
    checked before anything is written."""
    if not run_dir.is_dir():
        return
    for entry in _entries(run_dir):
        if entry.name in FILES:
            _check(entry, is_right=entry.is_file(follow_symlinks=False), kind="file")
        elif entry.name in FOLDERS:
            _check(entry, is_right=entry.is_dir(follow_symlinks=False), kind="folder")
            if to_write:
                _check_below(Path(entry.path))


def _check_below(folder: Path) -> None:
    waiting = [folder]
    while waiting:
        for entry in _entries(waiting.pop()):
            is_folder = entry.is_dir(follow_symlinks=False)
            is_right = is_folder or entry.is_file(follow_symlinks=False)
            _check(entry, is_right=is_right, kind="file or folder")
            if is_folder:
                waiting.append(Path(entry.path))


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except PermissionError:
        # A folder that cannot be listed cannot be used either: opening a file in it reports that.
        return


def _check(entry: os.DirEntry[str], *, is_right: bool, kind: str) -> None:
    if is_right:
        return
    found = "a link" if entry.is_symlink() else f"no {kind}"
    raise ArchiveError(
        f"{entry.path} is {found}: what lies in a run folder must be its own.",
        f"Put the {kind} itself there, or remove it. (The run folder may be reached through a "
        "link.)",
    )
