"""Proposes a task that is unlike all kept tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...task import Record
from ..composer.drawing import rare
from .strategy import IdeaStrategy, Situation

if TYPE_CHECKING:
    from ..archive_view import ArchiveView
    from ..author import Brief
    from ..composer.recipe import Recipe

MIN_KEPT = 3
"""With fewer kept tasks almost everything is unexplored, and no direction leads away from them."""


class Breadth(IdeaStrategy):
    """Shows tasks from all over the archive, and asks for something where there is none yet."""

    name = "breadth"
    asks_for = "something unlike all that is kept, shown tasks from all over the archive"
    template = "breadth"
    beside = "beside_breadth"
    has_recipes = True

    def applies(self, situation: Situation) -> bool:
        return situation.kept >= MIN_KEPT

    def companions(self, view: ArchiveView, stone: Record, count: int) -> list[Record]:
        return view.spread(stone, count)

    def parents(self, brief: Brief) -> tuple[str, ...]:
        # The task is to be unlike all tasks that were shown, so it derives from none of them.
        return ()

    def recipes(self, brief: Brief) -> Sequence[Recipe]:
        return rare(brief)
