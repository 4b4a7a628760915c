"""The Humanoid's gait: PyBullet's walker goes where it is told, in our world and with shoes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gymnasium.spaces import Discrete

from taskwright.sandbox.faults import fault_of
from taskwright.world import TaskEnv
from taskwright.world.robots import humanoid_gait
from taskwright.world.robots.humanoid import SHOE_FRICTION, HumanoidRobot
from taskwright.world.robots.humanoid_gait import (
    LAYERS,
    STAND,
    WALKER,
    WAYS_DEG,
    HumanoidGait,
    felt,
    read_walker,
    walker_weights,
)

LAWN = '''
from taskwright.world import HumanoidEnv


class Env(HumanoidEnv):
    """Stand on a lawn."""

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [200.0, 200.0, 1.0], [0.0, 0.0, HEIGHT - 1.0], [0.5, 0.6, 0.5, 1.0])

    def reset(self):
        observation = super().reset()
        x, y, z = self.robot.links["base"].position_init
        self._p.resetBasePositionAndOrientation(
            self.robot.robot_id, [x, y, z + HEIGHT], [0, 0, 0, 1]
        )
        return observation

    def get_task_rewards(self, action):
        return {"ahead": self.robot.links["base"].linear_velocity[0]}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''
SECOND = 15
"""Agent steps."""
STANDING_M = 0.75
"""Higher than this is a torso that has not fallen."""


@pytest.fixture
def env() -> Iterator[TaskEnv]:
    env = TaskEnv(LAWN.replace("HEIGHT", "0.0"), steered=True)
    yield env
    env.close()


def walk(env: TaskEnv, command: int, seconds: int) -> np.ndarray:
    """Where the torso is after each agent step, and its yaw: (steps, 4)."""
    places = []
    for _ in range(seconds * SECOND):
        env.step(command)
        robot = env.robot
        assert isinstance(robot, HumanoidRobot)
        places.append([*robot.base_state()[0], robot.roll_pitch_yaw()[2]])
    return np.array(places)


def test_a_steered_humanoid_chooses_among_commands(env: TaskEnv) -> None:
    assert env.action_space == Discrete(len(WAYS_DEG))
    plain = TaskEnv(LAWN.replace("HEIGHT", "0.0"))
    assert plain.action_space.shape == (17,)
    assert plain.observation_space == env.observation_space
    plain.close()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_humanoid_walks_ahead_on_its_feet(env: TaskEnv, seed: int) -> None:
    env.reset(seed=seed)
    places = walk(env, 1, 5)
    assert places[-1, 0] > 8.0, "more than 1.6 m/s, the start included"
    assert places[SECOND:, 2].min() > STANDING_M


@pytest.mark.parametrize(("command", "sign"), [(2, 1), (3, 1), (4, -1), (5, -1)])
def test_the_humanoid_turns_to_the_side_that_it_is_told(
    env: TaskEnv, command: int, sign: int
) -> None:
    env.reset(seed=1)
    places = walk(env, command, 4)
    turned = np.unwrap(places[:, 3])
    assert sign * (turned[-1] - turned[SECOND]) > 1.0


def test_it_walks_on_high_ground_as_on_low(env: TaskEnv) -> None:
    high = TaskEnv(LAWN.replace("HEIGHT", "30.0"), steered=True)
    high.reset(seed=0)
    places = walk(high, 1, 4)
    assert places[-1, 0] > 6.0
    assert places[SECOND:, 2].min() > 30.0 + STANDING_M
    high.close()


def test_it_gets_up_after_a_fall(env: TaskEnv) -> None:
    env.reset(seed=0)
    robot = env.robot
    lying = env.client.getQuaternionFromEuler([0.0, math.pi / 2, 0.0])
    env.client.resetBasePositionAndOrientation(robot.robot_id, [0.0, 0.0, 0.4], lying)
    places = walk(env, 1, 8)
    assert places[0, 2] < STANDING_M < places[:, 2].max()


def test_an_episode_follows_from_its_seed_and_commands(env: TaskEnv) -> None:
    """What was steered can be replayed wherever actions are, steered or not."""
    plain = TaskEnv(LAWN.replace("HEIGHT", "0.0"))
    env.reset(seed=3)
    plain.reset(seed=3)
    for command in [1] * 20 + [3] * 5 + [0] * 5 + [5] * 5:
        steered, replayed = env.step(command), plain.step(np.int64(command))
        np.testing.assert_array_equal(steered[0], replayed[0])
    plain.close()


def test_only_who_is_steered_wears_shoes(env: TaskEnv) -> None:
    def frictions() -> list[float]:
        robot = env.robot
        feet = [robot.links[name].index for name in ("left_foot", "right_foot")]
        return [env.client.getDynamicsInfo(robot.robot_id, foot)[1] for foot in feet]

    plain = TaskEnv(LAWN.replace("HEIGHT", "0.0"))
    plain.reset(seed=0)
    own = plain.client.getDynamicsInfo(plain.robot.robot_id, plain.robot.links["left_foot"].index)
    plain.close()
    env.reset(seed=0)
    assert frictions() == [own[1]] * 2
    env.step(1)
    assert frictions() == [SHOE_FRICTION] * 2
    env.reset(seed=0)
    assert frictions() == [own[1]] * 2


def test_torques_move_a_humanoid_that_was_steered_as_one_that_never_was() -> None:
    one, other = (TaskEnv(LAWN.replace("HEIGHT", "0.0")) for _ in range(2))
    torques = np.linspace(-0.4, 0.4, 17, dtype=np.float32)
    one.reset(seed=5)
    one.step(1)
    one.reset(seed=6)
    other.reset(seed=6)
    for _ in range(20):
        np.testing.assert_array_equal(one.step(torques)[0], other.step(torques)[0])
    one.close()
    other.close()


def test_what_the_walker_feels_is_bounded_and_in_its_own_order(env: TaskEnv) -> None:
    env.reset(seed=0)
    robot = env.robot
    assert isinstance(robot, HumanoidRobot)
    feeling = felt(robot, way=0.5)
    assert feeling.shape == (LAYERS[0][1],)
    assert np.abs(feeling).max() <= 5.0
    assert feeling[0] == pytest.approx(robot.start_height_m - 0.8)
    assert feeling[1:3] == pytest.approx([math.sin(0.5), math.cos(0.5)], abs=1e-4)
    positions, speeds = robot.read_joints()
    assert feeling[8:42:2] == pytest.approx(positions, abs=1e-6)
    assert feeling[9:42:2] == pytest.approx(np.array(speeds) / 10.0, abs=1e-6)
    assert feeling[42:].tolist() == [0.0, 0.0]


def test_the_walker_is_read_as_numbers_and_never_run(tmp_path: Path) -> None:
    arrays = {
        f"weights_{name}_{part}": np.full(shape, -0.25)
        for name, size, to in LAYERS
        for part, shape in (("w", (size, to)), ("b", (to,)))
    }
    text = "import gym\nraise SystemExit(1)\n" + "\n".join(
        f"{name} = np.array({array.tolist()})" for name, array in arrays.items()
    )
    (tmp_path / WALKER).write_text(text)
    layers = read_walker(tmp_path / WALKER)
    assert [weight.shape for weight, _ in layers] == [(size, to) for _, size, to in LAYERS]
    assert all((weight == -0.25).all() and (bias == -0.25).all() for weight, bias in layers)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "weights_dense1_w = np.array([1.0, 2.0])",
        "weights_dense1_w = np.array([print('run')])",
        "weights_dense1_w = (",
        "\0",
    ],
)
def test_a_walker_that_is_missing_or_another_one_is_this_machines_fault(
    text: str | None, tmp_path: Path
) -> None:
    path = tmp_path / WALKER
    if text is not None:
        path.write_text(text)
    with pytest.raises(ImportError, match="Install PyBullet again") as found:
        read_walker(path)
    fault = fault_of(found.value, "step 1", "")
    assert WALKER in fault["broken"]


def test_an_unsteered_humanoid_needs_no_walker(monkeypatch: pytest.MonkeyPatch) -> None:
    walker_weights.cache_clear()
    monkeypatch.setattr(humanoid_gait, "WALKER", "missing.py")
    plain = TaskEnv(LAWN.replace("HEIGHT", "0.0"))
    plain.reset(seed=0)
    plain.step(np.zeros(17))
    with pytest.raises(ImportError, match=r"missing\.py"):
        plain.step(1)
    with pytest.raises(ImportError, match=r"missing\.py"):
        TaskEnv(LAWN.replace("HEIGHT", "0.0"), steered=True)
    plain.close()
    walker_weights.cache_clear()


def test_the_weights_of_the_walker_that_is_installed() -> None:
    layers = walker_weights()
    assert [weight.shape for weight, _ in layers] == [(size, to) for _, size, to in LAYERS]
    assert HumanoidGait().walk(np.zeros(44, np.float32)).shape == (17,)


@pytest.mark.parametrize("seconds_ahead", [0, 2])
def test_told_to_stand_it_stays_about_where_it_is(env: TaskEnv, seconds_ahead: int) -> None:
    env.reset(seed=2)
    walk(env, 1, seconds_ahead)
    places = walk(env, STAND, 5)
    away = np.hypot(*(places[-1, :2] - places[SECOND, :2]))
    assert away < 1.5
    assert (places[SECOND:, 2] > STANDING_M).mean() > 0.8
