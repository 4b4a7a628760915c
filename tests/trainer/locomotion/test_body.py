"""The Ant's gait may take any side of it for its front, and left for right."""

from __future__ import annotations

import numpy as np
import pytest

from taskwright.trainer.locomotion.body import (
    GAIT_SIZE,
    JOINTS,
    STATE_SIZE,
    Array,
    anywhere,
    felt,
    in_yaw_frame,
    mirrored,
    placed,
    quarter,
    state_of,
    torques,
)
from taskwright.trainer.locomotion.ground import Ground

QUARTER_RAD = np.pi / 2
STEPS_IN_THE_AIR = 3
"""Later on it depends on the order in which contacts are solved, which no turn leaves as it was."""


def walk(turns: int, mirror: bool = False) -> tuple[Array, Array]:
    """What an Ant feels that is told to go a little to the left of ahead, or of another quarter,
    while it moves its joints as its gait says; and the shape of the way that it has gone."""
    ground = Ground()
    side = -1.0 if mirror else 1.0
    feeling, _ = ground.reset(seed=1, options={"command_rad": side * 0.3 + turns * QUARTER_RAD})
    for index in ground.robot._joint_indices:  # without the chance in how it begins
        ground.client.resetJointState(ground.robot.robot_id, index, 0.0, 0.0)
    feeling = ground._feel()
    rows = []
    random = np.random.default_rng(0)
    for _ in range(STEPS_IN_THE_AIR):
        action = random.uniform(-1.0, 1.0, JOINTS).astype(np.float32)
        if mirror:
            action = mirrored(feeling[None], action[None])[1][0]
        rows.append(feeling)
        feeling, _, _, _, _ = ground.step(action)
    ground.close()
    feelings = np.array(rows)
    return (mirrored(feelings, np.zeros((len(rows), JOINTS)))[0] if mirror else feelings), feeling


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_gait_feels_the_same_whichever_side_is_its_front(turns: int) -> None:
    np.testing.assert_allclose(walk(turns)[0], walk(0)[0], atol=5e-3)


def test_a_gait_in_a_mirror_moves_like_its_mirror_image() -> None:
    np.testing.assert_allclose(walk(0, mirror=True)[0], walk(0)[0], atol=5e-3)


def test_states_are_told_from_what_is_felt() -> None:
    random = np.random.default_rng(0)
    feelings = random.normal(size=(40, GAIT_SIZE)).astype(np.float32)
    quarters = random.integers(4, size=40)
    states = placed(state_of(feelings, quarters), anywhere(40, random))
    assert states.shape == (40, STATE_SIZE)
    again = felt(states, np.zeros((40, 2), np.float32), quarters)
    np.testing.assert_allclose(again[:, :29], feelings[:, :29], atol=1e-5)


def test_a_command_to_any_side_lies_ahead_once_its_quarter_is_the_front() -> None:
    angles = np.linspace(-3.1, 3.1, 60)
    commands = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    states = np.zeros((60, STATE_SIZE), np.float32)
    states[:, 9] = 1.0
    seen = felt(states, commands, quarter(commands))[:, 29:]
    assert (np.abs(np.arctan2(seen[:, 1], seen[:, 0])) <= np.pi / 4 + 1e-5).all()


def test_directions_in_the_world_turn_against_the_robot() -> None:
    states = np.zeros((1, STATE_SIZE), np.float32)
    states[0, 10] = 1.0  # it faces left, along y
    seen = in_yaw_frame(states, np.array([[0.0, 1.0]], np.float32))
    np.testing.assert_allclose(seen, [[1.0, 0.0]], atol=1e-6)


def test_torques_stay_within_the_bounds_of_the_action_space() -> None:
    actions = torques(np.full((1, JOINTS), 3.0, np.float32), np.array([0]))
    assert np.abs(actions).max() == 1.0
