"""What a run tells while it goes on: one flat dictionary per event.

Every event has `event` (its kind) and `time` (UTC); most have `journey`. Kinds: `run` (a command
began), `stage` (a journey entered a stage), `curve` (a point of a learning curve), `record` (a
journey ended), `model` (a model call ended), `warning`, and `end` (the command ended, and why).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..archive.store import now

Event = dict[str, Any]
Watcher = Callable[[Event], None]


class Events:
    """Passes events on to a watcher and to `events.jsonl` in the run folder."""

    def __init__(self, path: Path, watcher: Watcher) -> None:
        self._path = path
        self._watcher = watcher

    def __call__(self, event: str, **details: Any) -> None:
        entry = {"event": event, "time": now(), **details}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        self._watcher(entry)
