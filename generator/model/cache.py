"""Answers kept on disk, so that the same question is paid for once.

The key is the whole request (model, messages and settings) and the sample: which asking of it this
is. Two askings of one prompt are two samples and have two answers. One file per answer, written
whole or not at all, so that several runs can share a folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import storage_explained
from ...task import Cost, Noun, from_json, to_json


@dataclass(frozen=True)
class Answer(Noun):
    """What a model said, and what that has cost."""

    text: str
    finish_reason: str
    cost: Cost
    thoughts: str = ""
    """What it thought before it said that, where its server sends that apart."""


class AnswerCache:
    """Answers in a folder, which is made when the first one is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str) -> Answer | None:
        """The answer kept under a key. One that cannot be read counts as none."""
        try:
            return from_json(Answer, self._path(key).read_bytes())
        except (OSError, ValueError):
            return None

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

    def _path(self, key: str) -> Path:
        # Thousands of files in one folder are slow on some file systems.
        return self._folder / key[:2] / f"{key[2:]}.json"


def cache_key(request: Mapping[str, Any], sample: str) -> str:
    """The key of one asking of a request: 64 hex digits."""
    text = json.dumps({"request": request, "sample": sample}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
