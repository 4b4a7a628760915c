"""How often a policy succeeds, on seeds it has not seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import BrokenError
from ..sandbox.vector import SandboxedEpisodes
from .achieved import Achievements
from .policies import Policy


@dataclass(frozen=True)
class Evaluation:
    """Outcome of some episodes."""

    successes: int
    episodes: int
    mean_return: float

    @property
    def success_rate(self) -> float:
        """Raises BrokenError where no episode was run: that is no verdict at all."""
        if not self.episodes:
            raise BrokenError(
                "No episode of the evaluation was finished, so nothing is known of the task.",
                "Ask for at least one evaluation episode, and try again.",
            )
        return self.successes / self.episodes

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson score interval of the success rate."""
        return wilson_interval(self.successes, self.episodes)


def evaluate(
    episodes: SandboxedEpisodes,
    policy: Policy,
    seed: int,
    at_least: int,
    achievements: Achievements | None = None,
) -> Evaluation:
    """Run at least `at_least` episodes, the same number in every environment, while `achievements`
    watches.

    The episodes follow from `seed` alone, and each environment's first ones count: counting
    whichever end first would favour short episodes.
    """
    per_environment = math.ceil(at_least / episodes.count)
    done = np.zeros(episodes.count, dtype=np.int64)
    returns = np.zeros(episodes.count)
    finished: list[float] = []
    successes = 0
    observations = episodes.reset(seed)
    while (done < per_environment).any():
        steps = episodes.step(policy.act(observations))
        observations = steps.observations
        returns += steps.rewards
        if achievements:
            achievements.watch(steps, done < per_environment)
        for n in np.flatnonzero(steps.terminated | steps.truncated):
            if done[n] < per_environment:
                successes += bool(steps.successes[n])
                finished.append(float(returns[n]))
            done[n] += 1
            returns[n] = 0.0
    return Evaluation(successes, len(finished), float(np.mean(finished)) if finished else 0.0)


def wilson_interval(successes: int, episodes: int) -> tuple[float, float]:
    """95 % confidence interval of a success rate (Wilson 1927)."""
    z = 1.959964
    rate = successes / episodes
    center = (rate + z * z / (2 * episodes)) / (1 + z * z / episodes)
    spread = rate * (1 - rate) / episodes + z * z / (4 * episodes * episodes)
    half = z * math.sqrt(spread) / (1 + z * z / episodes)
    return round(max(center - half, 0.0), 4), round(min(center + half, 1.0), 4)
