"""Taskwright makes reinforcement-learning tasks without end.

```python
import taskwright as tw

task = tw.load_task("pole.py")
outcome = tw.check(task)
trial = tw.train(task, seed=0)
archive = tw.open_archive("runs/first")
env = tw.make(archive.kept()[0])
```

What it does:

- `load_task`, `check`, `train`: a task, the staged checks on it, and whether it can be learned
- `run`, `open_archive`, `export`: make tasks in a run folder, look at them, write them as a package
- `make`, `make_vec`, `register`: tasks as Gymnasium environments

What it is made of:

- `Task`, `Idea`, `Outcome`, `Trial`, `Judgement`, `Record`: the nouns
- `Archive`: the records of a run folder
- `TaskEnv`: a task as a Gymnasium environment
- `TaskVectorEnv`: many of it in sandboxed processes, as Gymnasium's `VectorEnv`
- `R2D2Env`, `AntEnv`, `HumanoidEnv`, `PandaEnv`: what the tasks of a robot derive from
- `TaskSampler`: which task a trainer should turn to next

All of these are loaded on first use, so that `import taskwright` stays light.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import check, export, load_task, make, make_vec, open_archive, register, run, train
    from .archive.store import Archive
    from .curriculum import TaskSampler
    from .sandbox.vector_env import TaskVectorEnv
    from .task import Idea, Judgement, Outcome, Record, Task, Trial
    from .world import AntEnv, HumanoidEnv, PandaEnv, R2D2Env, TaskEnv

__version__ = "0.1.0"

__all__ = [
    "AntEnv",
    "Archive",
    "HumanoidEnv",
    "Idea",
    "Judgement",
    "Outcome",
    "PandaEnv",
    "R2D2Env",
    "Record",
    "Task",
    "TaskEnv",
    "TaskSampler",
    "TaskVectorEnv",
    "Trial",
    "check",
    "export",
    "load_task",
    "make",
    "make_vec",
    "open_archive",
    "register",
    "run",
    "train",
]

_FUNCTIONS = (
    *("check", "export", "load_task", "make", "make_vec"),
    *("open_archive", "register", "run", "train"),
)
_HOMES = {
    **dict.fromkeys(_FUNCTIONS, ".api"),
    "Archive": ".archive.store",
    "TaskSampler": ".curriculum",
    "TaskVectorEnv": ".sandbox.vector_env",
    "TaskEnv": ".world",
    **dict.fromkeys(("Idea", "Judgement", "Outcome", "Record", "Task", "Trial"), ".task"),
}


def __getattr__(name: str) -> Any:
    from .task import ROBOT_BASES

    home = ".world" if name in ROBOT_BASES.values() else _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(home, __name__), name)


if "gymnasium" in sys.modules and os.environ.get("TASKWRIGHT_RUNS"):
    # `gymnasium.make("taskwright:...")` imports us to find the id.
    for _run_dir in filter(None, os.environ["TASKWRIGHT_RUNS"].split(os.pathsep)):
        __getattr__("register")(_run_dir)
