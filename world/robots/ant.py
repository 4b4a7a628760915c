"""Ant: a torso on four legs with two joints each, PyBullet's `mjcf/ant.xml` (see
`docs/make_robots.py`).

It weighs 182 kg. Its torso is 0.5 m wide and begins 0.75 m above where it is placed, its legs
stretched out, 1.8 m from foot to foot; it drops onto them. Eight torques of up to 250 N m: hip and
ankle of each leg, in the order ahead left (1), behind left (2), behind right (3), ahead right (4),
x being ahead. The model names its feet as if +y were ahead. See `articulated` for actions, rewards
and proprioception: 14 + 16 + 4 = 34 numbers, feet in the order of the legs.

It has a gait that walks where it is told (see `gait`), in one of eight directions. That is what its
agents choose, and what keys say.
"""

from __future__ import annotations

import math
from types import MappingProxyType

from ..base import BaseEnv
from ..data_sheets import SHEETS, heaviest_pushed
from ..manual import Control, Driving
from .articulated import TORSO_SIZE, ArticulatedRobot, joint_shares, walker_words
from .gait import ant_gait

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

    action_space = joint_shares(len(_JOINTS))
    eye_offset_m = (0.25, 0.0, 0.0)
    clearance_m = 1.4
    proprioception_size = TORSO_SIZE + 2 * len(_JOINTS) + len(feet)

    gait = staticmethod(ant_gait)
    scripts = MappingProxyType({"walking straight ahead": (1,)})
    controls = (
        Control("forward", "Walk ahead", ("ArrowUp", "KeyW"), "↑ W", "↑"),
        Control("left", "Walk to the left", ("ArrowLeft", "KeyA"), "← A", "←"),
        Control("right", "Walk to the right", ("ArrowRight", "KeyD"), "→ D", "→"),
        Control("backward", "Walk backward", ("ArrowDown", "KeyS"), "↓ S", "↓"),
    )
    words = walker_words(
        "The robot is an ant: a torso 0.5 m wide on four legs of two joints each, 182 kg, "
        "1.8 m from foot to foot. A trained gait moves its joints, and the agent says where it "
        "goes: it stands, or walks in one of eight directions around it without turning, at "
        "{pace_ahead_m_s} m/s straight ahead and about 1 m/s where it often changes its mind, so "
        "12 to 30 m in an episode. It gets over ledges of {ledge_m} m and up slopes of {slope_deg} "
        "degrees, and falls on narrow or moving ground. It cannot jump or grasp; it pushes, boxes "
        "of up to {heaviest} kg slowly.".format(
            **SHEETS["ant"], heaviest=heaviest_pushed("ant", 0.5)
        )
    )

    @classmethod
    def choose_action(cls, driving: Driving) -> list[float]:
        """0 to stand, or 1 for ahead and so on to the left, in steps of 45 degrees."""
        ahead = driving.balance("forward", "backward")
        left = driving.balance("left", "right")
        if not (ahead or left):
            return [0.0]
        return [1.0 + round(math.atan2(left, ahead) / math.radians(45.0)) % 8]


class AntEnv(BaseEnv, robot=AntRobot):
    """Base class of tasks for the Ant."""
