"""A world that breaks ends its episode with a diagnosis, and finite numbers all the way."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from taskwright.world import ContractError, TaskEnv

TASK = '''
import math
import numpy as np
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """A ball (body 2), a crate (body 3) and a propeller (body 4)."""

    def __init__(self):
        super().__init__()
        p = self._p
        self.floor = self.create_box(0.0, [50, 50, 0.5], [0, 0, -0.5], [0.3, 0.5, 0.3, 1])
        self.ball = self.create_sphere(1.0, 0.3, [10, 0, 0.3], [1, 0, 0, 1])
        self.crate = self.create_box(5.0, [0.4, 0.4, 0.4], [-5, 0, 0.4], [1, 0, 0, 1])
        blade = p.createCollisionShape(p.GEOM_BOX, halfExtents=[2, 0.1, 0.1])
        self.propeller = p.createMultiBody(
            baseMass=0.0, basePosition=[20, 20, 5], linkMasses=[1.0],
            linkCollisionShapeIndices=[blade], linkVisualShapeIndices=[-1],
            linkPositions=[[0, 0, 0]], linkOrientations=[[0, 0, 0, 1]],
            linkInertialFramePositions=[[2, 0, 0]], linkInertialFrameOrientations=[[0, 0, 0, 1]],
            linkParentIndices=[0], linkJointTypes=[p.JOINT_REVOLUTE], linkJointAxis=[[0, 0, 1]],
        )
        self.steps = 0

    def place(self, body, height):
        """On top of the ball."""
        x, y, _ = self.get_object_position(self.ball)
        self._p.resetBasePositionAndOrientation(body, [x, y, height], [0, 0, 0, 1])

    def step(self, action):
        self.steps += 1
        p, ball = self._p, self.ball
        # HERE
        return super().step(action)

    def get_task_rewards(self, action):
        return {"ball": 0.001 * self.get_object_position(self.ball)[2]}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''
BREAKS = {
    "speed": ("p.resetBaseVelocity(ball, [0, 1000, 0])", r"Body 2 moves at 9\d\.\d* m/s\."),
    "force": (
        "p.applyExternalForce(ball, -1, [0, 0, 1e6], [0, 0, 0], p.LINK_FRAME)",
        r"Body 2 moves at (99\.\d*|100) m/s\.",
    ),
    "overlap": ("if self.steps == 20: self.place(self.crate, 0.31)", r"Body 3 moves at .* m/s\."),
    "light bodies in one place": (
        "if self.steps == 20: [self.create_sphere(0.001, 0.3, [5, 5, 0.3], [1] * 4) "
        "for _ in range(6)]",
        r"Body \d+ moves at .* m/s\.",
    ),
    "motor": (
        "p.setJointMotorControl2(self.propeller, 0, p.VELOCITY_CONTROL, targetVelocity=900, "
        "force=1e5)",
        r"Body 4 moves at .* m/s\.",
    ),
}
NAN = math.nan
ENGINE_FAILURES: dict[str, tuple[Callable[[TaskEnv], Any], str]] = {
    "velocity": (
        lambda env: env.client.resetBaseVelocity(env.env.ball, [NAN, 0, 0]),
        r"Body \d is nowhere: its pose is not a number\.",
    ),
    "infinite velocity": (
        lambda env: env.client.resetBaseVelocity(env.env.ball, [0, 0, -math.inf]),
        r"Body \d is nowhere: its pose is not a number\.",
    ),
    "position": (
        lambda env: place(env, env.env.ball, [NAN, 0, 0]),
        r"Body 2 is nowhere: its pose is not a number\.",
    ),
    "far away": (
        lambda env: place(env, env.env.ball, [1e30, 0, 0]),
        r"Body 2 is 1e\+30 m from the origin\.",
    ),
    "beyond squares": (
        lambda env: place(env, env.env.ball, [1e200, 0, 0]),
        r"Body 2 is 1e\+200 m from the origin\.",
    ),
    "robot's velocity": (
        lambda env: env.client.resetBaseVelocity(env.robot.robot_id, [NAN, 0, 0]),
        r"The robot is nowhere: its pose is not a number\.",
    ),
    "robot's orientation": (
        lambda env: place(env, env.robot.robot_id, [0, 0, 1], [NAN, 0, 0, 1]),
        r"The robot is nowhere: its pose is not a number\.",
    ),
    "force": (
        lambda env: env.client.applyExternalForce(
            env.env.ball, -1, [1e300, 0, 0], [0, 0, 0], env.client.WORLD_FRAME
        ),
        r"Body 2 moves at .* m/s\.",
    ),
}


def place(env: TaskEnv, body: int, position: list[float], facing: Any = (0, 0, 0, 1)) -> None:
    env.client.resetBasePositionAndOrientation(body, position, facing)


def with_step(statement: str) -> str:
    return TASK.replace("# HERE", statement)


def play(env: TaskEnv, actions: int = 60) -> tuple[bool, bool, dict[str, Any]]:
    """Drive until the episode ends; whatever is told on the way must be a number."""
    for _ in range(actions):
        observation, reward, terminated, truncated, info = env.step(1)
        assert observation in env.observation_space
        assert np.isfinite(observation).all()
        assert math.isfinite(reward)
        if terminated or truncated:
            break
    return terminated, truncated, info


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("cause", BREAKS)
def test_what_a_task_does_without_measure_ends_the_episode(cause: str) -> None:
    statement, diagnosis = BREAKS[cause]
    env = TaskEnv(with_step(statement))
    env.reset(seed=0)
    terminated, truncated, info = play(env)
    assert (terminated, truncated) == (False, True)
    assert re.fullmatch(diagnosis, info["diagnosis"]), info["diagnosis"]
    env.close()


@pytest.mark.parametrize("cause", ENGINE_FAILURES)
def test_numbers_that_the_engine_loses_end_the_episode(cause: str) -> None:
    break_world, diagnosis = ENGINE_FAILURES[cause]
    env = TaskEnv(TASK, render_mode="rgb_array")
    env.reset(seed=0)
    env.step(1)
    break_world(env)
    terminated, truncated, info = play(env, actions=1)
    assert (terminated, truncated) == (False, True)
    assert re.fullmatch(diagnosis, info["diagnosis"]), info["diagnosis"]
    env.render()
    # The next episode is as good as new.
    fresh = TaskEnv(TASK)
    np.testing.assert_array_equal(env.reset(seed=3)[0], fresh.reset(seed=3)[0])
    for action in (1, 5, 3):
        np.testing.assert_array_equal(env.step(action)[0], fresh.step(action)[0])
    env.close()
    fresh.close()


def test_the_last_finite_observation_is_told() -> None:
    env = TaskEnv(TASK)
    env.reset(seed=0)
    before = env.step(1)[0]
    place(env, env.robot.robot_id, [NAN, NAN, NAN])
    observation, _, _, truncated, info = env.step(1)
    assert truncated
    assert info["diagnosis"]
    np.testing.assert_array_equal(observation, before)
    env.close()


@pytest.mark.parametrize(
    "failing",
    [
        'return {"ball": self.get_object_position(self.ball)[2]}',
        'return {"ball": int(self.get_object_position(self.ball)[2])}',
        'return {"ball": 1.0 if self.get_object_position(self.ball)[2] > 0 else undefined}',
    ],
)
def test_what_a_task_raises_in_a_broken_world_is_not_let_through(failing: str) -> None:
    usual = 'return {"ball": 0.001 * self.get_object_position(self.ball)[2]}'
    assert usual in TASK
    env = TaskEnv(TASK.replace(usual, failing))
    env.reset(seed=0)
    env.step(1)
    place(env, env.env.ball, [NAN, 0, NAN])
    terminated, truncated, info = play(env, actions=1)
    assert (terminated, truncated) == (False, True)
    assert info["diagnosis"].startswith("Body 2 is nowhere")
    # Of the four physics steps none was completed.
    assert info["reward_terms"] == {}
    env.close()


def test_what_a_task_raises_in_a_whole_world_is_let_through() -> None:
    env = TaskEnv(with_step("self.steps = undefined"))
    env.reset(seed=0)
    with pytest.raises(NameError):
        env.step(1)
    env.close()


@pytest.mark.parametrize(
    "statement",
    [
        # A marker that is put elsewhere has no speed of its own.
        "p.resetBasePositionAndOrientation(self.floor, [self.steps % 2 * 9, 0, -1], [0, 0, 0, 1])",
        # Falling to the end of the episode.
        "if self.steps == 1: p.resetBasePositionAndOrientation(ball, [100, 0, 0], [0, 0, 0, 1])",
        # Each of two is slow enough, though both together are not.
        "p.resetBaseVelocity(ball, [70, 0, 0]); p.resetBaseVelocity(self.crate, [-70, 0, 0])",
        "if self.steps == 1: "
        "p.resetBasePositionAndOrientation(ball, [9999, 0, 9999], [0, 0, 0, 1])",
    ],
)
def test_what_a_task_may_do_ends_nothing(statement: str) -> None:
    env = TaskEnv(with_step(statement))
    env.reset(seed=0)
    _, truncated, info = play(env, actions=200)
    assert not truncated
    assert "diagnosis" not in info
    env.close()


def test_refuses_rewards_that_add_up_to_infinity() -> None:
    env = TaskEnv(TASK.replace("0.001 * self.get_object_position(self.ball)[2]", "1.7e308"))
    env.reset(seed=0)
    with pytest.raises(ContractError, match="add up to inf"):
        env.step(1)
    env.close()
