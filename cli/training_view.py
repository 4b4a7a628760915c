"""How a trial looks while it goes on: a curve that grows on a terminal, else a line per point."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import rich.console
from rich.console import ConsoleOptions, Group, RenderResult

from ..output import Console, Line, live
from ..task import CurvePoint
from .terminal import duration

HEIGHT, LEAST_WIDTH, MOST_WIDTH = 8, 20, 100
"""Of the plot, in characters."""
EIGHTHS = " ▁▂▃▄▅▆▇█"

Tell = Callable[[CurvePoint], None]


@contextmanager
def watching_trial(console: Console, max_steps: int) -> Iterator[Tell]:
    """Yield a function that is called with each point of the learning curve."""
    if not console.is_terminal:
        yield lambda point: console.say(line(point))
        return
    view = TrialView(max_steps)
    # What stays on the screen at the end is the whole curve.
    with live(view, console):
        yield view


def line(point: CurvePoint) -> str:
    """A point in words."""
    return (
        f"{point.steps:>8} steps  {duration(point.seconds):>6}  success "
        f"{point.success_rate:>4.0%}  return {point.mean_return:.1f}"
    )


class TrialView:
    """Draws success over the steps of training, and the mean return as a line of blocks below."""

    def __init__(self, max_steps: int) -> None:
        # The picture is drawn by a thread of its own.
        self._lock = threading.Lock()
        self._max_steps = max_steps
        self._started = time.monotonic()
        self._points: list[CurvePoint] = []

    def __call__(self, point: CurvePoint) -> None:
        with self._lock:
            self._points.append(point)

    def __rich_console__(
        self, console: rich.console.Console, options: ConsoleOptions
    ) -> RenderResult:
        with self._lock:
            points = list(self._points)
        elapsed = duration(time.monotonic() - self._started)
        if not points:
            yield Line((f"Checking who can do it untrained … {elapsed}", "dim"))
            return
        width = max(min(options.max_width - 8, MOST_WIDTH), LEAST_WIDTH)
        rows = plot([point.success_rate for point in points], width)
        marks = {0: "100 %", HEIGHT // 2: " 50 %", HEIGHT - 1: "  0 %"}
        drawn = [
            Line((f"{marks.get(number, ''):>6} ", "dim"), (row, "green"))
            for number, row in enumerate(rows)
        ]
        returns = [point.mean_return for point in points]
        low, high = min(returns), max(returns)
        spread = high - low or 1.0
        strip = plot([(value - low) / spread for value in returns], width, 1)[0]
        last = points[-1]
        summary = (
            f"{line(last).strip()} (between {low:.1f} and {high:.1f})  "
            f"{last.steps / self._max_steps:.0%} of the budget"
        )
        yield Group(
            Line(("success rate of the training episodes", "dim")),
            *drawn,
            Line(("return ", "dim"), (strip, "cyan")),
            Line((summary, "bold")),
        )


def plot(values: list[float], width: int, height: int = HEIGHT) -> list[str]:
    """Values from 0 to 1 as columns of blocks, the highest row first. Each value is a column as
    wide as there is room for; where there are more than columns, those that share one are averaged.
    Even a value of 0 is marked, by the lowest block."""
    if not values:
        return [""] * height
    columns = min(width, len(values)) if len(values) > width // 3 else len(values) * 3
    heights = []
    for column in range(columns):
        first = column * len(values) // columns
        last = max((column + 1) * len(values) // columns, first + 1)
        mean = sum(values[first:last]) / (last - first)
        heights.append(max(round(min(max(mean, 0.0), 1.0) * height * 8), 1))
    return [
        "".join(EIGHTHS[min(max(tall - 8 * (height - 1 - row), 0), 8)] for tall in heights)
        for row in range(height)
    ]
