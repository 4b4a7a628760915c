"""`TaskEnv` keeps Gymnasium's contract, and an episode is settled by its seed alone."""

from __future__ import annotations

import hashlib
import inspect
import math
import random
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium.utils.env_checker
import numpy as np
import pytest
import stable_baselines3.common.env_checker

from taskwright.world import ContractError, LoadError, TaskEnv
from taskwright.world.robots.r2d2 import R2D2Robot, yaw_of

WITHOUT_CHANCE = {"pass_the_moving_gate", "push_crate_off_table"}
"""Good tasks whose episodes all begin alike."""
GOOD = {path.stem: path for path in (Path(__file__).parents[1] / "tasks/good").glob("*.py")}

# A bare world: a floor, a ball, and a success in the fifth physics step only.
PLAIN = '''
import random

import numpy as np
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """
    Be on a floor.

      With an indented line.
    """

    def __init__(self):
        super().__init__()
        self.floor = self.create_box(0.0, [50, 50, 0.5], [0, 0, -0.5], [0.3, 0.5, 0.3, 1])
        self.ball = self.create_sphere(1.0, 0.3, [30, 0, 0.3], [1, 0, 0, 1])
        self.steps = 0

    def reset(self):
        observation = super().reset()
        self.draws = [np.random.rand(), random.random(), self.np_random.random()]
        self.draws += [np.random.default_rng().random(), np.random.normal(), random.gauss(0, 1)]
        place = [25 + 5 * self.draws[0], 5 * self.draws[1], 0.3 + self.draws[2]]
        self._p.resetBasePositionAndOrientation(self.ball, place, [0, 0, 0, 1])
        return observation

    def get_task_rewards(self, action):
        self.steps += 1
        return {"ball": 0.1 * self.get_object_position(self.ball)[2], "luck": np.random.rand()}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return self.steps == 5
'''


@pytest.fixture
def env() -> Iterator[TaskEnv]:
    """The plain task, one physics step for each action, at rest on its wheels."""
    env = TaskEnv(PLAIN, action_repeat=1)
    env.reset(seed=0)
    for _ in range(60):
        env.step(0)
    yield env
    env.close()


def play(env: TaskEnv, seed: int | None, actions: int = 60) -> str:
    """A digest of everything an episode lets one see."""
    digest = hashlib.sha256()
    observation, info = env.reset(seed=seed)
    choose = np.random.default_rng(3)
    for _ in range(actions):
        digest.update(observation.tobytes() + repr(info).encode())
        observation, *rest, info = env.step(int(choose.integers(6)))
        digest.update(repr(rest).encode())
        if rest[1] or rest[2]:
            break
    return digest.hexdigest()


# Gymnasium's contract.


@pytest.mark.parametrize("name", sorted(GOOD))
def test_passes_the_env_checker_of_gymnasium(name: str) -> None:
    env = TaskEnv.from_file(GOOD[name], render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # These two are about registered environments, which ours is not.
        warnings.filterwarnings("ignore", ".*not able to test alternative render modes.*")
        warnings.filterwarnings("ignore", ".*environment.*spec.*")
        gymnasium.utils.env_checker.check_env(env)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_passes_the_env_checker_of_stable_baselines(name: str) -> None:
    env = TaskEnv.from_file(GOOD[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stable_baselines3.common.env_checker.check_env(env)
    env.close()


def test_spaces_are_the_same_in_every_task() -> None:
    envs = [TaskEnv.from_file(path) for path in GOOD.values()]
    assert len({(env.observation_space, env.action_space).__repr__() for env in envs}) == 1
    for env in envs:
        env.close()


def test_sampling_in_one_env_leaves_the_actions_of_another_alone() -> None:
    one, other = TaskEnv(PLAIN), TaskEnv(PLAIN)
    one.action_space.seed(1)
    other.action_space.seed(1)
    for _ in range(10):
        one.action_space.sample()
    fresh = TaskEnv(PLAIN)
    fresh.action_space.seed(1)
    assert [other.action_space.sample() for _ in range(10)] == [
        fresh.action_space.sample() for _ in range(10)
    ]
    for env in (one, other, fresh):
        env.close()


def test_time_limit_truncates_after_1000_physics_steps() -> None:
    env = TaskEnv(PLAIN)
    env.reset(seed=0)
    ends = [env.step(0)[2:4] for _ in range(250)]
    assert ends[:-1] == [(False, False)] * 249
    assert ends[-1] == (False, True)
    assert env.physics_steps == 1000
    env.close()


@pytest.mark.parametrize("repeat", [1, 3, 4])
def test_action_is_repeated_for_physics_steps(repeat: int) -> None:
    env = TaskEnv(PLAIN, action_repeat=repeat, time_limit=10)
    env.reset(seed=0)
    before = env.client.steps
    env.step(1)
    assert env.client.steps - before == repeat
    while not env.step(1)[3]:
        pass
    # The last action is cut short rather than the limit passed.
    assert env.client.steps - before == env.physics_steps == 10
    env.close()


def test_repeated_action_does_the_same_as_single_ones() -> None:
    four, single = TaskEnv(PLAIN), TaskEnv(PLAIN, action_repeat=1)
    four.reset(seed=2)
    single.reset(seed=2)
    for action in (1, 4, 5):
        observation, reward, *_ = four.step(action)
        results = [single.step(action) for _ in range(4)]
        assert reward == pytest.approx(sum(result[1] for result in results))
        np.testing.assert_array_equal(observation, results[-1][0])
    four.close()
    single.close()


def test_success_stays_once_it_was_reached() -> None:
    env = TaskEnv(PLAIN, action_repeat=1)
    for _ in range(2):
        _, info = env.reset(seed=0)
        assert info == {"is_success": False}
        seen = [env.step(0)[4]["is_success"] for _ in range(8)]
        assert seen == [False] * 4 + [True] * 4
    env.close()


def test_success_within_a_repeated_action_is_not_missed() -> None:
    env = TaskEnv(PLAIN)
    env.reset(seed=0)
    assert [env.step(0)[4]["is_success"] for _ in range(3)] == [False, True, True]
    env.close()


def test_reward_terms_sum_to_the_reward() -> None:
    env = TaskEnv(PLAIN)
    env.reset(seed=0)
    for action in range(6):
        _, reward, _, _, info = env.step(action)
        assert set(info["reward_terms"]) == {"ball", "luck", "energy_penalty"}
        assert reward == pytest.approx(sum(info["reward_terms"].values()))
        energy = 4 * R2D2Robot.energy_penalty[action]
        assert info["reward_terms"]["energy_penalty"] == pytest.approx(energy)
    env.close()


def test_observation_keeps_to_its_space_however_wild_the_world() -> None:
    env = TaskEnv(PLAIN)
    env.reset(seed=0)
    env.client.resetBaseVelocity(env.robot.robot_id, [1e5, -1e5, 1e5], [500, 500, 500])
    env.client.resetBasePositionAndOrientation(env.env.ball, [1e6, -1e6, 0], [0, 0, 0, 1])
    for _ in range(5):
        assert env.step(1)[0] in env.observation_space
    env.close()


def test_description_is_the_docstring_without_its_indentation(env: TaskEnv) -> None:
    assert env.task.description == "Be on a floor.\n\n  With an indented line."


# Seeds.


@pytest.mark.parametrize("name", [*sorted(GOOD), "plain"])
def test_seed_reproduces_the_episode_after_other_episodes(name: str) -> None:
    source = PLAIN if name == "plain" else GOOD[name].read_text()
    env = TaskEnv(source)
    first = play(env, seed=7)
    others = [play(env, seed=8), play(env, seed=None), play(env, seed=None)]
    assert play(env, seed=7) == first
    assert play(TaskEnv(source), seed=7) == first
    assert len({first, *others}) == (1 if name in WITHOUT_CHANCE else 4)
    env.close()


def test_seed_reproduces_the_stream_of_episodes() -> None:
    env = TaskEnv(PLAIN)
    first = [play(env, seed=5), play(env, seed=None), play(env, seed=None)]
    assert [play(env, seed=5), play(env, seed=None), play(env, seed=None)] == first
    env.close()


def test_seed_reproduces_the_episode_in_a_fresh_process() -> None:
    names = ["collect_coins", "find_the_odd_one", "open_the_door"]
    here = []
    for name in names:
        env = TaskEnv.from_file(GOOD[name])
        play(env, seed=1)
        here.append(play(env, seed=7))
        env.close()
    script = "\n".join(
        [
            "import hashlib, sys",
            "import numpy as np",
            "from taskwright.world import TaskEnv",
            inspect.getsource(play),
            "for path in sys.argv[1:]: print(play(TaskEnv.from_file(path), seed=7))",
        ]
    )
    paths = [str(GOOD[name]) for name in names]
    command = [sys.executable, "-c", script, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-3:] == here


def test_task_draws_from_the_episode_and_not_from_the_host() -> None:
    env = TaskEnv(PLAIN)
    env.reset(seed=3)
    draws = list(env.env.draws)
    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), repr(np.random.get_state())
    env.reset(seed=3)
    for _ in range(5):
        env.step(1)
    assert (random.getstate(), repr(np.random.get_state())) == before
    assert env.env.draws == draws
    env.reset(seed=4)
    assert not set(env.env.draws) & set(draws)
    env.close()


def test_task_that_seeds_numpy_leaves_the_host_alone() -> None:
    before = "        self.draws = ["
    assert before in PLAIN
    np.random.seed(1)
    state = repr(np.random.get_state())
    env = TaskEnv(PLAIN.replace(before, "        np.random.seed(0)\n" + before))
    env.reset(seed=3)
    assert repr(np.random.get_state()) == state
    env.close()


def test_two_environments_in_one_process_do_not_meet() -> None:
    alone = TaskEnv(PLAIN)
    expected = play(alone, seed=1)
    alone.close()
    one, other = TaskEnv(PLAIN), TaskEnv(PLAIN)
    other.reset(seed=2)
    digest = hashlib.sha256()
    observation, info = one.reset(seed=1)
    choose = np.random.default_rng(3)
    for _ in range(60):
        digest.update(observation.tobytes() + repr(info).encode())
        observation, *rest, info = one.step(int(choose.integers(6)))
        digest.update(repr(rest).encode())
        other.step(5)
        other.client.resetBasePositionAndOrientation(other.env.ball, [1, 0, 1], [0, 0, 0, 1])
    assert digest.hexdigest() == expected
    one.close()
    other.close()


# What breaks the interface.


def test_names_the_member_that_breaks_the_interface() -> None:
    cases = {
        "get_success": PLAIN.replace("return self.steps == 5", "return 1"),
        "get_terminated": PLAIN.replace("return False\n", "return None\n"),
        "get_task_rewards": PLAIN.replace('"luck": np.random.rand()', '"luck": "good"'),
    }
    for member, source in cases.items():
        env = TaskEnv(source)
        env.reset(seed=0)
        with pytest.raises(ContractError, match=f"`{member}`") as broken:
            env.step(0)
        assert broken.value.member == member
        env.close()


def test_says_what_to_derive_from_where_there_is_no_env() -> None:
    with pytest.raises(LoadError, match="no class `Env`"):
        TaskEnv("x = 1")


# Pictures.


@pytest.mark.parametrize("camera", ["overview", "chase"])
def test_render_draws_the_world(camera: str) -> None:
    env = TaskEnv.from_file(GOOD["find_the_odd_one"], render_mode="rgb_array", camera=camera)
    env.reset(seed=0)
    picture = env.render()
    assert picture is not None
    assert picture.shape == (240, 320, 3)
    assert picture.dtype == np.uint8
    assert picture.std(axis=(0, 1)).min() > 5.0
    for _ in range(20):
        env.step(1)
    moved = env.render()
    assert moved is not None
    assert (moved != picture).any()
    env.close()


def test_the_overview_stands_still_while_a_body_falls_for_ever() -> None:
    place = "place = [25 + 5 * self.draws[0], 5 * self.draws[1], 0.3 + self.draws[2]]"
    assert place in PLAIN
    env = TaskEnv(PLAIN.replace(place, "place = [8, 3, -1.5]"), render_mode="rgb_array")
    env.reset(seed=0)
    pictures = []
    for _ in range(2):
        for _ in range(30):
            env.step(0)
        picture = env.render()
        assert picture is not None
        pictures.append(picture.astype(int))

    assert env.client.getBasePositionAndOrientation(vars(env.env)["ball"])[0][2] < -40.0
    # But for the robot's shades and rim, which may tremble.
    changed = np.abs(pictures[0] - pictures[1]).max(axis=2) > 20
    assert changed.mean() < 0.0005
    env.close()


def test_the_chase_follows_whether_or_not_it_is_looked_at() -> None:
    looked_at, not_looked_at = (
        TaskEnv(PLAIN, render_mode="rgb_array", camera="chase") for _ in range(2)
    )
    for env in (looked_at, not_looked_at):
        env.reset(seed=0)
    for action in [1, 1, 4, 1, 4, 1, 5, 3] * 3:
        looked_at.step(action)
        looked_at.render()
        looked_at.render()
        not_looked_at.step(action)
    assert (looked_at.render() == not_looked_at.render()).all()  # type: ignore[union-attr]
    looked_at.close()
    not_looked_at.close()


def test_render_gives_nothing_without_a_render_mode() -> None:
    env = TaskEnv(PLAIN)
    env.reset(seed=0)
    assert env.render() is None
    env.close()


# R2D2's six actions.


def base(env: TaskEnv) -> Any:
    return env.robot.links["base"]


def turn_to(env: TaskEnv, yaw: float) -> None:
    """Face a heading, at rest."""
    client, robot = env.client, env.robot.robot_id
    facing = client.getQuaternionFromEuler([0, 0, yaw])
    client.resetBasePositionAndOrientation(robot, base(env).position, facing)
    client.resetBaseVelocity(robot, [0, 0, 0], [0, 0, 0])


def test_robot_rests_on_its_wheels(env: TaskEnv) -> None:
    start = base(env).position
    assert start[2] == pytest.approx(0.47, abs=0.01)
    for _ in range(60):
        env.step(0)
    np.testing.assert_allclose(base(env).position, start, atol=0.005)
    assert env.robot.is_standing


@pytest.mark.parametrize("yaw", [0.0, 1.0, math.pi / 2, -2.5])
@pytest.mark.parametrize(("action", "sign"), [(1, 1.0), (2, -1.0)])
def test_driving_adds_speed_along_the_heading(
    env: TaskEnv, yaw: float, action: int, sign: float
) -> None:
    turn_to(env, yaw)
    heading = sign * np.array([math.cos(yaw), math.sin(yaw)])
    env.robot.apply_action(action)
    np.testing.assert_allclose(base(env).linear_velocity[:2], 0.2 * heading, atol=1e-6)
    for _ in range(30):
        env.step(action)
    velocity = base(env).linear_velocity[:2]
    # Friction takes 0.04 m/s of the 0.2 m/s that each physics step adds.
    assert velocity @ heading == pytest.approx(30 * 0.16, rel=0.05)
    assert abs(velocity @ [-heading[1], heading[0]]) < 0.2


@pytest.mark.parametrize("action", [1, 2])
def test_driving_stops_adding_speed_at_ten_metres_a_second(env: TaskEnv, action: int) -> None:
    speeds = []
    for _ in range(150):
        env.step(action)
        speeds.append(float(np.linalg.norm(base(env).linear_velocity[:2])))
    assert max(speeds) <= 10.0
    assert speeds[-1] > 9.5


def test_idle_robot_coasts_to_a_stop(env: TaskEnv) -> None:
    robot = env.robot.robot_id
    env.client.resetBaseVelocity(robot, [2.5, 0, 0], [0, 0, 0])
    for _ in range(15):
        env.step(0)
    # About 2.5 m/s are lost in a second.
    assert base(env).linear_velocity[0] == pytest.approx(2.5 - 2.5 * 15 * env.env.dt, abs=0.1)
    for _ in range(60):
        env.step(0)
    assert abs(base(env).linear_velocity[0]) < 0.05


@pytest.mark.parametrize(("action", "sign"), [(3, -1.0), (4, 1.0)])
def test_turning_changes_the_yaw_rate_and_its_sign_is_right(
    env: TaskEnv, action: int, sign: float
) -> None:
    turn_to(env, 0.0)
    start = base(env).position
    env.robot.apply_action(action)
    np.testing.assert_allclose(base(env).angular_velocity, [0, 0, sign], atol=1e-6)
    for _ in range(5):
        env.step(action)
    assert sign * yaw_of(base(env).orientation) > 0.05
    for _ in range(60):
        env.step(action)
        assert abs(base(env).angular_velocity[2]) <= 4 * math.pi + 1e-6
    assert sign * base(env).angular_velocity[2] > 0.7 * 4 * math.pi
    # It turns on the spot.
    np.testing.assert_allclose(base(env).position[:2], start[:2], atol=0.05)


def test_jump_is_about_1_2_m_high(env: TaskEnv) -> None:
    start = base(env).position[2]
    env.step(5)
    heights = []
    for _ in range(80):
        env.step(0)
        heights.append(base(env).position[2] - start)
    assert 1.15 <= max(heights) <= 1.25
    assert heights[-1] == pytest.approx(0.0, abs=0.02)


def test_robot_cannot_jump_again_in_the_air(env: TaskEnv) -> None:
    start = base(env).position[2]
    heights = []
    env.step(5)
    # Up and most of the way down again.
    for _ in range(50):
        env.step(5)
        heights.append(base(env).position[2] - start)
        assert not env.robot.is_standing
    assert base(env).linear_velocity[2] < -2.0
    assert 1.15 <= max(heights) <= 1.25


def test_robot_can_jump_again_after_landing(env: TaskEnv) -> None:
    leaps = 0
    for _ in range(200):
        before = base(env).linear_velocity[2]
        env.step(5)
        leaps += before < 2.0 and base(env).linear_velocity[2] > 4.5
    # A leap takes 60 physics steps.
    assert leaps == 4


@pytest.mark.parametrize("push", [[8, 0, 0], [0, 8, 0], [-5, 5, 3]])
def test_robot_stays_upright_after_a_push(env: TaskEnv, push: list[float]) -> None:
    client, robot = env.client, env.robot.robot_id
    client.resetBaseVelocity(robot, [1, 1, 1], push)
    env.step(0)
    tipped = client.getQuaternionFromEuler([0.5, -0.4, 0.3])
    x, y, z = base(env).position
    client.resetBasePositionAndOrientation(robot, [x, y, z + 0.3], tipped)
    for _ in range(60):
        observation, *_ = env.step(0)
    up = observation[4:7]
    np.testing.assert_allclose(up, [0, 0, 1], atol=0.02)


def test_robot_feels_its_own_motion_in_its_yaw_frame(env: TaskEnv) -> None:
    turn_to(env, math.pi / 2)
    robot = env.robot
    env.client.resetBaseVelocity(robot.robot_id, [0, 4, 1], [0, 0, 2])
    robot.mark_start()
    felt = robot.get_observation()
    np.testing.assert_allclose(felt[:4], [0.4, 0.0, 0.1, 2 / (4 * math.pi)], atol=1e-6)
    np.testing.assert_allclose(felt[7:9], [0.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(felt[9:12], 0.0, atol=1e-9)


def test_what_numpy_does_elsewhere_in_the_process_does_not_change_an_episode():
    tiny = "np.float64(1e-300) * np.float64(1e-300) + 0.1"
    env = TaskEnv(PLAIN.replace('"ball": 0.1', f'"ball": {tiny} + 0.1'))
    with np.errstate(all="raise"):
        env.reset(seed=0)
        _, _, _, _, info = env.step(1)
        assert np.geterr()["under"] == "raise"
    assert "diagnosis" not in info
    env.close()
