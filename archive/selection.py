"""Which kept tasks become stepping stones for the next idea.

As in OMNI-EPIC: a kept task's weight grows by one at every selection that passes it over and falls
to zero when it or one of its neighbours is chosen, so that attention wanders over the archive. The
weights follow from the records alone; nothing else is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..task import Record


def weights(records: Sequence[Record]) -> dict[str, int]:
    """The weight of each kept task, after the journeys of `records` (in their order).

    A journey whose code never worked, or that broke, did not use its stepping stones up.
    """
    weight: dict[str, int] = {}
    for record in records:
        if record.stepping_stones and record.status not in ("invalid", "broken"):
            weight = {task_id: n + 1 for task_id, n in weight.items()}
            weight.update(dict.fromkeys(record.stepping_stones, 0))
        if record.status == "learned" and record.task_id:
            weight[record.task_id] = 0
    return weight


def choose(weight: Mapping[str, float], random: np.random.Generator) -> str | None:
    """A task drawn in proportion to its weight; uniformly where all are zero; None of none."""
    if not weight:
        return None
    task_ids = list(weight)
    values = np.array([weight[task_id] for task_id in task_ids], dtype=np.float64)
    total = values.sum()
    chances = values / total if total else np.full(len(values), 1 / len(values))
    return str(random.choice(task_ids, p=chances))
