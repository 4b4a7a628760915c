"""Answers kept on disk, so that the same question is paid for once.

The key is the whole request (model, messages and settings) and the sample: which asking of it this
is. Two askings of one prompt are two samples and have two answers. One file per answer, written
whole or not at all, so that several runs can share a folder.

While an answer is read, a marker lies beside it. One whose reader has died is the sign of an answer
that broke its reader, or was being read when something else did: it is not read a second time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import json
import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import StorageError, storage_explained
from ...task import Cost, Noun, from_json, to_json

LEFT_UNREAD = "left unread"
"""The finish reason that is given for an answer whose reader has died."""
MARKER = ".reading"
OURS = f".{uuid.uuid4().hex[:12]}-"
"""A part of the names of this process's markers."""
READ_ONLY = (PermissionError, StorageError)
"""The errors of a shared folder that this user cannot write to."""
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Answer(Noun):
    """What a model said, and what that has cost."""

    text: str
    finish_reason: str
    cost: Cost
    thoughts: str = ""
    """The model's reasoning before the answer, where its server sends that separately."""


class AnswerCache:
    """Answers in a folder, which is made when the first one is kept."""

    def __init__(self, folder: Path, *, is_ours: bool = True) -> None:
        """Unless it `is_ours`, as the folder of a replayed run is not, nothing is written there."""
        self._folder = folder
        self._is_ours = is_ours

    def find(self, key: str) -> Answer | None:
        """The answer kept under a key, with the finish reason LEFT_UNREAD where its reader has
        died. One that cannot be read counts as none."""
        try:
            answer = from_json(Answer, self._path(key).read_bytes())
        except (OSError, ValueError):
            return None
        if left := self._left_markers(key):
            answer = replace(answer, finish_reason=LEFT_UNREAD)
            if self._is_ours:
                with contextlib.suppress(*READ_ONLY):
                    self.keep(key, answer)
                    _remove(left)
        return answer

    def keep(self, key: str, answer: Answer) -> None:
        """Raises StorageError where the disk takes no more."""
        path = self._path(key)
        with storage_explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(to_json(answer))
                os.replace(name, path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    def keep_new(self, key: str, answer: Answer) -> None:
        """Keep an answer that was asked for anew: how others of its key were read is past."""
        self.keep(key, answer)
        _remove(self._left_markers(key))

    @contextlib.contextmanager
    def reading(self, key: str) -> Iterator[None]:
        """Have a marker beside an answer, which outlasts this process if it dies meanwhile. Raises
        StorageError where the disk takes no more, else OSError."""
        marker = self._path(key).with_suffix(f"{OURS}{next(_NUMBERS)}{MARKER}")
        with storage_explained():
            marker.parent.mkdir(parents=True, exist_ok=True)
            unseen = marker.with_name(f".{marker.name}")
            file = unseen.open("wb")
        with file:
            # The system opens the lock again when this process ends, however it ends. Where it has
            # no locks, nobody can tell that a marker is left over, and none is taken to be.
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with storage_explained():
                os.replace(unseen, marker)
                _make_durable(marker.parent)
            try:
                yield
            finally:
                marker.unlink(missing_ok=True)

    def _left_markers(self, key: str) -> list[Path]:
        """The markers beside an answer whose process has died while it read."""
        path = self._path(key)
        return [marker for marker in path.parent.glob(f"{path.stem}.*{MARKER}") if _is_left(marker)]

    def _path(self, key: str) -> Path:
        # Thousands of files in one folder are slow on some file systems.
        return self._folder / key[:2] / f"{key[2:]}.json"


def _make_durable(folder: Path) -> None:
    """Bring changes of the names in a folder safely to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_left(marker: Path) -> bool:
    if OURS in marker.name:
        return False
    try:
        with marker.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            # The marker has lost its name: its reader has just finished.
            return os.fstat(file.fileno()).st_nlink > 0
    except OSError:
        return False  # Its reader lives, or has removed it.


def _remove(markers: list[Path]) -> None:
    for marker in markers:
        marker.unlink(missing_ok=True)


def cache_key(request: Mapping[str, Any], sample: str) -> str:
    """The key of one asking of a request: 64 hex digits."""
    text = json.dumps({"request": request, "sample": sample}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
