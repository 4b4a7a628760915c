"""A measure of likeness that is learned from people's answers, after QDHF (Ding et al., "Quality
Diversity through Human Feedback", arXiv 2310.12103).

People say which of two tasks is more like a third. A linear projection of the stored embeddings is
fitted to those triplets; likeness is then the cosine of projected vectors, so that all that worked
with embeddings works with projected ones. It begins at the identity and is drawn back to it: with
few answers it hardly differs from the plain cosine, and it never sees but the answers.

Deterministic: the same answers give the same projection, to the last bit on one machine.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError
from ..files import FileProblem, open_file, open_zip, unpacked, write_whole
from ..task import Noun, Real, from_json

FILE_NAME = "metric.npz"

MAX_BYTES = 70_000_000
"""The size limit of a file, packed and unpacked: a square matrix for embeddings of 4,096
numbers."""

Array = NDArray[np.float64]
Triplets = NDArray[np.int64]
"""Rows of three: anchor, nearer, further, each the row of a vector."""

TEMPERATURE = 0.1
"""By how much two cosines must differ to count as clearly different."""
PULL = 0.02
"""Weight of the squared distance to the identity."""
STEPS = 300
LEARNING_RATE = 0.005
FOLDS = 5
MIN_TRIPLETS = 20
"""With fewer triplets, the share that a coin predicts could lie a fifth above or below one half."""


@dataclass(frozen=True)
class Metric:
    """A projection of embeddings, and how well it foretells answers that it was not fitted to."""

    matrix: NDArray[np.float32]
    """Shape (n, n), n being the size of an embedding."""
    model: str
    """Name of the encoder whose embeddings it is for."""
    answers: int
    """Triplets that it was fitted to."""
    held_out: float
    """Share of triplets foretold by projections that had not seen their anchor as one (`FOLDS`
    folds); 0.5 is chance."""
    cosine: float
    """The same of the plain cosine of embeddings."""

    def project(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """A unit vector, shape (n,), or several, shape (..., n), in the learned space; unit vectors
        too. Raises ArchiveError where the vectors are of another size."""
        size = self.matrix.shape[1]
        if vector.shape[-1] != size:
            raise ArchiveError(
                f"The learned metric is for embeddings of {size} numbers, not {vector.shape[-1]}.",
                "Fit it again, or set novelty.metric to cosine.",
            )
        projected: NDArray[np.float32] = vector @ self.matrix.T
        length = np.linalg.norm(projected, axis=-1, keepdims=True)
        projected /= np.maximum(length, np.float32(1e-9))
        return projected

    def save(self, run_dir: Path) -> None:
        """Write it into the run folder, in one piece or not at all."""
        path = run_dir / FILE_NAME
        about = {
            "model": self.model,
            "answers": self.answers,
            "held_out": self.held_out,
            "cosine": self.cosine,
        }
        file = io.BytesIO()
        np.savez_compressed(file, matrix=self.matrix, about=np.array(json.dumps(about)))
        write_whole(path, file.getvalue())


def load_metric(run_dir: Path) -> Metric | None:
    """The metric of a run folder; None where none was fitted. Raises ArchiveError where the file
    is not one."""
    path = run_dir / FILE_NAME
    if not os.path.lexists(path):
        return None
    try:
        with open_file(path, MAX_BYTES) as file, open_zip(file) as archive:
            matrix = _array(unpacked(archive, "matrix.npy", MAX_BYTES))
            about = from_json(_About, str(_array(unpacked(archive, "about.npy", MAX_BYTES))))
    except (FileProblem, ValueError) as error:
        what = " ".join(str(error).split())
        raise ArchiveError(
            f"The learned metric {path} cannot be read: {what}.",
            "Remove the file and fit it again on the judging page.",
        ) from None
    is_one = matrix.dtype == np.float32 and matrix.ndim == 2 and len(set(matrix.shape)) == 1
    if not is_one or not np.isfinite(matrix).all():
        raise ArchiveError(
            f"The learned metric {path} cannot be read: it holds no square of finite numbers.",
            "Remove the file and fit it again on the judging page.",
        )
    return Metric(matrix, **vars(about))


@dataclass(frozen=True)
class _About(Noun):
    """The fields of a `Metric` that a file holds beside the projection."""

    model: str
    answers: int
    held_out: Real
    cosine: Real


def _array(data: bytes) -> NDArray[Any]:
    """An array in numpy's format. Raises ValueError where it is none, or claims to be larger."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError("it is of a format that numpy does not write")
    shape, _, dtype = read[version](file)
    if math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise ValueError("an array in it is not as large as it claims")
    file.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def fit_metric(vectors: Array, triplets: Triplets, model: str) -> Metric:
    """Fit a metric to answers. `vectors` are unit vectors, shape (records, n).

    Raises ArchiveError where there are fewer than `MIN_TRIPLETS` triplets.
    """
    if len(triplets) < MIN_TRIPLETS:
        raise ArchiveError(
            f"There are {len(triplets)} answers to “which is more like the first?”; a metric needs "
            f"at least {MIN_TRIPLETS}.",
            "Answer some more on the judging page.",
        )
    foretold = np.concatenate(
        [
            foretells(vectors @ fit_projection(vectors, triplets[~held]).T, triplets[held])
            for held in folds_by_anchor(triplets)
        ]
    )
    return Metric(
        matrix=fit_projection(vectors, triplets).astype(np.float32),
        model=model,
        answers=len(triplets),
        held_out=float(foretold.mean()),
        cosine=float(foretells(vectors, triplets).mean()),
    )


def fit_projection(vectors: Array, triplets: Triplets, pull: float = PULL) -> Array:
    """The projection, shape (n, n), that minimises the mean over triplets of
    log(1 + exp((cos(anchor, further) - cos(anchor, nearer)) / `TEMPERATURE`)) plus `pull` times the
    squared distance to the identity; by Adam, from the identity."""
    # Only vectors in triplets count in the sum, and the projection can leave the identity only
    # within the space that they span. So a small matrix is all that has to be found.
    rows, triplets = np.unique(triplets, return_inverse=True)
    anchors, nearer, further = triplets.reshape(-1, 3).T
    basis = np.linalg.qr(vectors[rows].T)[0]
    coordinates = vectors[rows] @ basis
    identity = np.eye(basis.shape[1])
    matrix = identity.copy()
    mean, square = np.zeros_like(matrix), np.zeros_like(matrix)
    for step in range(1, STEPS + 1):
        projected = coordinates @ matrix.T
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        units = projected / lengths
        margin = _cosines(units, anchors, nearer) - _cosines(units, anchors, further)
        # Derivative of the loss by each triplet's margin, in a form that cannot overflow.
        slope = -0.5 * (1 - np.tanh(margin / (2 * TEMPERATURE))) / (TEMPERATURE * len(anchors))
        by_unit = np.zeros_like(units)
        np.add.at(by_unit, anchors, slope[:, None] * (units[nearer] - units[further]))
        np.add.at(by_unit, nearer, slope[:, None] * units[anchors])
        np.add.at(by_unit, further, -slope[:, None] * units[anchors])
        along = (by_unit * units).sum(axis=1, keepdims=True)
        by_projected = (by_unit - along * units) / lengths
        gradient = by_projected.T @ coordinates + 2 * pull * (matrix - identity)
        mean += 0.1 * (gradient - mean)
        square += 0.001 * (gradient**2 - square)
        corrected = mean / (1 - 0.9**step), square / (1 - 0.999**step)
        matrix -= LEARNING_RATE * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
    projection: Array = np.eye(vectors.shape[1]) + basis @ (matrix - identity) @ basis.T
    return projection


def _cosines(units: Array, one: NDArray[np.int64], other: NDArray[np.int64]) -> Array:
    cosines: Array = np.einsum("ij,ij->i", units[one], units[other])
    return cosines


def foretells(vectors: Array, triplets: Triplets) -> NDArray[np.bool_]:
    """Of each triplet, whether the cosine of `vectors` is greater to the nearer one."""
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    anchors, nearer, further = triplets.T
    answer: NDArray[np.bool_] = _cosines(units, anchors, nearer) > _cosines(units, anchors, further)
    return answer


def folds_by_anchor(triplets: Triplets) -> Iterator[NDArray[np.bool_]]:
    """Masks of the triplets to hold out, one for each fold; triplets of one anchor stay together,
    and a fold without any is left out. Settled by the triplets alone."""
    anchors = np.unique(triplets[:, 0])
    shuffled = np.random.default_rng(0).permutation(anchors)
    for part in np.array_split(shuffled, FOLDS):
        held = np.isin(triplets[:, 0], part)
        if held.any() and not held.all():
            yield held


def usable_triplets(answers: Sequence[tuple[int, int, int]], rows: dict[int, int]) -> Triplets:
    """Answers given by the numbers of records as rows of their vectors; those about a record that
    has none are left out."""
    known = [answer for answer in answers if all(number in rows for number in answer)]
    return np.array([[rows[n] for n in answer] for answer in known], np.int64).reshape(-1, 3)
