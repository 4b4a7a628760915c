"""Gaussian mixtures, fitted by expectation and maximisation, their number of parts by AIC.

Dempster, Laird and Rubin 1977; Akaike 1974. As little of it as a curriculum needs, since it must
run where numpy is all there is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .curriculum import Numbers

MAX_ROUNDS = 50
TOLERANCE = 1e-3
"""Gain in mean log likelihood below which fitting ends."""


@dataclass(frozen=True)
class Mixture:
    """`k` Gaussians in `d` dimensions."""

    shares: Numbers
    """Shape (k,); their sum is one."""
    means: Numbers
    """Shape (k, d)."""
    covariances: Numbers
    """Shape (k, d, d)."""

    def log_densities(self, points: Numbers) -> Numbers:
        """Log density of each Gaussian, without its share, at points of shape (n, d): (n, k)."""
        return np.stack(
            [
                _log_density(points, *part)
                for part in zip(self.means, self.covariances, strict=True)
            ],
            axis=1,
        )

    @property
    def parameters(self) -> int:
        """How many numbers were fitted."""
        k, d = (int(size) for size in self.means.shape)
        return k * (d + d * (d + 1) // 2) + k - 1


def fit_mixture(
    points: Numbers, most_parts: int, random: np.random.Generator, least_variance: float
) -> Mixture:
    """The mixture of 1 to `most_parts` Gaussians that fits points of shape (n, d), n >= 1, with the
    least AIC, 2 parameters - 2 log likelihood. `least_variance` is added in every direction: points
    may coincide."""
    best: tuple[float, Mixture] | None = None
    for parts in range(1, min(most_parts, len(points)) + 1):
        mixture, log_likelihood = _fit(points, parts, random, least_variance)
        aic = 2.0 * mixture.parameters - 2.0 * log_likelihood
        if best is None or aic < best[0]:
            best = aic, mixture
    assert best is not None
    return best[1]


def _fit(
    points: Numbers, parts: int, random: np.random.Generator, least_variance: float
) -> tuple[Mixture, float]:
    """A mixture of so many Gaussians, and the log likelihood of the points."""
    n = len(points)
    # Each point belongs at first to the nearest of some that lie far apart.
    distances = _squared_distances(points, _far_apart(points, parts, random))
    belongs = np.eye(parts)[distances.argmin(axis=1)]
    before = -np.inf
    for _ in range(MAX_ROUNDS):
        mixture = _maximised(points, belongs, least_variance)
        joint = mixture.log_densities(points) + np.log(mixture.shares)
        highest = joint.max(axis=1, keepdims=True)
        log_density = highest[:, 0] + np.log(np.exp(joint - highest).sum(axis=1))
        mean = float(log_density.mean())
        if mean - before < TOLERANCE:
            break
        before = mean
        belongs = np.exp(joint - log_density[:, None])
    return mixture, mean * n


def _maximised(points: Numbers, belongs: Numbers, least_variance: float) -> Mixture:
    """The Gaussians of the points that belong to each, in shares of shape (n, k)."""
    # A part to which nothing belongs keeps a trace of everything, and a share near zero.
    belongs = belongs + 1e-9
    weight = belongs.sum(axis=0)
    means = belongs.T @ points / weight[:, None]
    offsets = points[None] - means[:, None]
    covariances = np.einsum("nk,kni,knj->kij", belongs, offsets, offsets) / weight[:, None, None]
    covariances += least_variance * np.eye(points.shape[1])
    return Mixture(weight / weight.sum(), means, covariances)


def _log_density(points: Numbers, mean: Numbers, covariance: Numbers) -> Numbers:
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, (points - mean).T)
    log_volume = np.log(np.diag(factor)).sum()
    scale = 0.5 * points.shape[1] * np.log(2.0 * np.pi) + log_volume
    density: Numbers = -0.5 * (white**2).sum(axis=0) - scale
    return density


def _squared_distances(points: Numbers, others: Numbers) -> Numbers:
    """Shape (n, m)."""
    distances: Numbers = ((points[:, None] - others[None]) ** 2).sum(axis=2)
    return distances


def _far_apart(points: Numbers, count: int, random: np.random.Generator) -> Numbers:
    """Some of the points, each drawn by its squared distance to the nearest drawn before
    (k-means++: Arthur and Vassilvitskii 2007)."""
    chosen: NDArray[np.intp] = np.array([random.integers(len(points))])
    while len(chosen) < count:
        nearest = _squared_distances(points, points[chosen]).min(axis=1)
        total = nearest.sum()
        chances = nearest / total if total > 0.0 else None
        chosen = np.append(chosen, random.choice(len(points), p=chances))
    return points[chosen]
