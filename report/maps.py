"""The two figures that show every task in its place: by its meaning, and by what it grew from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..archive.metrics import CELLS_A_SIDE, occupied_cells
from ..archive.metrics.diversity import GRID_HALF
from ..archive.projection import fixed_projection
from ..presentation.formatting import STATUS_WORDS, visible
from ..presentation.lineage import Member, Node, forest
from .drawing import GROUND, Bar, Dots, Drawing, Label, Line, fitted
from .plots import TITLES_SHOWN, Frame, legend, short, thinned
from .run_data import RunData

TREE_SHOWN = 600
"""Kept tasks in the picture of the lineage; of more, those on the deepest lines."""


def meaning_map(run: RunData, width: float) -> Drawing:
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
        ring = GROUND if is_kept and len(own) <= TITLES_SHOWN else ""
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


def lineage(run: RunData, width: float) -> Drawing:
    """Which kept task grew from which: journeys from left to right."""
    is_kept = [record.status == "learned" for record in run.records]
    nodes, _ = forest(
        [
            Member(record.task_id, record.idea.parents, kept)
            for record, kept in zip(run.records, is_kept, strict=True)
        ]
    )
    grown = [p for p, node in enumerate(nodes) if is_kept[p] or node.bearing]
    shown = grown if len(grown) <= TREE_SHOWN else _deepest_lines(nodes, grown)
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
        if is_kept[p] and p not in parents:
            text = fitted(visible(run.records[p].idea.title), width - x - 10, 9.5)
            drawing.add(Label(x + 8, y + 3.3, text, "muted", 9.5))
    entries = [("kept", "learned"), ("turned down, but a parent", "too_hard")]
    if len(grown) > len(shown):
        entries.append((f"shown: {len(shown)} of {len(grown):,}, on the deepest lines", GROUND))
    legend(drawing, 14, 16, entries)
    return drawing


def _bend(x0: float, y0: float, x1: float, y1: float) -> list[tuple[float, float]]:
    """A curve from a parent to its child."""
    shares = np.linspace(0.0, 1.0, 9)
    ease = shares * shares * (3 - 2 * shares)
    xs, ys = x0 + (x1 - x0) * shares, y0 + (y1 - y0) * ease
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def _deepest_lines(nodes: Sequence[Node], grown: Sequence[int]) -> list[int]:
    """Places of as many nodes as there is room for: those on the deepest lines."""
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
