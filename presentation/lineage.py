"""Which record grew from which, and where each is drawn: a forest, laid out in linear time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Member(NamedTuple):
    """What the forest has to know of a record."""

    task_id: str | None
    parents: tuple[str, ...]
    """`task_id`s, the stepping stone first."""
    is_kept: bool


@dataclass
class Node:
    """A record in the forest."""

    parent: int | None = None
    """Place of its parent in the list; None for a beginning."""
    depth: int = 0
    """Steps to its beginning."""
    order: float = 0.0
    """Across the tree: leaves are at 0, 1, 2 …, what bears others in the middle of those."""
    bearing: bool = False
    """Whether anything that was kept grew from it."""


def forest(members: Sequence[Member]) -> tuple[list[Node], list[tuple[int, int]]]:
    """Lay out records as a forest.

    A record hangs on the first of its parents that is among the members and came earlier; its other
    parents are links.

    Args:
        members: The records, in the order of their journeys.

    Returns:
        A node for each member, in the same order; and links from a node to a further parent, as
        pairs of places in that order. Both are empty where there are no members.
    """
    places: dict[str, int] = {}
    nodes: list[Node] = []
    links: list[tuple[int, int]] = []
    children: list[list[int]] = []
    for place, member in enumerate(members):
        # What was not there yet cannot have been a parent, whatever a record says.
        found = [places[task_id] for task_id in dict.fromkeys(member.parents) if task_id in places]
        node = Node()
        if found:
            node.parent, node.depth = found[0], nodes[found[0]].depth + 1
            children[found[0]].append(place)
            links += [(place, other) for other in found[1:]]
        nodes.append(node)
        children.append([])
        if member.task_id is not None:
            places.setdefault(member.task_id, place)
    _order(nodes, children)
    for node, member in zip(reversed(nodes), reversed(members), strict=True):
        if node.parent is not None and (node.bearing or member.is_kept):
            nodes[node.parent].bearing = True
    return nodes, links


def _order(nodes: list[Node], children: list[list[int]]) -> None:
    # Not by recursion: a line of revisions may be longer than Python's stack.
    waiting = [place for place in reversed(range(len(nodes))) if nodes[place].parent is None]
    leaves = 0
    visited = []
    while waiting:
        place = waiting.pop()
        visited.append(place)
        if not children[place]:
            nodes[place].order = leaves
            leaves += 1
        waiting += reversed(children[place])
    for place in reversed(visited):
        if own := children[place]:
            nodes[place].order = (nodes[own[0]].order + nodes[own[-1]].order) / 2
