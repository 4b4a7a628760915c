"""Which lines two versions of a text have in common, in a time that no text can make long.

Python's own `difflib` takes the cube of the length for lines that resemble each other, which is an
hour for what fits on a page.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_EDITS = 1000
"""Lines removed and added. Where there are more, hardly anything is the same, and what there is
need not be found."""


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
