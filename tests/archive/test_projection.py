"""The map's plane: shipped, fixed, and the same for the same text."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

import taskwright
from taskwright.archive.embedding import SentenceEncoder
from taskwright.archive.projection import fixed_projection


def test_the_plane_is_the_one_that_was_shipped_first() -> None:
    """Every map ever looked at would change with it: a new plane needs a new file and a choice."""
    path = Path(taskwright.__file__).parent / "archive" / "projection.npz"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == "ef37b6ddb853b49e76d2c1c20fbda0d2e19197e036216ee61078e67491085bde"


def test_its_axes_are_upright_and_its_reference_lies_around_the_middle() -> None:
    projection = fixed_projection()
    assert projection.model == SentenceEncoder.name
    first, second = projection.plane.T
    assert abs(first @ second) < 1e-4 * (first @ first)
    reference = projection.reference
    assert len(reference) > 400
    assert reference.mean(axis=0) == pytest.approx([0, 0], abs=0.01)
    spread = reference.std(axis=0)
    assert spread[0] == pytest.approx(1.0, abs=0.01)
    assert 0.5 < spread[1] <= spread[0]


def test_vectors_are_projected_one_by_one_or_together() -> None:
    projection = fixed_projection()
    vectors = np.random.default_rng(0).normal(size=(5, 384)).astype(np.float32)
    together = projection.project(vectors)
    assert together.shape == (5, 2)
    for vector, point in zip(vectors, together, strict=True):
        assert projection.project(vector[None])[0] == pytest.approx(point, abs=1e-5)
    assert projection.project(projection.mean[None])[0] == pytest.approx([0, 0], abs=1e-5)
    assert projection.project(np.empty((0, 384), np.float32)).shape == (0, 2)


def test_vectors_of_another_encoder_are_refused() -> None:
    with pytest.raises(ValueError, match="768 numbers, not of 384"):
        fixed_projection().project(np.zeros((1, 768), np.float32))
