"""What is drawn from memory is what has happened, up to the end of an episode and no further."""

from __future__ import annotations

import numpy as np
import pytest

from taskwright.trainer.learners.replay_buffer import CELL_M, Batch, ReplayBuffer, VisitCounts

DISCOUNT = 0.5
NOWHERE = np.zeros((1, 3))


def remember(
    buffer: ReplayBuffer, number: float, *, ended: bool = False, over: bool = False
) -> None:
    """A step of the one environment: `number` is observed and earned, then half more is."""
    buffer.add(
        np.full((1, 2), number, np.float32),
        np.array([int(number) % 6]),
        np.array([number]),
        np.array([ended]),
        np.array([over]),
        np.full((1, 2), number + 0.5, np.float32),
        NOWHERE,
    )


def drawn(buffer: ReplayBuffer, steps: int = 2, **worth: float) -> dict[float, Batch]:
    """What is drawn of each choice, by what was observed then; each a batch of one."""
    random = np.random.default_rng(0)
    batch = buffer.draw(
        400, steps, DISCOUNT, worth.get("scale", 1.0), worth.get("novelty", 0.0), random
    )
    found = {}
    for row, observation in enumerate(batch.observations[:, 0].tolist()):
        one = Batch(*(array[row : row + 1] for array in vars(batch).values()))
        known = found.setdefault(observation, one)
        for array, other in zip(vars(known).values(), vars(one).values(), strict=True):
            np.testing.assert_array_equal(array, other)
    return found


def test_returns_look_so_many_steps_ahead_and_the_rest_is_left_to_what_follows() -> None:
    buffer = ReplayBuffer(10, 1, 2)
    for number in range(6):
        remember(buffer, number)
    found = drawn(buffer)
    # The last two have not been followed by two steps yet.
    assert sorted(found) == [0.0, 1.0, 2.0, 3.0]
    two = found[2.0]
    assert two.actions.tolist() == [2]
    assert two.returns.tolist() == [2.0 + DISCOUNT * 3.0]
    assert two.following.tolist() == [[4.0, 4.0]]
    assert two.discounts.tolist() == [DISCOUNT**2]


def test_what_a_success_is_worth_follows_the_scale_when_it_is_drawn() -> None:
    buffer = ReplayBuffer(10, 1, 1)
    nothing, ended = np.zeros((1, 1), np.float32), np.array([True])
    for worth in (8.0, 0.0):
        rewards, worths = np.array([2.0 + worth]), np.array([worth])
        actions = np.array([0])
        buffer.add(nothing, actions, rewards, ended, ended, nothing, NOWHERE, worths)
    for scale, expected in ((1.0, 10.0), (4.0, 34.0)):
        batch = buffer.draw(5, 1, DISCOUNT, 1.0, 0.0, np.random.default_rng(0), scale)
        assert set(batch.returns.tolist()) == {expected}


def test_nothing_is_expected_after_an_end_and_something_where_an_episode_was_cut_off() -> None:
    buffer = ReplayBuffer(10, 1, 2)
    remember(buffer, 0)
    remember(buffer, 1, ended=True, over=True)
    remember(buffer, 2)
    remember(buffer, 3, ended=True)
    remember(buffer, 4)
    remember(buffer, 5)
    found = drawn(buffer)
    assert found[0.0].returns.tolist() == [0.0 + DISCOUNT * 1.0]
    assert found[0.0].discounts.tolist() == [0.0]
    # What followed belongs to another episode.
    assert found[1.0].returns.tolist() == [1.0]
    assert found[1.0].discounts.tolist() == [0.0]
    assert found[3.0].returns.tolist() == [3.0]
    assert found[3.0].discounts.tolist() == [DISCOUNT]
    assert found[3.0].following.tolist() == [[3.5, 3.5]]


def test_the_oldest_is_forgotten_first() -> None:
    buffer = ReplayBuffer(5, 1, 2)
    for number in range(12):
        remember(buffer, number, ended=number % 3 == 2)
    found = drawn(buffer)
    assert sorted(found) == [7.0, 8.0, 9.0]
    assert found[7.0].following.tolist() == [[8.5, 8.5]]
    assert found[9.0].following.tolist() == [[11.0, 11.0]]


def test_environments_do_not_mix() -> None:
    buffer = ReplayBuffer(50, 2, 1)
    for number in range(40):
        rows = np.array([[number], [100 + number]], np.float32)
        ended = np.array([number % 7 == 6, False])
        places = np.zeros((2, 3))
        buffer.add(rows, np.zeros(2, np.int64), rows[:, 0], ended, ended, rows + 0.5, places)
    batch = buffer.draw(500, 3, 1.0, 1.0, 0.0, np.random.default_rng(1))
    assert ((batch.following >= 100) == (batch.observations >= 100)).all()
    second = batch.observations[:, 0] >= 100
    assert second.any()
    assert not second.all()
    assert (batch.following[second, 0] == batch.observations[second, 0] + 3).all()


def test_rewards_are_scaled_and_new_places_worth_something() -> None:
    buffer = ReplayBuffer(10, 1, 2)
    for number in range(4):
        remember(buffer, number)
    assert drawn(buffer, 1, scale=0.1)[2.0].returns == pytest.approx([0.2])
    # The one place has been visited four times by now.
    assert drawn(buffer, 1, novelty=0.3)[0.0].returns == pytest.approx([0.3 / 2])
    for number in range(4, 9):
        remember(buffer, number)
    assert drawn(buffer, 1, novelty=0.3)[0.0].returns == pytest.approx([0.3 / 3])


def test_many_episodes_end_and_their_last_observations_are_known() -> None:
    buffer = ReplayBuffer(300, 1, 2)
    for number in range(200):
        remember(buffer, number, ended=True)
    found = drawn(buffer, 1)
    assert len(found) > 100
    assert all(one.following[0, 0] == number + 0.5 for number, one in found.items())


def test_a_place_is_rarer_the_less_often_it_was_visited():
    visits, here = VisitCounts(), np.full((1, 3), 0.5 * CELL_M)
    rarities = [float(visits.rarity(visits.add(here))[0]) for _ in range(4)]
    assert rarities == pytest.approx([1.0, 0.5**0.5, (1 / 3) ** 0.5, 0.5])


def test_visits_at_the_same_time_count_together_and_each_cell_for_itself():
    visits = VisitCounts()
    places = np.array([[0.1, 0.2, 0.0], [0.9, 0.2, 0.0], [-0.1, 0.2, 0.0], [0.1, 0.2, 5.0]])
    numbers = visits.add(places * CELL_M)
    assert len(set(numbers)) == 3
    assert visits.rarity(numbers) == pytest.approx(np.array([0.5**0.5, 0.5**0.5, 1.0, 1.0]))


def test_many_cells_are_told_apart():
    visits = VisitCounts()
    numbers = visits.add(np.arange(900).reshape(300, 3) * CELL_M)
    assert len(set(numbers)) == 300
    assert visits.rarity(numbers) == pytest.approx(np.ones(300))


def test_no_visits_have_no_cells():
    assert VisitCounts().add(np.zeros((0, 3))).shape == (0,)
