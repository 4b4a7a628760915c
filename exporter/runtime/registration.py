"""Entering the tasks in Gymnasium's registry, once in each process that imports the package."""

from __future__ import annotations

import warnings

import gymnasium

from .catalogue import MAX_IDS, PACKAGE, SUITE, TASKS
from .conventions import spec_of


def register() -> None:
    """An id for each task, up to 500, and one for the whole suite.

    Gymnasium knows an id without its package. Where another package has taken one, it stays theirs,
    and a warning tells how to make ours.
    """
    _register(None)
    if len(TASKS) > MAX_IDS:
        return
    taken = [name for name in TASKS if not _register(name)]
    if taken:
        warnings.warn(
            f"Another package has registered {', '.join(taken)} before {PACKAGE}: these ids are "
            f'its tasks. Make ours with gymnasium.make("{PACKAGE}:{SUITE}-v0", '
            f'task="{taken[0]}"), or with {PACKAGE}.make.',
            stacklevel=2,
        )


def _register(task: str | None) -> bool:
    """Register a task, or the suite, unless another package has its id; whether it is ours now."""
    spec = spec_of(task, {})
    known = gymnasium.registry.get(spec.id)
    if known is None:
        # Entry points are texts: an id with a function could not be sent to another process.
        gymnasium.register(spec.id, entry_point=spec.entry_point)
        gymnasium.registry[spec.id] = spec
        return True
    return known.entry_point == spec.entry_point
