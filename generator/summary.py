"""The results of a run, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..archive.agreement import Agreement, agreement_of_judges
from ..task import Cost, Record
from .model.log import spent_by_role
from .strategies.bandit import Weight, weights_of_strategies


@dataclass(frozen=True)
class Ending:
    """How a command ended, and what the run has come to, earlier commands included."""

    reason: str
    counts: dict[str, int]
    """Records by status."""
    invalid_at: dict[str, int]
    """Invalid tasks by the stage that rejected them."""
    cost: Cost
    roles: dict[str, Cost]
    """What model calls have cost, by what they were asked for."""
    usd_per_kept: float | None
    """None where nothing is kept, or a price is unknown."""
    tokens_per_kept: int | None
    """None where nothing is kept."""
    seconds: float
    """The seconds that this command took."""
    kept: int
    """Tasks that this command has kept."""
    kept_per_hour: float
    """At the pace of this command."""
    strategies: dict[str, Weight] = field(default_factory=dict)
    """What each strategy has earned."""
    agreement: Agreement | None = None
    """The agreement of two judges; None where nothing was judged twice."""
    interrupted: bool = False
    """Whether somebody stopped it before its limits did."""


def summarize(
    reason: str,
    records: Sequence[Record],
    kept_before: int,
    run_dir: Path,
    seconds: float,
    *,
    half_life: float,
    interrupted: bool = False,
) -> Ending:
    """The ending of a command that found `kept_before` tasks kept and took `seconds`.
    `half_life` is that of what counts for a strategy, in journeys."""
    counts = Counter[str](record.status for record in records)
    kept = counts["learned"]
    roles = spent_by_role(run_dir)
    cost = sum(roles.values(), Cost())
    invalid = (record for record in records if record.status == "invalid")
    return Ending(
        reason,
        counts=dict(counts),
        invalid_at=dict(Counter(_rejected_at(record) for record in invalid)),
        cost=cost,
        roles=roles,
        usd_per_kept=round(cost.usd / kept, 6) if kept and cost.usd is not None else None,
        tokens_per_kept=round(cost.tokens / kept) if kept else None,
        seconds=round(seconds, 1),
        kept=kept - kept_before,
        strategies=weights_of_strategies(records, half_life),
        agreement=agreement_of_judges(records),
        kept_per_hour=round(3600 * (kept - kept_before) / seconds, 1),
        interrupted=interrupted,
    )


def _rejected_at(record: Record) -> str:
    if record.outcomes and record.outcomes[-1].stage:
        return record.outcomes[-1].stage
    return "train"
