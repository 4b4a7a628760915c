"""Sandboxed episodes as a stable-baselines3 `VecEnv`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from ..sandbox.vector import SandboxedEpisodes


class SandboxedVecEnv(VecEnv):
    """What stable-baselines3 trains on.

    On top of the task's rewards, a success is worth `success_bonus` and the share `success_share`
    of what the episode has earned: rewards differ by orders of magnitude between tasks, and success
    must show beside them.

    `infos` of an ended episode hold `terminal_observation`, `TimeLimit.truncated`, `is_success`
    and `episode` (`r`: the return without the bonus, `l`: agent steps), as `Monitor` would give.
    """

    def __init__(
        self, episodes: SandboxedEpisodes, success_bonus: float = 0.0, success_share: float = 0.0
    ) -> None:
        super().__init__(episodes.count, episodes.observation_space, episodes.action_space)
        self.episodes = episodes
        self.success_bonus = success_bonus
        self.success_share = success_share
        self.next_seed = 0

    def reset(self) -> VecEnvObs:
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, dtype=np.int64)
        return self.episodes.reset(self.next_seed)

    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        steps = self.episodes.step(self._actions)
        rewards = steps.rewards.astype(np.float32)
        self._returns += rewards
        self._lengths += 1
        dones = steps.terminated | steps.truncated
        earned = np.maximum(self._returns, 0.0)
        bonus = self.success_bonus + self.success_share * earned
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
        # Success ends an episode here, so the bonus is paid once.
        paid = rewards + bonus * (dones & steps.successes)
        return steps.observations, paid.astype(np.float32), dones, infos

    def close(self) -> None:
        self.episodes.close()

    # Asked for by the base class; the environments live in other processes.

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        # stable-baselines3 asks for the render mode of every environment.
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(f"Sandboxed environments have no attribute {attr_name!r} to set.")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> Any:
        raise AttributeError(f"Sandboxed environments have no method {method_name!r} to call.")

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs
