"""ALP-GMM: train in the regions of the task space where results are changing.

Portelas, Colas, Hofmann and Oudeyer 2019, "Teacher algorithms for curriculum learning of Deep RL in
continuously parameterized environments" (arXiv 1910.07224).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .curriculum import EpisodeOutcome, Numbers, Tables, normalised
from .mixture import Mixture, fit_mixture

LEAST_VARIANCE = 0.01
"""Of a region, in each direction: tasks are points, and a region around a single one is to reach
its neighbours. The task farthest from the middle is 1 away from it."""


class AlpGmm:
    """What is learned of a task counts for those like it: the space of tasks has regions.

    The absolute learning progress of an episode is how far its result r is from that of the latest
    episode of the nearest task tried before, most often the same::

        ALP = |r - r_nearest|

    After every `fit_every` episodes a mixture of up to `most_regions` Gaussians is fitted to the
    latest `window` episodes, as points (task, ALP), the number of Gaussians being that of the least
    AIC. A Gaussian is chosen with a chance in proportion to its mean ALP, and in it a task by its
    density there: the paper draws a point, where we have so many tasks and no others. Before the
    first fit all tasks are alike.

    The results are successes, because returns cannot be compared between tasks; those of two
    episodes with the same success rate p differ with a chance of 2 p (1 - p), so that a task
    half learned has weight even where it makes no progress.

    `embeddings` has a row for each task. Their first `dimensions` principal components, as
    multiples of the longest, are the space of tasks: a Gaussian in hundreds of dimensions would
    need more episodes than there will ever be.
    """

    def __init__(
        self,
        count: int,
        *,
        embeddings: ArrayLike | None = None,
        dimensions: int = 3,
        fit_every: int = 50,
        window: int = 250,
        most_regions: int = 10,
    ) -> None:
        if embeddings is None:
            raise ValueError(
                "The curriculum alp_gmm needs `embeddings`: an array with a row for each task."
            )
        rows = np.asarray(embeddings, np.float64)
        if rows.ndim != 2 or len(rows) != count or not np.isfinite(rows).all():
            raise ValueError(
                f"`embeddings` has the shape {rows.shape}; it must hold {count} rows of finite "
                "numbers, one for each task."
            )
        for name, value in (("dimensions", dimensions), ("fit_every", fit_every)):
            if value < 1:
                raise ValueError(f"`{name}` is {value}; it must be 1 or more.")
        self._places = _principal_components(rows, dimensions)
        self._fit_every = fit_every
        self._window = window
        self._most_regions = most_regions
        self._results = np.full(count, np.nan)
        """Of each task's latest episode."""
        self._recent: deque[tuple[int, int, float]] = deque(maxlen=window + fit_every)
        """Number of the episode, task and ALP, of the latest episodes."""
        self._weights = np.full(count, 1 / count)

    def update(self, task: int, episode: EpisodeOutcome) -> None:
        number = self._recent[-1][0] + 1 if self._recent else 1
        progress = 0.0
        tried = np.flatnonzero(~np.isnan(self._results))
        if len(tried):
            distances = ((self._places[tried] - self._places[task]) ** 2).sum(axis=1)
            # Two tasks may lie at one place; a task is nearest to itself all the same.
            distances[tried == task] = -1.0
            progress = abs(episode.success - self._results[tried[distances.argmin()]])
        self._results[task] = episode.success
        self._recent.append((number, task, float(progress)))
        if number % self._fit_every == 0:
            self._fit(number)

    def weights(self) -> Numbers:
        return self._weights

    def _fit(self, number: int) -> None:
        """Fit the regions to the episodes up to that number, and weigh the tasks by them."""
        since = number - self._window
        known = [(task, alp) for n, task, alp in self._recent if since < n <= number]
        if not known:
            # Nothing was tried yet, or only tasks that have gone since.
            return
        tasks, progress = zip(*known, strict=True)
        points = np.column_stack([self._places[list(tasks)], progress])
        regions = fit_mixture(
            points, self._most_regions, np.random.default_rng(number), LEAST_VARIANCE
        )
        without_progress = Mixture(
            regions.shares, regions.means[:, :-1], regions.covariances[:, :-1, :-1]
        )
        log_densities = without_progress.log_densities(self._places)
        within = np.exp(log_densities - log_densities.max(axis=0))
        within /= within.sum(axis=0)
        self._weights = normalised(within @ np.maximum(regions.means[:, -1], 0.0))

    def tables(self) -> Tables:
        results = [None if np.isnan(result) else result for result in self._results.tolist()]
        recent: list[list[Any]] = [[] for _ in results]
        for number, task, alp in self._recent:
            recent[task].append([number, alp])
        return {"results": results, "recent": recent}

    def restore(self, tables: Tables) -> None:
        self._results = np.array(
            [np.nan if result is None else result for result in tables["results"]], np.float64
        )
        recent: Sequence[tuple[int, int, float]] = sorted(
            (number, task, alp)
            for task, episodes in enumerate(tables["recent"])
            for number, alp in episodes
        )
        self._recent.clear()
        self._recent.extend(recent)
        self._weights = np.full(len(self._places), 1 / len(self._places))
        last = recent[-1][0] if recent else 0
        self._fit(last - last % self._fit_every)


def _principal_components(rows: Numbers, dimensions: int) -> Numbers:
    """Rows of shape (n, size) in their first few principal components; the longest is 1 long."""
    centred = rows - rows.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    places: Numbers = centred @ axes[:dimensions].T
    longest = np.linalg.norm(places, axis=1).max()
    return places / longest if longest > 0.0 else places
