"""Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) by stable-baselines3: how a
trial learns with a robot whose joints are moved one by one."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize

from ...sandbox.vector import SandboxedEpisodes
from ..policies import make_model
from .learner import Episode, Learner
from .settings import PPO_SETTINGS
from .vec_env import SandboxedVecEnv


class PPOLearner(Learner):
    """Learns how likely each action had best be: torques, or choices, for comparison."""

    def __init__(self, episodes: SandboxedEpisodes, seed: int) -> None:
        super().__init__()
        self._env = SandboxedVecEnv(episodes, PPO_SETTINGS)
        self.model = make_model(episodes, seed)
        self.model.env = VecNormalize(self._env, norm_obs=False, gamma=PPO_SETTINGS.discount)

    def reset(self, seed: int) -> None:
        self._env.next_seed = seed
        self.model._last_obs = None

    def restart(self, weights: dict[str, Any]) -> None:
        policy: Any = self.model.policy
        policy.load_state_dict(weights)
        policy.optimizer = policy.optimizer_class(
            policy.parameters(), lr=PPO_SETTINGS.learning_rate, **policy.optimizer_kwargs
        )

    def improve(self) -> list[Episode]:
        ended = _Ended()
        rollout = PPO_SETTINGS.steps * self._env.num_envs
        self.model.learn(rollout, callback=ended, reset_num_timesteps=False)
        self.steps = self.model.num_timesteps
        self._recent += [episode.success for episode in ended.episodes]
        return ended.episodes


class _Ended(BaseCallback):
    """Takes down the episodes that end."""

    def __init__(self) -> None:
        super().__init__()
        self.episodes: list[Episode] = []

    def _on_step(self) -> bool:
        for environment, info in enumerate(self.locals["infos"]):
            if "episode" in info:
                told = info["episode"]
                self.episodes.append(Episode(environment, info["is_success"], told["r"], told["l"]))
        return True
