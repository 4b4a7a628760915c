"""Environments by the names of their tasks; what the ids in Gymnasium's registry lead to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium

from .catalogue import TASKS, find, source
from .suite import SuiteEnv
from .vector import TasksVectorEnv
from .world import TaskEnv


def make(
    task: str | Sequence[str] | None = None, *, sandboxed: bool = False, **keywords: Any
) -> gymnasium.Env[Any, Any]:
    """A task as an environment, by its name, id or `task_id`; keywords as for `TaskEnv`, such as
    `render_mode="rgb_array"`, `camera="chase"`, `vision=(64, 64)`, or, for a robot that walks where
    it is told, `steered=True`.

    Several names, or none for all tasks, make a `SuiteEnv`, which takes up another task with each
    episode. `sandboxed` needs Taskwright and runs the task in a process that the kernel confines.
    Raises UnknownTask.
    """
    if not isinstance(task, str):
        if sandboxed:
            raise ValueError("A suite is not sandboxed. Make its tasks one at a time.")
        return SuiteEnv(task, **keywords)
    if sandboxed:
        from .sandboxed import SandboxedEnv

        return SandboxedEnv(source(task), find(task)["robot"], **keywords)
    return TaskEnv(source(task), **keywords)


def make_vec(
    task: str | Sequence[str] | None = None,
    num_envs: int = 1,
    *,
    sandboxed: bool = False,
    **keywords: Any,
) -> gymnasium.vector.VectorEnv[Any, Any, Any]:
    """Many environments of a task in a few processes; keywords as for `TasksVectorEnv`.

    Of several names, or of all tasks where there is none, environment i has the task i modulo their
    number. `sandboxed` needs Taskwright, and a single task. Raises UnknownTask.
    """
    names = [task] if isinstance(task, str) else list(TASKS if task is None else task)
    if not sandboxed:
        return TasksVectorEnv(names, num_envs, **keywords)
    if len(names) != 1:
        raise ValueError(f"{len(names)} tasks were named. Sandboxed environments have one task.")
    from .sandboxed import vector_env

    name = names[0]
    envs: gymnasium.vector.VectorEnv[Any, Any, Any]
    envs = vector_env(source(name), num_envs, find(name)["robot"], **keywords)
    return envs
