"""The simulator side: what a task is made of and how it runs.

- `base.BaseEnv`: what a task inherits
- `r2d2.R2D2Env`, `ant.AntEnv`, `humanoid.HumanoidEnv`: the same with a robot in it
- `robot`: links and joints; `articulated`: what walking robots share; `gait`: legs that go where
  they are told; `robots`: the list of them
- `bullet`: PyBullet itself, imported without a word
- `client`: PyBullet bound to one world, for trusted code
- `task_client`: what a task has of it, as `calls` and `arguments` say
- `facades`: what a task has of numpy, math and random, as `allowed` says; `frozen`: how it stays so
- `contract`: the errors that tell a task what it does wrong; `actions`: the one that tells whoever
  acts, and which actions are taken
- `scene`: the egocentric observation, made of `boxes`; `vision`: a picture with depth from the
  robot's eye; `sanity`: whether a world is still one
- `rendering`: pictures, taken from a `camera`, which frames the `subjects` of a task; `painting`:
  large boxes, quickly; `egl`: on the GPU
- `loading.LoadedTask`: from source code to an environment class
- `task_env.TaskEnv`: the Gymnasium environment that trainers use; `limits`: how its `spec` tells
  the longest episode

Depends on pybullet, numpy and gymnasium only, and on nothing else of ours: exported tasks carry a
copy of this folder.
"""

from .actions import ActionError
from .base import BaseEnv
from .contract import ContractError
from .language.loading import LoadedTask, LoadError
from .robots.ant import AntEnv
from .robots.humanoid import HumanoidEnv
from .robots.r2d2 import R2D2Env
from .task_env import TaskEnv

__all__ = [
    "ActionError",
    "AntEnv",
    "BaseEnv",
    "ContractError",
    "HumanoidEnv",
    "LoadError",
    "LoadedTask",
    "R2D2Env",
    "TaskEnv",
]
