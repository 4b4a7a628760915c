"""Sandboxed episodes as a stable-baselines3 `VecEnv`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from ...sandbox.vector import SandboxedEpisodes
from ...world.actions import read_actions
from .learner import Settings


class RemoteVecEnv(VecEnv):
    """A `VecEnv` whose environments live in other processes, which cannot be asked for anything."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        # stable-baselines3 asks for the render mode of every environment.
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(f"Sandboxed environments have no attribute {attr_name!r} to set.")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> Any:
        raise AttributeError(f"Sandboxed environments have no method {method_name!r} to call.")

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


class SandboxedVecEnv(RemoteVecEnv):
    """What stable-baselines3 trains on.

    On top of the task's rewards, a success is worth what `settings` say; without them, nothing.

    `infos` of an ended episode hold `terminal_observation`, `TimeLimit.truncated`, `is_success`
    and `episode` (`r`: the return without that, `l`: agent steps), as `Monitor` would give.
    """

    def __init__(self, episodes: SandboxedEpisodes, settings: Settings | None = None) -> None:
        super().__init__(episodes.count, episodes.observation_space, episodes.action_space)
        self.episodes = episodes
        self.settings = settings
        self.next_seed = 0

    def reset(self) -> VecEnvObs:
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, dtype=np.int64)
        return self.episodes.reset(self.next_seed)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Raises ActionError where they are not in the action space."""
        self._actions = read_actions(actions, self.action_space, self.num_envs)

    def step_wait(self) -> VecEnvStepReturn:
        steps = self.episodes.step(self._actions)
        rewards = steps.rewards.astype(np.float32)
        self._returns += rewards
        self._lengths += 1
        dones = steps.terminated | steps.truncated
        if self.settings is not None:
            worth = self.settings.success_worth(self._returns, self._lengths)
            # Success ends an episode here, so this is paid once.
            rewards += worth * (dones & steps.successes)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for n in np.flatnonzero(dones):
            infos[n] = {
                "terminal_observation": steps.final_observations[n],
                "TimeLimit.truncated": bool(steps.truncated[n] and not steps.terminated[n]),
                "is_success": bool(steps.successes[n]),
                "episode": {"r": float(self._returns[n]), "l": int(self._lengths[n])},
            }
        self._returns[dones] = 0.0
        self._lengths[dones] = 0
        return steps.observations, rewards, dones, infos

    def close(self) -> None:
        self.episodes.close()
