"""Proposes a small step beyond what has been learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...archive.history import Kept, following
from ...archive.selection import Weights
from ..composer.drawing import candidates, grown
from .strategy import IdeaStrategy, Situation

if TYPE_CHECKING:
    from ..author import Brief
    from ..composer.recipe import Recipe

STEPS_OF_TWICE_THE_WEIGHT = 20_000
"""A task that took so many agent steps to learn weighs twice as much as one that took none."""


class Frontier(IdeaStrategy):
    """Starts from a kept task, rather one that took long to learn. Every run begins with it."""

    name = "frontier"
    asks_for = "a small step beyond a kept task, those that took long to learn before others"
    template = "idea"
    beside = "beside_frontier"
    has_recipes = True

    def weights(self, situation: Situation) -> Weights:
        weight = super().weights(situation)
        if not situation.favour_effort:
            return weight
        with following(situation.records, Kept) as kept:
            steps = kept.steps(len(situation.records))
        # What took long to learn lies at the frontier.
        return weight.times(1.0 + steps / STEPS_OF_TWICE_THE_WEIGHT)

    def recipes(self, brief: Brief) -> Sequence[Recipe]:
        return candidates(grown, brief)
