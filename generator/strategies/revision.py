"""Proposes a change of a task that was too hard, so that it becomes learnable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...task import Record
from ..composer.drawing import candidates, eased, grown
from .after_failure import AfterFailure

if TYPE_CHECKING:
    from ..author import Brief
    from ..composer.recipe import Recipe


class Revision(AfterFailure):
    """Shows the task, its code and the evidence of its trial, and asks for an easier one."""

    name = "revision"
    asks_for = "a task that was too hard, changed so that it becomes learnable, with the evidence"
    template = "revision"
    role = "revision"
    has_recipes = True

    def can_use(self, record: Record) -> bool:
        # A task that is itself a revision is not revised again.
        return record.idea.strategy != self.name

    def recipes(self, brief: Brief) -> Sequence[Recipe]:
        easier = eased(brief)
        # Where nothing is left to take away, a revision is a new task like any other.
        return candidates(grown, brief) if easier is None else [easier]
