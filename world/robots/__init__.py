"""The robots there are, by name. To add one: write its module, then add a line here."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from ..base import BaseEnv, robot_class_of
from ..scene import BOUND, SceneObserver
from .ant import AntEnv
from .gait import Gait, ant_gait
from .humanoid import HumanoidEnv
from .r2d2 import R2D2Env

ROBOT_ENVS: dict[str, type[BaseEnv]] = {
    "r2d2": R2D2Env,
    "ant": AntEnv,
    "humanoid": HumanoidEnv,
}
GAITS: dict[str, Callable[[], Gait]] = {"ant": ant_gait}
"""Of robots that have one: they can be steered."""


def robot_spaces(
    robot: str, *, steered: bool = False
) -> tuple[Box[np.float32], gymnasium.Space[Any]]:
    """The observation and action space that every task of a robot has; `steered`, where the robot
    has a gait, its actions are commands."""
    robot_class = robot_class_of(ROBOT_ENVS[robot])
    size = robot_class.proprioception_size + SceneObserver.size
    observation_space = Box(-BOUND, BOUND, (size,), np.float32)
    is_steered = steered and robot in GAITS
    actions = Gait.commands if is_steered else robot_class.action_space
    # A copy, because a space carries the random stream of its `sample`.
    return observation_space, copy.deepcopy(actions)


def robot_of(env_class: type[BaseEnv]) -> str:
    """The name of the robot that an environment class is for."""
    return next(name for name, base in ROBOT_ENVS.items() if issubclass(env_class, base))
