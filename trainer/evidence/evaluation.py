"""How often a policy succeeds, on seeds it has not seen, and what that proves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...errors import BrokenError
from ...sandbox.vector import SandboxedEpisodes
from ..policies import Policy
from .achieved import Achievements

Z_95 = 1.959964
"""Standard deviations of a normal distribution that hold 95 % of it."""


@dataclass(frozen=True)
class Evaluation:
    """Outcome of some episodes."""

    successes: int
    episodes: int
    mean_return: float
    seed: int = 0
    """What settles the episodes."""

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

    def __str__(self) -> str:
        return f"{self.successes} of {self.episodes} episodes"


def evaluate(
    episodes: SandboxedEpisodes,
    policy: Policy,
    seed: int,
    at_most: int,
    achievements: Achievements | None = None,
    enough: Callable[[int, int], bool] = lambda successes, episodes: False,
) -> Evaluation:
    """Run `at_most` episodes, rounded up to the same number in every environment, while
    `achievements` watches. It is over sooner where `enough`, asked after each round of one episode
    in every environment, says so of the successes and the episodes so far.

    The episodes follow from `seed` alone, and each environment's first ones count: counting
    whichever end first would favour short episodes. Raises BrokenError for none: that is no verdict
    at all.
    """
    if at_most < 1:
        raise BrokenError(
            "An evaluation of no episodes would say nothing of the task.",
            "Ask for at least one evaluation episode.",
        )
    rounds = math.ceil(at_most / episodes.count)
    # What an environment does after its last round, or ahead of the others, is kept in its place.
    succeeded = np.zeros((rounds, episodes.count), dtype=np.bool_)
    earned = np.zeros((rounds, episodes.count))
    done = np.zeros(episodes.count, dtype=np.int64)
    returns = np.zeros(episodes.count)
    asked = 0
    observations = episodes.reset(seed)
    while True:
        steps = episodes.step(policy.act(observations))
        observations = steps.observations
        returns += steps.rewards
        if achievements:
            achievements.watch(steps, done < rounds)
        for n in np.flatnonzero(steps.terminated | steps.truncated):
            if done[n] < rounds:
                succeeded[done[n], n] = steps.successes[n]
                earned[done[n], n] = returns[n]
            done[n] += 1
            returns[n] = 0.0
        finished = int(done.min())
        if finished > asked:
            asked = finished
            successes, count = int(succeeded[:finished].sum()), finished * episodes.count
            if finished >= rounds or enough(successes, count):
                mean_return = float(earned[:finished].mean())
                return Evaluation(successes, count, mean_return, seed)


def wilson_interval(successes: int, episodes: int) -> tuple[float, float]:
    """95 % confidence interval of a success rate (Wilson 1927)."""
    rate = successes / episodes
    center = (rate + Z_95 * Z_95 / (2 * episodes)) / (1 + Z_95 * Z_95 / episodes)
    spread = rate * (1 - rate) / episodes + Z_95 * Z_95 / (4 * episodes * episodes)
    half = Z_95 * math.sqrt(spread) / (1 + Z_95 * Z_95 / episodes)
    return round(max(center - half, 0.0), 4), round(min(center + half, 1.0), 4)


@dataclass(frozen=True)
class Examination:
    """What a policy must show on fresh episodes before its task counts as learned.

    Asked after each round of episodes: it is settled as soon as the 95 % interval lies on one side
    of the rate that is asked for. How often that errs: docs/verdict.md.
    """

    rate: float
    at_most: int

    def passed(self, successes: int, episodes: int) -> bool:
        """Whether it is as good as sure that the policy succeeds that often."""
        return wilson_interval(successes, episodes)[0] >= self.rate

    def is_settled(self, successes: int, episodes: int) -> bool:
        if self.passed(successes, episodes):
            return True
        # Even if it succeeded in all that are left.
        return not self.passed(successes + self.at_most - episodes, self.at_most)
