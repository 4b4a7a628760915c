"""The tasks in Taskwright's sandbox, for those who have it installed.

There they run in Taskwright's own world and not in the copy that this package carries.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import gymnasium
import numpy as np

from .catalogue import MANIFEST
from .conventions import outer_limit
from .vector import mode_named
from .world.actions import read_action
from .world.limits import TellsItsLimit

OF_PICTURES = ("render_mode", "vision", "camera", "width", "height", "renderer")


def vector_env(
    source: str,
    num_envs: int,
    robot: str,
    *,
    max_episode_steps: int | None = None,
    disable_env_checker: bool | None = None,
    autoreset_mode: Any = None,
    **keywords: Any,
) -> Any:
    """A `taskwright.TaskVectorEnv`; keywords are its own, and those of `TasksVectorEnv` where they
    ask for nothing that it has not. Raises ImportError without Taskwright."""
    if unfit := [name for name in OF_PICTURES if keywords.pop(name, None) is not None]:
        raise ValueError(f"{unfit[0]} is not for sandboxed environments, which give numbers only.")
    if autoreset_mode is not None and mode_named(autoreset_mode) != "same_step":
        raise ValueError(
            f"autoreset_mode is {autoreset_mode!r}; sandboxed environments have same_step only."
        )
    if disable_env_checker is False:
        raise ValueError(
            "disable_env_checker is False; sandboxed environments have no checker. Check one with "
            "make(..., sandboxed=True, disable_env_checker=False)."
        )
    try:
        taskwright = importlib.import_module("taskwright")
    except ImportError:
        raise ImportError(
            "sandboxed=True needs Taskwright, which is not installed here. Install it, or run the "
            "task unprotected without sandboxed=True."
        ) from None
    if taskwright.__version__ != MANIFEST["taskwright"]:
        warnings.warn(
            f"The task was made with Taskwright {MANIFEST['taskwright']} and runs in the world of "
            f"{taskwright.__version__} here: episodes may differ.",
            stacklevel=2,
        )
    steps = outer_limit(max_episode_steps)
    return taskwright.TaskVectorEnv(
        source, num_envs, robot=robot, max_episode_steps=steps, **keywords
    )


class SandboxedEnv(TellsItsLimit, gymnasium.Env[Any, Any]):
    """One task in a sandboxed process: the episodes are those of `TaskEnv`, seed for seed.

    Keywords are `action_repeat`, `time_limit` and `steered`; it cannot be drawn.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, source: str, robot: str, **keywords: Any) -> None:
        self._envs = vector_env(source, 1, robot, processes=1, **keywords)
        self.observation_space = self._envs.single_observation_space
        self.action_space = self._envs.single_action_space
        self.max_episode_steps = self._envs.max_episode_steps
        self._next: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        if seed is None and self._next is not None:
            # Where an episode ended, the next one has begun already.
            observation = self._next
        else:
            observation = self._envs.reset(seed=seed)[0][0]
        self._next = None
        return observation, {"is_success": False}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        action = np.asarray(read_action(action, self.action_space))
        observations, rewards, terminated, truncated, infos = self._envs.step(action[None])
        ended = bool(terminated[0] or truncated[0])
        details = infos["final_info"] if ended else infos
        info: dict[str, Any] = {"is_success": bool(details["is_success"][0])}
        info["reward_terms"] = {
            name: float(values[0])
            for name, values in details.get("reward_terms", {}).items()
            if not name.startswith("_") and details["reward_terms"][f"_{name}"][0]
        }
        observation = observations[0]
        if ended:
            self._next, observation = observation, infos["final_obs"][0]
            if "diagnosis" in details:
                info["diagnosis"] = details["diagnosis"][0]
        return observation, float(rewards[0]), bool(terminated[0]), bool(truncated[0]), info

    def close(self) -> None:
        self._envs.close()
