"""The simulator side: what a task is made of and how it runs.

- `base.BaseEnv`: what a task inherits
- `robots`: the list of the robots, and a file for each: `r2d2.R2D2Env`, `ant.AntEnv`,
  `humanoid.HumanoidEnv` and `panda.PandaEnv` are the same with a robot in it; `articulated`: what
  walking robots share; `gait` and `humanoid_gait`: legs that go where they are told; `panda_gait`:
  a hand that does
- `robot`: links and joints; `manual`: what people and models are told of a robot;
  `data_sheets`: what was measured of it
- `client`: PyBullet bound to one world, for trusted code (`bullet` imports it without a word), and
  what a task has of it, as `calls` and `arguments` say
- `language`: what a task has of numpy, math and random (`facades`), as `allowed` says, and
  `loading.LoadedTask`: from source code to an environment class; `frozen`: how it stays so
- `contract`: the errors that tell a task what it does wrong; `actions`: the one that tells whoever
  acts, and which actions are taken
- `scene`: the egocentric observation, made of `boxes`; `pictures.vision`: a picture with depth
  from the robot's eye; `sanity`: whether a world is still one
- `pictures`: taken by `rendering` from a `camera`, which frames the `subjects` of a task;
  `painting`: large boxes, quickly; `egl`: on the GPU
- `task_env.TaskEnv`: the Gymnasium environment that trainers use; `limits`: how its `spec` tells
  the longest episode

Depends on pybullet, numpy and gymnasium only, and on nothing else of ours: exported tasks carry a
copy of this folder. Names are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .robots import ROBOTS, robot_env

if TYPE_CHECKING:
    from .actions import ActionError
    from .base import BaseEnv
    from .contract import ContractError
    from .language.loading import LoadedTask, LoadError
    from .robots.ant import AntEnv
    from .robots.humanoid import HumanoidEnv
    from .robots.panda import PandaEnv
    from .robots.r2d2 import R2D2Env
    from .task_env import TaskEnv

_HOMES = {
    "ActionError": ".actions",
    "BaseEnv": ".base",
    "ContractError": ".contract",
    "LoadError": ".language.loading",
    "LoadedTask": ".language.loading",
    "TaskEnv": ".task_env",
}
_BASES = {entry.base: robot for robot, entry in ROBOTS.items()}

__all__ = [
    "ActionError",
    "AntEnv",
    "BaseEnv",
    "ContractError",
    "HumanoidEnv",
    "LoadError",
    "LoadedTask",
    "PandaEnv",
    "R2D2Env",
    "TaskEnv",
]
__all__ += _BASES.keys() - set(__all__)


def __getattr__(name: str) -> Any:
    # The list of robots can be read here without PyBullet, which everything else needs.
    if name in _BASES:
        return robot_env(_BASES[name])
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name], __name__), name)
