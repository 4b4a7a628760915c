"""Where the robot has been: being somewhere new is worth a little.

Rewards of generated tasks often lead half of the way: to a lever, say, and not from there to the
door that it opens. A robot that has learned to earn them stays where they end. Counts of how often
each place was visited send it on (Bellemare et al. 2016, arXiv 1606.01868; Tang et al. 2017, arXiv
1611.04717), and what they are worth fades by itself. What was gained by it: docs/verdict.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELL_M = 1.0
"""Places in one cell of a grid are one place."""


class Visits:
    """How often each cell was visited, counted from where an episode began."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, ...], int] = {}

    def add(self, places: NDArray[np.floating]) -> NDArray[np.float32]:
        """Count visits. `places` are in m, shape (..., 3); returns 1 / sqrt(n) for each, shape
        (...), where n is how often its cell has been visited, these visits included."""
        cells = np.floor(places / CELL_M).astype(np.int64).reshape(-1, places.shape[-1])
        known, which, times = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
        counts = np.empty(len(known))
        for row, (cell, added) in enumerate(zip(known.tolist(), times.tolist(), strict=True)):
            counts[row] = self._counts[tuple(cell)] = self._counts.get(tuple(cell), 0) + added
        worth: NDArray[np.float32] = (1.0 / np.sqrt(counts))[which.ravel()].astype(np.float32)
        return worth.reshape(places.shape[:-1])
