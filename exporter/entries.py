"""`tasks.json`: everything that is known of the tasks in an exported package, for machines.

One document: `schema` (1), `package`, `version`, `taskwright` (the version that exported), `suite`
(the name of the environment of all tasks), `isolation` (under which the tasks were checked, and
what there is here), `world_sha256` (of the files of the world) and `tasks`, a list of entries with

`name`, `id`, `file`, `task_id`, `sha256` (of the file), `robot`, `title`, `description`, `success`,
`rewards`, `termination`; `observation_space`, `action_space`, `action_repeat`, `time_limit`
(physics steps), `max_episode_steps` (agent steps), `step_s` (seconds of an agent step); `steered`,
whether the agent that learned it chose among the commands of the robot's gait; `status`,
`reason`, `written_by`, `strategy`, `parents` (their `task_id`s, also of tasks that are not in the
package), `journey`, `novelty`, `created_at`; `success_before`, `success_after`, `episodes`,
`interval` (95 %, Wilson), `train_steps` (agent steps), `train_seconds`, `warm_start`; `seeds` (of
the `run` and of the `trial`); `picture` and `policy`, paths or null.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from ..presentation.names import task_names
from ..task import STEERED, Record, Task
from ..world.base import BaseEnv
from ..world.limits import longest_episode
from ..world.robots import robot_spaces
from ..world.task_env import ACTION_REPEAT, TIME_LIMIT
from .provenance import Provenance

SCHEMA = 1


def entries_of(
    records: Sequence[Record], package: str, provenance: Provenance
) -> list[dict[str, Any]]:
    """An entry for each record; all must have a task."""
    titles = [(record.idea.title, record.task_id or "") for record in records]
    entries = []
    for record, named in zip(records, task_names(titles, package), strict=True):
        assert record.task is not None
        entries.append(
            {
                "name": named.name,
                "id": f"{package}:{named.name}-v0",
                "file": f"tasks/{named.file}",
                **_source(record.task),
                "title": record.idea.title,
                "description": record.idea.description,
                "success": record.idea.success,
                "rewards": record.idea.rewards,
                "termination": record.idea.termination,
                **_interface(record.task.robot),
                **_origin(record, provenance),
                **_evidence(record, provenance),
                "picture": None,
                "policy": None,
            }
        )
    return entries


def _source(task: Task) -> dict[str, Any]:
    digest = hashlib.sha256(task.source.encode()).hexdigest()
    return {"task_id": task.task_id, "sha256": digest, "robot": task.robot}


def _interface(robot: str) -> dict[str, Any]:
    observation_space, action_space = robot_spaces(robot)
    return {
        "observation_space": space_as_json(observation_space),
        "action_space": space_as_json(action_space),
        "action_repeat": ACTION_REPEAT,
        "time_limit": TIME_LIMIT,
        "max_episode_steps": longest_episode(TIME_LIMIT, ACTION_REPEAT),
        "step_s": round(ACTION_REPEAT * BaseEnv.dt, 6),
        "steered": robot in STEERED,
    }


def space_as_json(space: Any) -> dict[str, Any]:
    """A robot's space. One number stands for bounds that are the same everywhere."""
    if isinstance(space, Discrete):
        return {"type": "Discrete", "n": int(space.n)}
    assert isinstance(space, Box)
    bounds = [np.unique(bound).tolist() for bound in (space.low, space.high)]
    low, high = (
        values[0] if len(values) == 1 else bound.tolist()
        for values, bound in zip(bounds, (space.low, space.high), strict=True)
    )
    shape = list(space.shape)
    return {"type": "Box", "shape": shape, "dtype": str(space.dtype), "low": low, "high": high}


def _origin(record: Record, provenance: Provenance) -> dict[str, Any]:
    return {
        "status": record.status,
        "reason": record.reason,
        "written_by": provenance.author(record),
        "strategy": record.idea.strategy,
        "parents": list(record.idea.parents),
        "journey": record.number,
        "novelty": record.novelty,
        "created_at": record.created_at,
    }


def _evidence(record: Record, provenance: Provenance) -> dict[str, Any]:
    trial = record.trial
    return {
        "success_before": trial.success_before if trial else None,
        "success_after": trial.success_after if trial else None,
        "episodes": trial.episodes if trial else 0,
        "interval": list(trial.interval) if trial and trial.interval else None,
        "train_steps": trial.steps if trial else 0,
        "train_seconds": trial.seconds if trial else 0.0,
        "warm_start": trial.warm_start if trial else None,
        "seeds": {"run": provenance.run_seed, "trial": trial.seed if trial else None},
    }
