"""Panda: Franka's arm of seven joints with a gripper, PyBullet's `franka_panda/panda.urdf` (see
`docs/make_panda.py`).

It is bolted to the edge of a table, whose top a task makes at the height of the base: the arm
reaches ahead, along the x axis of the base. At the beginning of an episode the gripper is open,
points straight down, and is 0.44 m ahead of the base and 0.26 m above it, with each joint off by up
to 0.01 rad by chance. Its fingers open along the y axis, 0.08 m wide.

The action is eight numbers from -1 to 1. Seven are the velocities of the joints, as shares of
2.175 rad/s (joints 1 to 4) and 2.61 rad/s (5 to 7). The last one opens the fingers where it is
positive and closes them where it is negative, at 0.1 m/s each; where it is 0, they go on with
what they were told last. They press with up to 20 N each, and what they hold is held by friction
alone. Torques are computed from these velocities in each physics step (Luh, Walker and Paul 1980),
as the arm's own controller does, and end at the 87 and 12 N m that its joints have. So it carries
its own weight without sagging, and pushes against what stands in its way with 190 N, but for the
moment at which it meets it.

It has a gait that moves the gripper in small steps (see `panda_gait`). That is what its agents
choose, and what keys say.

Reward term of the robot, per physics step: `effort_penalty`, -0.05 times the mean of the squares of
the seven velocities.

Proprioception, 33 numbers, all in the frame of the base; lengths are in units of 0.1 m, and
"compressed" as in `scene.compress`:

======= ==========================================================================================
numbers meaning
======= ==========================================================================================
3       position of the gripper, which is between the tips of the fingers (compressed)
3       velocity of the gripper (0.1 m/s, compressed)
3       where the hand points: (0, 0, -1) is straight down
2       cosine and sine of its turn to the left
1       opening: 0 closed, 1 open
1       1 while the fingers are told to close, else 0
2       1 where the left and the right finger touch something, else 0
1       1 where something is held between them, else 0
7       joint positions: -1 at the lower limit, 1 at the upper
7       joint velocities, as shares of the highest
3       way of the gripper from where the episode began (world frame, compressed)
======= ==========================================================================================

Of the scene, it observes what is nearest to its gripper, relative to the gripper.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import BaseEnv
from ..client.client import PhysicsClient
from ..contract import ContractError, describe
from ..manual import Control, Driving, Words
from ..robot import Robot, Triple, Vector, load_urdf, read_only
from .articulated import joint_shares, read_shares
from .panda_gait import CLOSE, HOLD, OPEN, panda_gait

ARM = tuple(f"panda_joint{number}" for number in range(1, 8))
FINGERS = ("panda_finger_joint1", "panda_finger_joint2")
FIRST_POSTURE_RAD = (0.0, -0.234268, 0.0, -2.514426, 0.0, 2.280158, math.pi / 4)
START_NOISE_RAD = 0.01
TORQUES_N_M = (87.0,) * 4 + (12.0,) * 3
SPEEDS_RAD_S = (2.175,) * 4 + (2.61,) * 3
GRIPPER_BELOW_HAND_M = 0.105
FINGER_TRAVEL_M = 0.04
FINGER_SPEED_M_S = 0.1
FINGER_FORCE_N = 20.0
TOUCHING_M = 0.002
INNER_M = 0.003
"""Contacts farther out than the inner side of a finger by more than this are below its tip."""
LIMIT_SHARE = 0.5
"""How much of the way to the end of its range a joint may go in a physics step."""
YIELDING = 0.7
"""The share of what a joint's speed lacks that is made up for in a physics step. With 1 the gripper
errs by less, and pushes with 270 N."""
EFFORT_WEIGHT = 0.05


class PandaRobot(Robot):
    """The robot itself; see the module docstring for its actions, rewards and observation."""

    action_space = joint_shares(len(ARM) + 1)
    proprioception_size = 33
    place_numbers = slice(30, 33)
    unit_m = 0.1
    reward_names = ("effort_penalty",)
    is_fixed = True
    clearance_m = 0.6
    # Over the middle of the table, looking straight down: from the base the arm hides its work.
    eye_offset_m = (0.5, 0.0, 0.75)
    eye_pitch_deg = -90.0

    gait = staticmethod(panda_gait)
    scripts = MappingProxyType(
        {
            "reaching down": (6,),
            "grasping below and lifting": (6,) * 13 + (CLOSE,) * 4 + (5,) * 13 + (OPEN,) * 2,
        }
    )
    controls = (
        Control("forward", "Ahead", ("ArrowUp", "KeyW"), "↑ W", "↑"),
        Control("left", "Left", ("ArrowLeft", "KeyA"), "← A", "←"),
        Control("right", "Right", ("ArrowRight", "KeyD"), "→ D", "→"),
        Control("backward", "Back", ("ArrowDown", "KeyS"), "↓ S", "↓"),
        Control("up", "Up", ("KeyE", "PageUp"), "E PgUp", "Up"),
        Control("down", "Down", ("KeyQ", "PageDown"), "Q PgDn", "Down"),
        Control("turn_left", "Turn left", ("KeyZ",), "Z", "⟲"),
        Control("turn_right", "Turn right", ("KeyX",), "X", "⟳"),
        Control("close", "Close the fingers", ("Space",), "Space", "Close"),
        Control("open", "Open the fingers", ("KeyO",), "O", "Open"),
    )
    offers = ("gripper_position", "gripper_velocity", "gripper_yaw", "opening", "holds")
    words = Words(
        "The robot is a Franka Panda, an arm bolted to the edge of a table, with a gripper that "
        "points down. Its agent moves the gripper in steps of 0.02 m along x, y and z (0.3 m/s), "
        "turns it about the vertical, opens it and closes it. It reaches x from 0.3 to 0.66, y "
        "from -0.36 to 0.36 and z from 0.02 to 0.4 m, measured from its base, which is at the "
        "origin; the gripper begins at (0.44, 0, 0.26). Its fingers open to 0.08 m along y: it "
        "grasps what is 0.03 to 0.065 m wide there and weighs up to 0.3 kg, and pushes what is "
        "lighter than 3 kg. It feels how far its fingers are open and whether they hold something. "
        "It cannot go anywhere, throw, or reach under or behind things.",
        moves_by="moving its gripper and grasping",
        start_height="0.0",
        placing="The robot stays where it is, its base at the origin: do not place it. Make the "
        "table first, a fixed box whose top is at z = 0 and reaches x from -0.2 to 0.8 and y from "
        "-0.6 to 0.6, and put everything onto it within reach, lower than 0.2 m where the gripper "
        "begins. Measure from `self.robot.gripper_position`, as `get_distance_to_object` does, "
        "not from the base. Ways are short here: reward ten times the speed.",
        placing_in_short="Leave the robot where it is, at the origin. The table is a fixed box "
        "whose top is at z = 0. Measure from `self.robot.gripper_position`.",
    )
    first_posture = np.array(FIRST_POSTURE_RAD)
    speed_limits = np.array(SPEEDS_RAD_S)
    step_s = BaseEnv.dt

    _joints_read_at = _hand_read_at = _pressing_at = -1

    def __init__(self, client: PhysicsClient) -> None:
        super().__init__(client)
        joints = [self.joints[name] for name in ARM]
        self._arm = [joint.index for joint in joints]
        self._fingers = [self.joints[name].index for name in FINGERS]
        self._limits = [(joint.lower_limit, joint.upper_limit) for joint in joints]
        self._closes = False
        # PyBullet gives each joint a motor that holds it; without force it lets go.
        client.setJointMotorControlArray(
            self.robot_id, self._arm, client.VELOCITY_CONTROL, forces=[0.0] * len(ARM)
        )

    def load(self, client: PhysicsClient) -> int:
        robot_id = load_urdf(client, "panda", [0.0, 0.0, 0.0], is_fixed=self.is_fixed)
        first = (*FIRST_POSTURE_RAD, FINGER_TRAVEL_M, FINGER_TRAVEL_M)
        for joint, position in enumerate(first):
            client.resetJointState(robot_id, joint, position, 0.0)
        return robot_id

    def reset(self) -> None:
        super().reset()
        noise = self.np_random.uniform(-START_NOISE_RAD, START_NOISE_RAD, len(ARM)).tolist()
        for index, first, off in zip(self._arm, FIRST_POSTURE_RAD, noise, strict=True):
            self._p.resetJointState(self.robot_id, index, first + off, 0.0)
        for index in self._fingers:
            self._p.resetJointState(self.robot_id, index, FINGER_TRAVEL_M, 0.0)
        self._closes = False

    # How it is.

    def read_joints(self) -> tuple[list[float], list[float]]:
        """Positions (rad) and velocities (rad/s) of the seven joints, and behind them those of the
        two fingers (m, m/s)."""
        if self._joints_read_at != self._p.motion:
            states = self._p.getJointStates(self.robot_id, [*self._arm, *self._fingers])
            self._positions = [state[0] for state in states]
            self._velocities = [state[1] for state in states]
            self._joints_read_at = self._p.motion
        return self._positions, self._velocities

    def arm_positions(self) -> Vector:
        """Positions of the seven joints, (7,), rad."""
        return np.array(self.read_joints()[0][: len(ARM)])

    def _read_hand(self) -> tuple[Triple, tuple[float, ...], Triple]:
        """Where the gripper is (m), the rotation of the hand (9, row by row) and the velocity of
        the gripper (m/s), in the world frame."""
        if self._hand_read_at != self._p.motion:
            state = self._p.getLinkState(self.robot_id, self.links["panda_hand"].index, 1, 1)
            (a, b, c), rotation = state[4], self._p.getMatrixFromQuaternion(state[5])
            x, y, z = (GRIPPER_BELOW_HAND_M * number for number in rotation[2::3])
            # PyBullet tells the velocity of the centre of mass.
            to_gripper = (a + x - state[0][0], b + y - state[0][1], c + z - state[0][2])
            velocity = _sum(state[6], _cross(state[7], to_gripper))
            self._hand = (a + x, b + y, c + z), rotation, velocity
            self._hand_read_at = self._p.motion
        return self._hand

    def _read_pressing(self) -> list[set[int]]:
        """The bodies that the left and the right finger touch with their inner sides alone."""
        if self._pressing_at != self._p.motion:
            gripper, rotation, _ = self._read_hand()
            along = rotation[1::3]
            fingers_at = self.read_joints()[0][len(ARM) :]
            inside: list[set[int]] = [set(), set()]
            outside: list[set[int]] = [set(), set()]
            for contact in self._p.getContactPoints(self.robot_id):
                if contact[3] in self._fingers and contact[8] < TOUCHING_M:
                    finger = self._fingers.index(contact[3])
                    # Not by its normal: where friction holds, PyBullet keeps that of long ago.
                    aside = abs(_product(_difference(contact[5], gripper), along))
                    beyond = aside > fingers_at[finger] + INNER_M
                    (outside if beyond else inside)[finger].add(contact[2])
            self._pressing = [one - other for one, other in zip(inside, outside, strict=True)]
            self._pressing_at = self._p.motion
        return self._pressing

    def frames(self) -> tuple[Vector, Vector, Vector, Vector, Vector]:
        """What inverse kinematics begins with, in the world frame.

        Returns:
            The rotation of the base (3, 3), the axes of the seven joints (7, 3), places on them
            (7, 3; m), the place of the gripper (3; m) and the rotation of the hand (3, 3).
        """
        to_matrix = self._p.getMatrixFromQuaternion
        states = self._p.getLinkStates(self.robot_id, self._arm, 0, 1)
        places = np.array([state[4] for state in states])
        # Each joint turns about the z axis of the link that it moves.
        axes = np.array([to_matrix(state[5])[2::3] for state in states])
        gripper, hand, _ = self._read_hand()
        base = np.array(to_matrix(self.base_state()[1])).reshape(3, 3)
        return base, axes, places, np.array(gripper), np.array(hand).reshape(3, 3)

    def place(self) -> Triple:
        """Where the gripper is."""
        return self._read_hand()[0]

    def _to_base(self, vector: Any) -> Triple:
        """A vector of the world frame in that of the base."""
        turn = self._p.getMatrixFromQuaternion(self.base_state()[1])
        a, b, c = vector
        x, y, z = (turn[n] * a + turn[n + 3] * b + turn[n + 6] * c for n in range(3))
        return x, y, z

    def turned(self) -> float:
        """How far the gripper is turned to the left, rad, seen from the base."""
        x, y, _ = self._to_base(self._read_hand()[1][0::3])
        return math.atan2(y, x)

    # What tasks have of it.

    @property
    def gripper_position(self) -> Vector:
        """Where the gripper is, between the tips of its fingers: (3,), m, in the world frame."""
        return read_only(self._read_hand()[0])

    @property
    def gripper_velocity(self) -> Vector:
        """How the gripper moves: (3,), m/s, in the world frame."""
        return read_only(self._read_hand()[2])

    @property
    def gripper_yaw(self) -> float:
        """How far the gripper is turned to the left, rad: at 0 its fingers open along y."""
        return self.turned()

    @property
    def opening(self) -> float:
        """How far apart the fingers are, m: 0 closed, 0.08 open."""
        return float(sum(self.read_joints()[0][len(ARM) :]))

    def holds(self, body: int) -> bool:
        """Whether the fingers have a body between them: both touch it from opposite sides."""
        if body not in self._p.links:
            raise ContractError(
                "self.robot.holds",
                f"was given {describe(body)}",
                "be given the id of a body that is there",
                "Give it what `create_box` or another call that creates a body has returned.",
            )
        return all(body in pressed for pressed in self._read_pressing())

    # What it does.

    def apply_action(self, action: Any) -> None:
        *shares, fingers = read_shares(action, len(ARM) + 1)
        if fingers:
            self._closes = fingers < 0.0
        positions, velocities = self.read_joints()
        step_s = BaseEnv.dt
        wanted = [
            _within_range(limit * min(max(share, -1.0), 1.0), position, low, high)
            for share, limit, (low, high), position in zip(
                shares, SPEEDS_RAD_S, self._limits, positions, strict=False
            )
        ]
        accelerations = [
            YIELDING * (speed - now) / step_s
            for speed, now in zip(wanted, velocities, strict=False)
        ]
        torques = self._p.calculateInverseDynamics(
            self.robot_id, positions, velocities, [*accelerations, 0.0, 0.0]
        )
        self._p.setJointMotorControlArray(
            self.robot_id,
            self._arm,
            self._p.TORQUE_CONTROL,
            forces=[
                min(max(torque, -most), most)
                for torque, most in zip(torques, TORQUES_N_M, strict=False)
            ],
        )
        fingers_at = positions[len(ARM) :]
        middle = sum(fingers_at) / 2.0
        towards = -FINGER_SPEED_M_S if self._closes else FINGER_SPEED_M_S
        self._p.setJointMotorControlArray(
            self.robot_id,
            self._fingers,
            self._p.VELOCITY_CONTROL,
            targetVelocities=[
                _within_range(towards + (middle - at) / step_s, at, 0.0, FINGER_TRAVEL_M)
                for at in fingers_at
            ],
            forces=[FINGER_FORCE_N, FINGER_FORCE_N],
        )

    def get_observation(self) -> NDArray[np.float32]:
        gripper, rotation, velocity = self._read_hand()
        base = self.base_state()[0]
        positions, velocities = self.read_joints()
        turned = self.turned()
        touching = {contact[3] for contact in self._p.getContactPoints(self.robot_id)}
        left, right = self._read_pressing()
        return np.array(
            [
                *map(self.compressed, self._to_base(_difference(gripper, base))),
                *map(self.compressed, self._to_base(velocity)),
                *self._to_base(rotation[2::3]),
                math.cos(turned),
                math.sin(turned),
                self.opening / (2.0 * FINGER_TRAVEL_M),
                float(self._closes),
                *[float(finger in touching) for finger in self._fingers],
                float(bool(left & right)),
                *[
                    (2.0 * position - low - high) / (high - low)
                    for position, (low, high) in zip(positions, self._limits, strict=False)
                ],
                *[speed / most for speed, most in zip(velocities, SPEEDS_RAD_S, strict=False)],
                *self.compressed_way(gripper),
            ],
            dtype=np.float32,
        )

    def get_rewards(self, action: Any) -> dict[str, float]:
        shares = read_shares(action, len(ARM) + 1)[:-1]
        effort = sum(share * share for share in shares) / len(shares)
        return {"effort_penalty": -EFFORT_WEIGHT * min(effort, 1.0)}

    @classmethod
    def choose_action(cls, driving: Driving) -> list[float]:
        """The first of these that is wanted: the fingers, up or down, a turn, a step."""
        pairs = (
            ("open", "close", OPEN, CLOSE),
            ("up", "down", 5, 6),
            ("turn_left", "turn_right", 7, 8),
            ("forward", "backward", 1, 2),
            ("left", "right", 3, 4),
        )
        for one, other, first, second in pairs:
            balance = driving.balance(one, other)
            if balance:
                return [float(first if balance > 0 else second)]
        return [float(HOLD)]


def _within_range(speed: float, position: float, low: float, high: float) -> float:
    """A speed that does not lead a joint beyond its range."""
    slowest, fastest = (LIMIT_SHARE * (end - position) / BaseEnv.dt for end in (low, high))
    return min(max(speed, slowest), fastest)


def _sum(one: Any, other: Any) -> Triple:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _difference(one: Any, other: Any) -> Triple:
    return one[0] - other[0], one[1] - other[1], one[2] - other[2]


def _product(one: Any, other: Any) -> float:
    return float(one[0] * other[0] + one[1] * other[1] + one[2] * other[2])


def _cross(one: Any, other: Any) -> Triple:
    (a, b, c), (x, y, z) = one, other
    return b * z - c * y, c * x - a * z, a * y - b * x


class PandaEnv(BaseEnv, robot=PandaRobot):
    """Base class of tasks for the Panda."""
