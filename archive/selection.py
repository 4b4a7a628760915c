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
that was cut off chooses as it would have, and none but kept tasks are ever chosen. `counts`,
`uniform` and `progress` take in each record once (see `history`), so that choosing takes hardly
longer in a large archive than in a small one; `novelty` and `cells` look at all kept tasks anew.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..task import Record
from .history import Kept, Versions, following
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


class Weights(Mapping[str, float]):
    """The weight of each kept task by its `task_id`, in the order in which they were first kept."""

    def __init__(self, task_ids: Sequence[str], weights: NDArray[np.float64]) -> None:
        """`weights`: 0.0 and up, shape (len(task_ids),)."""
        self.task_ids = task_ids
        self.weights = weights

    def __len__(self) -> int:
        return len(self.task_ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self.task_ids)

    def __getitem__(self, task_id: str) -> float:
        try:
            return float(self.weights[self.task_ids.index(task_id)])
        except ValueError:
            raise KeyError(task_id) from None

    def __repr__(self) -> str:
        return f"Weights({dict(zip(self.task_ids, self.weights.tolist(), strict=True))})"

    def times(self, factors: NDArray[np.float64]) -> Weights:
        """Each multiplied by a factor; those are in the same order."""
        return Weights(self.task_ids, self.weights * factors)


class SelectionRule(Protocol):
    """A way to weigh stepping stones."""

    def weights(self, records: Sequence[Record]) -> Weights:
        """The weight of each kept task after the journeys of `records` (in their order). Empty
        where none is kept."""
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

    def weights(self, records: Sequence[Record]) -> Weights:
        with following(records, _Passes) as passes:
            return passes.weights(len(records))


class _Passes:
    """How many selections have passed each kept task over."""

    def __init__(self) -> None:
        self._count = self._selections = 0
        self._task_ids: list[str] = []
        self._places: dict[str, int] = {}
        self._since = Versions()
        """How many selections there had been when each was last chosen, or was kept."""
        self._totals = array("q", [0])
        """How many selections there were after any number of records."""

    def take(self, record: Record) -> None:
        self._count += 1
        # A journey whose code never worked, or that broke, did not use its stones up.
        if record.stepping_stones and record.status not in ("invalid", "broken"):
            self._selections += 1
            for stone in record.stepping_stones:
                if stone in self._places:
                    self._since.change(self._count, self._places[stone], self._selections)
        if record.status == "learned" and record.task_id:
            task_id = record.task_id
            if task_id in self._places:
                self._since.change(self._count, self._places[task_id], self._selections)
            else:
                self._places[task_id] = len(self._task_ids)
                self._task_ids.append(task_id)
                self._since.append(self._count, self._selections)
        self._totals.append(self._selections)

    def weights(self, count: int) -> Weights:
        since = self._since.after(count)
        return Weights(self._task_ids[: len(since)], self._totals[count] - since)


DEFAULT_RULE: SelectionRule = Counts()


class Uniform:
    """All alike."""

    def weights(self, records: Sequence[Record]) -> Weights:
        with following(records, Kept) as kept:
            task_ids = kept.of(len(records))
        return Weights(task_ids, np.ones(len(task_ids)))


class Novelty:
    """A task weighs more the further it is from the others. Unlike the novelty in its record, its
    weight falls when other tasks come near."""

    def __init__(self, embed: Embed, neighbours: int = NEIGHBOURS) -> None:
        self._embed = embed
        self._neighbours = neighbours

    def weights(self, records: Sequence[Record]) -> Weights:
        kept = _kept(records)
        count = min(self._neighbours, len(kept) - 1)
        if count < 1:
            return Weights(list(kept), np.ones(len(kept)))
        vectors = np.stack([self._embed(record.idea.text) for record in kept.values()])
        distances = np.empty(len(vectors))
        for start in range(0, len(vectors), BLOCK):
            block = vectors[start : start + BLOCK] @ vectors.T
            rows = np.arange(len(block))
            block[rows, start + rows] = -np.inf
            nearest = -np.partition(-block, count - 1, axis=1)[:, :count]
            distances[start : start + BLOCK] = 1.0 - nearest.mean(axis=1)
        # Rounded, so that the last bits of a matrix product decide nothing.
        return Weights(list(kept), np.maximum(distances, 0.0).round(4))


class Cells:
    """Each cell of the map alike, and each kept task in a cell alike."""

    def __init__(self, embed: Embed, width: float = CELL_WIDTH) -> None:
        self._embed = embed
        self._width = width

    def weights(self, records: Sequence[Record]) -> Weights:
        kept = _kept(records)
        if not kept:
            return Weights([], np.zeros(0))
        vectors = np.stack([self._embed(record.idea.text) for record in kept.values()])
        places = np.floor(fixed_projection().project(vectors).astype(np.float64) / self._width)
        cells = [(x, y) for x, y in places.tolist()]
        shared = Counter(cells)
        return Weights(list(kept), np.array([1.0 / shared[cell] for cell in cells]))


class Progress:
    """A task weighs more the more was learned on it lately. A task without a trial weighs the mean
    of the others; where no task has one, all weigh the same."""

    def weights(self, records: Sequence[Record]) -> Weights:
        with following(records, _Rises) as rises:
            return rises.weights(len(records))


class _Rises:
    """How much was learned lately on each kept task."""

    def __init__(self) -> None:
        self._count = 0
        self._task_ids: list[str] = []
        self._places: dict[str, int] = {}
        self._progress = Versions()
        """NaN where nothing is known."""

    def take(self, record: Record) -> None:
        self._count += 1
        rise = _rise(record)
        if record.status == "learned" and record.task_id:
            task_id, known = record.task_id, np.nan if rise is None else rise
            if task_id in self._places:
                self._progress.change(self._count, self._places[task_id], known)
            else:
                self._places[task_id] = len(self._task_ids)
                self._task_ids.append(task_id)
                self._progress.append(self._count, known)
        stone = record.stepping_stones[0] if record.stepping_stones else None
        if stone in self._places and rise is not None:
            place = self._places[stone]
            before = self._progress[place]
            after = rise if np.isnan(before) else before + RECENT * (rise - before)
            self._progress.change(self._count, place, after)

    def weights(self, count: int) -> Weights:
        values = self._progress.after(count)
        known = values[~np.isnan(values)].tolist()
        values[np.isnan(values)] = sum(known) / len(known) if known else 1.0
        return Weights(self._task_ids[: len(values)], values)


def choose(weight: Mapping[str, float], random: np.random.Generator) -> str | None:
    """A task drawn in proportion to its weight; uniformly where all are zero; None of none."""
    if not weight:
        return None
    if not isinstance(weight, Weights):
        weight = Weights(list(weight), np.array(list(weight.values()), np.float64))
    count, total = len(weight), weight.weights.sum()
    chances = weight.weights / total if total else np.full(count, 1 / count)
    return weight.task_ids[int(random.choice(count, p=chances))]


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
