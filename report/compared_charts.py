"""The figures of several runs side by side: a colour for each group, a thin line for each run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..archive.metrics import annecs, mean_curve, vendi_score
from .comparison import COMPARED, Comparison
from .drawing import GROUND, Area, Bar, Dots, Drawing, Label, Line, fitted
from .plots import Frame, axes, legend, thinned
from .run_data import RunData

Curve = NDArray[np.float64]


def annecs_compared(found: Comparison, width: float) -> Drawing:
    """ANNECS over journeys, mean of each group with its interval."""
    return _curves(
        found,
        width,
        lambda run: np.concatenate([[0.0], annecs(run.records).astype(np.float64)]),
        about="ANNECS over journeys, by group",
        x_label="journeys",
    )


def vendi_compared(found: Comparison, width: float) -> Drawing:
    """The Vendi score as tasks are kept, mean of each group with its interval."""
    most = max((len(run.kept) for group in found.groups for run in group.runs), default=0)
    counts = np.array([n + 1 for n in thinned(most, 60)])

    def curve(run: RunData) -> Curve:
        _, vectors = run.matrix(run.kept)
        return np.array([vendi_score(vectors[:n]) for n in counts if n <= len(vectors)])

    return _curves(
        found,
        width,
        curve,
        about="Vendi score as tasks are kept, by group",
        x_label="kept tasks",
        xs=counts.astype(np.float64),
    )


def _curves(
    found: Comparison,
    width: float,
    curve_of: Callable[[RunData], Curve],
    *,
    about: str,
    x_label: str,
    xs: Curve | None = None,
) -> Drawing:
    drawing = Drawing(width, 320, about)
    curves = [[curve_of(run) for run in group.runs] for group in found.groups]
    lengths = [len(curve) for group in curves for curve in group]
    places = np.arange(max(lengths, default=1), dtype=np.float64) if xs is None else xs
    top = max((float(c.max()) for g in curves for c in g if len(c)), default=1.0)
    entries = [
        (f"{fitted(group.name, width * 0.7, 10.5)}, {_runs(len(group.runs))}", group.color)
        for group in found.groups
    ]
    below = legend(drawing, 46, 16, entries)
    x_max = float(places[max(lengths, default=1) - 1]) if max(lengths, default=0) else 1.0
    frame = Frame(46, below + 6, width - 10, 320 - 42, max(x_max, 1.0), max(top, 1.0) * 1.06)
    axes(drawing, frame, x_label=x_label, x_whole=True)
    for group, own in zip(found.groups, curves, strict=True):
        for curve in own if len(own) > 1 else []:
            if len(curve) > 1:
                drawing.add(Line(_line(frame, places, curve), group.color, 0.9, 0.45))
        mean, low, high = mean_curve(own)
        if len(mean) < 2:
            continue
        if len(own) > 1:
            band = [*_line(frame, places, low), *reversed(_line(frame, places, high))]
            drawing.add(Area(band, group.color, 0.16))
        drawing.add(Line(_line(frame, places, mean), group.color, 2.4))
    return drawing


def _line(frame: Frame, xs: Curve, ys: Curve) -> list[tuple[float, float]]:
    return [frame.at(float(xs[n]), float(ys[n])) for n in thinned(len(ys), 200)]


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def measures_compared(found: Comparison, width: float) -> Drawing:
    """Each measure of each group: its runs as dots, their mean, and its interval."""
    measures = [
        measure
        for measure in COMPARED
        if any(found.values(group, measure.key) for group in found.groups)
    ]
    row, gap = 17.0, 16.0
    name_width = 168.0 if width > 500 else 112.0
    entries = [(fitted(group.name, width * 0.8, 10.5), group.color) for group in found.groups]
    drawing = Drawing(width, 0, "Metrics by group: runs, mean and 95 % interval")
    y = legend(drawing, 8, 16, entries) + 6
    for measure in measures:
        block = row * len(found.groups)
        values = [v for group in found.groups for v in found.values(group, measure.key)]
        high = 1.03 * max(0.0, *values)
        frame = Frame(name_width, y, width - 84, y + block, high or 1.0, 1.0, min(0.0, *values))
        drawing.add(
            Bar(name_width, y - 2, width - 84 - name_width, block + 2, "sunken", 3, 0.45),
            Label(
                name_width - 10,
                y + block / 2 + 3,
                fitted(measure.label, name_width - 14, 11),
                "text",
                11,
                "end",
            ),
        )
        for n, group in enumerate(found.groups):
            middle = y + row * n + row / 2 - 1
            mean = found.mean(group, measure.key)
            if mean is None:
                drawing.add(Label(width - 76, middle + 4, "–", "muted", 10.5))
                continue
            if mean.low is not None and mean.high is not None:
                ends = [(frame.x(mean.low), middle), (frame.x(mean.high), middle)]
                drawing.add(Line(ends, group.color, 5, 0.35))
            own = [(frame.x(value), middle) for value in found.values(group, measure.key)]
            drawing.add(
                Dots(own, 2.2, group.color, opacity=0.6),
                Dots([(frame.x(mean.mean), middle)], 4.4, group.color, GROUND),
                Label(
                    width - 76, middle + 4, measure.write(mean.mean), group.color, 10.5, bold=True
                ),
            )
        y += block + gap
    drawing.height = y
    return drawing
