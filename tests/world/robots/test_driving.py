"""What keys come to, tried on the robot itself where it matters."""

from __future__ import annotations

import math

import pytest

from taskwright.world import TaskEnv
from taskwright.world.manual import Driving
from taskwright.world.robots import robot_class
from taskwright.world.robots.gait import WAYS
from taskwright.world.robots.r2d2 import PLAYED_DRIVE_M_S as DRIVE_M_S
from taskwright.world.robots.r2d2 import PLAYED_TURN_RAD_S as TURN_RAD_S
from taskwright.world.rotation import yaw_of


def choose(
    robot: str, held: set[str], pressed: set[str], turn: float = 0.0, speed: float = 0.0
) -> float:
    (action,) = robot_class(robot).choose_action(Driving(held, pressed, turn, speed))
    return action


def act(*held: str, pressed: tuple[str, ...] = (), turn: float = 0.0, speed: float = 0.0) -> float:
    return choose("r2d2", {*held}, {*pressed}, turn, speed)


def test_each_key_has_its_action() -> None:
    assert [act(), act("forward"), act("backward"), act("right"), act("left")] == [0, 1, 2, 3, 4]
    assert act("forward", "left", pressed=("jump",)) == 5


def test_a_held_jump_is_one_jump() -> None:
    assert act("jump") == 0


def test_opposite_keys_cancel_out() -> None:
    assert act("left", "right") == 0
    assert act("forward", "backward") == 0


def test_a_tap_between_two_steps_is_not_lost() -> None:
    assert act(pressed=("left",)) == 4
    assert act(pressed=("forward",)) == 1


def test_released_keys_stop_the_turn() -> None:
    assert act("forward", turn=3.0) == 3
    assert act(turn=-3.0) == 4
    assert act("forward", turn=1.0) == 1


def test_half_of_the_top_speed_is_enough_without_shift() -> None:
    assert act("forward", speed=DRIVE_M_S + 0.1) == 0
    assert act("forward", "fast", speed=DRIVE_M_S + 0.1) == 1
    assert act("backward", speed=DRIVE_M_S + 0.1) == 2, "that is the brake"


def test_driving_and_turning_together_keeps_the_pace_of_the_turn(easy_source: str) -> None:
    env = TaskEnv(easy_source)
    env.reset(seed=0)
    yaws, turn, speed = [0.0], 0.0, 0.0
    for _ in range(30):
        action = choose("r2d2", {"forward", "left"}, set(), turn, speed)
        env.step(int(action))
        _, orientation, velocity, (_, _, turn) = env.robot.base_state()
        yaw = yaw_of(orientation)
        speed = math.cos(yaw) * velocity[0] + math.sin(yaw) * velocity[1]
        yaws.append(yaws[-1] + math.remainder(yaw - yaws[-1], 2 * math.pi))
    pace = (yaws[-1] - yaws[10]) / (20 * 0.066)
    assert 0.6 * TURN_RAD_S < pace < 1.4 * TURN_RAD_S
    assert speed > 1.0
    for _ in range(2):
        action = choose("r2d2", {"forward"}, set(), turn, speed)
        env.step(int(action))
        turn = env.robot.base_state()[3][2]
    assert abs(turn) < 1.6, "two steps after the release it drives straight on"
    env.close()


def test_the_ant_walks_where_its_keys_point() -> None:
    def way(*held: str) -> tuple[float, float]:
        command = choose("ant", {*held}, set())
        return tuple(WAYS[int(command)].tolist())

    half = pytest.approx(math.sqrt(0.5))
    assert way() == way("left", "right") == (0.0, 0.0)
    assert way("forward") == pytest.approx((1.0, 0.0))
    assert way("left") == pytest.approx((0.0, 1.0), abs=1e-6)
    assert way("backward") == pytest.approx((-1.0, 0.0), abs=1e-6)
    assert way("forward", "left") == (half, half)
    assert way("forward", "right") == (half, pytest.approx(-math.sqrt(0.5)))
