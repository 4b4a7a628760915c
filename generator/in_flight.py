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

import heapq
import operator
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from ..archive.history import History, Past
from ..task import Idea, Record, Task

NO_IDEA = Idea("(no idea yet)", "", "", "", "")
"""Stands for the idea of a journey that ended before it had one."""


class Stopped(Exception):
    """The run ends: this journey goes no further. The next command takes it up where it is."""


What = Literal["idea", "task", "end"]
"""What of a journey can be waited for. Its end is waited for with the others, too."""


@dataclass(slots=True)
class JourneyState:
    """What other journeys may know of a journey."""

    number: int
    idea: Idea | None = None
    task: Task | None = None
    """Its code, once that has passed the checks: the first that did. Not known of a journey that
    has ended, where training found a fault in that; its journal has it."""
    record: Record | None = None
    """Set when it has ended."""
    is_suspended: bool = False
    """Whether it goes no further in this command."""

    @classmethod
    def of(cls, record: Record) -> JourneyState:
        """The state of a journey that has ended."""
        idea = None if record.idea == NO_IDEA else record.idea
        passed = bool(record.outcomes) and record.outcomes[-1].passed
        passed = passed and all(outcome.stage != "train" for outcome in record.outcomes)
        return cls(record.number, idea, record.task if passed else None, record)

    def has_come_to(self, what: What) -> bool:
        """Whether there is no more to wait for: it is there, or the journey has ended without."""
        if self.record is not None:
            return True
        return (what == "idea" and self.idea is not None) or (
            what == "task" and self.task is not None
        )


class InFlight:
    """The states of all journeys of a run. Any thread may use it."""

    def __init__(self, concurrency: int, records: Iterable[Record] = ()) -> None:
        self.concurrency = concurrency
        """How many journeys are in flight at most."""
        self._states = {record.number: JourneyState.of(record) for record in records}
        self._history = History()
        self._beyond = sorted(self._states)
        """A heap: the journeys that have ended and are not in the history yet."""
        self._lock = threading.Lock()
        self._awaited: dict[tuple[int, What], threading.Condition] = {}
        """By what is awaited, the condition that wakes those who wait for it and nobody else."""
        self._is_stopped = False

    def horizon(self, number: int) -> int:
        """The last journey whose record journey `number` knows; 0 for none."""
        return max(number - self.concurrency, 0)

    def past(self, horizon: int) -> Past:
        """The records of the journeys up to a horizon, all of which have ended."""
        with self._lock:
            while self._beyond and self._beyond[0] <= horizon:
                record = self._states[heapq.heappop(self._beyond)].record
                assert record is not None
                self._history.append(record)
            return self._history.up_to(horizon)

    def records(self) -> list[Record]:
        """The records of all journeys that have ended, in the order of their numbers."""
        with self._lock:
            ended = [state.record for state in self._states.values() if state.record]
        return sorted(ended, key=operator.attrgetter("number"))

    def begin(self, number: int) -> None:
        """A journey begins. Journeys begin in the order of their numbers."""
        with self._lock:
            self._states[number] = JourneyState(number)

    def share(self, number: int, *, idea: Idea | None = None, task: Task | None = None) -> None:
        """Let the journeys after it know the idea or the code to which a journey has come."""
        with self._lock:
            state = self._states[number]
            if idea is not None:
                state.idea = idea
                self._wake(number, "idea")
            if task is not None:
                state.task = task
                self._wake(number, "task")

    def end(self, record: Record) -> None:
        """Let the others know that a journey has ended."""
        with self._lock:
            self._states[record.number] = JourneyState.of(record)
            if record.number > self._history.last:
                heapq.heappush(self._beyond, record.number)
            else:
                # Somebody knew later journeys and not this one. Whoever asks now knows it too.
                self._history = History()
                self._beyond = sorted(n for n, state in self._states.items() if state.record)
            self._wake(record.number, "idea", "task", "end")

    def suspend(self, number: int) -> None:
        """Let the others know that a journey goes no further in this command."""
        with self._lock:
            self._states[number].is_suspended = True
            self._wake(number, "idea", "task", "end")

    def stop(self) -> None:
        """Stop every journey that waits, or that goes on to a further step."""
        with self._lock:
            self._is_stopped = True
            for number, what in list(self._awaited):
                self._wake(number, what)

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
        while True:
            with self._lock:
                states = self._states
                others = [states[n] for n in range(horizon + 1, number) if n in states]
            # The latest comes to it after most others: whoever waits for it is woken once.
            late = next((s for s in reversed(others) if not s.has_come_to(what)), None)
            if late is None:
                return others
            self._wait(late.number, what, waiting)

    def until_idea(self, number: int, waiting: Callable[[int], None]) -> None:
        """Until a journey has come to its idea, or has ended without. Raises Stopped."""
        self._wait(number, "idea", waiting)

    def end_of(self, number: int, waiting: Callable[[int], None]) -> Record:
        """The record of a journey when it has ended. Raises Stopped."""
        self._wait(number, "end", waiting)
        record = self._states[number].record
        assert record is not None
        return record

    def _wait(self, number: int, what: What, waiting: Callable[[int], None]) -> None:
        """Until a journey has come to something, or has ended without. Raises Stopped where it does
        not in this command."""
        if self._states[number].has_come_to(what):
            return
        waiting(number)
        with self._lock:
            while not self._states[number].has_come_to(what):
                if self._is_stopped or self._states[number].is_suspended:
                    raise Stopped
                self._awaited.setdefault((number, what), threading.Condition(self._lock)).wait()

    def _wake(self, number: int, *whats: What) -> None:
        """Wake those who wait for one of these things of a journey, and nobody else."""
        for what in whats:
            if waiters := self._awaited.pop((number, what), None):
                waiters.notify_all()
