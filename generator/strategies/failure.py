"""Proposes a task that trains part of a too hard one (WebRL, Qi et al., arXiv 2411.02337)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..composer.drawing import candidates, practice
from .after_failure import AfterFailure

if TYPE_CHECKING:
    from ..author import Brief
    from ..composer.recipe import Recipe


class Failure(AfterFailure):
    """Asks for a new task that trains one skill which the failed task needs: a curriculum out of
    failures."""

    name = "failure"
    asks_for = "a new task that trains a part of what such a task demanded"
    template = "failure"
    beside = "beside_failure"
    has_recipes = True

    def recipes(self, brief: Brief) -> Sequence[Recipe]:
        return candidates(practice, brief)
