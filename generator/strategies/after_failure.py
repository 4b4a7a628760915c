"""The common base of the strategies that start from a task that was too hard."""

from __future__ import annotations

import numpy as np

from ...archive.history import following
from ...task import Record
from .strategy import IdeaStrategy, Situation, Start


class AfterFailure(IdeaStrategy):
    """Starts from a task that was too hard, its subject, at most once from each."""

    def can_use(self, record: Record) -> bool:
        """Whether a task that was too hard can be a subject."""
        return True

    def applies(self, situation: Situation) -> bool:
        return bool(self._subjects(situation))

    def start(self, situation: Situation, random: np.random.Generator) -> Start:
        """Choose one of the subjects, rather one that was nearly learned."""
        subjects = self._subjects(situation)
        promise = np.array([0.1 + _best_success(record) for record in subjects])
        chosen = subjects[int(random.choice(len(subjects), p=promise / promise.sum()))]
        return Start(self.name, subject=chosen.number)

    def _subjects(self, situation: Situation) -> list[Record]:
        """The tasks that were too hard from which this strategy has not started yet. Where several
        journeys are in flight, a task is left to those whose number is the same as its own modulo
        `in_flight`, of which one goes on at a time."""
        with following(situation.records, _Failures, self, situation.in_flight) as failures:
            return failures.left_to(situation.number, len(situation.records))


class _Failures:
    """The tasks that were too hard, and those from which a strategy has started."""

    def __init__(self, strategy: AfterFailure, in_flight: int) -> None:
        self._strategy = strategy
        self._in_flight = in_flight
        self._count = 0
        self._hard: dict[int, list[tuple[int, str | None, Record]]] = {}
        """Those that the strategy can use, by their numbers modulo `in_flight`, each with the
        number of the records before it."""
        self._started: dict[str | None, int] = {}
        """How many records there were before the first one that starts from a task."""

    def take(self, record: Record) -> None:
        if record.idea.strategy == self._strategy.name and record.idea.parents:
            self._started.setdefault(record.idea.parents[0], self._count)
        is_hard = record.status == "too_hard" and record.trial is not None
        if is_hard and self._strategy.can_use(record):
            found = self._hard.setdefault(record.number % self._in_flight, [])
            found.append((self._count, record.task_id, record))
        self._count += 1

    def left_to(self, number: int, count: int) -> list[Record]:
        """Those that a journey may start from which knows the first `count` records."""
        return [
            record
            for place, task_id, record in self._hard.get(number % self._in_flight, ())
            if place < count and self._started.get(task_id, count) >= count
        ]


def _best_success(record: Record) -> float:
    assert record.trial is not None
    rates = [point.success_rate for point in record.trial.curve]
    return max([record.trial.success_after or 0.0, *rates])
