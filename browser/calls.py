"""What was asked of models on a journey, and what they answered: `llm.jsonl`, read as it is found.

The file grows while a run goes on and may hold gigabytes: where each journey's lines begin is
remembered, and only those are read again. A line that is half written or damaged is passed over.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..archive.events import is_number
from ..files import MAX_LINE_BYTES, FileProblem, open_file, whole_lines

MAX_CALLS = 100
MOST_PLACES = 500_000
"""Lines that are remembered; those that come later are passed over."""
MAX_NAME = 100
"""Characters of the name of a role or a model."""


@dataclass(frozen=True)
class Call:
    """A request to a model and its answer."""

    role: str
    model: str
    time: str
    messages: tuple[tuple[str, str], ...]
    """Who speaks, and what is said."""
    answer: str
    error: str
    prompt_tokens: float | None
    completion_tokens: float | None
    usd: float | None
    seconds: float | None


class Calls:
    """The calls in one file, by journey. May be used from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read_to = 0
        self._places: list[tuple[int | None, str, int]] = []
        """Of each line its journey, where it tells one, its time, and where it begins."""

    def of_journey(self, number: int, began: str, ended: str) -> list[Call]:
        """The calls of a journey, in their order. Lines of runs that did not yet write down whose
        call it was belong to the journey that went on at their time (UTC, ISO 8601)."""
        with self._lock:
            self._read_on()
            starts = [
                start
                for journey, time, start in self._places
                if journey == number or (journey is None and began <= time <= ended)
            ]
        if not starts:
            return []
        calls = []
        with open_file(self._path, sys.maxsize) as file:
            for start in starts[:MAX_CALLS]:
                file.seek(start)
                entry = _entry(file.readline(MAX_LINE_BYTES))
                if entry is not None:
                    calls.append(_call(entry))
        return calls

    def _read_on(self) -> None:
        try:
            file = open_file(self._path, sys.maxsize)
        except FileProblem:
            self._places, self._read_to = [], 0
            return
        with file:
            if file.seek(0, os.SEEK_END) < self._read_to:
                self._places, self._read_to = [], 0
            file.seek(self._read_to)
            for start, line in whole_lines(file, MAX_LINE_BYTES):
                self._read_to = start + len(line)
                entry = _entry(line) if len(self._places) < MOST_PLACES else None
                if entry is not None:
                    journey = entry.get("journey")
                    known = journey if isinstance(journey, int) else None
                    self._places.append((known, str(entry.get("time", ""))[:40], start))


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _call(entry: dict[str, Any]) -> Call:
    messages = entry.get("messages", entry.get("prompt", []))
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    said = [
        (str(message.get("role", "")), _text(message.get("content", "")))
        for message in (messages if isinstance(messages, list) else [])
        if isinstance(message, dict)
    ]

    def number(name: str) -> float | None:
        value = entry.get(name)
        return float(value) if is_number(value) else None

    return Call(
        role=str(entry.get("role", ""))[:MAX_NAME],
        model=str(entry.get("model", ""))[:MAX_NAME],
        time=str(entry.get("time", ""))[:MAX_NAME],
        messages=tuple(said),
        answer=_text(entry.get("answer") or ""),
        error=_text(entry.get("error") or ""),
        prompt_tokens=number("prompt_tokens"),
        completion_tokens=number("completion_tokens"),
        usd=number("usd"),
        seconds=number("seconds"),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=1)
