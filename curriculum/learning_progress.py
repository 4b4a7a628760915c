"""Learning progress: train on tasks whose success rate is changing.

Kanitscheider et al. 2021, "Multi-task curriculum learning in a complex, visual, hard-exploration
domain: Minecraft" (arXiv 2106.14876), as OMNI (Zhang et al. 2023, arXiv 2306.01711) uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from .curriculum import EpisodeOutcome, Numbers, Tables, normalised


class LearningProgress:
    """A task's weight grows with how much its success rate has changed lately, up or down.

    With s an episode's success, 0 or 1, each task has a fast and a slow average::

        fast <- fast + smoothing (s - fast)        slow <- slow + smoothing (fast - slow)

    both divided by what has been weighed in so far, 1 - (1 - smoothing)^n after n episodes, so that
    the first ones count like any other. From both is taken what chance alone achieves (OMNI)::

        p = max(average - baseline, 0) / (1 - baseline)

    Progress is the distance of the two, on a scale that stretches low success rates, where a little
    means much; a loss counts like a gain (it is bidirectional), since what is being forgotten is
    worth training too::

        f(p) = (1 - theta) p / (p + theta (1 - 2 p))        progress = |f(fast) - f(slow)|

    Progress in standard deviations from its mean over the tasks, z, becomes a weight that is one
    half for a task that would just belong to the first `top_share` of normally distributed ones::

        weight = 1 / (1 + exp(-steepness (z - quantile(1 - top_share))))

    OMNI gives a task that was never accomplished no weight at all. It can: it evaluates every task
    now and then. Here nothing but training tells that one has become learnable, and in
    `benchmarks/curriculum.py` doing as OMNI does takes twice as many episodes.

    `baselines` are success rates of random actions, one for each task or one for all.
    """

    def __init__(
        self,
        count: int,
        *,
        smoothing: float = 0.1,
        theta: float = 0.1,
        top_share: float = 0.1,
        steepness: float = 2.0,
        baselines: Sequence[float] | float = 0.0,
    ) -> None:
        for name, value in (("smoothing", smoothing), ("theta", theta), ("top_share", top_share)):
            if not 0.0 < value < 1.0:
                raise ValueError(f"`{name}` is {value}; it must be between 0 and 1.")
        self._smoothing = smoothing
        self._theta = theta
        self._centre = NormalDist().inv_cdf(1.0 - top_share)
        self._steepness = steepness
        self._baselines = np.clip(np.broadcast_to(baselines, count).astype(float), 0.0, 0.99)
        self._fast = np.zeros(count)
        self._slow = np.zeros(count)
        self._weighed = np.zeros(count)

    def update(self, task: int, episode: EpisodeOutcome) -> None:
        self._weighed[task] += self._smoothing * (1.0 - self._weighed[task])
        self._fast[task] += self._smoothing * (episode.success - self._fast[task])
        fast = self._fast[task] / self._weighed[task]
        self._slow[task] += self._smoothing * (fast - self._slow[task])

    def progress(self) -> Numbers:
        """The learning progress of each task, from 0 to 1; 0 of one that was never tried."""
        fast, slow = self._success(self._fast), self._success(self._slow)
        return np.abs(self._stretched(fast) - self._stretched(slow))

    def weights(self) -> Numbers:
        progress = self.progress()
        deviation = progress.std()
        z = (progress - progress.mean()) / (deviation if deviation > 0.0 else 1.0)
        return normalised(1.0 / (1.0 + np.exp(-self._steepness * (z - self._centre))))

    def _success(self, average: Numbers) -> Numbers:
        # Taken off the averages: off single episodes, which are 0 or 1, it would be off the ones
        # that fail as well, and cut at 0 there.
        rate = average / np.maximum(self._weighed, 1e-12)
        beyond: Numbers = np.maximum(rate - self._baselines, 0.0) / (1.0 - self._baselines)
        return beyond

    def _stretched(self, rate: Numbers) -> Numbers:
        stretched: Numbers = (1.0 - self._theta) * rate / (rate + self._theta * (1.0 - 2.0 * rate))
        return stretched

    def tables(self) -> Tables:
        return {
            "fast": self._fast.tolist(),
            "slow": self._slow.tolist(),
            "weighed": self._weighed.tolist(),
        }

    def restore(self, tables: Tables) -> None:
        self._fast, self._slow = np.array(tables["fast"]), np.array(tables["slow"])
        self._weighed = np.array(tables["weighed"])
