"""The account of a trial, by policy: from the untrained ones to the one that it came to.

What findings are drawn from; see `sanity`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from ...task import CurvePoint
from .episode_recorder import TRAINING, EpisodeRecorder, EpisodeSeen

MIN_EPISODES = 8
"""Of a policy, for its mean return and success rate to count."""


@dataclass(frozen=True)
class Rung:
    """A policy on the ladder of skill."""

    name: str
    success_rate: float
    mean_return: float
    episodes: int


@dataclass(frozen=True)
class TrialEvidence:
    """What findings are drawn from."""

    recorder: EpisodeRecorder
    robot: str
    curve: Sequence[CurvePoint]
    learned: bool
    trained: str
    """Who acts in the evaluation that settled the verdict; empty where nothing was trained."""

    @functools.cached_property
    def seen(self) -> list[EpisodeSeen]:
        """All episodes of all policies, in their order."""
        return self.recorder.episodes

    def episodes(self, policy: str) -> list[EpisodeSeen]:
        """A policy's episodes, the same number from each environment: those that end first would
        favour short ones. Of a policy that was evaluated several times, the latest ones."""
        mine = [seen for seen in self.seen if seen.policy == policy]
        mine = [seen for seen in mine if seen.start[0] == mine[-1].start[0]]
        counts: dict[int, int] = {}
        for seen in mine:
            counts[seen.start[1]] = counts.get(seen.start[1], 0) + 1
        fewest = min(counts.values(), default=0)
        return [seen for seen in mine if seen.start[2] < fewest]

    def rung(self, policy: str) -> Rung | None:
        """What a policy showed; None where that is too little."""
        episodes = self.episodes(policy)
        if len(episodes) < MIN_EPISODES:
            return None
        return Rung(
            policy,
            float(np.mean([seen.success for seen in episodes])),
            float(np.mean([seen.earned for seen in episodes])),
            len(episodes),
        )

    @property
    def screening(self) -> list[str]:
        """The policies that were tried before training, in their order."""
        names = dict.fromkeys(seen.policy for seen in self.seen)
        return [name for name in names if name not in (TRAINING, self.trained)]

    def ladder(self) -> list[Rung]:
        """The policies from the first to the last, the points of the curve among them."""
        points = [
            Rung("learner", point.success_rate, point.mean_return, point.episodes)
            for point in self.curve
            if point.episodes >= MIN_EPISODES
        ]
        screened = [self.rung(name) for name in self.screening]
        trained = self.rung(self.trained) if self.trained else None
        return [rung for rung in (*screened, *points, trained) if rung is not None]


def correlation(ladder: Sequence[Rung]) -> float | None:
    """Spearman's rank correlation of mean return and success rate over a ladder of policies; None
    for fewer than four of them, and where either is the same for all."""
    rates = [rung.success_rate for rung in ladder]
    returns = [rung.mean_return for rung in ladder]
    if len(ladder) < 4 or len(set(rates)) < 2 or len(set(returns)) < 2:
        return None
    return round(float(spearmanr(rates, returns).statistic), 3)
