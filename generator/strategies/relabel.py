"""What the agent achieved instead (LMA3, Colas et al., arXiv 2305.12487)."""

from __future__ import annotations

from ...task import Record
from .after_failure import AfterFailure


class Relabel(AfterFailure):
    """Asks for a task whose success is what the agent achieved in a task that it failed. The
    Composer cannot describe what an agent achieved, so it cannot follow this strategy."""

    name = "relabel"
    asks_for = "what the agent achieved instead in such a task, as a task of its own"
    template = "relabel"

    def can_use(self, record: Record) -> bool:
        # A task without a summary of what the agent achieved cannot be relabelled.
        return record.trial is not None and bool(record.trial.achieved)
