"""A robot that collapses on its ground is told from one that has none, however it ends."""

from __future__ import annotations

import pytest

from taskwright.sandbox.checks import Rejection
from taskwright.sandbox.checks.falling import idling
from taskwright.sandbox.checks.stages import Check
from taskwright.task import ROBOT_BASES, ROBOTS
from taskwright.world.robots import robot_class

SOURCE = """
from taskwright.world import {base}

class Env({base}):
    '''Stand.'''

    def __init__(self):
        super().__init__()
        {ground}

    def reset(self):
        observation = super().reset()
        x, y, z = self.robot.links["base"].position_init
        self._p.resetBasePositionAndOrientation(
            self.robot.robot_id, [x, y, z + {height}], [0, 0, 0, 1]
        )
        return observation

    def get_task_rewards(self, action):
        return {{"ahead": min(max(self.robot.links["base"].linear_velocity[0], -9.0), 9.0)}}

    def get_terminated(self, action):
        z = self.robot.links["base"].position[2] - {height}
        return bool({terminated})

    def get_success(self):
        return False
"""
FLOOR = "self.create_box(0.0, [8, 8, 0.5], [0, 0, {height} - 0.5], [0.5, 0.5, 0.5, 1])"
GHOST = """self._p.createMultiBody(0.0, -1, self._p.createVisualShape(
            self._p.GEOM_BOX, halfExtents=[8, 8, 0.5]), [0, 0, {height} - 0.5])"""
BESIDE = FLOOR.replace("[0, 0,", "[12, 0,")
BEAM = FLOOR.replace("[8, 8,", "[8, {half_width},")
NEVER = "False"
ON_A_LINK = "self._p.getContactPoints(bodyA=self.robot.robot_id, linkIndexA=-1)"
TILTED = "self._p.getMatrixFromQuaternion(self.robot.links['base'].orientation)[8] < 0.7"
HEIGHTS = ["z < 0.15", "z < 0.5", "z < 0.8", "z < 1.1"]


def check_step(
    robot: str, ground: str, terminated: str = NEVER, height: float = 0.0, half_width: float = 0.4
) -> None:
    """Run the stage `step` alone."""
    source = SOURCE.format(
        base=ROBOT_BASES[robot],
        ground=ground.format(height=height, half_width=half_width),
        terminated=terminated,
        height=height,
    )
    check = Check(source, robot)
    check.load()
    try:
        check.step()
    finally:
        check.env.close()


@pytest.mark.parametrize("terminated", [NEVER, ON_A_LINK, TILTED, *HEIGHTS])
def test_a_humanoid_may_collapse_on_its_ground_whatever_ends_the_episode(terminated: str) -> None:
    check_step("humanoid", FLOOR, terminated)
    check_step("humanoid", BEAM, terminated, height=3.0)


@pytest.mark.parametrize("terminated", [NEVER, ON_A_LINK, "z < 0.15", "z < 0.4", "z < 0.5"])
def test_an_ant_may_sink_onto_its_ground_whatever_ends_the_episode(terminated: str) -> None:
    check_step("ant", FLOOR, terminated)


@pytest.mark.parametrize("robot", [name for name in ROBOTS if not robot_class(name).is_fixed])
@pytest.mark.parametrize("ground", ["pass", GHOST, BESIDE, FLOOR.replace("(0.0,", "(50.0,")])
@pytest.mark.parametrize("terminated", [NEVER, "z < 0.15"])
def test_rejects_what_gives_no_robot_any_ground(robot: str, ground: str, terminated: str) -> None:
    with pytest.raises(Rejection, match="The robot falls") as found:
        check_step(robot, ground, terminated)
    assert found.value.cause.startswith("There is no ground under the robot")


@pytest.mark.parametrize("terminated", ["z < 0.8", "z < 1.1"])
def test_rejects_a_humanoid_in_the_air_whose_episode_ends_before_it_would_fall_fast(
    terminated: str,
) -> None:
    with pytest.raises(Rejection) as found:
        check_step("humanoid", "pass", terminated)
    assert found.value.cause.startswith("There is no ground under the robot")


@pytest.mark.parametrize(("robot", "depth"), [("r2d2", 1.0), ("ant", 0.4), ("humanoid", 1.0)])
def test_names_termination_where_it_ends_a_fall_onto_lower_ground(robot: str, depth: float) -> None:
    below = FLOOR.replace("{height} - 0.5", f"-{depth + 0.5}")
    with pytest.raises(Rejection) as found:
        check_step(robot, f"{BESIDE}\n        {below}", "z < 0.15")
    assert "`get_terminated` ends the episode before it lands" in found.value.cause
    check_step(robot, below)


def test_knows_which_robots_stand_by_themselves() -> None:
    assert [robot for robot in ROBOTS if idling(robot).stands] == ["r2d2", "panda"]


def test_a_robot_that_is_fixed_needs_no_ground() -> None:
    check_step("panda", "pass", height=1.0)
