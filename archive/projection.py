"""The plane of the map: two fixed axes through the space of embeddings.

Made once by `docs/make_projection.py` from ideas of the Composer and the example tasks, and shipped
with the package. It is never fitted to an archive: such a map would change as the archive grows,
and the maps of two archives could not be compared.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
"""Shape (n, 2)."""


@dataclass(frozen=True, eq=False)
class Projection:
    """An affine map from embeddings to a plane."""

    model: str
    """The encoder whose vectors it is for."""
    mean: NDArray[np.float32]
    """Shape (size,)."""
    plane: NDArray[np.float32]
    """The two axes, shape (size, 2); a unit is the spread of the reference along the first."""
    reference: Points
    """The points of the ideas that it was made from."""

    def project(self, vectors: NDArray[np.float32]) -> Points:
        """Where unit vectors of shape (n, size) lie; (0, 2) of none. Raises ValueError where they
        are of another size."""
        if not len(vectors):
            return np.empty((0, 2), np.float32)
        if vectors.shape[1] != len(self.mean):
            raise ValueError(f"vectors of {vectors.shape[1]} numbers, not of {len(self.mean)}")
        points: Points = ((vectors - self.mean) @ self.plane).astype(np.float32)
        return points


@functools.cache
def fixed_projection() -> Projection:
    """The one that ships with the package."""
    with np.load(Path(__file__).parent / "projection.npz", allow_pickle=False) as stored:
        return Projection(
            str(stored["model"]), stored["mean"], stored["plane"], stored["reference"]
        )
