"""The robots there are. To add one, write its file in this folder and add its line to `ROBOTS`.

A robot's file is named as the robot is, and holds two classes. One derives from `Robot` and says
all that is known of it: its body, its actions, what it feels, its gait, what it can do without
looking, the keys that drive it, and what a model is told of it. The other is the base class of its
tasks.

The list itself loads neither PyBullet nor numpy: a robot's file is read when it is first asked for.
"""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gymnasium
    import numpy as np
    from gymnasium.spaces import Box

    from ..base import BaseEnv
    from ..robot import Robot


@dataclass(frozen=True)
class Entry:
    """What has to be known of a robot before its file is read."""

    base: str
    """The base class of its tasks."""
    steered: bool = False
    """Whether it has a gait, so that its agents choose where it goes."""
    played: bool = False
    """Whether a person can drive it with keys."""


ROBOTS: dict[str, Entry] = {
    "r2d2": Entry("R2D2Env", played=True),
    "ant": Entry("AntEnv", steered=True, played=True),
    "humanoid": Entry("HumanoidEnv", steered=True, played=True),
    "panda": Entry("PandaEnv", steered=True, played=True),
}


@functools.cache
def robot_env(robot: str) -> type[BaseEnv]:
    """The base class of a robot's tasks.

    Args:
        robot: Its name in `ROBOTS`.

    Returns:
        The class; the robot's file is read where it was not yet.

    Raises:
        KeyError: There is no such robot.
    """
    base = ROBOTS[robot].base
    env: type[BaseEnv] = getattr(importlib.import_module(f".{robot}", __name__), base)
    return env


def robot_class(robot: str) -> type[Robot]:
    """The class that holds all that is known of a robot.

    Args:
        robot: Its name in `ROBOTS`.

    Returns:
        The class, which derives from `Robot`.

    Raises:
        KeyError: There is no such robot.
    """
    from ..base import robot_class_of

    return robot_class_of(robot_env(robot))


def offered(robot: str) -> dict[str, str]:
    """What tasks have of a robot in `self.robot` that other robots do not have.

    Args:
        robot: Its name in `ROBOTS`.

    Returns:
        By how it is written in Python, such as `self.robot.holds(body)`, the first sentence of its
        docstring, without its full stop; empty where there is nothing.

    Raises:
        KeyError: There is no such robot.
    """
    kind = robot_class(robot)
    told = {}
    for name in kind.offers:
        member = inspect.getattr_static(kind, name)
        parameters = "" if isinstance(member, property) else _parameters(member)
        sentence = (member.__doc__ or "").partition("\n\n")[0].partition(". ")[0]
        told[f"self.robot.{name}{parameters}"] = " ".join(sentence.split()).removesuffix(".")
    return told


def _parameters(function: Any) -> str:
    """The names of the parameters of a method in brackets, without `self`."""
    return f"({', '.join(list(inspect.signature(function).parameters)[1:])})"


def robot_spaces(
    robot: str, *, steered: bool = False
) -> tuple[Box[np.float32], gymnasium.Space[Any]]:
    """The spaces that every task of a robot has.

    Args:
        robot: Its name in `ROBOTS`.
        steered: Whether the actions are the commands of its gait. Where it has none, they are its
            own all the same.

    Returns:
        The observation space, float32, shape (size,), and the action space; both new ones.

    Raises:
        KeyError: There is no such robot.
    """
    import numpy as np
    from gymnasium.spaces import Box

    from ..scene import BOUND, SceneObserver

    kind = robot_class(robot)
    size = kind.proprioception_size + SceneObserver.size
    observation_space = Box(-BOUND, BOUND, (size,), np.float32)
    actions = kind.gait().commands if steered and kind.gait else kind.action_space
    # A copy, because a space carries the random stream of its `sample`.
    return observation_space, copy.deepcopy(actions)


def robot_of(env_class: type[BaseEnv]) -> str:
    """The robot that an environment class is for.

    Args:
        env_class: A class that derives from the base class of a robot's tasks.

    Returns:
        The robot's name in `ROBOTS`.
    """
    return next(name for name in ROBOTS if issubclass(env_class, robot_env(name)))
