"""The common base of the strategies that start from a task that was too hard."""

from __future__ import annotations

import numpy as np

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
        done = {
            record.idea.parents[0]
            for record in situation.records
            if record.idea.strategy == self.name and record.idea.parents
        }
        return [
            record
            for record in situation.records
            if record.status == "too_hard"
            and record.trial is not None
            and record.task_id not in done
            and (record.number - situation.number) % situation.in_flight == 0
            and self.can_use(record)
        ]


def _best_success(record: Record) -> float:
    assert record.trial is not None
    rates = [point.success_rate for point in record.trial.curve]
    return max([record.trial.success_after or 0.0, *rates])
