"""What a trial's learners have in common. Which one learns follows from the robot's actions:

======= ========================================================================================
soft_q  soft Q-learning, for robots that choose among actions: R2D2, and the Ant, which chooses
        where its gait carries it
ppo     PPO, for a robot without a gait, whose joints are moved one by one: the Humanoid
======= ========================================================================================
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import Any

from stable_baselines3 import PPO

RECENT_EPISODES = 50
"""How sure of itself a policy is, and whether new places are worth anything, follow the success
rate of so many."""
SEEN_SUCCESS_RATE = 0.05
"""From this rate on a task is accomplished now and then: there is no need to look elsewhere."""


@dataclass(frozen=True)
class Episode:
    """One that ended in training."""

    environment: int
    success: bool
    earned: float
    """Sum of the task's own rewards."""
    steps: int
    """Agent steps."""


class Learner(ABC):
    """Trains a model, once `reset` has begun episodes. Between calls of `improve` its weights may
    be read or replaced."""

    model: PPO
    """The policy, as a model of stable-baselines3's PPO, which is also its file format."""

    def __init__(self) -> None:
        self.steps = 0
        """Agent steps so far, of all environments together."""
        self._recent: deque[bool] = deque(maxlen=RECENT_EPISODES)

    @property
    def success_rate(self) -> float:
        """Of the last training episodes; fewer of them count as failures."""
        return sum(self._recent) / RECENT_EPISODES

    @abstractmethod
    def reset(self, seed: int) -> None:
        """Begin new episodes everywhere: somebody else has used the environments."""

    @abstractmethod
    def restart(self, weights: dict[str, Any]) -> None:
        """Go on from other weights."""

    @abstractmethod
    def improve(self) -> list[Episode]:
        """Some steps in every environment, and what is learned from them. Returns the episodes that
        ended, in the order of time and environment."""
