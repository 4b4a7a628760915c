"""The figures of one run. Each is drawn as wide as it is asked to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..archive.generalists import mean_curve
from ..archive.metrics import (
    CELLS_A_SIDE,
    Step,
    annecs,
    annecs_omni,
    coverage,
    vendi_score,
)
from ..archive.projection import fixed_projection
from ..generalist import Generalist
from ..presentation.formatting import STATUS_WORDS, count, visible
from ..task import Record
from .drawing import SERIES, Area, Bar, Dots, Drawing, Label, Line, fitted, text_width
from .plots import TITLES_SHOWN, Frame, axes, legend, stairs, thinned
from .run_data import RunData

CURVES_SHOWN = 80
DUMBBELLS_SHOWN = 60
DIVERSITY_POINTS = 40

DiversityCurves = tuple[list[int], list[float], list[float]]
"""Numbers of kept tasks, and the Vendi score and the cells of so many."""


@dataclass(frozen=True)
class Figure:
    """A figure at one width or another, and what is written below it."""

    name: str
    """Of its files."""
    title: str
    caption: str
    wide: Drawing
    narrow: Drawing


def plot_frame(drawing: Drawing, x_max: float, y_max: float) -> Frame:
    return Frame(46, 44, drawing.width - 10, drawing.height - 42, x_max, y_max)


def progress(run: RunData, width: float) -> Drawing:
    """ANNECS and ANNECS-OMNI over journeys."""
    drawing = Drawing(width, 290, "Novel environments created and solved, over journeys")
    first, second = annecs(run.records), annecs_omni(run.records)
    n = len(run.records)
    frame = plot_frame(drawing, max(n, 1), max(int(first.max(initial=0)), 4) * 1.06)
    axes(drawing, frame, x_label="journeys", x_whole=True, y_whole=True)
    places = thinned(n)
    xs = [0, *(place + 1 for place in places)]
    line = stairs(frame, xs, [0, *first[places].tolist()])
    base = frame.bottom
    drawing.add(
        Area([(line[0][0], base), *line, (line[-1][0], base)], "learned", 0.12),
        Line(line, "learned", 2.2),
        Line(stairs(frame, xs, [0, *second[places].tolist()]), "accent", 1.6),
    )
    if n:
        total = f"{first[-1]}"
        drawing.add(Label(frame.right, line[-1][1] - 7, total, "learned", 13, "end", bold=True))
    legend(drawing, frame.left, 16, [("ANNECS", "learned"), ("ANNECS-OMNI", "accent")])
    return drawing


def pace(run: RunData, width: float) -> Drawing:
    """Journeys and kept tasks over the time of work, in minutes."""
    drawing = Drawing(width, 290, "Journeys ended and tasks kept, over the time of work")
    minutes = np.cumsum([record.seconds for record in run.records]) / 60.0
    kept = np.cumsum([record.status == "learned" for record in run.records])
    hours = bool(len(minutes)) and minutes[-1] > 240
    times = minutes / 60.0 if hours else minutes
    x_max = float(times[-1]) if len(times) and times[-1] > 0 else 1.0
    frame = plot_frame(drawing, x_max, max(len(run.records), 4) * 1.04)
    axes(drawing, frame, x_label=f"{'hours' if hours else 'minutes'} of work", y_whole=True)
    places = thinned(len(times))
    xs = [0.0, *times[places].tolist()]
    drawing.add(
        Line(stairs(frame, xs, [0, *(place + 1 for place in places)]), "faint", 1.6),
        Line(stairs(frame, xs, [0, *kept[places].tolist()]), "learned", 2.2),
    )
    legend(drawing, frame.left, 16, [("tasks kept", "learned"), ("journeys ended", "faint")])
    return drawing


def gains(run: RunData, width: float) -> Drawing:
    """Success before and after training, of each kept task."""
    drawing = Drawing(width, 290, "Success rate before and after training, per kept task")
    tasks = [record for record in run.kept if record.trial]
    frame = plot_frame(drawing, len(tasks) + 1.0, 1.0)
    axes(drawing, frame, x_label="kept tasks, in their order", percent=True, x_whole=True)
    before, after, titles = [], [], []
    many = len(tasks) > DUMBBELLS_SHOWN
    for place, record in enumerate(tasks, 1):
        trial = record.trial
        assert trial is not None
        low, high = trial.success_before, trial.success_after
        if low is not None and high is not None and not many:
            drawing.add(Line([frame.at(place, low), frame.at(place, high)], "line", 3))
        if trial.interval and not many:
            ends = [frame.at(place, value) for value in trial.interval]
            drawing.add(Line(ends, "learned", 3, 0.35))
        if low is not None:
            before.append(frame.at(place, low))
        if high is not None:
            after.append(frame.at(place, high))
            titles.append(visible(f"{record.number}. {record.idea.title}: {high:.0%}"))
    size = 1.8 if many else 4.0
    drawing.add(
        Dots(before, size * 0.85, "faint"),
        Dots(after, size, "learned", titles=titles if len(after) <= TITLES_SHOWN else ()),
    )
    entries = [("before training", "faint"), ("after, with 95 % interval", "learned")]
    legend(drawing, frame.left, 16, entries)
    return drawing


def learning(run: RunData, width: float) -> Drawing:
    """Learning curves of kept tasks, and of those that were too hard."""
    drawing = Drawing(width, 290, "Learning curves of kept tasks and of those too hard")
    tried = [r for r in run.records if r.trial and r.trial.curve]
    groups = {
        status: [record for record in tried if record.status == status]
        for status in ("too_hard", "learned")
    }
    last = max((r.trial.curve[-1].steps for g in groups.values() for r in g if r.trial), default=1)
    frame = plot_frame(drawing, float(last), 1.0)
    axes(drawing, frame, x_label="training steps", percent=True)
    for status, group in groups.items():
        shown = [group[n] for n in thinned(len(group), CURVES_SHOWN)]
        for record in shown:
            assert record.trial is not None
            curve = record.trial.curve
            places = thinned(len(curve), 60)
            rates = _smoothed([point.success_rate for point in curve])
            points = [frame.at(curve[n].steps, rates[n]) for n in places]
            opacity = 0.75 if len(shown) < 12 else 0.45 if len(shown) < 40 else 0.3
            drawing.add(Line(points, status, 1.5, opacity))
    entries = [
        (f"learned, {len(groups['learned'])}", "learned"),
        (f"too hard, {len(groups['too_hard'])}", "too_hard"),
    ]
    legend(drawing, frame.left, 16, entries)
    return drawing


def _smoothed(rates: Sequence[float]) -> list[float]:
    """Means over seven neighbouring points, because a point is of a dozen episodes only."""
    found = []
    for n in range(len(rates)):
        near = [min(max(r, 0.0), 1.0) for r in rates[max(n - 3, 0) : n + 4]]
        found.append(sum(near) / len(near))
    return found


def diversity(curves: DiversityCurves, width: float) -> Drawing:
    """Vendi score and cells covered, as tasks are kept."""
    drawing = Drawing(width, 290, "Vendi score and cells covered, as tasks are kept")
    counts, vendi, cells = curves
    n = counts[-1] if counts else 1
    most = max([*vendi, *cells, 4.0])
    frame = plot_frame(drawing, float(max(n, 2)), most * 1.06)
    axes(drawing, frame, x_label="kept tasks", x_whole=True)
    all_different = min(float(n), most * 1.06)
    drawing.add(Line([frame.at(0, 0), frame.at(all_different, all_different)], "line", 1.4))
    if counts:
        drawing.add(Line(frame.line(counts, cells), "too_easy", 1.8))
        drawing.add(Line(frame.line(counts, vendi), "accent", 2.2))
    if len(counts) == 1:
        drawing.add(Dots([frame.at(counts[0], vendi[0])], 3.5, "accent"))
    entries = [
        ("Vendi score", "accent"),
        (f"cells of {CELLS_A_SIDE**2}", "too_easy"),
        ("if all were different", "line"),
    ]
    legend(drawing, frame.left, 16, entries)
    return drawing


def diversity_curves(run: RunData) -> DiversityCurves:
    """Vendi score and cells after some numbers of kept tasks, the last of them all."""
    _, vectors = run.matrix(run.kept)
    if not len(vectors):
        return [], [], []
    projection = fixed_projection()
    fits = vectors.shape[1] == len(projection.mean)
    points = projection.project(vectors) if fits else np.zeros((0, 2), np.float32)
    counts = [place + 1 for place in thinned(len(vectors), DIVERSITY_POINTS)]
    vendi = [vendi_score(vectors[:count]) for count in counts]
    cells = [float(coverage(points[:count])) for count in counts]
    return counts, vendi, cells


def funnel_figure(steps: Sequence[Step], width: float) -> Drawing:
    """How many journeys came how far; what ended the others is written beside."""
    row, name_width = 34.0, 118.0
    drawing = Drawing(width, len(steps) * row + 6, "How many journeys came how far")
    total = max(steps[0].reached if steps else 0, 1)
    room = width - name_width - 54
    for n, step in enumerate(steps):
        y = 8 + n * row
        is_last = n == len(steps) - 1
        share = room * step.reached / total
        lost = room * step.ended / total
        drawing.add(
            Label(name_width - 10, y + 14, step.name, "text", 12, "end", bold=is_last),
            Bar(name_width, y + 2, max(share, 1.5), 17, "learned" if is_last else "accent", 3),
        )
        if step.ended and step.status:
            drawing.add(Bar(name_width + share - lost, y + 2, max(lost, 1.5), 17, step.status, 3))
            lost_here = f"−{step.ended} {STATUS_WORDS[step.status]}"
            drawing.add(Label(name_width, y + 30, lost_here, step.status, 10.5, bold=True))
            if step.detail:
                left = name_width + text_width(lost_here, 10.5, bold=True) + 6
                detail = fitted(step.detail, width - left, 10.5)
                drawing.add(Label(left, y + 30, detail, "muted", 10.5))
        percent = f"{step.reached:,}"
        drawing.add(Label(name_width + share + 7, y + 15, percent, "text", 12, bold=True))
    return drawing


def generalists(trained: Sequence[Generalist], width: float) -> Drawing:
    """Success over all tasks as each generalist is trained, a colour for each sampler."""
    drawing = Drawing(width, 290, "Success over all tasks in training, by sampler")
    samplers = sorted({generalist.sampler for generalist in trained})
    curves = [(generalist.sampler, mean_curve(generalist)) for generalist in trained]
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


def small_curve(record: Record) -> Drawing | None:
    """A kept task's own learning curve, without axes; None where it has none."""
    curve = record.trial.curve if record.trial else ()
    if len(curve) < 2:
        return None
    drawing = Drawing(300, 64, "Learning curve")
    frame = Frame(2, 6, 262, 52, float(curve[-1].steps), 1.0)
    rates = [min(max(point.success_rate, 0.0), 1.0) for point in curve]
    line = [frame.at(curve[n].steps, rates[n]) for n in thinned(len(curve), 80)]
    drawing.add(
        Line([(2, frame.y(1)), (262, frame.y(1))], "line"),
        Line([(2, frame.y(0)), (262, frame.y(0))], "line"),
        Line(line, "learned", 1.8),
        Dots([line[-1]], 3, "learned"),
        Label(268, frame.y(1) + 4, "100 %", "muted", 9.5),
        Label(268, frame.y(0) + 4, "0 %", "muted", 9.5),
        Label(2, 63, f"{count(curve[-1].steps)} steps", "muted", 9.5),
    )
    return drawing
