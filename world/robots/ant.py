"""Ant: a torso on four legs with two joints each, PyBullet's `mjcf/ant.xml` (see
`docs/make_robots.py`).

It weighs 182 kg. Its torso is 0.5 m wide and begins 0.75 m above where it is placed, its legs
stretched out, 1.8 m from foot to foot; it drops onto them. Eight torques of up to 250 N m: hip and
ankle of each leg, in the order ahead left (1), behind left (2), behind right (3), ahead right (4),
x being ahead. The model names its feet as if +y were ahead. See `articulated` for actions, rewards
and proprioception: 14 + 16 + 4 = 34 numbers, feet in the order of the legs.
"""

from __future__ import annotations

from ..base import BaseEnv
from .articulated import TORSO_SIZE, ArticulatedRobot, joint_torques

_JOINTS = ("hip_1", "ankle_1", "hip_2", "ankle_2", "hip_3", "ankle_3", "hip_4", "ankle_4")


class AntRobot(ArticulatedRobot):
    """The robot itself; see the module docstring."""

    model = "ant"
    start_height_m = 0.75
    # The model says so: its legs begin in the middle of the torso.
    collides_with_itself = False
    torque_limits_n_m = dict.fromkeys(_JOINTS, 250.0)
    feet = ("front_left_foot", "front_right_foot", "left_back_foot", "right_back_foot")
    electricity_weight = 0.2
    stall_torque_weight = 0.1

    action_space = joint_torques(len(_JOINTS))
    eye_offset_m = (0.25, 0.0, 0.0)
    clearance_m = 1.4
    proprioception_size = TORSO_SIZE + 2 * len(_JOINTS) + len(feet)


class AntEnv(BaseEnv, robot=AntRobot):
    """Base class of tasks for the Ant."""
