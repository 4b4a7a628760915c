"""What several runs say together: means with intervals by the bootstrap over runs.

A run is what is drawn anew, never a task or a point of a curve: those of one run depend on each
other. Percentile bootstrap (Efron and Tibshirani, 1993); the draws are seeded, so that the same
runs give the same interval. With three to five runs such an interval is known to be too narrow;
the values of the single runs belong beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 10_000
LEVEL = 0.95


class Interval(NamedTuple):
    """A mean over runs, and where 95 % of the bootstrap's means lie; None for a single run."""

    mean: float
    low: float | None
    high: float | None


def mean_interval(values: Sequence[float]) -> Interval | None:
    """The mean of a number over runs.

    Args:
        values: The number of each run.

    Returns:
        The mean and its interval; None of no runs.
    """
    if not len(values):
        return None
    runs = np.asarray(values, np.float64)
    return _interval(float(runs.mean()), _means(runs) if len(runs) > 1 else None)


def difference_interval(values: Sequence[float], others: Sequence[float]) -> Interval | None:
    """By how much the mean of some runs exceeds that of others.

    Args:
        values: The number of each run.
        others: The number of each of the other runs.

    Returns:
        The difference, and its interval where there are two runs of each kind; None where there are
        none of one kind.
    """
    if not len(values) or not len(others):
        return None
    runs, rest = np.asarray(values, np.float64), np.asarray(others, np.float64)
    drawn = None
    if len(runs) > 1 and len(rest) > 1:
        drawn = _means(runs, seed=0) - _means(rest, seed=1)
    return _interval(float(runs.mean() - rest.mean()), drawn)


def mean_curve(curves: Sequence[Floats]) -> tuple[Floats, Floats, Floats]:
    """The mean of curves over runs, point by point, as far as the shortest of them goes.

    Args:
        curves: The curve of each run, shape (points,).

    Returns:
        Mean, low and high, each of shape (points,). Of a single curve, or none, low and high are
        the mean.
    """
    length = min(map(len, curves), default=0)
    if not length:
        return (np.zeros(0),) * 3
    runs = np.stack([np.asarray(curve[:length], np.float64) for curve in curves])
    mean = runs.mean(axis=0)
    if len(runs) == 1:
        return mean, mean, mean
    drawn = _draws(len(runs), seed=0)[:2000] @ runs
    low, high = np.quantile(drawn, _quantiles(), axis=0)
    return mean, low, high


def _draws(count: int, seed: int) -> Floats:
    """The weight of each run in each draw, shape (draws, runs)."""
    random = np.random.default_rng(seed)
    drawn: Floats = random.multinomial(count, np.full(count, 1 / count), size=DRAWS) / count
    return drawn


def _means(runs: Floats, seed: int = 0) -> Floats:
    means: Floats = _draws(len(runs), seed) @ runs
    return means


def _interval(mean: float, drawn: Floats | None) -> Interval:
    if drawn is None:
        return Interval(mean, None, None)
    low, high = np.quantile(drawn, _quantiles())
    return Interval(mean, float(low), float(high))


def _quantiles() -> tuple[float, float]:
    return (1 - LEVEL) / 2, (1 + LEVEL) / 2
