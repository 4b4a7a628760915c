"""How far a run has come: novel environments created and solved, and what each took."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...task import Record

Counts = NDArray[np.int64]

GIVEN = frozenset({"seed", "import"})
"""Strategies of tasks that people gave: a run has not created them."""


def annecs(records: Sequence[Record]) -> Counts:
    """ANNECS after each record: the accumulated number of novel environments created and solved.

    Wang et al., Enhanced POET, ICML 2020 (arXiv 2003.08536): an environment counts once it meets
    the minimal criterion, neither too hard nor too easy for the agents there are, and is solved by
    the system in the end. Here it counts if the run made it (seeds and imports are given, not
    created), neither idle nor random actions nor the archived policies that were tried on it solved
    it before training, and training then did: its status is `learned`.

    Tasks that were judged uninteresting are never trained, so in a run that judges, this is a lower
    bound; in one that does not, it is what the paper counts.

    Args:
        records: The records in the order of their journeys.

    Returns:
        Shape (n,).
    """
    return _accumulated(records, is_created_and_solved)


def annecs_omni(records: Sequence[Record]) -> Counts:
    """ANNECS-OMNI after each record: those of ANNECS that are interesting as well.

    Faldor et al., OMNI-EPIC, 2024 (arXiv 2405.15568), where a model judges each task beside what
    was in the archive. Here every judgement in the record must be favourable, that of a second
    judge included, and there must be one. With the Composer the judge is a threshold of novelty;
    whose judgement counted stands in each `Judgement.judge`.

    Args:
        records: The records in the order of their journeys.

    Returns:
        Shape (n,).
    """
    return _accumulated(records, lambda r: is_created_and_solved(r) and is_interesting(r))


def is_created_and_solved(record: Record) -> bool:
    """Whether a record counts for ANNECS.

    Args:
        record: The record of a journey.

    Returns:
        True where its task was learned and the run has made it.
    """
    return record.status == "learned" and record.idea.strategy not in GIVEN


def is_interesting(record: Record) -> bool:
    """Whether all who judged a record found it interesting.

    Args:
        record: The record of a journey.

    Returns:
        False also where nobody judged it.
    """
    found = [j.positive for j in record.judgements if j.role == "interestingness"]
    return bool(found) and all(found)


def _accumulated(records: Sequence[Record], counts: Callable[[Record], bool]) -> Counts:
    return np.cumsum([counts(record) for record in records], dtype=np.int64)


def success_gains(records: Sequence[Record]) -> NDArray[np.float64]:
    """Success rate after training less that of the best screening policy before it.

    Args:
        records: Records of any status.

    Returns:
        One number for each kept task where both were measured, from -1 to 1, shape (kept,); empty
        where nothing was kept.
    """
    trials = [record.trial for record in records if record.status == "learned"]
    return np.array(
        [
            trial.success_after - trial.success_before
            for trial in trials
            if trial and trial.success_after is not None and trial.success_before is not None
        ],
        dtype=np.float64,
    )


def per(kept: int, amount: float | None, unit: float = 1.0) -> float | None:
    """Kept tasks per unit of what was spent, such as `per(kept, seconds, 3600)` per hour.

    Args:
        kept: The number of kept tasks.
        amount: What was spent; None where it is not known.
        unit: How much of it is one unit.

    Returns:
        The rate; None where nothing was spent, or it is not known how much.
    """
    return kept * unit / amount if amount else None
