"""The simulator side: what a task is made of and how it runs.

- `base.BaseEnv`: what a task inherits; `r2d2.R2D2Env`: the same with R2D2 in it
- `robot`: links and joints; `client`: PyBullet bound to one world, for trusted code
- `task_client`: what a task has of it, as `calls` and `arguments` say
- `facades`: what a task has of numpy, math and random, as `allowed` says; `frozen`: how it stays so
- `contract`: the errors that tell a task what it does wrong
- `scene`: the egocentric observation, made of `boxes`; `rendering`: pictures on the CPU
- `loading.LoadedTask`: from source code to an environment class
- `task_env.TaskEnv`: the Gymnasium environment that trainers use

Depends on pybullet, numpy and gymnasium only, and on nothing else of ours: exported tasks carry a
copy of this folder.
"""

from .base import BaseEnv
from .contract import ContractError
from .loading import LoadedTask, LoadError
from .r2d2 import R2D2Env
from .task_env import TaskEnv

__all__ = ["BaseEnv", "ContractError", "LoadError", "LoadedTask", "R2D2Env", "TaskEnv"]
