"""Proposes a task that is unlike all kept tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
        positions = spread(view.vectors(), view.kept.index(stone), count + 1)
        return [view.kept[n] for n in positions[1:]]

    def parents(self, brief: Brief) -> tuple[str, ...]:
        # The task is to be unlike all tasks that were shown, so it derives from none of them.
        return ()

    def recipes(self, brief: Brief) -> Sequence[Recipe]:
        return rare(brief)


def spread(vectors: Sequence[NDArray[np.float32]], first: int, count: int) -> list[int]:
    """Positions of `count` unit vectors from all over: each is the one farthest from those before
    it (Gonzalez 1985), `first` first. Fewer vectors than `count` give them all; none, none."""
    if not vectors:
        return []
    chosen = [first]
    similarity = np.stack(vectors) @ np.stack(vectors).T
    while len(chosen) < min(count, len(vectors)):
        nearness = similarity[:, chosen].max(axis=1)
        nearness[chosen] = np.inf
        chosen.append(int(nearness.argmin()))
    return chosen[:count]
