"""What a run is doing, read from its `events.jsonl` as that grows.

The file is written by another process, perhaps by another version of Taskwright: a line that is
half written waits, one that cannot be read is counted, a kind that is not known is left out, and a
file that was cut or replaced is read anew. Nothing here raises because of what a line says.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..archive.events import Event, is_number, read_event

STAGES = ("idea", "code", "check", "judge", "train")
"""The stages as they are shown; `select` comes before them and `repair` goes back to `code`."""

CURVE_LENGTH = 400
NOTES_KEPT = 12
MOST_IN_FLIGHT, MOST_JOBS = 1_000, 100
"""Of a run, and of a journey: a run has a handful."""
BLOCK_BYTES = 1 << 22
RECENT_BYTES = 1_000_000
"""Points of learning curves are most of a long file; those farther back than this are of journeys
that have ended, and are skipped unread."""


@dataclass
class InFlight:
    """A journey under way."""

    number: int
    title: str = ""
    stage: str = "select"
    since: str = ""
    """When it entered its stage; UTC, ISO 8601."""
    begun: str = ""
    attempt: int = 0
    waits_for: str = ""
    """`model`, `worker` or `journey`; empty where the run does not tell."""
    other: int | None = None
    """The journey it waits for."""
    success: list[float] = field(default_factory=list)
    """Success rates of the learning curve so far."""
    steps: int = 0
    jobs: list[str] = field(default_factory=list)
    """What workers are computing for it."""

    @property
    def place(self) -> int:
        """Position of its stage in `STAGES`; -1 before the first, its length after the last."""
        stage = {"select": None, "repair": "code"}.get(self.stage, self.stage)
        if stage is None:
            return -1
        return STAGES.index(stage) if stage in STAGES else len(STAGES)


@dataclass
class Note:
    """A warning or an error that the run reported."""

    time: str
    text: str
    journey: int | None = None


@dataclass
class Run:
    """What the events say."""

    command: dict[str, Any] = field(default_factory=dict)
    """The last `run` event; empty before the first."""
    commands: int = 0
    end: dict[str, Any] = field(default_factory=dict)
    """How the last command ended; empty while it goes on, or where it reported no end."""
    in_flight: dict[int, InFlight] = field(default_factory=dict)
    notes: deque[Note] = field(default_factory=lambda: deque(maxlen=NOTES_KEPT))
    """The newest last."""
    tokens: int = 0
    usd: float | None = 0.0
    """None where the price of the model is not known."""
    calls: int = 0
    last_time: str = ""
    unreadable: int = 0
    """Lines that were no event."""

    @property
    def jobs(self) -> list[tuple[int, str]]:
        """Journey and kind of each job that a worker is computing."""
        return [(each.number, job) for each in self.in_flight.values() for job in each.jobs]

    def take(self, event: Event) -> None:
        """Fold in one event."""
        kind, time = event.get("event"), _text(event, "time")
        self.last_time = time or self.last_time
        number = _whole(event, "journey")
        match kind:
            case "run":
                # What a killed command had under way is over; it begins again with its stages.
                self.command, self.end, self.in_flight = event, {}, {}
                self.commands += 1
            case "end":
                self.end, self.in_flight = event, {}
            case "warning":
                self.notes.append(Note(time, _text(event, "text"), number))
            case "model":
                self._take_call(event, time, number)
            case "record" if number is not None:
                self.in_flight.pop(number, None)
            case "stage" | "curve" | "job" if number is not None:
                journey = self.in_flight.get(number)
                if journey is None and len(self.in_flight) >= MOST_IN_FLIGHT:
                    return
                if journey is None:
                    journey = self.in_flight[number] = InFlight(number, begun=time, since=time)
                _take_step(journey, event, time)

    def _take_call(self, event: Event, time: str, number: int | None) -> None:
        self.calls += 1
        self.tokens = _whole(event, "total_tokens") or self.tokens
        if "total_usd" in event:
            usd = event["total_usd"]
            self.usd = float(usd) if is_number(usd) else None
        if error := _text(event, "error"):
            self.notes.append(Note(time, f"A model call failed: {error}", number))


def _take_step(journey: InFlight, event: Event, time: str) -> None:
    journey.title = _text(event, "title") or journey.title
    match event["event"]:
        case "stage":
            journey.stage, journey.since = _text(event, "stage"), time
            journey.attempt = _whole(event, "attempt") or 0
            journey.waits_for, journey.other = _text(event, "waits_for"), _whole(event, "other")
        case "curve":
            rate = event.get("success_rate")
            if is_number(rate) and len(journey.success) < CURVE_LENGTH:
                journey.success.append(min(max(float(rate), 0.0), 1.0))
            journey.steps = _whole(event, "steps") or journey.steps
        case "job":
            job = _text(event, "kind")
            if event.get("state") == "begun" and len(journey.jobs) < MOST_JOBS:
                journey.jobs.append(job)
            elif job in journey.jobs:
                journey.jobs.remove(job)


def _text(event: Event, name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _whole(event: Event, name: str) -> int | None:
    value = event.get(name)
    return value if is_number(value) and isinstance(value, int) else None


class Watch:
    """Follows an `events.jsonl`, which need not exist yet. May be used from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self.run = Run()
        self.version = 0
        """Grows with every event that was read."""
        self._identity: tuple[int, int] | None = None
        self._offset = 0

    def read(self) -> tuple[Run, int]:
        """Take in what was written since the last call. The run, and a number that is another
        whenever something was new."""
        with self._lock:
            try:
                with self._path.open("rb") as file:
                    self._follow(file.fileno())
            except FileNotFoundError:
                if self._identity is not None:
                    version = self.version
                    self._forget()
                    self.version = version + 1
            return self.run, self.version

    def _follow(self, descriptor: int) -> None:
        stat = os.fstat(descriptor)
        identity = (stat.st_dev, stat.st_ino)
        if identity != self._identity or stat.st_size < self._offset:
            version = self.version
            self._forget()
            self.version = version + 1
            self._identity = identity
        while block := os.pread(descriptor, BLOCK_BYTES, self._offset):
            whole, newline, _ = block.rpartition(b"\n")
            if not newline:
                if len(block) < BLOCK_BYTES:
                    return
                whole = block  # One line that fills the block is none of ours.
            end = self._offset + len(whole) + len(newline)
            is_old = end < stat.st_size - RECENT_BYTES
            for line in whole.split(b"\n"):
                if line and not (is_old and line.startswith(b'{"event": "curve"')):
                    self._take(line)
            self._offset = end

    def _take(self, line: bytes) -> None:
        self.version += 1
        event = read_event(line)
        if event is None:
            self.run.unreadable += 1
        else:
            self.run.take(event)
