"""How a trial learns: what the algorithm is told, the same for every task."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Settings:
    """Of proximal policy optimisation. Steps are agent steps."""

    steps: int = 128
    """Of each environment between two updates."""
    batch_size: int = 512
    epochs: int = 8
    learning_rate: float = 1e-3
    discount: float = 0.98
    trace: float = 0.95
    """Lambda of generalised advantage estimation (Schulman et al. 2016, arXiv 1506.02438)."""
    entropy: float = 0.01
    """What a nat of the policy's entropy is worth."""
    least_boldness: float = 0.2
    """The share of the learning rate and of what entropy is worth that is left where nearly all
    training episodes succeed. Both fall once half of them do: bold steps find what succeeds, small
    ones keep it."""
    clip: float = 0.2
    largest_divergence: float = math.inf
    """KL divergence from the policy that acted, after which an update ends."""
    critic_steps: int = 0
    """After a start from other weights, for how long only the critic learns."""
    value_weight: float = 0.5
    max_gradient_norm: float = 0.5
    hidden: tuple[int, ...] = (128, 128)
    """Sizes of the hidden layers, of policy and value network alike."""
    exploration_bonus: float = 0.3
    """What the first visit to a place is worth to a curious learner, after normalisation; the n-th
    is worth this divided by the square root of n. See `visits`."""
    success_bonus: float = 50.0
    """Part of what a success is worth, before normalisation: see `success_worth`."""

    def success_worth(
        self, earned: NDArray[np.float64], steps: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """What it is worth to succeed in episodes that have earned so much in so many steps, shape
        (episodes,): the bonus, and what they would have earned had they gone on as before, as far
        ahead as the discount looks.

        Success is what a trial asks about, and it ends an episode. Most tasks reward each step that
        the robot survives: without this, the best policy would put off success to the last.
        """
        ahead = 1.0 / (1.0 - self.discount)
        return self.success_bonus + ahead * np.maximum(earned, 0.0) / steps

    def but(self, **changes: Any) -> Settings:
        """These settings with some of them changed."""
        return dataclasses.replace(self, **changes)

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


SETTINGS = Settings()
GENTLE = SETTINGS.but(
    learning_rate=2e-4,
    least_boldness=1.0,
    entropy=0.0,
    largest_divergence=0.02,
    critic_steps=8_000,
)
"""For a gait, a cycle that small errors throw out of step. With the settings of a trial from
scratch, a critic that knows nothing of the task and noise that earns a bonus, a walker soon falls,
and does not get up."""
PPO_SETTINGS = SETTINGS.for_stable_baselines3
