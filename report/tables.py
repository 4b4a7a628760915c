"""The numbers of a report as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from ..archive.metrics import Interval, annecs, annecs_omni, generations
from ..task import Record
from .causes import cause_of
from .comparison import COMPARED, Comparison
from .contents import Shown
from .numbers import MEASURES
from .run_data import RunData

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would work out."""

UNKNOWN = (None, None, None)

RECORD_COLUMNS = (
    "run", "number", "task_id", "status", "cause", "title", "robot", "strategy", "parents",
    "generation", "novelty", "success_before", "success_after", "episodes", "train_steps",
    "train_seconds", "seconds", "tokens", "usd", "created_at", "annecs", "annecs_omni",
)  # fmt: skip


def records_csv(runs: Sequence[RunData]) -> str:
    """Every record of every run, a line each."""
    return _csv(RECORD_COLUMNS, (row for run in runs for row in _record_rows(run)))


def _record_rows(run: RunData) -> Iterable[list[object]]:
    counts = zip(annecs(run.records).tolist(), annecs_omni(run.records).tolist(), strict=True)
    depths = generations((r.task_id, r.idea.parents) for r in run.records).tolist()
    for record, (solved, interesting), depth in zip(run.records, counts, depths, strict=True):
        yield [run.name, *_cells(record, depth), solved, interesting]


def _cells(record: Record, depth: int) -> list[object]:
    trial = record.trial
    return [
        record.number,
        record.task_id,
        record.status,
        "" if record.status == "learned" else cause_of(record),
        record.idea.title,
        record.task.robot if record.task else None,
        record.idea.strategy,
        " ".join(record.idea.parents),
        depth,
        record.novelty,
        trial.success_before if trial else None,
        trial.success_after if trial else None,
        trial.episodes if trial else None,
        trial.steps if trial else None,
        trial.seconds if trial else None,
        record.seconds,
        record.cost.tokens,
        record.cost.usd,
        record.created_at,
    ]


def metrics_csv(runs: Sequence[Shown]) -> str:
    """Every measure of every run, a line for each run."""
    columns = ["run", "author", "seed", *(measure.key for measure in MEASURES)]
    rows = []
    for one in runs:
        run, numbers = one.run, one.numbers
        rows.append([run.name, run.author, run.seed, *(numbers[m.key] for m in MEASURES)])
    return _csv(columns, rows)


def diversity_csv(runs: Sequence[Shown]) -> str:
    """Vendi score and cells after some numbers of kept tasks of each run."""
    rows = ([one.run.name, *row] for one in runs for row in zip(*one.diversity, strict=True))
    return _csv(["run", "kept", "vendi", "cells"], rows)


def comparison_csv(found: Comparison) -> str:
    """Each compared measure of each group: mean, interval, and difference to the first group."""
    columns = ["metric", "group", "runs", "mean", "low", "high", "difference", "from", "to"]
    rows: list[list[object]] = []
    for measure in COMPARED:
        for group in found.groups:
            mean = found.mean(group, measure.key) or UNKNOWN
            less: Interval | tuple[None, None, None] = UNKNOWN
            if group is not found.groups[0]:
                less = found.difference(group, measure.key) or less
            count = len(found.values(group, measure.key))
            rows.append([measure.key, group.name, count, *mean, *less])
    return _csv(columns, rows)


def document(
    runs: Sequence[Shown], found: Comparison | None, versions: dict[str, str], made_at: str
) -> dict[str, Any]:
    """All numbers as one JSON document."""
    numbers: dict[str, Any] = {
        "made_at": made_at,
        "versions": versions,
        "runs": [
            {
                "name": one.run.name,
                "folder": str(one.run.folder),
                "author": one.run.author,
                "seed": one.run.seed,
                "robots": one.run.robots,
                "is_running": one.run.is_running,
                "unreadable": one.run.unreadable,
                "metrics": one.numbers,
                "settings": one.run.settings,
            }
            for one in runs
        ],
    }
    if found:
        numbers["comparison"] = {
            "journeys": found.journeys,
            "kept": found.kept,
            "differing": found.differing,
            "groups": [
                {
                    "name": group.name,
                    "runs": [run.name for run in group.runs],
                    "differs": group.differs,
                    "metrics": {
                        m.key: mean._asdict() if (mean := found.mean(group, m.key)) else None
                        for m in COMPARED
                    },
                    "difference": {
                        m.key: less._asdict() if (less := found.difference(group, m.key)) else None
                        for m in COMPARED
                    }
                    if group is not found.groups[0]
                    else None,
                }
                for group in found.groups
            ],
        }
    return numbers


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return file.getvalue()


def _cell(value: object) -> object:
    """A value as a cell. A title is a model's text: no spreadsheet may take it for a formula."""
    if not isinstance(value, str):
        return value
    text = " ".join(value.replace("\x00", "").split())
    text = text.encode("utf-8", "replace").decode()
    return f"'{text}" if text.startswith(FORMULA) else text
