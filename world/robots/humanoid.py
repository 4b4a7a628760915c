"""Humanoid: PyBullet's `mjcf/humanoid_symmetric.xml` (see `docs/make_robots.py`), 42 kg.

Its torso begins 1.4 m above where the robot is placed, which leaves its soles 0.1 m in the air.
Seventeen torques in the order of `HumanoidRobot.torque_limits_n_m`: three of the abdomen, four of
each leg (hip about x, z and y, knee), three of each arm (shoulder twice, elbow). See `articulated`
for actions, rewards and proprioception: 14 + 34 + 2 = 50 numbers, the left foot before the right.

It has a gait that runs where it is told (see `humanoid_gait`). That is what its agents choose, and
what keys say. The gait needs friction: who is steered wears shoes, from the first command of an
episode on, and takes them off where torques are given again.
"""

from __future__ import annotations

from types import MappingProxyType

from ..base import BaseEnv
from ..client.client import PhysicsClient
from ..data_sheets import SHEETS, heaviest_pushed
from ..manual import Control, Driving
from .articulated import TORSO_SIZE, ArticulatedRobot, joint_shares, walker_words
from .humanoid_gait import humanoid_gait

SHOE_FRICTION = 1.6
"""With the 0.5 that the ground of a task has it makes 0.8; barefoot, 0.8 makes 0.4."""
CARRYING_SLOPE = 0.5
"""The least z of the normal of a contact that counts as ground."""


class HumanoidRobot(ArticulatedRobot):
    """The robot itself; see the module docstring."""

    model = "humanoid"
    start_height_m = 1.4
    collides_with_itself = True
    torque_limits_n_m = {  # noqa: RUF012
        **dict.fromkeys(("abdomen_z", "abdomen_y", "abdomen_x"), 41.0),
        **{"right_hip_x": 41.0, "right_hip_z": 41.0, "right_hip_y": 123.0, "right_knee": 82.0},
        **{"left_hip_x": 41.0, "left_hip_z": 41.0, "left_hip_y": 123.0, "left_knee": 82.0},
        **dict.fromkeys(("right_shoulder1", "right_shoulder2", "right_elbow"), 30.75),
        **dict.fromkeys(("left_shoulder1", "left_shoulder2", "left_elbow"), 30.75),
    }
    feet = ("left_foot", "right_foot")
    electricity_weight = 0.85
    stall_torque_weight = 0.425

    action_space = joint_shares(len(torque_limits_n_m))
    eye_offset_m = (0.09, 0.0, 0.19)
    clearance_m = 0.5
    proprioception_size = TORSO_SIZE + 2 * len(torque_limits_n_m) + len(feet)

    gait = staticmethod(humanoid_gait)
    scripts = MappingProxyType({"walking straight ahead": (1,)})
    controls = (
        Control("forward", "Walk ahead", ("ArrowUp", "KeyW"), "↑ W", "↑"),
        Control("left", "Turn left", ("ArrowLeft", "KeyA"), "← A", "←"),
        Control("right", "Turn right", ("ArrowRight", "KeyD"), "→ D", "→"),
    )
    words = walker_words(
        "The robot is a humanoid, 1.6 m tall, 42 kg, with two legs, two arms and no hands. "
        "PyBullet's trained walker moves its joints, and the agent says where it goes: it runs at "
        "{pace_ahead_m_s} m/s, some 35 m in an episode, turns while it walks, in circles of 1 m "
        "radius or more, and falls now and then, after which it gets up by itself in some seconds. "
        "It gets over ledges of {ledge_m} m and up slopes of {slope_deg} degrees. It cannot jump, "
        "climb or grasp; it pushes, boxes of up to {heaviest} kg. Without actions it collapses at "
        "once.".format(**SHEETS["humanoid"], heaviest=heaviest_pushed("humanoid", 0.5))
    )

    def __init__(self, client: PhysicsClient) -> None:
        super().__init__(client)
        self._own_friction = [
            client.getDynamicsInfo(self.robot_id, foot)[1] for foot in self._foot_indices
        ]
        self._wears_shoes = False

    def mark_start(self) -> None:
        super().mark_start()
        self.ground_m = self._start[2] - self.start_height_m
        """The height of the ground that it has last touched."""

    def be_steered(self, steered: bool) -> None:
        """Put on the shoes that its gait needs, or take them off."""
        if steered == self._wears_shoes:
            return
        self._wears_shoes = steered
        for foot, friction in zip(self._foot_indices, self._own_friction, strict=True):
            self._p.changeDynamics(
                self.robot_id, foot, lateralFriction=SHOE_FRICTION if steered else friction
            )

    def roll_pitch_yaw(self) -> tuple[float, float, float]:
        """How its torso is turned, rad."""
        angles: tuple[float, float, float] = self._p.getEulerFromQuaternion(self.base_state()[1])
        return angles

    def feet_touch(self) -> tuple[bool, bool]:
        """Whether the left and the right foot touch anything but the robot itself. What carries it
        is noted as its ground."""
        contacts = [
            contact
            for contact in self._p.getContactPoints(self.robot_id)
            if contact[2] != self.robot_id
        ]
        carrying = [contact[5][2] for contact in contacts if contact[7][2] > CARRYING_SLOPE]
        self.ground_m = min(carrying, default=self.ground_m)
        touching = {contact[3] for contact in contacts}
        left, right = (foot in touching for foot in self._foot_indices)
        return left, right

    @classmethod
    def choose_action(cls, driving: Driving) -> list[float]:
        """0 to stand, 1 for ahead, and 2 to 5 to turn: 2 and 5 while it goes ahead."""
        ahead, left = "forward" in driving.wanted, driving.balance("left", "right")
        if not left:
            return [float(ahead)]
        if left > 0:
            return [2.0 if ahead else 3.0]
        return [5.0 if ahead else 4.0]


class HumanoidEnv(BaseEnv, robot=HumanoidRobot):
    """Base class of tasks for the Humanoid."""
