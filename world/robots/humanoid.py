"""Humanoid: PyBullet's `mjcf/humanoid_symmetric.xml` (see `docs/make_robots.py`), 42 kg.

Its torso begins 1.4 m above where the robot is placed, which leaves its soles 0.1 m in the air.
Seventeen torques in the order of `HumanoidRobot.torque_limits_n_m`: three of the abdomen, four of
each leg (hip about x, z and y, knee), three of each arm (shoulder twice, elbow). See `articulated`
for actions, rewards and proprioception: 14 + 34 + 2 = 50 numbers, the left foot before the right.
"""

from __future__ import annotations

from ..base import BaseEnv
from .articulated import TORSO_SIZE, ArticulatedRobot, joint_torques, walker_words


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

    action_space = joint_torques(len(torque_limits_n_m))
    eye_offset_m = (0.09, 0.0, 0.19)
    clearance_m = 0.5
    proprioception_size = TORSO_SIZE + 2 * len(torque_limits_n_m) + len(feet)

    not_played = "it has more joints than hands have fingers"
    words = walker_words(
        "The robot is a humanoid, 1.6 m tall, 42 kg, with two legs, two arms and no hands. "
        "Its seventeen actions are torques. It has to learn to stand and to walk before "
        "anything else, which is hard: a fall is easily had, and what it can do is walk "
        "slowly on even ground and push things with its body."
    )


class HumanoidEnv(BaseEnv, robot=HumanoidRobot):
    """Base class of tasks for the Humanoid."""
