"""Robots that walk, moved by torques on their joints.

The action is one number from -1 to 1 for each joint, in the order of the model file: the share of
`torque_limits_n_m` that is applied during the physics step. The joints have no motors of their own
and no springs, so a robot that does nothing sinks to the ground.

An episode begins in the pose of the model file, each joint off by up to 0.01 rad by chance.

Reward terms of the robot, per physics step, `a` being the action and `v` the joint velocities
(rad/s); the weights are the robot's:

======================== ==========================================================================
electricity_penalty      - `electricity_weight` times the mean of abs(a v)
stall_torque_penalty     - `stall_torque_weight` times the mean of a squared
joints_at_limit_penalty  - 0.1 for each joint that is beyond 99 % of its range
======================== ==========================================================================

Joints spin at 100 rad/s at most (PyBullet's limit), so no term leaves -100 to 0; walking costs less
than 1 altogether.

Proprioception, 14 + 2 joints + feet numbers, "compressed" as in `scene.compress`:

============ ======================================================================================
numbers      meaning
============ ======================================================================================
3            velocity of the torso in its yaw frame (x ahead, y left, z up; m/s, compressed)
3            angular velocity of the torso in its yaw frame (rad/s, compressed)
3            up vector of the torso in the world frame
2            heading: cosine and sine of the yaw in the world frame
3            position relative to where the episode began (world frame, m, compressed)
joints       joint positions: -1 at the lower limit, 1 at the upper (a stiff blow goes beyond)
joints       joint velocities (rad/s, divided by 10)
feet         1 where the foot touches something, else 0
============ ======================================================================================
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from ..client.client import PhysicsClient
from ..contract import ContractError, describe
from ..manual import Words
from ..robot import Robot, load_urdf
from ..rotation import up_vector, yaw_of
from ..scene import compress_number

START_NOISE_RAD = 0.01
AT_LIMIT = 0.99
JOINTS_AT_LIMIT_WEIGHT = 0.1
JOINT_VELOCITY_SCALE_RAD_S = 10.0
TORSO_SIZE = 14
"""Proprioception apart from joints and feet."""


_FALLEN = "it has fallen where `self._p.getContactPoints(bodyA=self.robot.robot_id, linkIndexA=-1)`"
_HEIGHT = '`self.robot.links["base"].position_init[2]` above its floor, clear of all bodies'


def walker_words(description: str) -> Words:
    """What a model is told of a robot that walks."""
    return Words(
        description,
        moves_by="walking",
        placing=f"Place the robot's torso {_HEIGHT}; {_FALLEN} says that the torso touches "
        "something.",
        placing_in_short=f"Place the robot {_HEIGHT}; {_FALLEN} is not empty.",
    )


def joint_shares(count: int) -> Box:
    """The action space of a robot with so many motors."""
    return Box(-1.0, 1.0, (count,), np.float32)


def read_shares(action: Any, count: int) -> list[float]:
    """An action as plain numbers; PyBullet would carry a NaN into every body it touches."""
    try:
        numbers: Any = np.asarray(action, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    shares: list[float] = numbers.tolist() if numbers.shape == (count,) else []
    if not shares or not math.isfinite(sum(shares)):
        raise ContractError(
            "super().step",
            f"was given {describe(action)} as action",
            f"be given {count} finite numbers",
        )
    return shares


class ArticulatedRobot(Robot):
    """A robot with motors in its joints; see the module docstring.

    A subclass names the model, its joints with their torque limits in the order of the file, and
    the links that are feet.
    """

    model: ClassVar[str]
    """Name in `assets`."""
    start_height_m: ClassVar[float]
    collides_with_itself: ClassVar[bool]
    torque_limits_n_m: ClassVar[dict[str, float]]
    feet: ClassVar[tuple[str, ...]]
    place_numbers = slice(11, 14)
    reward_names = ("electricity_penalty", "stall_torque_penalty", "joints_at_limit_penalty")
    electricity_weight: ClassVar[float]
    stall_torque_weight: ClassVar[float]

    def __init__(self, client: PhysicsClient) -> None:
        super().__init__(client)
        joints = self.joints.values()
        self._joint_indices = [joint.index for joint in joints]
        limits = [(joint.lower_limit, joint.upper_limit) for joint in joints]
        self._middles_and_halves = [((a + b) / 2, (b - a) / 2) for a, b in limits]
        self._torque_limits = [self.torque_limits_n_m[name] for name in self.joints]
        self._foot_indices = [self.links[foot].index for foot in self.feet]
        self._joints_read_at = -1
        for index in range(client.getNumJoints(self.robot_id)):
            # PyBullet gives each joint a motor that holds it; without force it lets go.
            client.setJointMotorControl2(
                self.robot_id, index, client.POSITION_CONTROL, targetPosition=0.0, force=0.0
            )

    def load(self, client: PhysicsClient) -> int:
        flags = 0
        if self.collides_with_itself:
            flags = (
                client.URDF_USE_SELF_COLLISION | client.URDF_USE_SELF_COLLISION_EXCLUDE_ALL_PARENTS
            )
        return load_urdf(client, self.model, [0.0, 0.0, self.start_height_m], flags)

    def reset(self) -> None:
        super().reset()
        noise = self.np_random.uniform(-START_NOISE_RAD, START_NOISE_RAD, len(self._joint_indices))
        for index, position in zip(self._joint_indices, noise.tolist(), strict=True):
            self._p.resetJointState(self.robot_id, index, position, 0.0)

    def apply_action(self, action: Any) -> None:
        shares = read_shares(action, len(self._torque_limits))
        limits = self._torque_limits
        torques = [
            limit * (share if -1.0 <= share <= 1.0 else math.copysign(1.0, share))
            for limit, share in zip(limits, shares, strict=True)
        ]
        self._p.setJointMotorControlArray(
            self.robot_id, self._joint_indices, self._p.TORQUE_CONTROL, forces=torques
        )

    def read_joints(self) -> tuple[list[float], list[float]]:
        """Normalised positions and velocities (rad/s) of all joints."""
        if self._joints_read_at != self._p.motion:
            states = self._p.getJointStates(self.robot_id, self._joint_indices)
            self._joint_positions = [
                (state[0] - middle) / half
                for state, (middle, half) in zip(states, self._middles_and_halves, strict=True)
            ]
            self._joint_velocities = [state[1] for state in states]
            self._joints_read_at = self._p.motion
        return self._joint_positions, self._joint_velocities

    def get_observation(self) -> NDArray[np.float32]:
        position, orientation, (x, y, z), (roll, pitch, turn) = self.base_state()
        yaw = yaw_of(orientation)
        cosine, sine = math.cos(yaw), math.sin(yaw)
        positions, velocities = self.read_joints()
        touching = {contact[3] for contact in self._p.getContactPoints(self.robot_id)}
        return np.array(
            [
                compress_number(cosine * x + sine * y),
                compress_number(cosine * y - sine * x),
                compress_number(z),
                compress_number(cosine * roll + sine * pitch),
                compress_number(cosine * pitch - sine * roll),
                compress_number(turn),
                *up_vector(orientation),
                cosine,
                sine,
                *self.compressed_way(position),
                *positions,
                *[velocity / JOINT_VELOCITY_SCALE_RAD_S for velocity in velocities],
                *[float(index in touching) for index in self._foot_indices],
            ],
            dtype=np.float32,
        )

    def get_rewards(self, action: Any) -> dict[str, float]:
        positions, velocities = self.read_joints()
        shares = read_shares(action, len(self._torque_limits))
        count = len(shares)
        power = sum(abs(a * v) for a, v in zip(shares, velocities, strict=True)) / count
        effort = sum(a * a for a in shares) / count
        at_limit = sum(not -AT_LIMIT <= position <= AT_LIMIT for position in positions)
        return {
            "electricity_penalty": -self.electricity_weight * power,
            "stall_torque_penalty": -self.stall_torque_weight * effort,
            "joints_at_limit_penalty": -JOINTS_AT_LIMIT_WEIGHT * at_limit,
        }
