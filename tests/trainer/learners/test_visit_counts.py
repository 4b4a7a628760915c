"""New places are rarer than known ones, and a place is as wide as a cell."""

from __future__ import annotations

import numpy as np
import pytest

from taskwright.trainer.learners.visit_counts import CELL_M, Visits


def test_a_place_is_rarer_the_less_often_it_was_visited():
    visits, here = Visits(), np.full((1, 3), 0.5 * CELL_M)
    rarities = [float(visits.rarity(visits.add(here))[0]) for _ in range(4)]
    assert rarities == pytest.approx([1.0, 0.5**0.5, (1 / 3) ** 0.5, 0.5])


def test_visits_at_the_same_time_count_together_and_each_cell_for_itself():
    visits = Visits()
    places = np.array([[0.1, 0.2, 0.0], [0.9, 0.2, 0.0], [-0.1, 0.2, 0.0], [0.1, 0.2, 5.0]])
    numbers = visits.add(places * CELL_M)
    assert len(set(numbers)) == 3
    assert visits.rarity(numbers) == pytest.approx(np.array([0.5**0.5, 0.5**0.5, 1.0, 1.0]))


def test_many_cells_are_told_apart():
    visits = Visits()
    numbers = visits.add(np.arange(900).reshape(300, 3) * CELL_M)
    assert len(set(numbers)) == 300
    assert visits.rarity(numbers) == pytest.approx(np.ones(300))


def test_no_visits_have_no_cells():
    assert Visits().add(np.zeros((0, 3))).shape == (0,)
