"""What a run reports while it goes on: flat dictionaries, each a line of `events.jsonl`.

Every event has `event` (its kind), `time` (UTC) and `elapsed_s` (seconds since the command began,
by a monotonic clock). The kinds, and what else they have:

`run`      a command began: `author`, `seed`, `tasks`, `attempts`, `minutes` (its limits, or None),
           `concurrency`, `workers`, `counts` (records by status), `isolation`, `versions`
`stage`    a journey entered a stage: `journey`, `stage`, `title`, `waits_for` ("model", "worker",
           "journey" or None). Stages are `select`, `idea`, `code`, `repair` and `check` (with
           `attempt`), `judge`, `train`, `wait` (for the journey in `other`), and at last the status
           to which the journey came
`job`      a worker began or ended a job: `journey`, `kind` ("check", "trial" or "film"), `state`
           ("begun" or "ended"). As many workers are busy as jobs have begun and not ended
`curve`    a point of a learning curve: `journey`, `steps`, `success_rate`, `mean_return`
`model`    a model call ended: `journey`, `role`, `prompt_tokens`, `completion_tokens`, `seconds`,
           perhaps `error`; and since the run began `total_tokens` and `total_usd`
`record`   a journey has its record in the archive: `journey`, `status`, `reason`, `title`,
           `task_id`, `seconds` (of work)
`warning`  `text`, perhaps `journey`
`end`      the command ended: `reason`, `counts`, `seconds`

A command that is killed writes no `end` event: its jobs and stages end with the next `run` event.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from ..archive.store import now
from ..errors import storage_explained
from ..files import missing_line_feed

Event = dict[str, Any]
Watcher = Callable[[Event], None]


class Events:
    """Passes events on to a watcher and to `events.jsonl` in the run folder, one at a time: any
    thread may report one. Each is in the file when it has been reported, for whoever follows it
    and whatever becomes of the run. What is reported after `close` is dropped."""

    def __init__(self, path: Path, watcher: Watcher) -> None:
        self._path = path
        self._watcher = watcher
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._file: BinaryIO | None = None
        """Kept open: a journey reports a dozen events, and a learning curve many more."""
        self._is_closed = False

    def __call__(self, event: str, **details: Any) -> None:
        """Raises StorageError."""
        with self._lock, storage_explained():
            if self._is_closed:
                return
            elapsed_s = round(time.monotonic() - self._started, 2)
            entry = {"event": event, "time": now(), "elapsed_s": elapsed_s, **details}
            self._write(json.dumps(entry).encode() + b"\n")
            self._watcher(entry)

    def _write(self, line: bytes) -> None:
        try:
            if self._file is None:
                self._file = self._path.open("ab+", buffering=0)
                line = missing_line_feed(self._file) + line
            written = self._file.write(line)
            if written != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            # The next event looks whether this one has left half a line.
            self._close_file()
            raise

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._close_file()
