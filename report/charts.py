"""The figures of one run. Each is drawn as wide as it is asked to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..archive.metrics import (
    CELLS_A_SIDE,
    Step,
    annecs,
    annecs_omni,
    coverage,
    occupied_cells,
    vendi_score,
)
from ..archive.metrics.diversity import GRID_HALF
from ..archive.projection import fixed_projection
from ..browser.lineage import Node, forest
from ..browser.pages import STATUS_WORDS, visible
from ..browser.rows import Row
from ..task import Record
from .drawing import Area, Bar, Dots, Drawing, Label, Line, fitted, text_width
from .plots import Frame, axes, legend, short, stairs, thinned
from .run_data import RunData

TITLES_SHOWN = 1500
"""Dots that say what they are when pointed at: more would make the page slow."""
CURVES_SHOWN = 80
DUMBBELLS_SHOWN = 60
TREE_SHOWN = 600
"""Kept tasks in the picture of the lineage; of more, those on the deepest lines."""
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


def plot_frame(drawing: Drawing, x_max: float, y_max: float, top: float = 44) -> Frame:
    return Frame(46, top, drawing.width - 10, drawing.height - 42, x_max, y_max)


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
        told = f"{first[-1]}"
        drawing.add(Label(frame.right, line[-1][1] - 7, told, "learned", 13, "end", bold=True))
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


def _smoothed(rates: Sequence[float], window: int = 3) -> list[float]:
    """Means over a few neighbouring points: each is of a dozen episodes only."""
    found = []
    for n in range(len(rates)):
        near = [min(max(r, 0.0), 1.0) for r in rates[max(n - window, 0) : n + window + 1]]
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
        drawing.add(
            Line([frame.at(x, y) for x, y in zip(counts, cells, strict=True)], "too_easy", 1.8),
            Line([frame.at(x, y) for x, y in zip(counts, vendi, strict=True)], "accent", 2.2),
        )
    if counts and len(counts) == 1:
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
            told = f"−{step.ended} {STATUS_WORDS[step.status]}"
            drawing.add(Label(name_width, y + 30, told, step.status, 10.5, bold=True))
            if step.detail:
                left = name_width + text_width(told, 10.5, bold=True) + 6
                detail = fitted(step.detail, width - left, 10.5)
                drawing.add(Label(left, y + 30, detail, "muted", 10.5))
        percent = f"{step.reached:,}"
        drawing.add(Label(name_width + share + 7, y + 15, percent, "text", 12, bold=True))
    return drawing


def map_figure(run: RunData, width: float) -> Drawing:
    """Every task where its meaning puts it, on axes that never change."""
    height = 0.78 * width
    drawing = Drawing(width, height + 30, "Map of the tasks by meaning, on fixed axes")
    projection = fixed_projection()
    records, vectors = run.matrix(run.records)
    fits = len(vectors) > 0 and vectors.shape[1] == len(projection.mean)
    points = projection.project(vectors) if fits else np.zeros((0, 2), np.float32)
    records = records if fits else []
    window = _window(points, projection.reference, width / height)
    frame = Frame(0, 0, width, height, window[1], window[3], window[0], window[2])
    drawing.add(Bar(0, 0, width, height, "sunken", 6, 0.35))
    kept = [n for n, record in enumerate(records) if record.status == "learned"]
    size = 2 * GRID_HALF / CELLS_A_SIDE
    for column, line in np.unique(occupied_cells(points[kept]), axis=0).tolist():
        x, y = frame.at(column * size - GRID_HALF, (line + 1) * size - GRID_HALF)
        x_end, y_end = frame.at((column + 1) * size - GRID_HALF, line * size - GRID_HALF)
        drawing.add(Bar(x, y, x_end - x, y_end - y, "learned", 0, 0.13))
    drawing.add(Dots([frame.at(x, y) for x, y in projection.reference.tolist()], 1.1, "line"))
    legend_entries = []
    for status in reversed(STATUS_WORDS):
        own = [n for n, record in enumerate(records) if record.status == status]
        if not own:
            continue
        places = [frame.at(*points[n].tolist()) for n in own]
        is_kept = status == "learned"
        titles = [visible(f"{records[n].number}. {records[n].idea.title}") for n in own]
        size_of_dots = 4.2 if len(records) < 400 else 2.4 if len(records) < 4000 else 1.4
        radius = size_of_dots * (1.0 if is_kept else 0.7)
        titled = titles if len(own) <= TITLES_SHOWN and is_kept else ()
        ring = "ground" if is_kept and len(own) <= TITLES_SHOWN else ""
        drawing.add(Dots(places, radius, status, ring, 1.0 if is_kept else 0.8, titled))
        legend_entries.append((f"{STATUS_WORDS[status]}, {len(own)}", status))
    entries = [*reversed(legend_entries), ("reference", "line")]
    drawing.height = legend(drawing, 2, height + 20, entries) - 6
    return drawing


def _window(
    points: NDArray[np.float32], reference: NDArray[np.float32], shape: float
) -> tuple[float, float, float, float]:
    """What of the plane is shown (x from, to, y from, to): the reference, and all points."""
    all_points = np.concatenate([points, reference])
    low, high = all_points.min(axis=0) - 0.25, all_points.max(axis=0) + 0.25
    middle, half = (low + high) / 2, (high - low) / 2
    # A unit is as long on both axes.
    half = np.array([max(half[0], half[1] * shape), max(half[1], half[0] / shape)])
    (x, y), (dx, dy) = middle.tolist(), half.tolist()
    return x - dx, x + dx, y - dy, y + dy


def lineage_figure(run: RunData, width: float) -> Drawing:
    """Which kept task grew from which: journeys from left to right."""
    nodes, _ = forest([_row(record) for record in run.records])
    shown = _in_the_tree(nodes)
    leaves = {node_order: n for n, node_order in enumerate(sorted({nodes[p].order for p in shown}))}
    height = min(max(len(leaves) * 15.0, 120.0), 900.0) + 66
    drawing = Drawing(width, height, "Which task grew from which, over journeys")
    journeys = [record.number for record in run.records]
    first, last = min(journeys, default=1), max(journeys, default=2)
    right = width - (200 if width > 500 else 110)
    frame = Frame(14, 34, right, height - 34, max(last, first + 1), max(len(leaves), 2), first, -1)
    axis = Frame(14, 34, right, height - 34, frame.x_max, 1.0, first)
    axes_at = [Line([(axis.left, axis.bottom), (axis.right, axis.bottom)], "line")]
    drawing.add(*axes_at)
    for value in thinned(last - first + 1, 6):
        number = first + value
        drawing.add(Label(axis.x(number), axis.bottom + 16, short(number), "muted", 10.5, "middle"))
    middle = (axis.left + axis.right) / 2
    drawing.add(Label(middle, axis.bottom + 31, "journey", "muted", 10.5, "middle"))
    places = {p: (frame.x(run.records[p].number), frame.y(leaves[nodes[p].order])) for p in shown}
    for p in shown:
        parent = nodes[p].parent
        if parent in places:
            assert parent is not None
            (x0, y0), (x1, y1) = places[parent], places[p]
            drawing.add(Line(_bend(x0, y0, x1, y1), "faint", 1.1, 0.7))
    labelled = len(leaves) <= 60
    for status in ("too_hard", "too_easy", "learned"):
        own = [p for p in shown if run.records[p].status == status]
        titles = [visible(f"{run.records[p].number}. {run.records[p].idea.title}") for p in own]
        size = (4.2 if labelled else 2.4) if status == "learned" else 2.6
        drawing.add(Dots([places[p] for p in own], size, status, titles=titles))
    parents = {nodes[p].parent for p in shown}
    for p in shown if labelled else []:
        if p in parents and len(leaves) > 25:
            continue
        x, y = places[p]
        if run.records[p].status == "learned" and p not in parents:
            text = fitted(visible(run.records[p].idea.title), width - x - 10, 9.5)
            drawing.add(Label(x + 8, y + 3.3, text, "muted", 9.5))
    entries = [("kept", "learned"), ("turned down, but a parent", "too_hard")]
    grown = sum(node.row.status == "learned" or node.bearing for node in nodes)
    if grown > len(shown):
        entries.append((f"shown: {len(shown)} of {grown:,}, on the deepest lines", "ground"))
    legend(drawing, 14, 16, entries)
    return drawing


def _bend(x0: float, y0: float, x1: float, y1: float) -> list[tuple[float, float]]:
    """A curve from a parent to its child."""
    shares = np.linspace(0.0, 1.0, 9)
    ease = shares * shares * (3 - 2 * shares)
    xs, ys = x0 + (x1 - x0) * shares, y0 + (y1 - y0) * ease
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def _in_the_tree(nodes: Sequence[Node]) -> list[int]:
    """Places of the kept tasks and of what they grew from; of too many, the deepest lines."""
    grown = [p for p, node in enumerate(nodes) if node.row.status == "learned" or node.bearing]
    if len(grown) <= TREE_SHOWN:
        return grown
    chosen: set[int] = set()
    for p in sorted(grown, key=lambda p: -nodes[p].depth):
        line: list[int] = []
        at: int | None = p
        while at is not None and at not in chosen:
            line.append(at)
            at = nodes[at].parent
        if len(chosen) + len(line) > TREE_SHOWN:
            break
        chosen.update(line)
    return sorted(chosen)


def _row(record: Record) -> Row:
    """A record as the lineage of the browser takes it."""
    trial = record.trial
    return Row(
        number=record.number,
        status=record.status,
        task_id=record.task_id,
        robot=None,
        title=record.idea.title,
        novelty=record.novelty,
        created_at=record.created_at,
        reason="",
        description="",
        strategy=record.idea.strategy,
        parents=tuple(record.idea.parents),
        generation=0,
        success_before=trial.success_before if trial else None,
        success_after=trial.success_after if trial else None,
        tokens=0,
        usd=None,
        seconds=0.0,
        failed_at=None,
        damaged=False,
    )
