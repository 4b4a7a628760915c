"""Novelty is the exact mean cosine distance to the nearest kept tasks."""

import numpy as np
import pytest

from taskwright.archive.novelty import nearest, novelty


def unit(angle_deg: float) -> np.ndarray:
    angle = np.radians(angle_deg)
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def test_neighbours_come_nearest_first(make_record):
    records = [make_record(n) for n in (1, 2, 3)]
    found = nearest(unit(0), records, [unit(90), unit(10), unit(60)], 2)
    assert [neighbour.record.number for neighbour in found] == [2, 3]
    assert found[0].similarity == pytest.approx(np.cos(np.radians(10)), abs=1e-6)


def test_ties_go_to_the_earlier_record(make_record):
    records = [make_record(n) for n in (1, 2, 3)]
    found = nearest(unit(0), records, [unit(20), unit(20), unit(20)], 2)
    assert [neighbour.record.number for neighbour in found] == [1, 2]


def test_fewer_records_than_asked_for_give_fewer_neighbours(make_record):
    assert len(nearest(unit(0), [make_record(1)], [unit(20)], 5)) == 1
    assert nearest(unit(0), [], [], 5) == []


def test_novelty_is_the_mean_distance(make_record):
    found = nearest(unit(0), [make_record(1), make_record(2)], [unit(60), unit(90)], 2)
    assert novelty(found) == pytest.approx((0.5 + 1.0) / 2)


def test_nothing_to_compare_with_is_no_novelty():
    assert novelty([]) is None
