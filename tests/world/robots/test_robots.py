"""What holds for every robot."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gymnasium.utils.env_checker
import numpy as np
import pytest
import stable_baselines3.common.env_checker
from gymnasium.spaces import Box

import taskwright
from taskwright.config import Config, RunConfig
from taskwright.generator.trial_terms import TrialTerms
from taskwright.prompts import render
from taskwright.sandbox.checks import run_checks
from taskwright.sandbox.checks.scripts import idle_action
from taskwright.task import ROBOT_BASES, ROBOTS, Idea, Robot, robot_named_in
from taskwright.trainer.policies import Scripted
from taskwright.world import ActionError, ContractError, TaskEnv
from taskwright.world.manual import Driving
from taskwright.world.robots import ROBOTS as ENTRIES
from taskwright.world.robots import offered, robot_class, robot_env, robot_of, robot_spaces

SOURCE = '''
from taskwright.world import @BASE@


class Env(@BASE@):
    """Stand on a floor."""

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], [0.6, 0.6, 0.6, 1.0])

    def get_task_rewards(self, action):
        return {"ahead": self.robot.links["base"].linear_velocity[0]}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''
WALKERS = ("ant", "humanoid")
PAGE_KEYS = {"KeyR", "KeyN", "KeyC", "KeyK", "KeyT", "Slash"}


def source_for(robot: str) -> str:
    return SOURCE.replace("@BASE@", ROBOT_BASES[robot])


@pytest.fixture(params=ROBOTS)
def env(request: pytest.FixtureRequest) -> Iterator[TaskEnv]:
    env = TaskEnv(source_for(request.param))
    yield env
    env.close()


@pytest.mark.parametrize("robot", ROBOTS)
def test_the_list_says_of_a_robot_what_its_file_says(robot: Robot) -> None:
    entry, known = ENTRIES[robot], robot_class(robot)
    assert robot_env(robot).__name__ == entry.base == ROBOT_BASES[robot]
    assert entry.steered == (known.gait is not None)
    assert entry.played == bool(known.controls)


def test_the_list_of_robots_is_read_without_the_simulator() -> None:
    look = "import taskwright.task, sys; print({'numpy', 'pybullet'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize("robot", ROBOTS)
def test_what_a_robot_does_without_looking_are_actions_of_its_agents(robot: Robot) -> None:
    _, space = robot_spaces(robot, steered=True)
    for name, actions in robot_class(robot).scripts.items():
        assert name
        policy = Scripted(actions)
        for _ in range(2 * len(actions)):
            for action in policy.act(np.zeros((3, 1), np.float32)):
                assert space.contains(np.asarray(action, space.dtype)), name


@pytest.mark.parametrize("robot", [*WALKERS, "panda"])
def test_the_links_that_the_page_on_robots_names_are_there(robot: Robot) -> None:
    page = (Path(taskwright.__file__).parent / "docs" / "robots.md").read_text()
    row = re.search(rf"^\| {robot.capitalize()} \| (`base`.*) \|$", page, re.MULTILINE)
    assert row
    env = TaskEnv(source_for(robot))
    env.reset(seed=0)
    named = set(re.findall(r"`(\w+)`", row[1]))
    assert len(named) >= 5
    assert named <= env.robot.links.keys()
    env.close()


@pytest.mark.parametrize("robot", ROBOTS)
def test_every_key_of_a_robot_comes_to_an_action_of_its_agents(robot: Robot) -> None:
    _, space = robot_spaces(robot, steered=True)
    known = robot_class(robot)
    codes = {code for control in known.controls for code in control.codes}
    assert not codes & PAGE_KEYS, "the page that plays has other uses for these"
    for control in known.controls:
        held = {control.name}
        action = known.choose_action(Driving(held, held, 0.0, 0.0))
        assert space.contains(np.array(action, space.dtype).reshape(space.shape or ()))
        assert any(action) or not control.button
    codes = [code for control in known.controls for code in control.codes]
    assert len(codes) == len(set(codes))
    assert all(control.keys and control.label for control in known.controls)
    assert known.controls or known.not_played


@pytest.mark.parametrize("robot", ROBOTS)
def test_prompts_tell_of_a_robot_what_its_file_says(robot: Robot) -> None:
    words = robot_class(robot).words
    idea = Idea("Stand", "A floor.", "Never.", "None.", "None.")
    trial = TrialTerms.of(Config(run=RunConfig(robot=robot)))
    code = render("code", robot=robot, trial=trial, idea=idea, sources=[], contrast="")
    assert words.description in code
    for name, told in offered(robot).items():
        assert f"`{name}` ({told})" in code
    assert words.placing in code
    assert f"by {words.moves_by} alone" in code
    assert words.placing_in_short in render("skeleton_words", robot=robot)
    assert f"[0.0, 0.0, {words.start_height}]" in render(
        "skeleton_scene", robot=robot, idea=idea, source="pass"
    )


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_plain_task_of_a_robot_gets_through_the_checks_up_to_its_success(robot: Robot) -> None:
    found = run_checks(source_for(robot), robot, tell=lambda stage: None)
    assert found.get("stage") in (None, "success", "reward"), found


@pytest.mark.parametrize("robot", ROBOTS)
def test_robot_is_told_from_the_source(robot: Robot) -> None:
    assert robot_named_in(source_for(robot)) == robot
    assert robot_named_in(f"# not R2D2Env, AntEnv\n{source_for(robot)}") == robot
    base = ROBOT_BASES[robot]
    assert robot_named_in(f"class Walker(world.{base}): pass\nclass Env(Walker): pass") == robot


def test_no_robot_is_told_where_none_or_several_are_named() -> None:
    assert robot_named_in("class Env(SpotEnv): pass") is None
    assert robot_named_in("class Env(AntEnv, R2D2Env): pass") is None


@pytest.mark.filterwarnings("ignore:.*render.*")
def test_passes_the_checkers_of_gymnasium_and_stable_baselines3(env: TaskEnv) -> None:
    gymnasium.utils.env_checker.check_env(env, skip_render_check=True)
    stable_baselines3.common.env_checker.check_env(env)


def test_the_same_seed_gives_the_same_episode_and_another_another(env: TaskEnv) -> None:
    def episode(seed: int) -> bytes:
        env.action_space.seed(0)
        observations = [env.reset(seed=seed)[0]]
        observations += [env.step(env.action_space.sample())[0] for _ in range(20)]
        return np.array(observations).tobytes()

    first = episode(3)
    # The task draws nothing. R2D2 always begins alike, a walker's joints do not.
    assert (episode(4) == first) == (robot_of(env.task.env_class) == "r2d2")
    assert episode(3) == first


@pytest.mark.parametrize("ask", [robot_env, robot_class, robot_spaces])
def test_a_robot_that_there_is_not_is_a_key_error(ask) -> None:
    with pytest.raises(KeyError, match="gait"):
        ask("gait")  # A file beside the robots' own.


def test_what_the_robot_draws_does_not_shift_what_the_task_draws() -> None:
    drawn = []
    for robot in ROBOTS:
        env = TaskEnv(source_for(robot))
        env.reset(seed=1)
        drawn.append(env.env.np_random.random())
        env.close()
    assert len(set(drawn)) == 1


def test_an_idle_robot_comes_to_rest_on_the_floor(env: TaskEnv) -> None:
    env.reset(seed=0)
    for _ in range(150):
        observation, *_ = env.step(idle_action(env.action_space))
    assert np.isfinite(observation).all()
    base = env.robot.links["base"]
    assert 0.0 <= base.position[2] < 0.7
    assert np.linalg.norm(base.linear_velocity) < 0.1


def test_looks_make_no_difference_to_an_episode(env: TaskEnv) -> None:
    seen = TaskEnv(env.task.source, render_mode="rgb_array")
    env.action_space.seed(0)
    env.reset(seed=0)
    seen.reset(seed=0)
    assert seen.client.getVisualShapeData(0) != env.client.getVisualShapeData(0)
    for _ in range(40):
        action = env.action_space.sample()
        plain, drawn = env.step(action), seen.step(action)
        np.testing.assert_array_equal(plain[0], drawn[0])
        assert plain[1:] == drawn[1:]
    seen.close()


def test_proprioception_has_the_size_that_is_documented(env: TaskEnv) -> None:
    env.reset(seed=0)
    observation = env.robot.get_observation()
    assert observation.shape == (env.robot.proprioception_size,)
    assert observation.dtype == np.float32


@pytest.mark.parametrize("robot", WALKERS)
def test_a_torque_turns_its_joint_and_no_other_way(robot: str) -> None:
    env = TaskEnv(source_for(robot), action_repeat=1)
    assert isinstance(env.action_space, Box)
    for number in range(env.action_space.shape[0]):
        velocities = []
        for torque in (-1.0, 1.0):
            env.reset(seed=0)
            action = np.zeros(env.action_space.shape, np.float32)
            action[number] = torque
            env.step(action)
            velocities.append([*env.robot.joints.values()][number].velocity[0])
        assert velocities[0] < velocities[1]
    env.close()


@pytest.mark.parametrize("robot", [*WALKERS, "panda"])
@pytest.mark.parametrize("action", [[0.5], [float("nan")] * 40, "forward", None])
def test_what_is_no_action_is_explained(robot: str, action: object) -> None:
    env = TaskEnv(source_for(robot))
    env.reset(seed=0)
    with pytest.raises(ActionError, match="finite numbers"):
        env.step(action)
    # Where the task passes it on, it is the task that is told.
    with pytest.raises(ContractError, match="finite numbers"):
        env.physics_step(action)
    env.close()


@pytest.mark.parametrize("robot", WALKERS)
def test_foot_contacts_and_joint_limits_are_felt(robot: str) -> None:
    env = TaskEnv(source_for(robot))
    env.reset(seed=0)
    feet = slice(-len(env.robot.feet), None)
    assert not env.robot.get_observation()[feet].any(), "it begins in the air"
    felt = np.zeros(len(env.robot.feet))
    for _ in range(20):
        env.step(idle_action(env.action_space))
        felt += env.robot.get_observation()[feet]
    assert felt.all()
    terms = env.robot.get_rewards(np.ones(env.action_space.shape))
    assert terms["stall_torque_penalty"] == -env.robot.stall_torque_weight
    at_limit = [abs(joint.position_norm[0]) > 0.99 for joint in env.robot.joints.values()]
    assert terms["joints_at_limit_penalty"] == pytest.approx(-0.1 * sum(at_limit))
    env.close()
