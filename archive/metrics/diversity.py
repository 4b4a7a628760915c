"""How different the tasks of a set are: functions of their embeddings.

`vectors` are unit vectors, shape (n, size), one for each task; similarity is their cosine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Cells = NDArray[np.int64]

NEAR_COPY = 0.9
"""Cosine similarity above which two tasks count as near copies of each other."""
NEIGHBOURS = 3
"""How many neighbours `mean_nearest_distance` and `oddness` look at: as many as novelty does."""

GRID_HALF = 4.0
"""The grid of `coverage` reaches so far from the middle of the map, on both axes; a unit is the
spread of the map's reference along its first axis. What lies beyond counts as at the border."""
CELLS_A_SIDE = 32
BLOCK = 1024
"""Rows compared at once: 10,000 tasks then take 40 MB and not 400."""


def vendi_score(vectors: Vectors) -> float:
    """The Vendi score: how many entirely different tasks the set is worth.

    Friedman and Dieng, TMLR 2023 (arXiv 2210.02410): the exponential of the Shannon entropy of the
    eigenvalues of K / n, K being the similarities. n orthogonal vectors give n, n copies of one
    give 1. The scale of a score depends on the encoder: compare only scores of the same one.

    Args:
        vectors: Unit vectors, shape (n, size).

    Returns:
        From 1 to n; 0 for an empty set.
    """
    if not len(vectors):
        return 0.0
    x = vectors.astype(np.float64)
    # X Xᵀ and Xᵀ X have the same eigenvalues but for zeros: the smaller one is decomposed.
    gram = x.T @ x if len(x) > x.shape[1] else x @ x.T
    values = np.linalg.eigvalsh(gram / len(x))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def nearest_similarities(vectors: Vectors, count: int = 1) -> NDArray[np.float32]:
    """Similarity of each task to its nearest others.

    Args:
        vectors: Unit vectors, shape (n, size).
        count: How many others.

    Returns:
        Cosines, shape (n, min(count, n - 1)), the nearest first. A task that is there twice is its
        own copy's neighbour.
    """
    n = len(vectors)
    count = max(min(count, n - 1), 0)
    found = np.zeros((n, count), np.float32)
    for start in range(0, n if count else 0, BLOCK):
        block = vectors[start : start + BLOCK] @ vectors.T
        block[np.arange(len(block)), np.arange(start, start + len(block))] = -np.inf
        best = np.partition(block, n - count, axis=1)[:, n - count :]
        found[start : start + BLOCK] = -np.sort(-best, axis=1)
    return found


def near_copy_share(vectors: Vectors, threshold: float = NEAR_COPY) -> float | None:
    """Share of the tasks that have a near copy in the set.

    Args:
        vectors: Unit vectors, shape (n, size).
        threshold: Cosine similarity above which two tasks are near copies.

    Returns:
        From 0 to 1; None of an empty set.
    """
    if not len(vectors):
        return None
    return float((nearest_similarities(vectors) > threshold).any(axis=1).mean())


def mean_nearest_distance(vectors: Vectors, neighbours: int = NEIGHBOURS) -> float | None:
    """Mean cosine distance to the nearest other tasks, averaged over all tasks.

    What novelty search rewards (Lehman and Stanley, 2011), for the whole set and after the fact.

    Args:
        vectors: Unit vectors, shape (n, size).
        neighbours: How many other tasks.

    Returns:
        From 0 to 2; None of fewer than two tasks.
    """
    odd = oddness(vectors, neighbours)
    return float(odd.mean()) if len(vectors) > 1 else None


def oddness(vectors: Vectors, neighbours: int = NEIGHBOURS) -> NDArray[np.float32]:
    """Mean cosine distance of each task to its nearest others.

    Args:
        vectors: Unit vectors, shape (n, size).
        neighbours: How many others.

    Returns:
        From 0 to 2, shape (n,); 0 for a single task.
    """
    if len(vectors) < 2:
        return np.zeros(len(vectors), np.float32)
    odd: NDArray[np.float32] = 1.0 - nearest_similarities(vectors, neighbours).mean(axis=1)
    return odd


def occupied_cells(points: NDArray[np.float32]) -> Cells:
    """Which cell of the grid each point of the map is in.

    Args:
        points: Where the map's fixed projection puts tasks, shape (n, 2).

    Returns:
        From 0 to 31 on each axis, shape (n, 2).
    """
    places = np.floor((points + GRID_HALF) * (CELLS_A_SIDE / (2 * GRID_HALF)))
    cells: Cells = np.clip(places, 0, CELLS_A_SIDE - 1).astype(np.int64).reshape(-1, 2)
    return cells


def coverage(points: NDArray[np.float32]) -> int:
    """How many cells of a fixed grid of 32 by 32 have a task in them.

    Cell coverage as in quality diversity (Mouret and Clune, 2015), on axes and cells that ship with
    the package. OMNI-EPIC fits axes and cells to whatever is compared, so that its numbers move
    with the set; these do not. They grow with the number of tasks: compare them at equal numbers.

    Args:
        points: Where the map's fixed projection puts tasks, shape (n, 2).

    Returns:
        The number of cells; 0 for an empty set.
    """
    return len(np.unique(occupied_cells(points), axis=0)) if len(points) else 0


def spread(vectors: Vectors, count: int, first: int = 0) -> list[int]:
    """Tasks from all over: each is the one farthest from those before it (Gonzalez 1985).

    Args:
        vectors: Unit vectors, shape (n, size).
        count: How many tasks to choose.
        first: The place of the first one.

    Returns:
        The places of min(count, n) tasks, as they were chosen.
    """
    chosen: list[int] = []
    place = first
    similarity = np.full(len(vectors), -np.inf, np.float32)
    while len(chosen) < min(count, len(vectors)):
        chosen.append(place)
        similarity = np.maximum(similarity, vectors @ vectors[place])
        similarity[place] = np.inf
        place = int(similarity.argmin())
    return chosen
