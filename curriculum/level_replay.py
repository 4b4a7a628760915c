"""Prioritised level replay: train where the agent was wrong about what would come.

Jiang, Grefenstette and Rocktäschel 2021, "Prioritized Level Replay" (arXiv 2010.03934).
"""

from __future__ import annotations

import numpy as np

from .curriculum import EpisodeOutcome, Numbers, Tables, normalised


class PrioritisedLevelReplay:
    """A task's weight follows from the rank of its score, and from how long ago it was trained on.

    The score is the value loss of its latest episode, the mean of the absolute advantages ("L1
    value loss" in the paper). Where the trainer does not tell it, it is how far the episode's
    success is from the mean of that task's successes before: the same, for an agent that knows no
    more of the task than how often it succeeds. Ranks count from 1, the highest score first::

        P_score ~ (1 / rank)^(1 / temperature)        P_stale ~ episodes since its last update
        P = (1 - staleness) P_score + staleness P_stale

    A sampler draws every task a first time before it asks for `P`: it is the paper's P_new.
    """

    def __init__(self, count: int, *, temperature: float = 0.3, staleness: float = 0.3) -> None:
        if temperature <= 0.0:
            raise ValueError(f"`temperature` is {temperature}; it must be above 0.")
        if not 0.0 <= staleness <= 1.0:
            raise ValueError(f"`staleness` is {staleness}; it must be from 0 to 1.")
        self._temperature = temperature
        self._staleness = staleness
        self._scores = np.zeros(count)
        self._episodes = np.zeros(count)
        self._successes = np.zeros(count)
        self._last_update = np.zeros(count)
        """For each task, the number of its last update, counted over all tasks together."""

    def update(self, task: int, episode: EpisodeOutcome) -> None:
        score = episode.value_loss
        if score is None:
            before = self._successes[task] / max(self._episodes[task], 1.0)
            score = abs(episode.success - before)
        self._scores[task] = score
        self._successes[task] += episode.success
        self._episodes[task] += 1.0
        self._last_update[task] = self._last_update.max() + 1.0

    def weights(self) -> Numbers:
        # Equal scores share their places: which task stands first in a list says nothing.
        _, group, sizes = np.unique(-self._scores, return_inverse=True, return_counts=True)
        by_place = np.arange(1.0, len(self._scores) + 1.0) ** (-1.0 / self._temperature)
        shared = np.bincount(np.repeat(np.arange(len(sizes)), sizes), by_place) / sizes
        by_score = normalised(shared[group])
        by_staleness = normalised(self._last_update.max() - self._last_update)
        chances: Numbers = (1.0 - self._staleness) * by_score + self._staleness * by_staleness
        return chances

    def tables(self) -> Tables:
        return {
            "scores": self._scores.tolist(),
            "episodes": self._episodes.tolist(),
            "successes": self._successes.tolist(),
            "last_told": self._last_update.tolist(),
        }

    def restore(self, tables: Tables) -> None:
        self._scores, self._episodes = np.array(tables["scores"]), np.array(tables["episodes"])
        self._successes = np.array(tables["successes"])
        self._last_update = np.array(tables["last_told"])
