"""Tasks that an archive could take in: files, folders of them, OMNI-EPIC runs, other archives.

Nothing here runs a task, and nothing is written.
"""

from __future__ import annotations

import functools
import json
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from ..archive.store import FILE_NAME, Archive
from ..errors import ArchiveError, UsageError
from ..files import FileProblem, open_file, open_within, read_text
from ..sandbox.processes.channel import plain_text
from ..task import TRIED, Idea, Record, Robot, Task, robot_named_in
from .seeds import idea_of_source

OMNI_EPIC_ARCHIVE = "archive.jsonl"
MAX_SOURCE_BYTES = 1_000_000
MAX_STATE_BYTES = 32_000_000
"""How many bytes are read from the end of an OMNI-EPIC archive, where its last state is."""
MAX_LISTED = 100_000
"""The most tasks that an OMNI-EPIC archive may list."""
MAX_PARENTS = 50
"""The most ancestors that are read of one task."""
MAX_NAME = 200
"""The most characters that are shown of a name from a file."""


@dataclass(frozen=True)
class ImportCandidate:
    """A task, and what is known of it where it comes from."""

    origin: str
    """Where it comes from, in words for people."""
    idea: Idea
    task: Task
    record: Record | None = None
    """Of another archive, with its trial; None where nothing has been tried that counts here."""
    run_dir: Path | None = None
    """Where that archive's policies and pictures lie."""


@dataclass(frozen=True)
class Unusable:
    """Something that was named and cannot be imported at all."""

    origin: str
    reason: str


def find_candidates(path: Path, robot: Robot | None = None) -> Iterator[ImportCandidate | Unusable]:
    """Find the tasks that a path holds.

    Args:
        path: A task file, a folder of them, or the folder of an OMNI-EPIC run or a Taskwright run
            (or `archive.jsonl` or `archive.db` in it).
        robot: Is taken for files that name none.

    Raises:
        UsageError: The path is nothing of that.
        ArchiveError: An archive cannot be opened.
    """
    if path.name == FILE_NAME:
        # A link that the user names is followed; links inside that folder are not.
        yield from _of_archive(path.resolve().parent)
    elif (path / FILE_NAME).is_file():
        yield from _of_archive(path)
    elif path.name == OMNI_EPIC_ARCHIVE or (path / OMNI_EPIC_ARCHIVE).is_file():
        is_named = path.name == OMNI_EPIC_ARCHIVE
        yield from _of_omni_epic(path.parent if is_named else path, robot, is_named=is_named)
    elif path.is_dir():
        found = [_of_file(path, name, robot) for name in _task_files(path)]
        if not found:
            raise UsageError(
                f"The folder {path} holds neither an archive nor a task file.",
                "Name task files (.py, with a class `Env`), a folder of them, an OMNI-EPIC run or "
                "a Taskwright run.",
            )
        yield from found
    elif os.path.lexists(path):
        yield _candidate(
            str(path), path.stem, robot, lambda: open_file(path, MAX_SOURCE_BYTES, follow=True)
        )
    else:
        raise UsageError(f"There is no {path}.", "Name a task file, or the folder of a run.")


# Files.


def _of_file(folder: Path, name: str, robot: Robot | None) -> ImportCandidate | Unusable:
    """A file in a folder; no link in it is followed."""
    opened = functools.partial(open_within, folder, name, MAX_SOURCE_BYTES)
    return _candidate(str(folder / name), Path(name).stem, robot, opened)


def _candidate(
    origin: str, stem: str, robot: Robot | None, opened: Callable[[], BinaryIO]
) -> ImportCandidate | Unusable:
    try:
        source = read_text(opened(), MAX_SOURCE_BYTES)
    except FileProblem as problem:
        return Unusable(origin, f"It cannot be read: {problem}.")
    named = robot_named_in(source) or robot
    if named is None:
        return Unusable(origin, "It does not say which robot it is for; give --robot.")
    idea = idea_of_source(source, stem.replace("_", " "))
    return ImportCandidate(origin, replace(idea, strategy="imported"), Task(source, named))


def _task_files(folder: Path) -> list[str]:
    """The task files of a folder: other files, such as `base.py`, may be in it too."""
    names = sorted(path.name for path in folder.glob("*.py"))
    return [name for name in names if _may_define_a_task(folder, name)]


def _may_define_a_task(folder: Path, name: str) -> bool:
    try:
        source = read_text(open_within(folder, name, MAX_SOURCE_BYTES), MAX_SOURCE_BYTES)
    except FileProblem:
        return True  # It is kept in the list, so that it is reported as unusable.
    return re.search(r"^class\s+Env\b", source, re.MULTILINE) is not None


# OMNI-EPIC. Its main loop appends the whole state after each task, each time as a JSON object over
# several lines: the last one counts. Paths in it are those of the machine that it ran on.


def _of_omni_epic(
    folder: Path, robot: Robot | None, *, is_named: bool
) -> Iterator[ImportCandidate | Unusable]:
    """The tasks that its agent learned, in their order, with what they were derived from.
    `is_named`: the user has named the archive itself."""
    task_ids: dict[str, str] = {}
    for named in _last_state(folder / OMNI_EPIC_ARCHIVE, follow=is_named):
        place = _found(folder, named)
        if place is None:
            shown = plain_text(named)[:MAX_NAME]
            yield Unusable(shown, f"It is listed in {folder / OMNI_EPIC_ARCHIVE}, and not there.")
            continue
        candidate = _of_file(folder, place, robot)
        if isinstance(candidate, ImportCandidate):
            task_ids[named] = candidate.task.task_id
            parents = [task_ids[name] for name in _derived_from(folder, place) if name in task_ids]
            candidate = replace(candidate, idea=replace(candidate.idea, parents=tuple(parents)))
        yield candidate


def _last_state(path: Path, *, follow: bool) -> list[str]:
    """The paths of the tasks that were kept, as the last state that is whole has them."""
    try:
        with open_file(path, sys.maxsize, follow=follow) as file:
            # Each state repeats the earlier ones, so the end of a long file is enough.
            file.seek(max(file.seek(0, os.SEEK_END) - MAX_STATE_BYTES, 0))
            text = file.read(MAX_STATE_BYTES).decode("utf-8-sig", errors="replace")
    except FileProblem as problem:
        raise ArchiveError(
            f"{path} cannot be read: {problem}.", "Name the task files themselves."
        ) from None
    decoder, state, place = json.JSONDecoder(), None, 0
    while (start := text.find("{", place)) >= 0:
        try:
            found, place = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            break  # This state was cut off while it was written.
        state = found if isinstance(found, dict) else state
    kept = state.get("codepaths") if state else None
    if not isinstance(kept, list) or len(kept) > MAX_LISTED:
        lists = f"more than {MAX_LISTED:,}" if isinstance(kept, list) else "no"
        raise ArchiveError(
            f"{path} is not the archive of an OMNI-EPIC run: it lists {lists} `codepaths`.",
            "Name the folder that OMNI-EPIC logged to, or the task files themselves.",
        )
    return [str(name) for name in kept]


def _found(folder: Path, named: str) -> str | None:
    """The present path, in the folder, of a file that is named by a path on another machine; None
    where there is none. It may be a link out of the folder: opening it checks that."""
    parts = [part for part in PurePosixPath(named).parts if part != "/"]
    for place in ("/".join(parts[-2:]), parts[-1] if parts else ""):
        try:
            is_there = bool(place) and not (folder / place).is_dir()
            if is_there and os.path.lexists(folder / place):
                return place
        except (OSError, ValueError):
            continue  # No file has such a name.
    return None


def _derived_from(folder: Path, place: str) -> list[str]:
    """The tasks that one was made from, the closest first, as named in its `metadata.json`."""
    try:
        beside = PurePosixPath(place).with_name("metadata.json")
        file = open_within(folder, beside, MAX_SOURCE_BYTES)
        metadata: Any = json.loads(read_text(file, MAX_SOURCE_BYTES))
        named = metadata.get("taskit_from_paths") or metadata.get("taskgen_example_paths") or []
        return [str(name) for name in named[:MAX_PARENTS]]
    except (FileProblem, ValueError, AttributeError, TypeError, RecursionError):
        return []


# Another Taskwright archive.


def _of_archive(run_dir: Path) -> Iterator[ImportCandidate | Unusable]:
    """The readable records whose trial had a verdict."""
    with Archive.open(run_dir) as archive:
        for record in _records(archive):
            if isinstance(record, int):
                yield Unusable(f"{run_dir}, journey {record}", "The archive is damaged there.")
                continue
            origin = f"{run_dir}, journey {record.number}"
            if archive.complaints and record.reason == archive.complaints[-1]:
                yield Unusable(origin, record.reason)
            elif record.status in TRIED and record.task is not None:
                tried = record if record.trial is not None else None
                idea = replace(record.idea, strategy="imported")
                yield ImportCandidate(origin, idea, record.task, tried, run_dir)


def _records(archive: Archive) -> Iterator[Record | int]:
    """The records of an archive one by one; for a record that cannot be read, its number."""
    for number in archive.numbers(TRIED):
        try:
            yield from archive.by_number([number]).values()
        except (ArchiveError, sqlite3.DatabaseError):
            yield number
