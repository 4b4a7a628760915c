"""The journeys in flight, and what each may know of the others.

Many journeys go on at once, and yet what becomes of each must not hang on which of them happens to
be faster. So each knows what its number says, not what the clock says. With `concurrency` W:

- journey N begins when the journeys 1 to N - W have ended, and knows exactly their records: its
  *horizon* is N - W, whatever else has ended meanwhile;
- of those between, which are in flight beside it, it is told two things only, and waits for them if
  need be: an idea that is nearly its own, a source that is its own. If that earlier journey ends in
  a kept task, this one is its duplicate.

A journey waits for earlier ones alone, so no two wait for each other. With a concurrency of 1 each
journey knows all those before it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from ..task import Idea, Record, Task

NO_IDEA = Idea("(no idea yet)", "", "", "", "")
"""Stands where a journey ended before it had one."""


class Stopped(Exception):
    """The run ends: this journey goes no further. The next command takes it up where it is."""


@dataclass
class Note:
    """What others may know of a journey."""

    number: int
    idea: Idea | None = None
    task: Task | None = None
    """Its code, once that has passed the checks."""
    record: Record | None = None
    """Set when it has ended."""
    is_left: bool = False
    """Whether it goes no further in this command."""

    @classmethod
    def of(cls, record: Record) -> Note:
        """The note of a journey that has ended."""
        idea = None if record.idea == NO_IDEA else record.idea
        passed = bool(record.outcomes) and record.outcomes[-1].passed
        return cls(record.number, idea, record.task if passed else None, record)


class InFlight:
    """Notes of all journeys of a run. Any thread may use it."""

    def __init__(self, concurrency: int, records: Iterable[Record] = ()) -> None:
        self.concurrency = concurrency
        """How many journeys are in flight at most."""
        self._notes = {record.number: Note.of(record) for record in records}
        self._news = threading.Condition()
        self._is_stopped = False

    def horizon(self, number: int) -> int:
        """The last journey whose record journey `number` knows; 0 for none."""
        return max(number - self.concurrency, 0)

    def records(self, horizon: int | None = None) -> list[Record]:
        """The records of the journeys up to there, or of all that have ended, in the order of their
        numbers."""
        with self._news:
            notes = sorted(self._notes.items())
        return [
            note.record
            for number, note in notes
            if note.record and (horizon is None or number <= horizon)
        ]

    def begin(self, number: int) -> None:
        """A journey takes off. Journeys begin in the order of their numbers."""
        with self._news:
            self._notes[number] = Note(number)

    def tell(self, number: int, *, idea: Idea | None = None, task: Task | None = None) -> None:
        """What a journey has come to, for those after it."""
        with self._news:
            note = self._notes[number]
            note.idea, note.task = idea or note.idea, task or note.task
            self._news.notify_all()

    def land(self, record: Record) -> None:
        """A journey has ended."""
        with self._news:
            self._notes[record.number] = Note.of(record)
            self._news.notify_all()

    def leave(self, number: int) -> None:
        """A journey goes no further in this command."""
        with self._news:
            self._notes[number].is_left = True
            self._news.notify_all()

    def stop(self) -> None:
        """From here on, whoever waits or goes on to a further step is stopped."""
        with self._news:
            self._is_stopped = True
            self._news.notify_all()

    @property
    def is_stopped(self) -> bool:
        return self._is_stopped

    def beside(
        self,
        number: int,
        horizon: int,
        what: Literal["idea", "task"],
        waiting: Callable[[int], None],
    ) -> list[Note]:
        """The earlier journeys beyond a journey's horizon, in their order, each when it has come to
        its idea or its code, or has ended without.

        `waiting` hears of a journey that has to be waited for. Raises Stopped.
        """
        with self._news:
            others = [self._notes[n] for n in range(horizon + 1, number) if n in self._notes]
        for note in others:
            self._wait(note.number, waiting, lambda note: getattr(note, what) is not None)
        with self._news:
            return [self._notes[note.number] for note in others]

    def end_of(self, number: int, waiting: Callable[[int], None]) -> Record:
        """The record of a journey when it has ended. Raises Stopped."""
        self._wait(number, waiting, lambda note: False)
        record = self._notes[number].record
        assert record is not None
        return record

    def _wait(
        self, number: int, waiting: Callable[[int], None], enough: Callable[[Note], bool]
    ) -> None:
        """Until enough is known of a journey, or it has ended."""

        def has_come() -> bool:
            note = self._notes[number]
            return self._is_stopped or note.is_left or note.record is not None or enough(note)

        with self._news:
            arrived = has_come()
        if not arrived:
            waiting(number)
        with self._news:
            self._news.wait_for(has_come)
            note = self._notes[number]
            if note.record is None and not enough(note):
                raise Stopped
