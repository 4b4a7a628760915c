"""Generalists: policies that were trained on all kept tasks of a run, by one sampler or another."""

from __future__ import annotations

from collections.abc import Sequence

from ..archive.generalists import mean_curve
from ..task import Generalist
from .charts import plot_frame
from .drawing import SERIES, Drawing, Line
from .plots import axes, legend, thinned


def training(generalists: Sequence[Generalist], width: float) -> Drawing:
    """Success over all tasks as each generalist is trained, a colour for each sampler."""
    drawing = Drawing(width, 290, "Success over all tasks in training, by sampler")
    samplers = sorted({generalist.sampler for generalist in generalists})
    curves = [(generalist.sampler, mean_curve(generalist)) for generalist in generalists]
    last = max((steps for _, curve in curves for steps, _ in curve), default=1)
    frame = plot_frame(drawing, float(last), 1.0)
    axes(drawing, frame, x_label="training steps, in all tasks together", percent=True)
    colors = {name: f"series-{place % SERIES}" for place, name in enumerate(samplers)}
    for sampler, curve in curves:
        points = [frame.at(*curve[n]) for n in thinned(len(curve), 80)]
        drawing.add(Line(points, colors[sampler], 1.8, 0.85))
    entries = [(name.replace("_", " "), color) for name, color in colors.items()]
    legend(drawing, frame.left, 16, entries)
    return drawing
