"""How a trial learns: what the algorithms are told, the same for every task."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Settings:
    """What holds for both algorithms. Steps are agent steps."""

    discount: float = 0.98
    hidden: tuple[int, ...] = (128, 128)
    """Sizes of the hidden layers."""
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

    def but(self, **changes: Any) -> Self:
        """These settings with some of them changed."""
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True)
class SoftQSettings(Settings):
    """Of soft Q-learning (`soft_q`)."""

    moments: int = 32
    """Steps of each environment in one call of `improve`."""
    first_steps: int = 2_000
    """Steps of all environments before learning begins."""
    capacity_steps: int = 300_000
    """Steps that are kept to learn from."""
    updates_per_step: float = 0.25
    batch_size: int = 128
    learning_rate: float = 7e-4
    max_gradient_norm: float = 10.0
    steps_ahead: int = 3
    """After which rewards give way to what the network expects."""
    target_rate: float = 0.01
    """How much of the way to the network its slow copy goes with each update."""
    munchausen: float = 0.9
    """Which share of temperature times the logarithm of a choice's probability counts as reward."""
    least_munchausen: float = -1.0
    """Before that share is taken, this is the least it may be."""
    first_temperature: float = 0.03
    """Of normalised rewards."""
    temperature_rate: float = 0.002
    """By which share the temperature rises or falls with each update."""
    entropy: float = 0.7
    """Of choices, in nats, that the temperature brings about; six actions have at most 1.8."""
    last_entropy: float = 0.25
    """The same where all training episodes succeed; it falls from where half of them do."""
    novelty_worth: float = 0.3
    """What the first visit to a place is worth, beside normalised rewards, while hardly any episode
    succeeds; the n-th is worth this divided by the square root of n. See `visits`."""


@dataclass(frozen=True)
class PPOSettings(Settings):
    """Of proximal policy optimisation, in stable-baselines3."""

    steps: int = 128
    """Of each environment between two updates."""
    batch_size: int = 512
    epochs: int = 8
    learning_rate: float = 1e-3
    trace: float = 0.95
    """Lambda of generalised advantage estimation (Schulman et al. 2016, arXiv 1506.02438)."""
    entropy: float = 0.01
    """What a nat of the policy's entropy is worth."""
    clip: float = 0.2
    value_weight: float = 0.5
    max_gradient_norm: float = 0.5

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


SOFT_Q = SoftQSettings()
PPO_SETTINGS = PPOSettings()
