"""Tasks that are offered to an archive: files, folders of them, OMNI-EPIC runs, other archives.

Nothing here runs a task, and nothing is written.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..archive.store import FILE_NAME, Archive
from ..errors import ArchiveError, UsageError
from ..task import Idea, Record, Robot, Status, Task, robot_named_in
from .seeds import idea_of_source

OMNI_EPIC_ARCHIVE = "archive.jsonl"
TRIED: tuple[Status, ...] = ("learned", "too_hard", "too_easy")
"""Statuses of records that say what a trial came to: those of another archive that are offered."""
MAX_SOURCE_BYTES = 1_000_000


@dataclass(frozen=True)
class Offer:
    """A task, and what is known of it where it comes from."""

    origin: str
    """Where it comes from, as a person is told."""
    idea: Idea
    task: Task
    record: Record | None = None
    """Of another archive, with its trial; None where nothing has been tried that counts here."""
    run_dir: Path | None = None
    """Where that archive's policies and pictures lie."""


@dataclass(frozen=True)
class Unusable:
    """Something that was named and cannot be offered at all."""

    origin: str
    reason: str


def offers_in(path: Path, robot: Robot | None = None) -> Iterator[Offer | Unusable]:
    """What a path offers: a task file, a folder of them, an OMNI-EPIC run or a Taskwright archive
    (their folder, or `archive.jsonl` or `archive.db` in it). `robot` is for files that name none.

    Raises UsageError where it is nothing of that, ArchiveError where an archive cannot be opened.
    """
    if path.name == FILE_NAME or (path / FILE_NAME).is_file():
        yield from _of_archive(path.parent if path.name == FILE_NAME else path)
    elif path.name == OMNI_EPIC_ARCHIVE or (path / OMNI_EPIC_ARCHIVE).is_file():
        folder = path.parent if path.name == OMNI_EPIC_ARCHIVE else path
        yield from _of_omni_epic(folder, robot)
    elif path.is_dir():
        files = [file for file in sorted(path.glob("*.py")) if _defines_a_task(file)]
        if not files:
            raise UsageError(
                f"The folder {path} holds neither an archive nor a task file.",
                "Name task files (.py, with a class `Env`), a folder of them, an OMNI-EPIC run or "
                "a Taskwright run.",
            )
        yield from (_of_file(file, robot) for file in files)
    elif path.is_file():
        yield _of_file(path, robot)
    else:
        raise UsageError(f"There is no {path}.", "Name a task file, or the folder of a run.")


# Files.


def _of_file(path: Path, robot: Robot | None, origin: str = "") -> Offer | Unusable:
    origin = origin or str(path)
    try:
        if path.stat().st_size > MAX_SOURCE_BYTES:
            return Unusable(origin, f"It is longer than {MAX_SOURCE_BYTES} bytes.")
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        return Unusable(origin, f"It cannot be read: {reason}.")
    named = robot_named_in(source) or robot
    if named is None:
        return Unusable(origin, "It does not say which robot it is for; give --robot.")
    idea = idea_of_source(source, path.stem.replace("_", " "))
    return Offer(origin, replace(idea, strategy="imported"), Task(source, named))


def _defines_a_task(path: Path) -> bool:
    """Whether a file of a folder is meant: others, such as `base.py`, lie beside tasks."""
    try:
        return re.search(rb"^class\s+Env\b", path.read_bytes(), re.MULTILINE) is not None
    except OSError:
        return True  # So that it is told.


# OMNI-EPIC. Its main loop appends the whole state after each task, each time as a JSON object over
# several lines: the last one counts. Paths in it are those of the machine that it ran on.


def _of_omni_epic(folder: Path, robot: Robot | None) -> Iterator[Offer | Unusable]:
    """The tasks that its agent learned, in their order, with what they were derived from."""
    recorded = _last_state(folder / OMNI_EPIC_ARCHIVE)
    task_ids: dict[str, str] = {}
    for named in recorded:
        path = _found(folder, named)
        if path is None:
            yield Unusable(named, f"It is listed in {folder / OMNI_EPIC_ARCHIVE}, and not there.")
            continue
        offer = _of_file(path, robot)
        if isinstance(offer, Offer):
            task_ids[named] = offer.task.task_id
            parents = [task_ids[name] for name in _derived_from(path) if name in task_ids]
            offer = replace(offer, idea=replace(offer.idea, parents=tuple(parents)))
        yield offer


def _last_state(path: Path) -> list[str]:
    """The paths of the tasks that were kept, as the last state that is whole has them."""
    text = path.read_text(encoding="utf-8", errors="replace")
    decoder, state, place = json.JSONDecoder(), None, 0
    while (start := text.find("{", place)) >= 0:
        try:
            found, place = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            break  # Cut off while it was written.
        state = found if isinstance(found, dict) else state
    kept = state.get("codepaths") if state else None
    if not isinstance(kept, list):
        raise ArchiveError(
            f"{path} is not the archive of an OMNI-EPIC run: it lists no `codepaths`.",
            "Name the folder that OMNI-EPIC logged to, or the task files themselves.",
        )
    return [str(name) for name in kept]


def _found(folder: Path, named: str) -> Path | None:
    """Where a file lies now that was named by a path on another machine."""
    parts = Path(named).parts
    for place in (folder.joinpath(*parts[-2:]), folder / parts[-1] if parts else folder):
        if place.is_file():
            return place
    return None


def _derived_from(path: Path) -> list[str]:
    """The tasks that one was made from, the closest first, as named in its `metadata.json`."""
    try:
        metadata: Any = json.loads((path.parent / "metadata.json").read_text(encoding="utf-8"))
        named = metadata.get("taskit_from_paths") or metadata.get("taskgen_example_paths") or []
        return [str(name) for name in named]
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return []


# Another Taskwright archive.


def _of_archive(run_dir: Path) -> Iterator[Offer | Unusable]:
    """The records on which a trial had a verdict, as far as they can be read."""
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
                yield Offer(origin, idea, record.task, tried, run_dir)


def _records(archive: Archive) -> Iterator[Record | int]:
    """The records of an archive one by one; of one that cannot be read at all, its number."""
    try:
        numbers: Sequence[int] = list(archive.statuses())
    except sqlite3.DatabaseError:
        numbers = range(1, archive.last_number() + 1)
    for number in numbers:
        try:
            yield from archive.by_number([number]).values()
        except sqlite3.DatabaseError:
            yield number
