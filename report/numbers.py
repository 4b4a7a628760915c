"""Every measure of a run: its value, its name, how it is written, and what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..archive.metrics import (
    CELLS_A_SIDE,
    NEAR_COPY,
    NEIGHBOURS,
    annecs,
    annecs_omni,
    coverage,
    generations,
    mean_nearest_distance,
    near_copy_share,
    per,
    success_gains,
    vendi_score,
)
from ..archive.projection import fixed_projection
from ..presentation import formatting
from ..task import Cost
from .run_data import RunData

Numbers = dict[str, float | None]
"""The value of each measure by its key; None where the run has none."""


@dataclass(frozen=True)
class Measure:
    """A number that the report gives of each run."""

    key: str
    """In JSON and CSV."""
    label: str
    write: Callable[[float | None], str]
    meaning: str
    compared: bool = False
    """Whether runs are compared by it."""


def whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def points(value: float | None) -> str:
    """A difference of two rates in percentage points."""
    return "–" if value is None else f"{100 * value:+.0f} points"


decimal = partial(formatting.decimal, digits=1)
fine = partial(formatting.decimal, digits=3)

MEASURES: tuple[Measure, ...] = (
    Measure("journeys", "journeys", whole, "Attempts from idea to record that have ended."),
    Measure("kept", "kept tasks", whole, "Records whose status is learned.", True),
    Measure(
        "kept_share",
        "share kept",
        formatting.percent,
        "Kept tasks of all journeys, those left out in which our machinery broke.",
        True,
    ),
    Measure(
        "annecs",
        "ANNECS",
        whole,
        "Accumulated number of novel environments created and solved (Wang et al., Enhanced POET, "
        "2020): tasks that the run made, that neither idle nor random actions nor the archived "
        "policies tried on them solved, and that training then did. Seeds and imports do not "
        "count. What was judged uninteresting is never trained.",
        True,
    ),
    Measure(
        "annecs_omni",
        "ANNECS-OMNI",
        whole,
        "Those of ANNECS that every judge found interesting as well (Faldor et al., OMNI-EPIC, "
        "2024). With the Composer, the judge is a threshold of novelty.",
        True,
    ),
    Measure(
        "vendi",
        "Vendi score",
        decimal,
        "How many entirely different tasks the kept ones are worth: the exponential of the Shannon "
        "entropy of the eigenvalues of K/n, K being the cosine similarities of their embeddings "
        "(Friedman and Dieng, 2023).",
        True,
    ),
    Measure(
        "near_copies",
        "near copies",
        formatting.percent,
        f"Share of the kept tasks that have another one above cosine {NEAR_COPY}.",
        True,
    ),
    Measure(
        "distance",
        f"distance to nearest {NEIGHBOURS}",
        fine,
        f"Mean cosine distance of a kept task to its {NEIGHBOURS} nearest kept ones, averaged "
        "(Lehman and Stanley, 2011).",
        True,
    ),
    Measure(
        "cells",
        "cells covered",
        whole,
        f"Of the {CELLS_A_SIDE**2} cells of a fixed grid on the map, those with a kept task in "
        "them (Mouret and Clune, 2015). Axes and cells ship with Taskwright and are never fitted "
        "to a run. Coverage grows with the number of tasks: compare at equal numbers.",
        True,
    ),
    Measure(
        "depth",
        "lineage depth",
        whole,
        "Steps from the kept task farthest from a beginning back to it, along the longest line of "
        "parents.",
        True,
    ),
    Measure(
        "success_before",
        "success before",
        formatting.percent,
        "Success rate of the best screening policy (idle, random, nearest archived ones) on a kept "
        "task before training, mean over kept tasks.",
    ),
    Measure(
        "success_after",
        "success after",
        formatting.percent,
        "Success rate of the trained policy on fresh seeds, mean over kept tasks.",
        True,
    ),
    Measure(
        "gain",
        "success gain",
        points,
        "Success after training less success before it, mean over kept tasks.",
        True,
    ),
    Measure(
        "steps_per_kept",
        "training steps per kept task",
        formatting.count,
        "Agent steps of all trials, those of tasks that were turned down included, by kept tasks.",
        True,
    ),
    Measure(
        "wall_s",
        "time",
        formatting.duration,
        "Wall-clock time of the run's commands.",
    ),
    Measure("work_s", "work", formatting.duration, "Time of all steps of all journeys, added up."),
    Measure("kept_per_hour", "kept per hour", decimal, "Kept tasks by wall-clock time.", True),
    Measure("tokens", "tokens", formatting.count, "Prompts and answers of all model calls."),
    Measure(
        "usd", "cost", formatting.price, "Of all model calls; a dash where a price is not known."
    ),
    Measure(
        "kept_per_usd", "kept per dollar", decimal, "Kept tasks by what model calls cost.", True
    ),
    Measure(
        "kept_per_1000_tokens",
        "kept per thousand tokens",
        fine,
        "Kept tasks by the tokens of all model calls.",
        True,
    ),
)
BY_KEY = {measure.key: measure for measure in MEASURES}


def total_cost(run: RunData) -> Cost:
    """What the run's model calls have cost: by the log of calls, else by its records."""
    if run.spent:
        return sum(run.spent.values(), Cost())
    return sum((record.cost for record in run.records), Cost())


def numbers_of(run: RunData) -> Numbers:
    """Every measure of a run, in the order of `MEASURES`."""
    records, kept = run.records, run.kept
    counted = sum(record.status != "broken" for record in records)
    _, vectors = run.matrix(kept)
    projection = fixed_projection()
    fits = len(vectors) > 0 and vectors.shape[1] == len(projection.mean)
    cost, seconds = total_cost(run), run.seconds
    steps = sum(record.trial.steps for record in records if record.trial)
    depth = dict(
        zip(
            (record.number for record in records),
            generations((r.task_id, r.idea.parents) for r in records).tolist(),
            strict=True,
        )
    )
    gains = success_gains(records)
    return {
        "journeys": float(len(records)),
        "kept": float(len(kept)),
        "kept_share": len(kept) / counted if counted else None,
        "annecs": _last(annecs(records)),
        "annecs_omni": _last(annecs_omni(records)),
        "vendi": vendi_score(vectors) if len(vectors) else None,
        "near_copies": near_copy_share(vectors),
        "distance": mean_nearest_distance(vectors),
        "cells": float(coverage(projection.project(vectors))) if fits else None,
        "depth": float(max(depth[record.number] for record in kept)) if kept else None,
        "success_before": _mean([r.trial.success_before for r in kept if r.trial]),
        "success_after": _mean([r.trial.success_after for r in kept if r.trial]),
        "gain": float(gains.mean()) if len(gains) else None,
        "steps_per_kept": steps / len(kept) if kept else None,
        "wall_s": seconds,
        "work_s": sum(record.seconds for record in records),
        "kept_per_hour": per(len(kept), seconds, 3600.0),
        "tokens": float(cost.tokens),
        "usd": cost.usd,
        "kept_per_usd": per(len(kept), cost.usd),
        "kept_per_1000_tokens": per(len(kept), cost.tokens, 1000.0),
    }


def _last(counts: np.ndarray) -> float:
    return float(counts[-1]) if len(counts) else 0.0


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
