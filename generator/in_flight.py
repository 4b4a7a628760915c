"""The journeys in flight, and what each may know of the others.

Many journeys go on at once, and yet what becomes of each must not depend on which of them happens
to be faster. So what a journey knows follows from its number, not from the clock. With
`concurrency` W:

- journey N begins when the journeys 1 to N - W have ended, and knows exactly their records: its
  *horizon* is N - W, whatever else has ended meanwhile;
- of those between, which are in flight beside it, it knows the ideas, and waits until they have
  come to them before it has its own. So no idea is proposed twice;
- how they end it learns in two cases only, and waits for that if need be: where an idea is nearly
  its own, and where a source is its own. If that earlier journey ends in a kept task, this one is
  its duplicate.

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
"""Stands for the idea of a journey that ended before it had one."""


class Stopped(Exception):
    """The run ends: this journey goes no further. The next command takes it up where it is."""


@dataclass
class JourneyState:
    """What other journeys may know of a journey."""

    number: int
    idea: Idea | None = None
    task: Task | None = None
    """Its code, once that has passed the checks."""
    record: Record | None = None
    """Set when it has ended."""
    is_suspended: bool = False
    """Whether it goes no further in this command."""

    @classmethod
    def of(cls, record: Record) -> JourneyState:
        """The state of a journey that has ended."""
        idea = None if record.idea == NO_IDEA else record.idea
        passed = bool(record.outcomes) and record.outcomes[-1].passed
        return cls(record.number, idea, record.task if passed else None, record)


class InFlight:
    """The states of all journeys of a run. Any thread may use it."""

    def __init__(self, concurrency: int, records: Iterable[Record] = ()) -> None:
        self.concurrency = concurrency
        """How many journeys are in flight at most."""
        self._states = {record.number: JourneyState.of(record) for record in records}
        self._changed = threading.Condition()
        self._is_stopped = False

    def horizon(self, number: int) -> int:
        """The last journey whose record journey `number` knows; 0 for none."""
        return max(number - self.concurrency, 0)

    def records(self, horizon: int | None = None) -> list[Record]:
        """The records of the journeys up to there, or of all that have ended, in the order of their
        numbers."""
        with self._changed:
            states = sorted(self._states.items())
        return [
            state.record
            for number, state in states
            if state.record and (horizon is None or number <= horizon)
        ]

    def begin(self, number: int) -> None:
        """A journey begins. Journeys begin in the order of their numbers."""
        with self._changed:
            self._states[number] = JourneyState(number)

    def share(self, number: int, *, idea: Idea | None = None, task: Task | None = None) -> None:
        """Let the journeys after it know the idea or the code to which a journey has come."""
        with self._changed:
            state = self._states[number]
            state.idea, state.task = idea or state.idea, task or state.task
            self._changed.notify_all()

    def end(self, record: Record) -> None:
        """Let the others know that a journey has ended."""
        with self._changed:
            self._states[record.number] = JourneyState.of(record)
            self._changed.notify_all()

    def suspend(self, number: int) -> None:
        """Let the others know that a journey goes no further in this command."""
        with self._changed:
            self._states[number].is_suspended = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Stop every journey that waits, or that goes on to a further step."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    @property
    def is_stopped(self) -> bool:
        return self._is_stopped

    def beside(
        self,
        number: int,
        horizon: int,
        what: Literal["idea", "task"],
        waiting: Callable[[int], None],
    ) -> list[JourneyState]:
        """The earlier journeys beyond a journey's horizon, in their order, each when it has come to
        its idea or its code, or has ended without.

        `waiting` hears of a journey that has to be waited for. Raises Stopped, also where one of
        them goes no further in this command.
        """
        with self._changed:
            others = [self._states[n] for n in range(horizon + 1, number) if n in self._states]
        # The latest comes to its idea after the others: whoever waits for it is woken once.
        for state in reversed(others):
            self._wait(state.number, waiting, lambda state: getattr(state, what) is not None)
        with self._changed:
            return [self._states[state.number] for state in others]

    def until_idea(self, number: int, waiting: Callable[[int], None]) -> None:
        """Until a journey has come to its idea, or has ended without. Raises Stopped."""
        self._wait(number, waiting, lambda state: state.idea is not None)

    def end_of(self, number: int, waiting: Callable[[int], None]) -> Record:
        """The record of a journey when it has ended. Raises Stopped."""
        self._wait(number, waiting, lambda state: False)
        record = self._states[number].record
        assert record is not None
        return record

    def _wait(
        self, number: int, waiting: Callable[[int], None], enough: Callable[[JourneyState], bool]
    ) -> None:
        """Until enough is known of a journey, or it has ended."""

        def has_come() -> bool:
            state = self._states[number]
            is_over = self._is_stopped or state.is_suspended or state.record is not None
            return is_over or enough(state)

        with self._changed:
            arrived = has_come()
        if not arrived:
            waiting(number)
        with self._changed:
            self._changed.wait_for(has_come)
            state = self._states[number]
            if state.record is None and not enough(state):
                raise Stopped
