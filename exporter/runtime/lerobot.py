"""The tasks in the form that LeRobot's EnvHub asks for; `env.py` beside the package leads here.

Observations are dicts: `agent_pos` (what `TaskEnv` gives) and, with pictures, `pixels` (from behind
the robot). Actions are numbers from -1 to 1; of a robot with discrete actions there is a score for
each, and the highest is taken. Needs Gymnasium 1.1 or later, as LeRobot does.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from .catalogue import PACKAGE, TASKS, find
from .making import make
from .world.actions import read_action

MAX_WORKERS = 64


class LeRobotEnv(gymnasium.Env[Any, Any]):
    """A task as LeRobot's policies and its evaluation take it. Its world is opened by the first
    reset, so that a suite of hundreds costs nothing until it is played."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012

    def __init__(self, task: str, *, pixels: tuple[int, int] | None = None) -> None:
        entry = find(task)
        self.task = entry["name"]
        self.task_description = f"{entry['description']} {entry['success']}"
        self._max_episode_steps = entry["max_episode_steps"]
        self.render_mode = "rgb_array"
        self._env: Any = None
        self._pixels = pixels
        with_spaces = make(task)
        state, self._actions = with_spaces.observation_space, with_spaces.action_space
        with_spaces.close()
        spaces: dict[str, Any] = {"agent_pos": state}
        if pixels is not None:
            spaces["pixels"] = Box(0, 255, (*pixels, 3), np.uint8)
        self.observation_space = Dict(spaces)
        self.action_space = self._actions
        if isinstance(self._actions, Discrete):
            count = int(self._actions.n)
            self.action_space = Box(-1.0, 1.0, (count,), np.float32)
            # Which is the highest is asked of scores as they are given, however high.
            self._scores = Box(-np.inf, np.inf, (count,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        if self._env is None:
            height, width = self._pixels or (240, 320)
            keywords: dict[str, Any] = {"camera": "chase", "width": width, "height": height}
            self._env = make(self.task, render_mode="rgb_array", **keywords)
        observation, info = self._env.reset(seed=seed)
        return self._seen(observation), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if isinstance(self._actions, Discrete):
            action = int(np.argmax(read_action(action, self._scores)))
        observation, *rest, info = self._begun("step").step(action)
        return self._seen(observation), *rest, info

    def _seen(self, state: Any) -> dict[str, Any]:
        seen = {"agent_pos": state}
        return seen if self._pixels is None else {**seen, "pixels": self._env.render()}

    def render(self) -> Any:
        return self._begun("render").render()

    def _begun(self, call: str) -> Any:
        if self._env is None:
            raise ResetNeeded(f"No episode has begun. Call `reset` before `{call}`.")
        return self._env

    def close(self) -> None:
        if self._env is not None:
            self._env.close()


def make_env(
    n_envs: int = 1,
    use_async_envs: bool = False,
    tasks: Sequence[str] | None = None,
    pixels: tuple[int, int] | None = None,
) -> dict[str, dict[int, Any]]:
    """All tasks, or the named ones, as `{package: {number: vector environment}}`."""
    names = [find(task)["name"] for task in (TASKS if tasks is None else tasks)]
    if use_async_envs and len(names) * n_envs > MAX_WORKERS:
        raise ValueError(
            f"{len(names)} tasks of {n_envs} environments are {len(names) * n_envs} processes. "
            "Name fewer tasks, or leave use_async_envs away."
        )
    kind: Any = AsyncVectorEnv if use_async_envs else SyncVectorEnv
    return {
        PACKAGE: {
            number: kind(
                [functools.partial(LeRobotEnv, name, pixels=pixels)] * n_envs,
                autoreset_mode=AutoresetMode.SAME_STEP,
            )
            for number, name in enumerate(names)
        }
    }
