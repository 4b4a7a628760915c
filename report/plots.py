"""Axes, lines and legends: what charts are made of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .drawing import Bar, Drawing, Label, Line, Point, fitted, text_width

WIDE, NARROW = 720.0, 360.0
"""How wide figures are: on a page or a screen, and on a phone, where text must stay legible."""

TITLES_SHOWN = 1500
"""Dots that say what they are when pointed at: more would make the page slow."""

TICK = 10.5
"""Size of the text at the axes."""


@dataclass(frozen=True)
class Frame:
    """The rectangle that a chart plots into, and the values at its edges."""

    left: float
    top: float
    right: float
    bottom: float
    x_max: float
    y_max: float
    x_min: float = 0.0
    y_min: float = 0.0

    def x(self, value: float) -> float:
        return self.left + (self.right - self.left) * _share(value, self.x_min, self.x_max)

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * _share(value, self.y_min, self.y_max)

    def at(self, x: float, y: float) -> Point:
        return self.x(x), self.y(y)

    def line(self, xs: Iterable[float], ys: Iterable[float]) -> list[Point]:
        return [self.at(x, y) for x, y in zip(xs, ys, strict=True)]


def _share(value: float, low: float, high: float) -> float:
    """Where a value lies between two others: from 0 to 1, and a little beyond for what lies far
    outside, which no picture has room for."""
    return min(max((value - low) / ((high - low) or 1.0), -1.0), 2.0)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, at most about `most`."""
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return [low]
    size = 10.0 ** math.floor(math.log10(span / most))
    step = next(size * n for n in (1, 2, 2.5, 5, 10) if span / (size * n) <= most)
    first = math.ceil(low / step - 1e-9)
    return [step * n for n in range(first, math.floor(high / step + 1e-9) + 1)]


def short(value: float) -> str:
    """A number at an axis: 0.25, 40, 12 k, 3 M."""
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def axes(
    drawing: Drawing,
    frame: Frame,
    *,
    x_label: str,
    percent: bool = False,
    x_whole: bool = False,
    y_whole: bool = False,
) -> None:
    """Grid lines, numbers and names of both axes."""

    def written(value: float) -> str:
        return f"{value:.0%}" if percent else short(value)

    for value in ticks(frame.y_min, frame.y_max, 4 if frame.bottom - frame.top < 150 else 5):
        if y_whole and value != int(value):
            continue
        y = frame.y(value)
        drawing.add(
            Line([(frame.left, y), (frame.right, y)], "line", 1.0),
            Label(frame.left - 8, y + 3.6, written(value), "muted", TICK, "end"),
        )
    for value in ticks(frame.x_min, frame.x_max, 6 if frame.right - frame.left > 400 else 4):
        if x_whole and value != int(value):
            continue
        drawing.add(Label(frame.x(value), frame.bottom + 16, short(value), "muted", TICK, "middle"))
    middle = (frame.left + frame.right) / 2
    drawing.add(Label(middle, frame.bottom + 33, x_label, "muted", TICK, "middle"))


def legend(drawing: Drawing, x: float, y: float, entries: Sequence[tuple[str, str]]) -> float:
    """Names with their colours in rows from (x, y) on, as wide as the drawing; returns where the
    next row would be."""
    at = x
    for name, color in entries:
        text = fitted(name, drawing.width - x - 20, TICK)
        width = 18 + text_width(text, TICK)
        if at > x and at + width > drawing.width:
            at, y = x, y + 17
        drawing.add(Bar(at, y - 7, 11, 7, color, 2), Label(at + 16, y, text, "muted", TICK))
        at += width + 16
    return y + 17


def stairs(frame: Frame, xs: Sequence[float], ys: Sequence[float]) -> list[Point]:
    """A line in steps: nothing happens between two points."""
    points: list[Point] = []
    for x, y in zip(xs, ys, strict=True):
        if points:
            points.append((frame.x(x), points[-1][1]))
        points.append(frame.at(x, y))
    return points


def thinned(length: int, most: int = 400) -> list[int]:
    """Places of at most about `most` of so many points, the first and the last among them."""
    if length <= most:
        return list(range(length))
    return sorted({round(n * (length - 1) / (most - 1)) for n in range(most)})
