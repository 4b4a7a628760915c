"""How far tasks have come from where their line began."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


def generations(
    lines: Iterable[tuple[str | None, Sequence[str]]],
) -> NDArray[np.int64]:
    """Steps from each task back to a beginning, along the longest of its lines. In POET the depth
    of the phylogeny.

    Args:
        lines: The `task_id` (or None) of each record and those of its parents, in the order of
            their journeys.

    Returns:
        Shape (n,); 0 for a task without parents that came before it.
    """
    depth: dict[str, int] = {}
    found = []
    for task_id, parents in lines:
        # What was not there yet cannot have been a parent, whatever a record says.
        generation = 1 + max((depth[p] for p in parents if p in depth), default=-1)
        found.append(generation)
        if task_id is not None:
            depth.setdefault(task_id, generation)
    return np.array(found, dtype=np.int64)
