"""What failed and why: records that were turned down, by cause, each with an example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..presentation.formatting import STATUS_WORDS
from ..task import Record, Status


@dataclass(frozen=True)
class Cause:
    """Records that were turned down for the same reason."""

    status: Status
    cause: str
    count: int
    example: Record
    """The latest of them that tells the most."""

    @property
    def explanation(self) -> str:
        """Why the example was turned down, in the words of whoever turned it down."""
        failed = next((o for o in reversed(self.example.outcomes) if not o.passed), None)
        if self.status == "invalid" and failed is not None:
            return failed.report
        trial = self.example.trial
        if self.status == "too_hard" and trial and trial.achieved:
            return f"{self.example.reason} Instead: {trial.achieved}"
        return self.example.reason


def causes(records: Sequence[Record]) -> list[Cause]:
    """Group records that were turned down by why they were.

    Returns:
        Causes by status, in the usual order of statuses, and the most frequent cause of a status
        first. Empty where all records were kept.
    """
    found: dict[tuple[Status, str], list[Record]] = {}
    for record in records:
        if record.status != "learned":
            found.setdefault((record.status, cause_of(record)), []).append(record)
    order = list(STATUS_WORDS)
    return sorted(
        (
            Cause(status, cause, len(group), max(group, key=_tells))
            for (status, cause), group in found.items()
        ),
        key=lambda cause: (order.index(cause.status), -cause.count, cause.cause),
    )


def cause_of(record: Record) -> str:
    """Why a record was turned down, in a few words that others share."""
    match record.status:
        case "invalid":
            failed = next((o for o in reversed(record.outcomes) if not o.passed), None)
            stage = failed.stage if failed and failed.stage else "train"
            return f"found at the stage “{stage}”"
        case "too_hard":
            return _how_far(record)
        case "too_easy":
            return _solved_by(record)
        case "duplicate":
            same = record.reason.startswith("Its source is that of")
            return "same source as an earlier task" if same else "idea too near to a kept task"
        case "uninteresting":
            judges = [j.judge for j in record.judgements if not j.positive]
            return f"judged by {judges[0]}" if judges else "judged uninteresting"
        case _:
            return " ".join(record.reason.split()[:6]) or "no reason given"


def _how_far(record: Record) -> str:
    trial = record.trial
    if trial is None:
        return "no trial recorded"
    best = max([trial.success_after or 0.0, *(point.success_rate for point in trial.curve)])
    if best <= 0.0:
        return "never succeeded while training"
    if best < 0.5:
        return "succeeded at times, in less than half"
    return "succeeded in half or more, in too few"


def _solved_by(record: Record) -> str:
    screening = record.trial.screening if record.trial else {}
    if not screening:
        return "solved before training"
    best = max(screening, key=lambda name: screening[name])
    if best in ("idle", "random"):
        return f"solved by {best} actions"
    return "solved by the policy of an earlier task"


def _tells(record: Record) -> tuple[bool, int]:
    trial = record.trial
    return bool(trial and trial.achieved), record.number
