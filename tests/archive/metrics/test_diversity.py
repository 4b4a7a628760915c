"""Diversity: known answers, and what must hold for any set of tasks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from taskwright.archive.metrics import (
    CELLS_A_SIDE,
    coverage,
    diversity,
    mean_nearest_distance,
    near_copy_share,
    nearest_similarities,
    occupied_cells,
    oddness,
    spread,
    vendi_score,
)


def units(values: np.ndarray) -> np.ndarray:
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


sets_of_tasks = (
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 24), st.just(6)),
        elements=st.floats(-1, 1, allow_subnormal=False),
    )
    .filter(lambda values: (np.linalg.norm(values, axis=1) > 0.1).all())
    .map(units)
)


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_orthogonal_tasks_are_worth_their_number(count):
    assert vendi_score(np.eye(40, dtype=np.float32)[:count]) == pytest.approx(count)


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_copies_of_one_task_are_worth_one(count):
    assert vendi_score(np.eye(5, dtype=np.float32)[[2] * count]) == pytest.approx(1.0)


def test_two_kinds_in_unequal_numbers_are_worth_the_exponential_of_their_entropy():
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 0, 1]]
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert vendi_score(vectors) == pytest.approx(np.exp(entropy))


@given(sets_of_tasks)
@settings(max_examples=60, deadline=None)
def test_vendi_is_that_of_the_matrix_of_similarities(vectors):
    kernel = vectors.astype(np.float64) @ vectors.T.astype(np.float64) / len(vectors)
    values = np.linalg.eigvalsh(kernel)
    values = values[values > 1e-12]
    assert vendi_score(vectors) == pytest.approx(np.exp(-(values * np.log(values)).sum()), rel=1e-6)


@given(sets_of_tasks, st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_no_number_depends_on_the_order_of_the_tasks(vectors, seed):
    shuffled = np.random.default_rng(seed).permutation(vectors)
    assert vendi_score(shuffled) == pytest.approx(vendi_score(vectors), rel=1e-6)
    assert near_copy_share(shuffled) == near_copy_share(vectors)
    points, others = vectors[:, :2], shuffled[:, :2]
    assert coverage(others) == coverage(points)


@given(sets_of_tasks)
@settings(max_examples=60, deadline=None)
def test_every_number_stays_within_its_range(vectors):
    n = len(vectors)
    assert 1 - 1e-6 <= vendi_score(vectors) <= min(n, vectors.shape[1]) + 1e-4
    assert 0 <= near_copy_share(vectors) <= 1
    assert 1 <= coverage(vectors[:, :2]) <= min(n, CELLS_A_SIDE**2)
    assert oddness(vectors).shape == (n,)
    assert -1e-5 <= oddness(vectors).min() <= oddness(vectors).max() <= 2 + 1e-5


@given(sets_of_tasks)
@settings(max_examples=40, deadline=None)
def test_a_set_twice_is_as_diverse_as_once_and_all_of_it_is_near_copies(vectors):
    twice = np.concatenate([vectors, vectors])
    assert vendi_score(twice) == pytest.approx(vendi_score(vectors), rel=1e-6)
    assert near_copy_share(twice) == 1.0
    assert coverage(twice[:, :2]) == coverage(vectors[:, :2])


def test_of_no_tasks_there_is_nothing_to_tell():
    none = np.zeros((0, 6), np.float32)
    assert vendi_score(none) == 0.0
    assert near_copy_share(none) is None
    assert mean_nearest_distance(none) is None
    assert coverage(none[:, :2]) == 0
    assert spread(none, 3) == []
    assert nearest_similarities(none).shape == (0, 0)


def test_a_single_task_has_no_copy_and_no_distance():
    one = np.eye(1, 6, dtype=np.float32)
    assert near_copy_share(one) == 0.0
    assert mean_nearest_distance(one) is None
    assert oddness(one).tolist() == [0.0]


def test_near_copies_are_counted_on_both_sides_of_the_pair():
    angle = np.arccos(0.95)
    vectors = np.array([[1, 0, 0], [np.cos(angle), np.sin(angle), 0], [0, 0, 1], [0, 0, -1]])
    assert near_copy_share(vectors.astype(np.float32)) == 0.5
    assert near_copy_share(vectors.astype(np.float32), threshold=0.96) == 0.0


def test_mean_nearest_distance_of_a_known_triangle():
    # Similarities 0.6, 0.8 and 0: the nearest other is at 0.4, 0.2 and 0.2.
    vectors = np.array([[1.0, 0], [0.6, 0.8], [0, 1.0]], np.float32)
    assert mean_nearest_distance(vectors, neighbours=1) == pytest.approx((0.4 + 0.2 + 0.2) / 3)
    assert mean_nearest_distance(vectors) == pytest.approx((0.7 + 0.3 + 0.6) / 3)


def test_blocks_do_not_change_what_is_nearest(monkeypatch):
    vectors = units(np.random.default_rng(0).normal(size=(50, 8)))
    whole = nearest_similarities(vectors, 4)
    monkeypatch.setattr(diversity, "BLOCK", 7)
    np.testing.assert_allclose(nearest_similarities(vectors, 4), whole, rtol=1e-5)


def test_the_grid_is_fixed_and_what_lies_beyond_counts_at_its_border():
    points = np.array([[-4.0, 3.99], [0.0, 0.0], [0.1, 0.2], [99.0, -99.0]], np.float32)
    assert occupied_cells(points).tolist() == [[0, 31], [16, 16], [16, 16], [31, 0]]
    assert coverage(points) == 3


def test_coverage_never_shrinks_as_tasks_are_added():
    # What refitted axes do to OMNI-EPIC's numbers.
    points = np.random.default_rng(1).normal(size=(60, 2)).astype(np.float32)
    grown = [coverage(points[:n]) for n in range(1, 61)]
    assert grown == sorted(grown)


def test_spread_goes_to_the_farthest_first():
    vectors = units(np.array([[1.0, 0], [0.99, 0.1], [-1.0, 0.05], [0, 1.0]]))
    assert spread(vectors, 3) == [0, 2, 3]
    assert sorted(spread(vectors, 9)) == [0, 1, 2, 3]
