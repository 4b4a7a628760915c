"""The Panda: its gripper goes where it is told, and holds what it grasps by friction alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from panda_grip import workbench

from taskwright.sandbox.checks import run_checks
from taskwright.sandbox.faults import fault_of
from taskwright.world import ContractError, TaskEnv
from taskwright.world.robots import offered
from taskwright.world.robots.panda import FIRST_POSTURE_RAD, PandaRobot
from taskwright.world.robots.panda_gait import (
    CLOSE,
    HIGHEST_M,
    HOLD,
    LOWEST_M,
    OPEN,
    STEP_M,
    STEPS,
    TURN_RAD,
    rotation_vector,
)

WORKBENCH = workbench(masses=(0.05, 0.2)).replace(
    "get_success(self):\n        return False",
    "get_success(self):\n        return self.robot.holds(self.cube)",
)
ELSEWHERE = WORKBENCH.replace(
    "return observation",
    """self._p.resetBasePositionAndOrientation(
            self.robot.robot_id, [3.0, -2.0, 0.7], self._p.getQuaternionFromEuler([0, 0, 2.0])
        )
        return observation""",
)


@pytest.fixture
def env() -> Iterator[TaskEnv]:
    env = TaskEnv(WORKBENCH, steered=True)
    env.reset(seed=0)
    env.step(HOLD)
    env.step(HOLD)
    yield env
    env.close()


def tell(env: TaskEnv, *commands: int) -> None:
    for command in commands:
        env.step(command)


def go(env: TaskEnv, place: np.ndarray) -> None:
    """Bring the gripper to the place on its grid that is nearest to one."""
    for _ in range(100):
        steps = np.round((place - env.robot.gripper_position) / STEP_M)
        if not steps.any():
            return
        axis = int(np.argmax(np.abs(steps)))
        env.step(1 + 2 * axis + int(steps[axis] < 0))
    raise AssertionError(f"{place} was not reached from {env.robot.gripper_position}")


def above(place: np.ndarray, height_m: float) -> np.ndarray:
    return place + np.array([0.0, 0.0, height_m])


def grasp(env: TaskEnv) -> None:
    cube = env.env.get_object_position(env.env.cube)
    go(env, above(cube, 0.1))
    turns = round(env.env.turn / TURN_RAD)
    tell(env, *[7 if turns > 0 else 8] * abs(turns))
    go(env, np.array([*cube[:2], 0.02]))
    assert not env.robot.holds(env.env.cube)
    tell(env, *[CLOSE] * 5)
    assert env.robot.holds(env.env.cube)


def cube_in_hand(env: TaskEnv) -> np.ndarray:
    """Where the cube is in the frame of the hand, mm."""
    rotation = env.robot.frames()[4]
    cube = env.env.get_object_position(env.env.cube)
    return 1000.0 * rotation.T @ (cube - env.robot.gripper_position)


@pytest.mark.parametrize("seed", range(4))
def test_a_cube_is_lifted_by_a_fifth_of_a_metre_and_held_while_the_arm_moves(seed: int) -> None:
    env = TaskEnv(WORKBENCH, steered=True)
    env.reset(seed=seed)
    grasp(env)
    before_m = env.env.get_object_position(env.env.cube)[2]
    tell(env, *[5] * 10)
    assert env.env.get_object_position(env.env.cube)[2] - before_m > 0.19
    grasped = cube_in_hand(env)
    commands = np.random.default_rng(seed).integers(1, 9, size=46)  # 3 s
    for command in commands.tolist():
        env.step(command)
        assert env.robot.holds(env.env.cube)
    assert np.abs(cube_in_hand(env) - grasped).max() < 5.0
    env.close()


def test_what_is_held_falls_where_the_fingers_open(env: TaskEnv) -> None:
    grasp(env)
    tell(env, *[5] * 8)
    assert env.env.get_object_position(env.env.cube)[2] > 0.15
    observation, _, _, _, info = env.step(HOLD)
    assert info["is_success"]
    assert observation[15] == 1.0, "it feels that it holds something"
    tell(env, *[OPEN] * 12)
    assert env.env.get_object_position(env.env.cube)[2] < 0.05
    assert not env.robot.holds(env.env.cube)
    assert env.robot.opening == pytest.approx(0.08, abs=0.002)


def test_pressing_on_top_of_something_is_not_holding_it(env: TaskEnv) -> None:
    cube = env.env.get_object_position(env.env.cube)
    tell(env, *[CLOSE] * 6)
    go(env, above(cube, 0.08))
    for _ in range(3):
        env.step(6)
        assert not env.robot.holds(env.env.cube)
    touched = env.client.getContactPoints(env.robot.robot_id, env.env.cube)
    assert touched


@pytest.mark.parametrize("command", range(1, 7))
def test_a_step_leads_to_the_next_place_of_the_grid(env: TaskEnv, command: int) -> None:
    before = env.robot.gripper_position
    tell(env, *[command] * 3)
    moved = env.robot.gripper_position - before
    assert moved == pytest.approx(3 * STEP_M * STEPS[command], abs=0.004)


def test_turns_are_told_by_the_yaw_and_leave_the_gripper_where_it_is(env: TaskEnv) -> None:
    before = env.robot.gripper_position
    tell(env, *[7] * 6)
    assert env.robot.gripper_yaw == pytest.approx(6 * TURN_RAD, abs=0.02)
    tell(env, *[8] * 12)
    assert env.robot.gripper_yaw == pytest.approx(-6 * TURN_RAD, abs=0.02)
    assert env.robot.gripper_position == pytest.approx(before, abs=0.003)
    tell(env, *[8] * 40)
    assert env.robot.gripper_yaw == pytest.approx(-math.pi / 2, abs=0.02)


def test_holding_still_does_not_drift(env: TaskEnv) -> None:
    tell(env, *[HOLD] * 20)
    before = env.robot.gripper_position
    tell(env, *[HOLD] * 200)
    assert env.robot.gripper_position == pytest.approx(before, abs=1e-4)


def test_back_at_a_place_the_elbow_is_where_it_was(env: TaskEnv) -> None:
    tell(env, *[HOLD] * 20)
    before = env.robot.arm_positions()
    tell(env, *[1, 3, 5, 7] * 5, *[2, 4, 6, 8] * 5, *[HOLD] * 20)
    assert env.robot.arm_positions() == pytest.approx(before, abs=0.01)


def test_the_gripper_stays_within_its_workspace(env: TaskEnv) -> None:
    for commands in ((1, 3, 5), (2, 4, 6), (1, 4, 6)):
        env.reset(seed=0)
        tell(env, *commands * 40)
        place = env.robot.gripper_position
        assert (place > LOWEST_M - 0.01).all()
        assert (place < HIGHEST_M + 0.01).all()


def test_a_base_that_a_task_places_elsewhere_takes_its_workspace_along() -> None:
    env = TaskEnv(ELSEWHERE, steered=True)
    env.reset(seed=0)
    tell(env, HOLD, HOLD)
    ahead = np.array([math.cos(2.0), math.sin(2.0), 0.0])
    assert env.robot.gripper_position == pytest.approx([3.0, -2.0, 0.96] + 0.44 * ahead, abs=0.005)
    before = env.robot.gripper_position
    tell(env, *[1] * 5)
    assert env.robot.gripper_position - before == pytest.approx(0.1 * ahead, abs=0.005)
    env.close()


def test_a_steered_episode_is_the_same_to_the_last_bit_whatever_came_before(env: TaskEnv) -> None:
    commands = np.random.default_rng(0).integers(11, size=60).tolist()

    def play(world: TaskEnv) -> bytes:
        seen = [world.reset(seed=5)[0], *(world.step(command)[0] for command in commands)]
        return np.array(seen).tobytes()

    other = TaskEnv(WORKBENCH)  # not steered: single numbers are commands all the same
    assert play(env) == play(other) == play(env)
    other.close()


def test_velocities_move_the_joints_that_they_are_for() -> None:
    env = TaskEnv(WORKBENCH, action_repeat=10)
    for number in range(7):
        env.reset(seed=0)
        before = env.robot.arm_positions()
        action = np.zeros(8, np.float32)
        action[number] = 0.2
        env.step(action)
        moved = env.robot.arm_positions() - before
        expected = np.zeros(7)
        expected[number] = 0.2 * PandaRobot.speed_limits[number] * 10 * env.env.dt
        assert moved == pytest.approx(expected, abs=0.01)
    env.close()


def test_without_commands_the_arm_carries_its_own_weight() -> None:
    env = TaskEnv(WORKBENCH)
    env.reset(seed=0)
    before = env.robot.arm_positions()
    for _ in range(100):
        env.step(np.zeros(8, np.float32))
    assert env.robot.arm_positions() == pytest.approx(before, abs=0.005)
    assert before == pytest.approx(np.array(FIRST_POSTURE_RAD), abs=0.011)
    env.close()


def test_fingers_go_on_with_what_they_were_told_last() -> None:
    env = TaskEnv(WORKBENCH)
    env.reset(seed=0)
    still = np.zeros(8, np.float32)
    closing = np.array([0.0] * 7 + [-0.1], np.float32)
    env.step(closing)
    for _ in range(12):
        observation, *_ = env.step(still)
    assert env.robot.opening < 0.01
    assert observation[12] == 1.0
    env.reset(seed=1)
    assert env.robot.opening == pytest.approx(0.08)
    for _ in range(5):
        observation, *_ = env.step(still)
    assert env.robot.opening == pytest.approx(0.08, abs=0.002)
    assert observation[12] == 0.0
    env.close()


def test_tasks_have_what_the_robot_offers_and_cannot_reach_behind_it(env: TaskEnv) -> None:
    seen = env.env.robot
    assert {name.removeprefix("self.robot.").partition("(")[0] for name in offered("panda")} == {
        *PandaRobot.offers
    }
    assert offered("r2d2") == {}
    assert seen.gripper_position == pytest.approx(env.robot.gripper_position)
    with pytest.raises(ValueError, match="read-only"):
        seen.gripper_position[0] = 1.0
    assert not hasattr(seen.holds, "__self__")
    for name in ("apply_action", "frames", "_closes", "place"):
        with pytest.raises(AttributeError):
            getattr(seen, name)


def test_asking_for_a_body_that_is_not_there_is_explained(env: TaskEnv) -> None:
    with pytest.raises(ContractError, match="was given int 99; it must be given the id of a body"):
        env.env.robot.holds(99)


def test_what_another_robot_offers_is_explained() -> None:
    source = WORKBENCH.replace("PandaEnv", "AntEnv")
    env = TaskEnv(source)
    env.reset(seed=0)
    with pytest.raises(AttributeError) as found:
        env.step(env.action_space.sample())
    fault = fault_of(found.value, "`get_success`", source)
    assert "`self.robot.holds` is not available to tasks" in fault["symptom"]
    assert "links" in fault["fix"]
    env.close()


def test_distances_are_measured_from_the_gripper(env: TaskEnv) -> None:
    off = env.env.get_object_position(env.env.cube) - env.robot.gripper_position
    assert env.env.get_distance_to_object(env.env.cube) == pytest.approx(math.hypot(*off[:2]))


@pytest.mark.parametrize("angle", [0.0, 1e-9, 0.3, 3.0])
def test_a_rotation_vector_has_axis_and_angle(angle: float) -> None:
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    assert rotation_vector(turn) == pytest.approx([0.0, 0.0, angle], abs=1e-12)


def test_what_stands_where_the_gripper_begins_is_told_how_to_mend_it() -> None:
    block = "self.create_box(0.0, [0.1, 0.1, 0.15], [0.44, 0.0, 0.15], [0.5, 0.5, 0.5, 1.0])"
    source = WORKBENCH.replace("self.half =", f"{block}\n        self.half =")
    found = run_checks(source, "panda", tell=lambda stage: None)
    assert found["stage"] == "reset"
    assert found["fix"].startswith("Leave the robot where it is, and put what it is to move lower")
