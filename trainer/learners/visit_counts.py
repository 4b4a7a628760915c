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
        self._numbers: dict[tuple[int, ...], int] = {}
        self._counts = np.zeros(64, np.int64)

    def add(self, places: NDArray[np.floating]) -> NDArray[np.int64]:
        """Count visits. `places` are in m, shape (n, 3); returns the numbers of their cells, shape
        (n,)."""
        cells = np.floor(places / CELL_M).astype(np.int64)
        numbers = [
            self._numbers.setdefault(tuple(cell), len(self._numbers)) for cell in cells.tolist()
        ]
        while len(self._numbers) > len(self._counts):
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
        np.add.at(self._counts, numbers, 1)
        return np.array(numbers, np.int64)

    def rarity(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """1 / sqrt(n) for each cell, n being how often it has been visited by now. Any shape."""
        rarity: NDArray[np.float64] = 1.0 / np.sqrt(self._counts[numbers])
        return rarity
