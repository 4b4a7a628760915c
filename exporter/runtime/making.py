"""Environments by the names of their tasks; what the ids in Gymnasium's registry lead to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium

from .catalogue import TASKS, find, source
from .conventions import outer_limit, spec_of, wrapped
from .suite import SuiteEnv
from .vector import TasksVectorEnv
from .world import TaskEnv

OF_GYMNASIUM = ("vectorization_mode", "vector_kwargs", "wrappers")


def make(
    task: str | Sequence[str] | None = None,
    *,
    sandboxed: bool = False,
    max_episode_steps: int | None = None,
    disable_env_checker: bool | None = None,
    **keywords: Any,
) -> gymnasium.Env[Any, Any]:
    """A task as an environment, by its name, id or `task_id`; keywords as for `TaskEnv`, such as
    `render_mode="rgb_array"`, `camera="chase"`, `vision=(64, 64)`, or, for a robot that walks where
    it is told, `steered=True`.

    Several names, or none for all tasks, make a `SuiteEnv`, which takes up another task with each
    episode. `sandboxed` needs Taskwright and runs the task in a process that the kernel confines.
    `max_episode_steps` puts a `TimeLimit` of Gymnasium's around it, and `disable_env_checker=False`
    a `PassiveEnvChecker`. Raises UnknownTask.
    """
    steps = outer_limit(max_episode_steps)
    name = find(task)["name"] if isinstance(task, str) else None
    env: gymnasium.Env[Any, Any]
    if sandboxed:
        if name is None:
            raise ValueError("A suite is not sandboxed. Make its tasks one at a time.")
        from .sandboxed import SandboxedEnv

        env = SandboxedEnv(source(name), find(name)["robot"], **keywords)
        keywords["sandboxed"] = True
    elif name is not None:
        env = TaskEnv(source(name), **keywords)
    else:
        env = SuiteEnv(task, **keywords)
        if task is not None:
            keywords["task"] = list(task)
    env.spec = spec_of(name, keywords)
    return wrapped(env, steps, disable_env_checker)


# So `gymnasium.make` knows it too, and can give pictures in lists and in windows.
make.metadata = TaskEnv.metadata  # type: ignore[attr-defined]


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
    if theirs := [name for name in OF_GYMNASIUM if name in keywords]:
        raise ValueError(
            f"{theirs[0]} is not for these environments. Give it to gymnasium.make_vec, or call "
            "gymnasium.vector.SyncVectorEnv or AsyncVectorEnv yourself."
        )
    names = [task] if isinstance(task, str) else list(TASKS if task is None else task)
    envs: gymnasium.vector.VectorEnv[Any, Any, Any]
    if not sandboxed:
        envs = TasksVectorEnv(names, num_envs, **keywords)
    elif len(names) == 1:
        from .sandboxed import vector_env

        envs = vector_env(source(names[0]), num_envs, find(names[0])["robot"], **keywords)
        keywords["sandboxed"] = True
    else:
        raise ValueError(f"{len(names)} tasks were named. Sandboxed environments have one task.")
    name = find(task)["name"] if isinstance(task, str) else None
    if name is None and task is not None:
        keywords["task"] = names
    more = {"num_envs": num_envs, "vectorization_mode": "vector_entry_point"}
    envs.spec = spec_of(name, {**keywords, **more})
    return envs
