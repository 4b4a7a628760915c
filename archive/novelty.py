"""Novelty: how far an idea is from what has been kept.

Exact and reproducible: cosine similarities to every kept task are computed, none is approximated.
Novelty is the mean cosine distance to the k nearest (Lehman and Stanley, 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..task import Record


@dataclass(frozen=True)
class Neighbour:
    """A record and its cosine similarity (-1 to 1) to what was asked about."""

    record: Record
    similarity: float


def nearest(
    vector: NDArray[np.float32],
    records: Sequence[Record],
    vectors: Sequence[NDArray[np.float32]],
    count: int,
) -> list[Neighbour]:
    """The `count` records most similar to a unit vector, most similar first.

    `vectors` are the unit vectors of `records`. Ties go to the earlier record; fewer records than
    `count` give fewer neighbours, and none give an empty list.
    """
    if not records or count == 0:
        return []
    similarities = np.stack(vectors) @ vector
    order = np.argsort(-similarities, kind="stable")[:count]
    return [Neighbour(records[n], float(similarities[n])) for n in order]


def novelty(neighbours: Sequence[Neighbour]) -> float | None:
    """Mean cosine distance to the neighbours (0 to 2); None where there are none to compare."""
    if not neighbours:
        return None
    return float(np.mean([1.0 - neighbour.similarity for neighbour in neighbours]))
