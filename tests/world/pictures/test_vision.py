"""What the robot sees."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium.utils.env_checker
import numpy as np
import pytest
import stable_baselines3.common.env_checker
from stable_baselines3 import PPO

from taskwright.world import TaskEnv
from taskwright.world.pictures.vision import DEPTH_LIMIT_M
from taskwright.world.robots import ROBOTS, robot_class

EXAMPLES = Path(__file__).parents[3] / "examples/tasks/r2d2"
EYE_M = 0.19  # ahead of the base

# A room with a red wall 5 m ahead of the robot's base, and a ball that moves.
ROOM = '''
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Look at a wall."""

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [12.0, 12.0, 0.5], [0.0, 0.0, -0.5], [0.3, 0.5, 0.3, 1.0])
        self.wall = self.create_box(0.0, [0.5, 3.0, 3.0], [5.5, 0.0, 3.0], [0.8, 0.2, 0.2, 1.0])
        self.ball = self.create_sphere(1.0, 0.3, [2.0, 1.0, 2.0], [0.2, 0.2, 0.8, 1.0])

    def reset(self):
        observation = super().reset()
        velocity = [self.np_random.uniform(-1, 1), self.np_random.uniform(-1, 1), 3.0]
        self._p.resetBaseVelocity(self.ball, velocity)
        return observation

    def get_task_rewards(self, action):
        return {"height": 0.1 * self.get_object_position(self.ball)[2]}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''


@pytest.fixture
def env() -> Iterator[TaskEnv]:
    env = TaskEnv(ROOM, vision=(48, 64))
    env.reset(seed=0)
    yield env
    env.close()


def see(env: TaskEnv) -> dict[str, Any]:
    """What is seen now, without a step."""
    observation: dict[str, Any] = env._observe(env._sense(0.0))
    return observation


def place(env: TaskEnv, x: float, yaw: float, z: float = 0.47) -> None:
    facing = env.client.getQuaternionFromEuler([0, 0, yaw])
    env.client.resetBasePositionAndOrientation(env.robot.robot_id, [x, 0, z], facing)


def test_the_observation_is_state_picture_and_depth(env: TaskEnv) -> None:
    observation, *_ = env.step(1)
    assert {key: (value.shape, value.dtype) for key, value in observation.items()} == {
        "state": ((157,), np.float32),
        "rgb": ((48, 64, 3), np.uint8),
        "depth": ((48, 64, 1), np.float32),
    }
    assert env.observation_space.contains(observation)


@pytest.mark.parametrize("distance_m", [0.01, 1.0, 7.0])
def test_depth_is_the_distance_along_the_axis_of_view(env: TaskEnv, distance_m: float) -> None:
    place(env, 5.0 - EYE_M - distance_m, yaw=0.0)
    observation = see(env)

    red, green, blue = observation["rgb"][24, 32].astype(int)
    assert red > 2 * green
    assert red > 2 * blue
    # Not along the ray: it is the same off the middle.
    for row, column in ((24, 32), (4, 32), (20, 12), (10, 50)):
        if distance_m < 2.0:
            assert observation["depth"][row, column] == pytest.approx(distance_m, abs=0.01)
    assert observation["depth"][24, 32] == pytest.approx(distance_m, rel=0.01, abs=0.001)


def test_the_robot_sees_what_is_ahead_and_not_what_is_behind(env: TaskEnv) -> None:
    place(env, 0.0, yaw=math.pi)
    observation = see(env)
    assert (observation["depth"][20, 32] == DEPTH_LIMIT_M).all()
    assert (observation["rgb"][20, 32] > 200).all()  # the sky


def test_depth_ends_at_its_limit(env: TaskEnv) -> None:
    place(env, -30.0, yaw=0.0, z=3.0)
    observation = see(env)
    red, green, _ = observation["rgb"][24, 32].astype(int)
    assert red > 2 * green  # it still sees the wall
    assert observation["depth"][24, 32] == DEPTH_LIMIT_M


def test_the_robot_does_not_see_itself(env: TaskEnv) -> None:
    for yaw in np.linspace(0, 2 * math.pi, 9):
        place(env, 0.0, float(yaw), z=50.0)  # nothing else is there
        observation = see(env)
        assert (observation["depth"] == DEPTH_LIMIT_M).mean() > 0.999


def test_an_eye_that_looks_down_sees_what_is_below_it() -> None:
    source = ROOM.replace("R2D2Env", "PandaEnv")
    env = TaskEnv(source, vision=(64, 64))
    observation, _ = env.reset(seed=0)
    eye_m = env.robot.eye_offset_m[2]
    assert observation["depth"][5, 5] == pytest.approx(eye_m, abs=0.02)
    env.close()


@pytest.mark.parametrize("robot", [name for name in ROBOTS if not robot_class(name).eye_pitch_deg])
def test_every_robot_sees_the_wall_ahead(robot: str) -> None:
    source = ROOM.replace("R2D2Env", ROBOTS[robot].base)
    seeing, blind = TaskEnv(source, vision=(64, 64)), TaskEnv(source)
    observation, _ = seeing.reset(seed=0)
    state, _ = blind.reset(seed=0)

    assert seeing.observation_space.contains(observation)
    assert (observation["state"] == state).all()
    red, green, _ = observation["rgb"][28, 32].astype(int)
    assert red > 2 * green
    eye_m = seeing.robot.eye_offset_m[0]
    assert observation["depth"][28, 32] == pytest.approx(5.0 - eye_m, abs=0.1)
    seeing.close()
    blind.close()


@pytest.mark.parametrize("size", [(64, 64), (128, 128), (32, 128)])
def test_the_same_seed_and_actions_show_the_same_pixels(size: tuple[int, int]) -> None:
    def play(env: TaskEnv, seed: int) -> list[bytes]:
        observation, _ = env.reset(seed=seed)
        seen = [observation]
        seen += [env.step(action)[0] for action in [1, 1, 4, 1, 5, 1, 3, 2] * 2]
        return [o["rgb"].tobytes() + o["depth"].tobytes() for o in seen]

    env, other = TaskEnv(ROOM, vision=size), TaskEnv(ROOM, vision=size)
    first = play(env, 3)
    assert play(env, 4) != first
    assert play(env, 3) == first
    assert play(other, 3) == first
    env.close()
    other.close()


def test_looking_changes_nothing_in_the_world() -> None:
    blind = TaskEnv(ROOM)
    seeing = TaskEnv(ROOM, vision=(64, 64), render_mode="rgb_array", camera="chase")
    expected, _ = blind.reset(seed=5)
    observation, _ = seeing.reset(seed=5)
    for action in [1, 1, 4, 1, 5, 1, 3, 2] * 5:
        assert (observation["state"] == expected).all()
        seeing.render()
        expected, *expected_rest = blind.step(action)
        observation, *rest = seeing.step(action)
        assert rest == expected_rest
    blind.close()
    seeing.close()


def test_the_checkers_of_gymnasium_and_stable_baselines3_find_nothing() -> None:
    env = TaskEnv.from_file(EXAMPLES / "kick_ball_into_goal.py", vision=(64, 64))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # It takes depth for a picture of the wrong type. Metres are no bytes: SB3 flattens them.
        warnings.filterwarnings("ignore", message=".*depth is an image.*")
        stable_baselines3.common.env_checker.check_env(env)
        # It wants the environment's spec, which there is only for what `gymnasium.make` makes.
        warnings.filterwarnings("ignore", message=".*env.spec.*")
        gymnasium.utils.env_checker.check_env(env, skip_render_check=True)
    env.close()


@pytest.mark.slow
def test_ppo_learns_from_pixels_without_more_ado() -> None:
    env = TaskEnv.from_file(EXAMPLES / "drive_to_beacon.py", vision=(36, 36))
    model = PPO(
        "MultiInputPolicy", env, n_steps=128, batch_size=64, n_epochs=2, seed=0, device="cpu"
    )
    before = [parameter.clone() for parameter in model.policy.parameters()]
    model.learn(256)

    assert model.num_timesteps == 256
    changed = [
        not bool((old == new).all())
        for old, new in zip(before, model.policy.parameters(), strict=True)
    ]
    assert all(changed)
    env.close()


@pytest.mark.parametrize(
    "size", [(31, 64), (64, 129), (64,), 64, "64", (64.0, 64.0), (64, 64, 3), (True, 64)]
)
def test_says_what_vision_may_be(size: Any) -> None:
    with pytest.raises(ValueError, match=r"must be \(height, width\) in pixels.* 32 to 128"):
        TaskEnv(ROOM, vision=size)
