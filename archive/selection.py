"""Which kept tasks become stepping stones for the next idea: five rules behind one interface.

======== =======================================================================================
rule     weighs a kept task by
======== =======================================================================================
counts   how often it was passed over since it, or a neighbour of it, was last chosen, as in
         OMNI-EPIC (Faldor et al., arXiv 2405.15568): attention wanders over the archive
uniform  nothing: all alike
novelty  its mean cosine distance to its nearest kept tasks, now (Lehman and Stanley 2011)
cells    the reverse of how many share its cell of the fixed map, so that each cell that is not
         empty is as likely as any other (MAP-Elites, Mouret and Clune, arXiv 1504.04909)
progress how much was learned lately on it and on what was derived from it: the rise of the
         success rate, after training less before (OMNI, Zhang et al., arXiv 2306.01711)
======== =======================================================================================

Weights follow from the records (and their ideas' vectors) alone; nothing else is stored. So a run
that was cut off chooses as it would have, and none but kept tasks are ever chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..task import Record
from .projection import fixed_projection

RuleName = Literal["counts", "uniform", "novelty", "cells", "progress"]
Embed = Callable[[str], NDArray[np.float32]]

NEIGHBOURS = 3
"""The number of nearest kept tasks whose distance counts, as for novelty itself."""
CELL_WIDTH = 0.25
"""The side of a cell of the map, in spreads of the reference ideas, which occupy 126 cells."""
RECENT = 0.3
"""The weight of the latest trial in a task's progress; the trials before it share the rest."""
BLOCK = 512


class SelectionRule(Protocol):
    """A way to weigh stepping stones."""

    def weights(self, records: Sequence[Record]) -> dict[str, float]:
        """The weight, 0.0 and up, of each kept task by its `task_id`, after the journeys of
        `records` (in their order). Empty where none is kept."""
        ...


def make_rule(name: RuleName, embed: Embed, model: str) -> SelectionRule:
    """The rule of a name. `embed` gives the unit vector of a text, `model` names what makes it.

    Raises UsageError for cells with an embedder that the map was not made for.
    """
    projection = fixed_projection()
    if name == "cells" and model != projection.model:
        raise UsageError(
            f"`selection.rule` is cells, but the map that has them is for the embedder "
            f"{projection.model}, not for {model}.",
            "Choose another rule, such as novelty, or the default embedder.",
        )
    rules: dict[RuleName, SelectionRule] = {
        "counts": Counts(),
        "uniform": Uniform(),
        "novelty": Novelty(embed),
        "cells": Cells(embed),
        "progress": Progress(),
    }
    return rules[name]


class Counts:
    """OMNI-EPIC's rule: a task's count rises by one with each selection that passes it over, and
    falls to zero when it or a neighbour is chosen."""

    def weights(self, records: Sequence[Record]) -> dict[str, float]:
        weight: dict[str, float] = {}
        for record in records:
            # A journey whose code never worked, or that broke, did not use its stones up.
            if record.stepping_stones and record.status not in ("invalid", "broken"):
                chosen = set(record.stepping_stones)
                weight = {name: 0.0 if name in chosen else n + 1 for name, n in weight.items()}
            if record.status == "learned" and record.task_id:
                weight[record.task_id] = 0.0
        return weight


DEFAULT_RULE: SelectionRule = Counts()


class Uniform:
    """All alike."""

    def weights(self, records: Sequence[Record]) -> dict[str, float]:
        return dict.fromkeys(_kept(records), 1.0)


class Novelty:
    """A task weighs more the further it is from the others. Unlike the novelty in its record, its
    weight falls when other tasks come near."""

    def __init__(self, embed: Embed, neighbours: int = NEIGHBOURS) -> None:
        self._embed = embed
        self._neighbours = neighbours

    def weights(self, records: Sequence[Record]) -> dict[str, float]:
        kept = _kept(records)
        count = min(self._neighbours, len(kept) - 1)
        if count < 1:
            return dict.fromkeys(kept, 1.0)
        vectors = np.stack([self._embed(record.idea.text) for record in kept.values()])
        distances = np.empty(len(vectors))
        for start in range(0, len(vectors), BLOCK):
            block = vectors[start : start + BLOCK] @ vectors.T
            rows = np.arange(len(block))
            block[rows, start + rows] = -np.inf
            nearest = -np.partition(-block, count - 1, axis=1)[:, :count]
            distances[start : start + BLOCK] = 1.0 - nearest.mean(axis=1)
        # Rounded, so that the last bits of a matrix product decide nothing.
        return dict(zip(kept, np.maximum(distances, 0.0).round(4).tolist(), strict=True))


class Cells:
    """Each cell of the map alike, and each kept task in a cell alike."""

    def __init__(self, embed: Embed, width: float = CELL_WIDTH) -> None:
        self._embed = embed
        self._width = width

    def weights(self, records: Sequence[Record]) -> dict[str, float]:
        kept = _kept(records)
        if not kept:
            return {}
        vectors = np.stack([self._embed(record.idea.text) for record in kept.values()])
        places = np.floor(fixed_projection().project(vectors).astype(np.float64) / self._width)
        cells = [(x, y) for x, y in places.tolist()]
        shared = Counter(cells)
        return {name: 1.0 / shared[cell] for name, cell in zip(kept, cells, strict=True)}


class Progress:
    """A task weighs more the more was learned on it lately. A task without a trial weighs the mean
    of the others; where no task has one, all weigh the same."""

    def weights(self, records: Sequence[Record]) -> dict[str, float]:
        progress: dict[str, float | None] = {}
        for record in records:
            rise = _rise(record)
            if record.status == "learned" and record.task_id:
                progress[record.task_id] = rise
            stone = record.stepping_stones[0] if record.stepping_stones else None
            if stone in progress and rise is not None:
                before = progress[stone]
                progress[stone] = rise if before is None else before + RECENT * (rise - before)
        known = [value for value in progress.values() if value is not None]
        mean = sum(known) / len(known) if known else 1.0
        return {name: mean if value is None else value for name, value in progress.items()}


def choose(weight: Mapping[str, float], random: np.random.Generator) -> str | None:
    """A task drawn in proportion to its weight; uniformly where all are zero; None of none."""
    if not weight:
        return None
    task_ids = list(weight)
    values = np.array([weight[task_id] for task_id in task_ids], dtype=np.float64)
    total = values.sum()
    chances = values / total if total else np.full(len(values), 1 / len(values))
    return str(random.choice(task_ids, p=chances))


def _kept(records: Sequence[Record]) -> dict[str, Record]:
    """The kept tasks, by their `task_id`."""
    return {r.task_id: r for r in records if r.status == "learned" and r.task_id}


def _rise(record: Record) -> float | None:
    """How much the success rate rose in a trial, 0.0 to 1.0; None where that is not known."""
    trial = record.trial
    if trial is None or trial.verdict == "broken":
        return None
    if trial.verdict == "too_easy":
        return 0.0  # No agent was trained, since there was nothing to learn.
    return None if trial.success_progress is None else max(trial.success_progress, 0.0)
