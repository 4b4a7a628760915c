"""Proposes a small step beyond what has been learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...task import Record
from ..composer.drawing import candidates, grown
from .strategy import IdeaStrategy, Situation

if TYPE_CHECKING:
    from ..author import Brief
    from ..composer.recipe import Recipe


class Frontier(IdeaStrategy):
    """Starts from a kept task, rather one that took long to learn. Every run begins with it."""

    name = "frontier"
    asks_for = "a small step beyond a kept task, those that took long to learn before others"
    template = "idea"
    beside = "beside_frontier"
    has_recipes = True

    def weights(self, situation: Situation) -> dict[str, float]:
        weight = super().weights(situation)
        if not situation.favour_effort:
            return weight
        effort = {r.task_id: _effort(r) for r in situation.records if r.status == "learned"}
        return {task_id: n * effort[task_id] for task_id, n in weight.items()}

    def recipes(self, brief: Brief) -> Sequence[Recipe]:
        return candidates(grown, brief)


def _effort(record: Record) -> float:
    """How long a kept task took to learn, 1.0 and up: what took long lies at the frontier."""
    steps = record.trial.steps if record.trial else 0
    return 1.0 + steps / 20_000
