"""Events of a run as they are read back from `events.jsonl`, whoever has written it.

Each event is reduced to what a reader can show or compute with: texts up to a length, finite
numbers, and one level of nested objects with such values.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, TypeGuard

FILE_NAME = "events.jsonl"
MAX_TEXT = 2_000
"""The most characters of a value."""
MAX_NAMES = 100
"""The most fields of an event, and of an object in it."""
MOST_WHOLE, MOST = 2**53, 1e15

Event = dict[str, Any]


def read_event(line: bytes) -> Event | None:
    """An event from its line; None where the line is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    event: Event = _plain(found)
    for name, value in list(found.items())[:MAX_NAMES]:
        if isinstance(value, dict):
            event[name] = _plain(value)
    return event


def _plain(found: dict[str, Any]) -> Event:
    """Those values of an object that hold no others."""
    event: Event = {}
    for name, value in list(found.items())[:MAX_NAMES]:
        if isinstance(value, str):
            event[name] = value[:MAX_TEXT]
        elif value is None or is_number(value) or isinstance(value, bool):
            event[name] = value
    return event


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number that can be added up, shown and stored."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) <= MOST_WHOLE
    # Also false for what is not a number at all.
    return isinstance(value, float) and abs(value) <= MOST


def moment(text: object) -> datetime | None:
    """An ISO 8601 time, in UTC; None where it is none, or none that a calendar has."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
