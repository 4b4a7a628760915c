"""What an idea strategy is, and what it may look at when it chooses where to start."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...archive.history import Kept, following
from ...archive.selection import DEFAULT_RULE, SelectionRule, Weights, choose
from ...task import Record

if TYPE_CHECKING:
    from ..archive_view import ArchiveView
    from ..author import Brief
    from ..composer.recipe import Recipe


@dataclass(frozen=True)
class Start:
    """What a journey starts from."""

    strategy: str
    """Name of the strategy that it follows."""
    stone: str | None = None
    """`task_id` of a kept task; None where nothing is kept, or a subject is what it starts from."""
    subject: int | None = None
    """Journey number of the task that was too hard, for the strategies that start from one."""


@dataclass(frozen=True)
class Situation:
    """What a strategy may choose by."""

    records: Sequence[Record]
    """The records that the journey knows, in the order of the journeys."""
    number: int
    """Of the journey."""
    in_flight: int = 1
    """The number of journeys that go on at once, none of which knows the records of the others."""
    rule: SelectionRule = DEFAULT_RULE
    """How kept tasks are weighed."""
    favour_effort: bool = True
    """Whether the frontier prefers tasks that took long to learn."""

    @property
    def kept(self) -> int:
        """The number of kept tasks."""
        with following(self.records, Kept) as kept:
            return kept.records(len(self.records))


class IdeaStrategy(abc.ABC):
    """One way to come to the next idea. As it stands here, it starts from a kept task.

    A strategy holds no state: all that it chooses by follows from the records, so that a run that
    was cut off chooses as it would have.
    """

    name: ClassVar[str]
    """Its key in `STRATEGIES`, in settings and in records."""
    asks_for: ClassVar[str]
    """What it asks for, as a phrase that follows "asks for"."""
    template: ClassVar[str]
    """Name of the template in `prompts/` by which a model is asked. It is given what
    `prompts/idea.md.j2` is given, and `subject` where the strategy starts from one."""
    beside: ClassVar[str | None] = None
    """Name of the template in `prompts/` that asks for such an idea in a list of several, in the
    role `idea`. It is given `stone`, the chosen stepping stone or None, and `subject`, or None.
    None: it is always asked for in a prompt of its own."""
    role: ClassVar[str] = "idea"
    """The role of `model.roles` in which a model is asked."""
    has_recipes: ClassVar[bool] = False
    """Whether the Composer can follow it, by `recipes`."""

    def applies(self, situation: Situation) -> bool:
        """Whether there is something to start from by now."""
        return True

    def start(self, situation: Situation, random: np.random.Generator) -> Start:
        """What the journey starts from, where the strategy applies."""
        return Start(self.name, choose(self.weights(situation), random))

    def weights(self, situation: Situation) -> Weights:
        """The weight of each kept task as a stepping stone."""
        return situation.rule.weights(situation.records)

    def companions(self, view: ArchiveView, stone: Record, count: int) -> list[Record]:
        """The kept tasks that an author is shown beside the stepping stone, at most `count`."""
        near = view.nearest(stone.idea, count, without=stone)
        return [neighbour.record for neighbour in near]

    def parents(self, brief: Brief) -> tuple[str, ...]:
        """The `task_id`s of the tasks that a model's idea was derived from."""
        return brief.parents

    def recipes(self, brief: Brief) -> Sequence[Recipe]:
        """Recipes for the Composer, which takes the one least like all that it knows. It asks only
        where `has_recipes` says that there are some."""
        return ()
