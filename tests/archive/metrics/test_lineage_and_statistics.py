"""Generations, and what several runs say together."""

from __future__ import annotations

import numpy as np
import pytest

from taskwright.archive.metrics import difference_interval, generations, mean_curve, mean_interval


def test_generations_follow_the_longest_line():
    lines = [("a", []), ("b", ["a"]), ("c", ["b", "a"]), ("d", []), ("e", ["d", "c"])]
    assert generations(lines).tolist() == [0, 1, 2, 0, 3]


def test_a_parent_that_was_not_there_yet_makes_no_generation():
    assert generations([("a", ["b"]), ("b", ["x"]), (None, ["a"])]).tolist() == [0, 0, 1]
    assert generations([]).shape == (0,)


def test_the_interval_of_a_mean_holds_it_and_is_the_same_every_time():
    runs = [3.0, 5.0, 4.0, 8.0]
    found = mean_interval(runs)
    assert found.mean == 5.0
    assert 3.0 <= found.low < 5.0 < found.high <= 8.0
    assert mean_interval(runs) == found


def test_one_run_has_no_interval_and_none_has_no_mean():
    assert mean_interval([2.0]) == (2.0, None, None)
    assert mean_interval([]) is None
    assert difference_interval([1.0], []) is None
    assert difference_interval([3.0, 3.0], [1.0]) == (2.0, None, None)


def test_equal_runs_have_an_interval_without_width():
    assert mean_interval([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        found = mean_interval(random.normal(1.0, 1.0, size=12).tolist())
        covered += found.low <= 1.0 <= found.high
    # 95 % in the limit; the percentile bootstrap of a dozen values is known to be a little narrow.
    assert 0.86 <= covered / 200 <= 0.99


def test_a_clear_difference_excludes_zero_and_none_does_not():
    clear = difference_interval([9.0, 10.0, 11.0], [1.0, 2.0, 3.0])
    assert clear.mean == pytest.approx(8.0)
    assert clear.low > 0
    same = difference_interval([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert same.low < 0 < same.high


def test_curves_go_as_far_as_the_shortest_run():
    mean, low, high = mean_curve([np.array([1.0, 2, 3]), np.array([3.0, 4])])
    assert mean.tolist() == [2.0, 3.0]
    assert low.tolist() == [1.0, 2.0]
    assert high.tolist() == [3.0, 4.0]


def test_a_single_curve_is_its_own_band_and_none_is_empty():
    mean, low, high = mean_curve([np.array([1.0, 2])])
    assert mean.tolist() == low.tolist() == high.tolist() == [1.0, 2.0]
    assert all(len(part) == 0 for part in mean_curve([]))
