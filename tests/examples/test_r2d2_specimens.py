"""Every example task proves that its success test means what its docstring says.

Three specimens each: not accomplished right after `reset`, accomplished in a winning state that is
put together by hand, and not accomplished in one that is just short of it.

To add an example: write its file, then two functions here (its winning state and its near miss),
then its line in `SPECIMENS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import taskwright
from taskwright.sandbox.checker import check_task
from taskwright.task import Task
from taskwright.world import TaskEnv

FOLDER = Path(taskwright.__file__).parent / "examples" / "tasks" / "r2d2"
SEEDS = (1, 2, 3)
IDLE, FORWARD = 0, 1
STANDING_Z_M = 0.48
"""Height of the robot's base above what it stands on."""


def place(env: TaskEnv, body: int, x: float, y: float, z: float) -> None:
    """Put a body somewhere, at rest and not rotated."""
    client = env.client
    client.resetBasePositionAndOrientation(body, [x, y, z], [0, 0, 0, 1])
    client.resetBaseVelocity(body, [0, 0, 0], [0, 0, 0])


def place_robot(env: TaskEnv, x: float, y: float, z: float = STANDING_Z_M) -> None:
    place(env, env.env.robot.robot_id, x, y, z)


def act(env: TaskEnv, action: int = IDLE, times: int = 1) -> None:
    for _ in range(times):
        env.step(action)


# One function for the winning state of each task, and one for its near miss.


def robot_at_beacon(env: TaskEnv) -> None:
    x, y, _ = env.env.get_object_position(env.env.beacon)
    place_robot(env, x - 0.9, y)


def robot_a_step_from_beacon(env: TaskEnv) -> None:
    x, y, _ = env.env.get_object_position(env.env.beacon)
    place_robot(env, x - 1.1, y)


def robot_on_far_bank(env: TaskEnv) -> None:
    place_robot(env, env.env.get_object_position(env.env.far_bank)[0] - 1.5, 0)


def robot_at_end_of_last_plank(env: TaskEnv) -> None:
    place_robot(env, env.env.get_object_position(env.env.planks[-1])[0] + 1.7, 0)


def crate_just_inside_zone(env: TaskEnv) -> None:
    place(env, env.env.crate, 6 - 1.4, 1.4, 0.5)


def crate_just_outside_zone(env: TaskEnv) -> None:
    place(env, env.env.crate, 6 - 1.4, 1.6, 0.5)


def ball_behind_goal_line(env: TaskEnv) -> None:
    place(env, env.env.ball, 6.05, 1.5, 0.5)


def ball_on_goal_line(env: TaskEnv) -> None:
    place(env, env.env.ball, 5.95, 1.5, 0.5)


def robot_on_platform(env: TaskEnv) -> None:
    x, y, half_height = env.env.get_object_position(env.env.platform)
    place_robot(env, x, y, 2 * half_height + STANDING_Z_M)


def robot_on_last_step(env: TaskEnv) -> None:
    x, y, half_height = env.env.get_object_position(env.env.stairs[-2])
    place_robot(env, x, y, 2 * half_height + STANDING_Z_M)


def visit(env: TaskEnv, *pads: int) -> None:
    for pad in pads:
        x, y, _ = env.env.get_object_position(env.env.pads[pad])
        place_robot(env, x, y)
        act(env)


def pads_visited_in_order(env: TaskEnv) -> None:
    visit(env, 0, 1, 2)


def last_two_pads_swapped(env: TaskEnv) -> None:
    visit(env, 0, 2, 1)


def robot_on_strip(env: TaskEnv) -> None:
    place_robot(env, 5.1, env.env.open_y)


def robot_before_strip(env: TaskEnv) -> None:
    place_robot(env, 4.9, env.env.open_y)


def plate_pressed_then_through_door(env: TaskEnv) -> None:
    x, y, _ = env.env.get_object_position(env.env.plate)
    place_robot(env, x, y)
    act(env, times=20)
    through_door(env)


def through_door(env: TaskEnv) -> None:
    place_robot(env, 1.5, 0)
    act(env, FORWARD, times=20)


def hover(env: TaskEnv, passes: int) -> None:
    """Hold the robot in the air until the arm has passed beneath it so often."""
    x, y, _ = env.env.robot.links["base"].position
    while env.env.passes < passes:
        place_robot(env, x, y, 1.0)
        act(env)


def arm_passed_three_times(env: TaskEnv) -> None:
    hover(env, passes=3)


def arm_passed_twice(env: TaskEnv) -> None:
    hover(env, passes=2)


class Specimens(NamedTuple):
    winning: Callable[[TaskEnv], None]
    near_miss: Callable[[TaskEnv], None]


SPECIMENS = {
    "climb_stairs": Specimens(robot_on_platform, robot_on_last_step),
    "cross_broken_bridge": Specimens(robot_on_far_bank, robot_at_end_of_last_plank),
    "drive_to_beacon": Specimens(robot_at_beacon, robot_a_step_from_beacon),
    "find_open_doorway": Specimens(robot_on_strip, robot_before_strip),
    "jump_sweeping_arm": Specimens(arm_passed_three_times, arm_passed_twice),
    "kick_ball_into_goal": Specimens(ball_behind_goal_line, ball_on_goal_line),
    "open_door_with_plate": Specimens(plate_pressed_then_through_door, through_door),
    "push_crate_into_zone": Specimens(crate_just_inside_zone, crate_just_outside_zone),
    "visit_pads_in_order": Specimens(pads_visited_in_order, last_two_pads_swapped),
}

each_example = pytest.mark.parametrize("name", sorted(SPECIMENS))


def read(name: str) -> str:
    return (FOLDER / f"{name}.py").read_text(encoding="utf-8")


@pytest.fixture
def env(name: str) -> Iterator[TaskEnv]:
    env = TaskEnv(read(name))
    yield env
    env.close()


def test_every_example_has_specimens() -> None:
    assert sorted(SPECIMENS) == sorted(path.stem for path in FOLDER.glob("*.py"))


@each_example
def test_not_accomplished_after_reset(name: str, env: TaskEnv) -> None:
    for seed in SEEDS:
        env.reset(seed=seed)
        assert not env.env.get_success()
        assert not env.step(IDLE)[4]["is_success"]


@each_example
def test_accomplished_in_winning_state(name: str, env: TaskEnv) -> None:
    for seed in SEEDS:
        env.reset(seed=seed)
        SPECIMENS[name].winning(env)
        _, _, terminated, _, info = env.step(IDLE)
        assert info["is_success"], f"seed {seed}"
        assert not terminated, f"seed {seed}"


@each_example
def test_not_accomplished_just_short_of_it(name: str, env: TaskEnv) -> None:
    for seed in SEEDS:
        env.reset(seed=seed)
        SPECIMENS[name].near_miss(env)
        _, _, terminated, _, info = env.step(IDLE)
        assert not info["is_success"], f"seed {seed}"
        assert not terminated, f"seed {seed}"


@each_example
def test_passes_every_check(name: str) -> None:
    outcome = check_task(Task(read(name)))
    assert outcome.verdict == "passed", outcome.report


@each_example
def test_docstring_has_title_and_four_headings(name: str, env: TaskEnv) -> None:
    title, description = env.task.description.split("\n\n", maxsplit=1)
    assert "\n" not in title
    assert not title.endswith(".")
    headings = re.findall(r"^(\w+):$", description, flags=re.MULTILINE)
    assert headings == ["Description", "Success", "Rewards", "Termination"]
