"""What a journey knows of the journeys before it, and where it starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..archive.learned_distance import Metric
from ..archive.novelty import Neighbour, nearest, novelty
from ..task import STATUSES, Idea, Noun, Record, Status
from .run_context import RunContext
from .strategies import STRATEGIES
from .strategies.bandit import choose_start
from .strategies.strategy import IdeaStrategy, Situation, Start

INSTRUCTIVE: tuple[Status, ...] = ("too_hard", "too_easy", "uninteresting")
"""Statuses of rejected tasks that are useful to an author for the next idea."""


@dataclass(frozen=True)
class Selection(Noun):
    """What a journey starts from."""

    stones: tuple[str, ...] = ()
    """`task_id`s of kept tasks, the chosen one first."""
    failures: tuple[int, ...] = ()
    """Journey numbers of tasks like it that were turned down."""
    strategy: str = "frontier"
    """Name of the idea strategy."""
    subject: int | None = None
    """Journey number of the task that was too hard, for the strategies that start from one."""
    seed_task: int | None = None
    """Position of the example task to begin with."""
    horizon: int | None = None
    """Journey number of the last record that it knew; None in archives whose journeys came one
    after the other and knew all before them."""


class ArchiveView:
    """The records up to a horizon, the number of the last journey among them."""

    def __init__(self, context: RunContext, horizon: int) -> None:
        self._context = context
        self.horizon = horizon
        self.records = context.in_flight.records(horizon)
        self.kept = [record for record in self.records if record.status == "learned"]

    def stones(self, selection: Selection) -> list[Record]:
        """The kept tasks that were selected."""
        by_task = {record.task_id: record for record in self.kept}
        return [by_task[task_id] for task_id in selection.stones]

    def select(
        self, number: int, random: np.random.Generator, supports: Callable[[IdeaStrategy], bool]
    ) -> Selection:
        """What journey `number` starts from, by a strategy that its author `supports`."""
        if number <= len(self._context.seed_tasks):
            return Selection(seed_task=number - 1)
        config = self._context.config
        situation = Situation(
            self.records,
            number,
            # As many do not know of each other: the journeys of a block know what its first knows.
            in_flight=self._context.in_flight.concurrency + (config.model.ideas_per_call or 1) - 1,
            rule=self._context.selection,
            favour_effort=config.selection.favour_effort,
        )
        start = choose_start(situation, random, config.strategies, supports)
        return self._around(start)

    def nearest_to_start(self, selection: Selection, count: int) -> list[Record]:
        """The records, whatever their ends, most like what a selection starts from, at most
        `count`; none where it starts from nothing."""
        subject = next((r for r in self.records if r.number == selection.subject), None)
        start = subject or next(iter(self.stones(selection)), None)
        if start is None:
            return []
        return [near.record for near in self.nearest(start.idea, count, STATUSES)]

    def _around(self, start: Start) -> Selection:
        """The tasks to show an author who starts there."""
        sizes = self._context.config.model
        first = next((r for r in self.kept if r.task_id == start.stone), None)
        subject = next((r for r in self.records if r.number == start.subject), None)
        center = subject or first
        if center is None:
            return Selection(strategy=start.strategy)
        if first is None:
            near = self.nearest(center.idea, sizes.neighbours)
            stones = [neighbour.record for neighbour in near]
        else:
            strategy = STRATEGIES[start.strategy]
            stones = [first, *strategy.companions(self, first, sizes.neighbours)]
        near = self.nearest(center.idea, sizes.failures, INSTRUCTIVE, without=subject)
        return Selection(
            tuple(stone.task_id or "" for stone in stones),
            tuple(neighbour.record.number for neighbour in near),
            start.strategy,
            start.subject,
        )

    def vectors(self) -> list[NDArray[np.float32]]:
        """The unit vectors of the kept tasks, in the order of `kept`."""
        return [self._context.embedder.embed(record.idea.text) for record in self.kept]

    def nearest(
        self,
        idea: Idea,
        count: int,
        statuses: Sequence[Status] = ("learned",),
        without: Record | None = None,
    ) -> list[Neighbour]:
        """The records nearest to an idea, at most `count` of some statuses."""
        found = self._context.neighbourhood.nearest(
            idea.text, count + 1, statuses=statuses, up_to=self.horizon
        )
        return [near for near in found if without is None or near.record != without][:count]

    def novelty(self, idea: Idea, neighbours: Sequence[Neighbour]) -> float | None:
        """The novelty of an idea with these nearest kept tasks; None where nothing is kept."""
        count, metric = self._context.config.novelty.neighbours, self._context.metric
        near = list(neighbours[:count])
        if metric is not None:
            near = self._nearest_as_people_see_it(metric, idea, count)
        value = novelty(near)
        return None if value is None else round(value, 4)

    def _nearest_as_people_see_it(self, metric: Metric, idea: Idea, count: int) -> list[Neighbour]:
        """The kept tasks nearest to an idea by a metric learned from people's answers."""
        vectors = self.vectors()
        if not vectors:
            return []
        projected = list(metric.project(np.stack(vectors)))
        own = self._context.embedder.embed(idea.text)
        return nearest(metric.project(own), self.kept, projected, count)
