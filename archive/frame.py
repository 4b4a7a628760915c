"""Records as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..task import Record

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    *("status", "task_id", "title", "strategy", "robot", "parents", "novelty"),
    *("success_before", "success_after", "steps", "trial_seconds", "seconds"),
    *("calls", "tokens", "usd", "reason", "created_at"),
)
"""Success rates are shares from 0 to 1, of an untrained agent and of the trained one; `steps` are
agent steps; `seconds` is the work on the whole journey."""


def frame_of(records: Iterable[Record]) -> pandas.DataFrame:
    """One row for each record, by the number of its journey; what a journey did not come to is
    missing. Without records the table is empty and has the same columns.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise UsageError(
            "A table of records needs pandas, which is not installed.",
            "Install it: pip install 'taskwright[frames]'.",
        ) from None
    records = list(records)
    index = pandas.Index([record.number for record in records], name="number", dtype="int64")
    return pandas.DataFrame([_row(record) for record in records], index, list(COLUMNS))


def _row(record: Record) -> dict[str, Any]:
    trial, task, cost = record.trial, record.task, record.cost
    return {
        "status": record.status,
        "task_id": record.task_id,
        "title": record.idea.title,
        "strategy": record.idea.strategy,
        "robot": task.robot if task else None,
        "parents": record.idea.parents,
        "novelty": record.novelty,
        "success_before": trial.success_before if trial else None,
        "success_after": trial.success_after if trial else None,
        "steps": trial.steps if trial else None,
        "trial_seconds": trial.seconds if trial else None,
        "seconds": record.seconds,
        "calls": cost.calls,
        "tokens": cost.prompt_tokens + cost.completion_tokens,
        "usd": cost.usd,
        "reason": record.reason,
        "created_at": record.created_at,
    }
