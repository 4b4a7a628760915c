"""How a Panda that is steered moves its gripper: by small steps, with inverse kinematics.

A learner that has to find out what seven joints do together learns no task in minutes. So its
commands are of the gripper, which points straight down:

======= ============ ===========================================================
command name         effect
======= ============ ===========================================================
0       hold         stays where it is
1, 2    ahead, back  0.02 m along the x axis of the base, or back
3, 4    left, right  0.02 m along its y axis, or back
5, 6    up, down     0.02 m along its z axis, or back
7, 8    turn         5 degrees about the vertical, to the left or to the right
9, 10   open, close  the fingers, 0.1 m/s each, and hold still
======= ============ ===========================================================

Nothing is kept from one command to the next. A command begins with where the joints are, and leads
to a place on a grid of such steps: to the place next to the one that is nearest. What a load, a
blow or a rounding has moved it by is thereby undone, and errors do not add up. Fingers that were
told to close go on pressing until they are told to open.

The joints get there by one step of damped least squares (Nakamura and Hanafusa 1986) with the
Jacobian of the seven axes. It has a motion to spare, by which they return to the posture in which
an episode begins; so the elbow is where it was when the gripper comes back to a place. The grid
ends at the bounds of the workspace, and a joint never moves faster than it may.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.spaces import Discrete
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .panda import PandaRobot

Array = NDArray[np.float64]

STEP_M = 0.02
TURN_RAD = math.radians(5.0)
LOWEST_M, HIGHEST_M = np.array([0.3, -0.36, 0.02]), np.array([0.66, 0.36, 0.4])
"""The bounds of the workspace in the base's frame."""
MOST_TURNED_RAD = math.radians(90.0)
"""To either side; turned further, a gripper does the same again."""
HOLD, OPEN, CLOSE = 0, 9, 10
STEPS = np.zeros((11, 3))
"""By command, in steps along x, y and z of the base."""
STEPS[1:7] = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]
TURNS = {7: 1, 8: -1}
"""By command, in steps to the left."""
PHYSICS_STEPS = 4
"""In so many the joints are to get there."""
DAMPING = 0.02
POSTURE_GAIN = 0.2
"""The share of the way back to its first posture that the arm takes with each command."""


class PandaGait:
    """Moves the gripper as it is told (see `robot.Gait`)."""

    commands = Discrete(len(STEPS))

    def require(self) -> None:
        """Nothing can be missing."""

    def follow(self, robot: Any, state: Any, command: int) -> Callable[[], NDArray[np.float32]]:
        """Move the joints to where the command leads in four physics steps."""
        goal = robot.arm_positions() + joint_way(robot, command)
        fingers = {OPEN: 1.0, CLOSE: -1.0}.get(command, 0.0)
        left = PHYSICS_STEPS

        def act() -> NDArray[np.float32]:
            nonlocal left
            way = goal - robot.arm_positions()
            shares = way / (left * robot.step_s * robot.speed_limits)
            left = max(left - 1, 1)
            # All joints together, so that the gripper goes straight where it goes slower.
            shares /= max(float(np.abs(shares).max()), 1.0)
            return np.array([*shares, fingers], np.float32)

        return act


def joint_way(robot: PandaRobot, command: int) -> Array:
    """How the joints are to move, (7,), rad, so that the gripper does what it is told."""
    base, axes, places, gripper, hand = robot.frames()
    place = base.T @ (gripper - robot.base_state()[0])
    steps = np.round(place / STEP_M) + STEPS[command]
    aim = np.clip(steps * STEP_M, LOWEST_M, HIGHEST_M)
    turns = round(robot.turned() / TURN_RAD) + TURNS.get(command, 0)
    yaw = min(max(turns * TURN_RAD, -MOST_TURNED_RAD), MOST_TURNED_RAD)

    cosine, sine = math.cos(yaw), math.sin(yaw)
    straight_down = base @ np.array([[cosine, sine, 0.0], [sine, -cosine, 0.0], [0.0, 0.0, -1.0]])
    wanted = np.concatenate([base @ (aim - place), rotation_vector(straight_down @ hand.T)])
    jacobian = np.concatenate([np.cross(axes, gripper - places), axes], axis=1).T
    damped = jacobian @ jacobian.T + DAMPING**2 * np.eye(6)
    back = POSTURE_GAIN * (robot.first_posture - robot.arm_positions())
    way: Array = back + jacobian.T @ np.linalg.solve(damped, wanted - jacobian @ back)
    return way


def rotation_vector(rotation: Array) -> Array:
    """The axis of a rotation matrix (3, 3) times its angle, (3,), rad."""
    angle = math.acos(min(max((float(np.trace(rotation)) - 1.0) / 2.0, -1.0), 1.0))
    x = rotation[2, 1] - rotation[1, 2]
    y = rotation[0, 2] - rotation[2, 0]
    z = rotation[1, 0] - rotation[0, 1]
    twice_sine = math.hypot(x, y, z)
    # At half a turn the axis is lost: whichever way is as good.
    scale = angle / twice_sine if twice_sine > 1e-6 else 0.5
    return scale * np.array([x, y, z])


@functools.cache
def panda_gait() -> PandaGait:
    """The only one; it has no weights."""
    return PandaGait()
