"""The difference between two sources: which lines came, went and stayed, highlighted.

Lines are compared in a time that no text can make long. Python's own `difflib` takes the cube of
the length for lines that resemble each other, which is an hour for what fits on a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from ..presentation.code import MAX_CHARACTERS, MAX_LINES, highlight, split_lines

CONTEXT_LINES = 3
MAX_EDITS = 1000
"""Lines removed and added. Where there are more, hardly anything is the same, and what there is
need not be found."""

Mark = Literal["same", "added", "removed", "gap"]


@dataclass(frozen=True)
class DiffLine:
    """A line of a difference, with its number in either version; None where it is not in it."""

    mark: Mark
    before: int | None
    after: int | None
    text: Markup


@dataclass(frozen=True)
class Diff:
    """What changed between two sources. No lines where nothing did, or where it was too much."""

    lines: tuple[DiffLine, ...] = ()
    added: int = 0
    removed: int = 0
    too_long: bool = False


NO_CHANGE = Diff()


def diff(before: str, after: str) -> Diff:
    """Compare two sources.

    Args:
        before: The older version.
        after: The newer version.

    Returns:
        The changed lines and a few around each, highlighted as parts of their files. No lines where
        the versions are equal, and `too_long` where they are too long for a page.
    """
    if before == after:
        return Diff()
    old, new = split_lines(before), split_lines(after)
    if max(len(old), len(new)) > MAX_LINES or max(len(before), len(after)) > MAX_CHARACTERS:
        return Diff(too_long=True)
    shown = highlight(before).lines, highlight(after).lines
    if (len(old), len(new)) != (len(shown[0]), len(shown[1])):
        return Diff(too_long=True)
    lines = list(_compared(old, new, *shown))
    return Diff(
        tuple(_near_changes(lines)),
        sum(line.mark == "added" for line in lines),
        sum(line.mark == "removed" for line in lines),
    )


def _compared(
    old: Sequence[str], new: Sequence[str], before: Sequence[Markup], after: Sequence[Markup]
) -> Iterator[DiffLine]:
    """All lines of both versions, in one order."""
    i, j = 0, 0
    for same_i, same_j in [*common_lines(old, new), (len(old), len(new))]:
        for n in range(i, same_i):
            yield DiffLine("removed", n + 1, None, before[n])
        for n in range(j, same_j):
            yield DiffLine("added", None, n + 1, after[n])
        if same_i < len(old):
            yield DiffLine("same", same_i + 1, same_j + 1, after[same_j])
        i, j = same_i + 1, same_j + 1


def _near_changes(lines: Sequence[DiffLine]) -> Iterator[DiffLine]:
    """The lines that have changed and a few around each, with a gap where some are left out."""
    changed = [n for n, line in enumerate(lines) if line.mark != "same"]
    near = {n + by for n in changed for by in range(-CONTEXT_LINES, CONTEXT_LINES + 1)}
    last = None
    for n, line in enumerate(lines):
        if n in near:
            if last is not None and last < n - 1:
                yield DiffLine("gap", None, None, Markup(""))
            yield line
            last = n


def common_lines(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of equal lines by their place in either version, in their order, such that the fewest
    lines are left over.

    The greedy algorithm of Myers (1986), up to MAX_EDITS; beyond that, only the lines that both
    begin with and both end with.
    """
    # Lines are compared often, and may be long.
    numbers: dict[str, int] = {}
    a, b = ([numbers.setdefault(line, len(numbers)) for line in text] for text in (old, new))
    shorter = min(len(a), len(b))
    head = next((n for n in range(shorter) if a[n] != b[n]), shorter)
    most = shorter - head
    tail = next((n for n in range(most) if a[-1 - n] != b[-1 - n]), most)
    middle = _fewest_edits(a[head : len(a) - tail], b[head : len(b) - tail])
    return [
        *((n, n) for n in range(head)),
        *((x + head, y + head) for x, y in middle),
        *((len(a) - n, len(b) - n) for n in range(tail, 0, -1)),
    ]


def _fewest_edits(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    """The pairs of a shortest way from the beginnings to the ends; none where it is too long."""
    # On each diagonal x - y, how far in `a` so many edits lead; and that before each edit.
    farthest = {1: 0}
    history: list[dict[int, int]] = []
    for edits in range(min(MAX_EDITS, len(a) + len(b)) + 1):
        history.append(dict(farthest))
        for diagonal in range(-edits, edits + 1, 2):
            origin = _origin(farthest, diagonal, edits)
            # From below, a line of `a` is removed; from above, one of `b` is added.
            x = farthest[origin] + (origin < diagonal)
            while x < len(a) and x - diagonal < len(b) and a[x] == b[x - diagonal]:
                x += 1
            farthest[diagonal] = x
            if x >= len(a) and x - diagonal >= len(b):
                return _way_back(history, len(a), len(b))
    return []


def _origin(farthest: dict[int, int], diagonal: int, edits: int) -> int:
    """The neighbouring diagonal from which the last edit leads farthest on this one."""
    above, below = diagonal + 1, diagonal - 1
    if diagonal == -edits or (diagonal != edits and farthest[below] < farthest[above]):
        return above
    return below


def _way_back(history: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for edits in range(len(history) - 1, -1, -1):
        origin = _origin(history[edits], x - y, edits)
        from_x = history[edits][origin]
        from_y = from_x - origin
        while x > from_x and y > from_y:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = from_x, from_y
    return pairs[::-1]
