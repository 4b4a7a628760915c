"""What the agent achieved instead (LMA3, Colas et al., arXiv 2305.12487)."""

from __future__ import annotations

from ...task import Record
from .after_failure import AfterFailure


class Relabel(AfterFailure):
    """Asks for a task of which that is the success what the agent did in one that it failed. The
    Composer has no words for what an agent achieved instead, so it cannot follow this strategy."""

    name = "relabel"
    asks_for = "what the agent achieved instead in such a task, as a task of its own"
    template = "relabel"

    def can_use(self, record: Record) -> bool:
        # What nothing is known of cannot be relabelled.
        return record.trial is not None and bool(record.trial.achieved)
