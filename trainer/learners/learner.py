"""What a learner is: the part of a trial that makes a policy better."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

import gymnasium
import numpy as np
from numpy.typing import NDArray

from ...sandbox.vector import SandboxedEpisodes
from ...task import Between, Noun
from ..policy_files import Activation
from .network import HIDDEN, PolicyNetwork, Weights

RECENT_EPISODES = 50
"""How sure of itself a policy is, and whether new places are worth anything, follow the success
rate of so many."""
SEEN_SUCCESS_RATE = 0.05
"""From this rate on a task is accomplished now and then: there is no need to look elsewhere."""
MOST_LAYERS, MOST_WIDTH = 3, 512
"""Of hidden layers. A policy file has room for no more."""

Share = Annotated[float, Between(0.0, 1.0)]
Rate = Annotated[float, Between(1e-8, 0.1)]
"""A learning rate."""
Count = Annotated[int, Between(2, 100_000)]


@dataclass(frozen=True)
class TrainingEpisode:
    """An episode that ended in training."""

    environment: int
    success: bool
    earned: float
    """Sum of the task's own rewards."""
    steps: int
    """Agent steps."""
    network: int = 0
    """Which of the learner's networks acted."""


@dataclass(frozen=True)
class Settings(Noun):
    """The settings that every learner has. Steps are agent steps."""

    discount: Annotated[float, Between(0.0, 0.9999)] = 0.98
    """The factor by which a reward loses weight with each step that it lies ahead."""
    hidden: tuple[int, ...] = HIDDEN
    """Widths of the hidden layers. Policies of other shapes are tried in screening, but training
    does not begin from them."""
    success_bonus: Annotated[float, Between(0.0, 1e6)] = 50.0
    """The fixed part of the reward for a success, before normalisation."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.hidden) <= MOST_LAYERS or not all(
            1 <= width <= MOST_WIDTH for width in self.hidden
        ):
            raise ValueError(f"hidden is to be 1 to {MOST_LAYERS} widths of 1 to {MOST_WIDTH}")

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


class Learner(ABC):
    """Trains a network in the environments of a trial, once `reset` has begun episodes; some train
    more than one.

    Between calls of `improve` the weights of `networks` may be read and replaced. What is learned
    must follow from the seed and the number of steps alone, so that a trial can be repeated.
    """

    settings_class: ClassVar[type[Settings]]
    network: PolicyNetwork
    """What it trains; the first of the `networks` where there are several."""

    def __init__(self, episodes: SandboxedEpisodes, seed: int, settings: Any = None) -> None:
        """`settings` are of `settings_class`; None for those that it has by itself."""
        self.episodes = episodes
        self.settings = settings or self.settings_class()
        self.steps = 0
        """Agent steps so far, of all environments together."""

    @classmethod
    @abstractmethod
    def takes(cls, action_space: gymnasium.Space[Any]) -> bool:
        """Whether it can train with such actions: `Discrete`, or a `Box`."""

    @property
    def networks(self) -> Sequence[PolicyNetwork]:
        """All that it trains by now. Each acts in environments of its own: see `actor`."""
        return (self.network,)

    def actor(self, environment: int) -> int:
        """Which of the networks acts in an environment by now, by its place among them."""
        return 0

    def takes_up(self, network: PolicyNetwork) -> bool:
        """Whether training can begin from the weights of this network."""
        return network.shape == self.networks[0].shape

    @abstractmethod
    def reset(self, seed: int) -> None:
        """Begin new episodes everywhere: somebody else has used the environments."""

    @abstractmethod
    def restart(self, weights: Weights, activation: Activation | None = None) -> None:
        """Go on with one network that has other weights, those of a network that `takes_up` has
        accepted. `activation` is what follows its hidden layers; None for what training began
        with. Those in `networks` may be others afterwards."""

    @abstractmethod
    def improve(self) -> list[TrainingEpisode]:
        """Take some steps in every environment, and learn from them. Returns the episodes that
        ended, in the order of time and environment."""
