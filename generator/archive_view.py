"""What a journey knows of the journeys before it, and where it starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..archive.history import BySource, following
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
        self.records = context.in_flight.past(horizon)

    def of_task(self, task_id: str) -> list[Record]:
        """The records of a task, in the order of their journeys: mostly one."""
        with following(self.records, BySource) as by_source:
            return by_source.of(task_id, len(self.records))

    def kept_as(self, task_id: str) -> list[Record]:
        """Those records of a task with which it was kept; empty where it was not."""
        return [record for record in self.of_task(task_id) if record.status == "learned"]

    def stones(self, selection: Selection) -> list[Record]:
        """The kept tasks that were selected."""
        return [self.kept_as(task_id)[-1] for task_id in selection.stones]

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
        subject = self.records.of(selection.subject) if selection.subject is not None else None
        start = subject or next(iter(self.stones(selection)), None)
        if start is None:
            return []
        return [near.record for near in self.nearest(start.idea, count, STATUSES)]

    def _around(self, start: Start) -> Selection:
        """The tasks to show an author who starts there."""
        sizes = self._context.config.model
        first = next(iter(self.kept_as(start.stone)), None) if start.stone else None
        subject = self.records.of(start.subject) if start.subject is not None else None
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

    def nearest(
        self,
        idea: Idea,
        count: int,
        statuses: Sequence[Status] = ("learned",),
        without: Record | None = None,
    ) -> list[Neighbour]:
        """The records nearest to an idea, at most `count` of some statuses."""
        found = self._context.neighbourhood.similar(
            idea.text, count + 1, statuses=statuses, up_to=self.horizon
        )
        near = (Neighbour(self._record(number), similarity) for number, similarity in found)
        return [n for n in near if without is None or n.record.number != without.number][:count]

    def spread(self, first: Record, count: int) -> list[Record]:
        """Kept tasks from all over, at most `count`: each is the one farthest from a first kept
        task and from those before it."""
        kept: tuple[Status, ...] = ("learned",)
        found = self._context.neighbourhood.spread(
            first.number, count, statuses=kept, up_to=self.horizon
        )
        return [self._record(number) for number in found]

    def _record(self, number: int) -> Record:
        record = self.records.of(number)
        assert record is not None, f"journey {number} is in the archive and not in the run"
        return record

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
        kept = [record for record in self.records if record.status == "learned"]
        if not kept:
            return []
        embed = self._context.embedder.embed
        projected = list(metric.project(np.stack([embed(record.idea.text) for record in kept])))
        return nearest(metric.project(embed(idea.text)), kept, projected, count)
