"""Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) by stable-baselines3: how a
trial learns with a robot whose joints are moved one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import gymnasium
from gymnasium.spaces import Box, Discrete
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize

from ...sandbox.vector import SandboxedEpisodes
from ...task import Between
from ..policy_files import Activation
from .learner import Count, Learner, Rate, Settings, Share, TrainingEpisode
from .network import PolicyNetwork, Weights
from .vec_env import SandboxedVecEnv


@dataclass(frozen=True)
class PPOSettings(Settings):
    """The settings of proximal policy optimisation."""

    steps: Annotated[int, Between(2, 4_096)] = 128
    """Steps of each environment between two updates."""
    batch_size: Count = 512
    """Steps in a minibatch."""
    epochs: Annotated[int, Between(1, 100)] = 8
    """How often each update goes through the steps."""
    learning_rate: Rate = 1e-3
    """The learning rate of Adam."""
    trace: Share = 0.95
    """Lambda of generalised advantage estimation (Schulman et al. 2016, arXiv 1506.02438)."""
    entropy: Share = 0.01
    """The weight of the policy's entropy, in nats, in the objective."""
    clip: Annotated[float, Between(1e-3, 1.0)] = 0.2
    """How far the probability ratio of an action may move from 1 in an update."""
    value_weight: Annotated[float, Between(0.0, 100.0)] = 0.5
    """The weight of the value function's loss."""
    max_gradient_norm: Annotated[float, Between(1e-3, 1e6)] = 0.5
    """Gradients of a larger norm are scaled down to it."""

    @property
    def for_stable_baselines3(self) -> dict[str, Any]:
        """The same in the words of its `PPO`."""
        return {
            "n_steps": self.steps,
            "batch_size": self.batch_size,
            "n_epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "gamma": self.discount,
            "gae_lambda": self.trace,
            "ent_coef": self.entropy,
            "clip_range": self.clip,
            "vf_coef": self.value_weight,
            "max_grad_norm": self.max_gradient_norm,
            "policy_kwargs": {"net_arch": list(self.hidden)},
        }


PPO_SETTINGS = PPOSettings()


class PPOLearner(Learner):
    """Learns how likely each action had best be: torques, or choices, for comparison."""

    settings_class = PPOSettings
    settings: PPOSettings

    def __init__(
        self, episodes: SandboxedEpisodes, seed: int, settings: PPOSettings | None = None
    ) -> None:
        super().__init__(episodes, seed, settings)
        self._env = SandboxedVecEnv(episodes, self.settings)
        keywords = self.settings.for_stable_baselines3
        rollout = self.settings.steps * episodes.count
        if rollout % self.settings.batch_size:
            # Batches of different sizes weigh steps differently, of which it would warn.
            keywords["batch_size"] = rollout
        self.model = PPO("MlpPolicy", self._env, seed=seed, device="cpu", **keywords)
        self.model.env = VecNormalize(self._env, norm_obs=False, gamma=self.settings.discount)
        self.network = PolicyNetwork.of_stable_baselines3(self.model.policy)

    @classmethod
    def takes(cls, action_space: gymnasium.Space[Any]) -> bool:
        return isinstance(action_space, Discrete | Box)

    def reset(self, seed: int) -> None:
        self._env.next_seed = seed
        self.model._last_obs = None

    def restart(self, weights: Weights, activation: Activation | None = None) -> None:
        self.network.load_state_dict(weights)
        policy: Any = self.model.policy
        policy.optimizer = policy.optimizer_class(
            policy.parameters(), lr=self.settings.learning_rate, **policy.optimizer_kwargs
        )

    def improve(self) -> list[TrainingEpisode]:
        ended = _Ended()
        rollout = self.settings.steps * self._env.num_envs
        self.model.learn(rollout, callback=ended, reset_num_timesteps=False)
        self.steps = self.model.num_timesteps
        return ended.episodes


class _Ended(BaseCallback):
    """Takes down the episodes that end."""

    def __init__(self) -> None:
        super().__init__()
        self.episodes: list[TrainingEpisode] = []

    def _on_step(self) -> bool:
        for environment, info in enumerate(self.locals["infos"]):
            if "episode" in info:
                sums = info["episode"]
                self.episodes.append(
                    TrainingEpisode(environment, info["is_success"], sums["r"], sums["l"])
                )
        return True
