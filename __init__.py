"""Taskwright makes reinforcement-learning tasks without end.

Public names, loaded on first use so that `import taskwright` stays light:

- `TaskEnv`: a task as a Gymnasium environment
- `TaskVectorEnv`: many of it in sandboxed processes, as Gymnasium's `VectorEnv`
- `R2D2Env`, `AntEnv`, `HumanoidEnv`: what the tasks of a robot derive from
- `Archive`: the records of a run folder
- `TaskSampler`: which task a trainer should turn to next
- `Task`, `Idea`, `Outcome`, `Trial`, `Judgement`, `Record`: the nouns
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .archive.store import Archive
    from .curriculum import TaskSampler
    from .sandbox.vector_env import TaskVectorEnv
    from .task import Idea, Judgement, Outcome, Record, Task, Trial
    from .world import AntEnv, HumanoidEnv, R2D2Env, TaskEnv

__version__ = "0.1.0"

__all__ = [
    "AntEnv",
    "Archive",
    "HumanoidEnv",
    "Idea",
    "Judgement",
    "Outcome",
    "R2D2Env",
    "Record",
    "Task",
    "TaskEnv",
    "TaskSampler",
    "TaskVectorEnv",
    "Trial",
]

_HOMES = {
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
