"""Reinforcement-learning tasks, made by Taskwright, as Gymnasium environments on PyBullet.

**The files in `tasks/` were written by a program or a language model, and using this package runs
them, with all the rights that you have.** Nothing contains them here. They were checked and run in
a sandbox when they were made; `README.md` says under which isolation. Where Taskwright is
installed, `make(..., sandboxed=True)` and `make_vec(..., sandboxed=True)` run them in its sandbox.

- `task_ids()`: what to give to `gymnasium.make`; the part before the colon imports this package, in
  worker processes too
- `metadata(task)`: everything that is known of a task; `source(task)`: its code
- `make(task)`, `make_vec(task, num_envs)`: environments, without the registry
- `load_policy(task)`: the trained policy, where the package has one
- `suite.SuiteEnv`: all tasks as one environment that changes its task from episode to episode

`python -m` with the name of this package lists the tasks and checks them.
"""

from .catalogue import MANIFEST, UnknownTask, metadata, source, task_ids
from .making import make, make_vec
from .policy import Policy, load_policy
from .registration import register
from .suite import SuiteEnv

__version__ = MANIFEST["version"]
__all__ = [
    "Policy",
    "SuiteEnv",
    "UnknownTask",
    "load_policy",
    "make",
    "make_vec",
    "metadata",
    "source",
    "task_ids",
]

register()
