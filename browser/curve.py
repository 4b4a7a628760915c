"""The learning curve of a trial as points of a drawing; the template draws them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..task import Trial

WIDTH, HEIGHT = 640.0, 200.0


@dataclass(frozen=True)
class Mark:
    """A point of the curve: where it is drawn, and what it says."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Curve:
    """A drawing of `WIDTH` by `HEIGHT`, y downwards."""

    success: tuple[Mark, ...]
    returns: tuple[tuple[float, float], ...]
    """Mean returns, scaled to fill the height."""
    return_range: tuple[float, float]
    steps: int
    """At the right end."""
    ticks: tuple[tuple[float, str], ...]
    """Places along x and what they are called."""


def learning_curve(trial: Trial) -> Curve | None:
    """Lay out the learning curve of a trial; None where the task was solved or refused before
    training."""
    points = [
        point
        for point in trial.curve
        if math.isfinite(point.success_rate) and math.isfinite(point.mean_return)
    ]
    if not points:
        return None
    last = max(point.steps for point in points) or 1
    returns = [point.mean_return for point in points]
    low, high = min(returns), max(returns)
    span = high - low or 1.0

    def x(steps: float) -> float:
        return round(WIDTH * steps / last, 2)

    return Curve(
        success=tuple(
            Mark(
                x(p.steps),
                round(HEIGHT * (1 - min(max(p.success_rate, 0.0), 1.0)), 2),
                f"{p.success_rate:.0%} of {p.episodes} episodes succeed by step {p.steps:,} "
                f"({p.seconds:.0f} s), mean return {p.mean_return:.1f}",
            )
            for p in points
        ),
        returns=tuple(
            (x(p.steps), round(HEIGHT * (1 - (p.mean_return - low) / span), 2)) for p in points
        ),
        return_range=(low, high),
        steps=last,
        ticks=tuple((x(steps), f"{steps / 1000:g} k") for steps in _round_steps(last)),
    )


def _round_steps(last: int) -> list[float]:
    """Three to six round numbers up to `last`."""
    size = 10 ** math.floor(math.log10(last / 3))
    step = next(size * n for n in (1, 2, 5, 10) if last / (size * n) <= 6)
    return [step * n for n in range(1, int(last / step) + 1)]
