"""Who proposes, writes and judges tasks: a foundation model, or the Composer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from ..archive.novelty import Neighbour
from ..task import Idea, Judgement, Outcome, Record, Robot, Sighting
from .model.meter import Meter

if TYPE_CHECKING:
    from .strategies.strategy import IdeaStrategy


@dataclass(frozen=True)
class Brief:
    """What an author is given to propose the next task."""

    robot: Robot
    random: np.random.Generator
    """Every random choice comes from here, so that a run can be repeated."""
    strategy: IdeaStrategy
    """What kind of idea is asked for."""
    stones: Sequence[Record] = ()
    """Kept tasks to build on: the chosen stepping stone first, then its nearest neighbours."""
    failures: Sequence[Record] = ()
    """Tasks like it that were turned down."""
    subject: Record | None = None
    """The task that was too hard, for the strategies that start from one."""
    records: Sequence[Record] = ()
    """All records that the journey knows, in the order of the journeys."""
    under_way: Sequence[Idea] = ()
    """The ideas of the journeys between these and this one, in their order: how they end is not
    known."""
    nearest: Callable[[int], Sequence[Record]] = lambda count: ()
    """At most so many of `records`, those most like what the idea starts from, nearest first."""

    @property
    def parents(self) -> tuple[str, ...]:
        """`task_id` of what the idea starts from, alone: the subject, or the chosen stepping stone;
        empty where there is neither."""
        start = self.subject or next(iter(self.stones), None)
        return (start.task_id or "",) if start else ()


@dataclass(frozen=True)
class UnderWay:
    """An idea of a journey under way, and its cosine similarity (-1 to 1) to what was asked about.
    Whether anything will be learned of it is not known."""

    idea: Idea
    similarity: float


@dataclass(frozen=True)
class FrameStrip:
    """What a picture of several frames of an episode shows."""

    count: int
    apart_s: float
    """Seconds from one to the next."""
    at_the_end: bool
    """Whether success counts at the end of the episode only."""


class Author(Protocol):
    """Proposes, writes and judges tasks.

    Its methods raise ModelError where no answer can be had, and BrokenError where an answer makes
    no sense.
    """

    name: str
    """The name of the model, or `composer`."""
    max_repairs: int
    """How often it may repair code that fails its checks."""

    def supports(self, strategy: IdeaStrategy) -> bool:
        """Whether it can follow a strategy."""
        ...

    def for_journey(self, meter: Meter) -> Self:
        """The same author, working for one journey: its model calls are counted by that meter."""
        ...

    def propose(self, brief: Brief) -> Idea:
        """The next task in words, by the strategy that is asked for."""
        ...

    def can_ask_beside(self, strategy: IdeaStrategy) -> bool:
        """Whether it can ask for an idea by a strategy together with other ideas."""
        ...

    def propose_together(self, briefs: Sequence[Brief]) -> Sequence[Idea | None]:
        """The next tasks in words, one for each brief, at once and different from each other; None
        for those that are to be asked for one by one after all."""
        ...

    def write(self, idea: Idea, stones: Sequence[Record]) -> str:
        """The idea as source code."""
        ...

    def repair(self, idea: Idea, source: str, outcome: Outcome) -> str:
        """The source again, with what the checks found mended."""
        ...

    def judge(
        self,
        idea: Idea,
        neighbours: Sequence[Neighbour],
        novelty: float | None,
        under_way: Sequence[UnderWay] = (),
        pictures: Sequence[Path | None] = (),
    ) -> Judgement:
        """Whether the idea is interestingly new beside the kept tasks most like it, and beside the
        ideas under way most like it; both are nearest first.

        `pictures` are of the idea's scene and of each neighbour's, in this order; None for one that
        there is no picture of.
        """
        ...

    def look(
        self, idea: Idea, picture: Path, strip: FrameStrip, code_success: bool
    ) -> Sighting | None:
        """What a model sees in a strip of frames from an episode of the trained agent, for which
        the task's code says `code_success`; None where no model is asked."""
        ...

    def judge_again(
        self,
        idea: Idea,
        neighbours: Sequence[Neighbour],
        under_way: Sequence[UnderWay] = (),
        pictures: Sequence[Path | None] = (),
    ) -> Judgement | None:
        """What a second judge says, who does not know the first; None where there is no second."""
        ...
