"""New places are worth more than known ones, and a place is as wide as a cell."""

from __future__ import annotations

import numpy as np
import pytest

from taskwright.trainer.visits import CELL_M, Visits


def test_a_place_is_worth_less_each_time_it_is_visited():
    visits, here = Visits(), np.full((1, 3), 0.5 * CELL_M)
    assert [float(visits.add(here)[0]) for _ in range(4)] == pytest.approx(
        [1.0, 0.5**0.5, (1 / 3) ** 0.5, 0.5]
    )


def test_visits_at_the_same_time_count_together_and_each_cell_for_itself():
    places = np.array([[[0.1, 0.2, 0.0], [0.9, 0.2, 0.0]], [[-0.1, 0.2, 0.0], [0.1, 0.2, 5.0]]])
    worth = Visits().add(places * CELL_M)
    assert worth.shape == (2, 2)
    assert worth == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [1.0, 1.0]]))


def test_no_visits_are_worth_nothing():
    assert Visits().add(np.zeros((0, 4, 3))).shape == (0, 4)
