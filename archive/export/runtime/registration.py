"""Entering the tasks in Gymnasium's registry, once in each process that imports the package."""

from __future__ import annotations

import warnings

import gymnasium

from .catalogue import MAX_IDS, PACKAGE, SUITE, TASKS
from .vector import OF_OLD


def register() -> None:
    """An id for each task, up to 500, and one for the whole suite.

    Gymnasium knows an id without its package. Where another package has taken one, it stays theirs,
    and a warning tells how to make ours.
    """
    _register(f"{SUITE}-v0", {})
    if len(TASKS) > MAX_IDS:
        return
    taken = [name for name in TASKS if not _register(f"{name}-v0", {"task": name})]
    if taken:
        warnings.warn(
            f"Another package has registered {', '.join(taken)} before {PACKAGE}: these ids are "
            f'its tasks. Make ours with gymnasium.make("{PACKAGE}:{SUITE}-v0", '
            f'task="{taken[0]}"), or with {PACKAGE}.make.',
            stacklevel=2,
        )


def _register(name: str, keywords: dict[str, str]) -> bool:
    """Register an id unless another package has it; whether it is ours now."""
    known = gymnasium.registry.get(name)
    if known is None:
        # Entry points are texts: an id with a function could not be sent to another process.
        gymnasium.register(
            name,
            entry_point=f"{PACKAGE}:make",
            # Before 1.0, Gymnasium did not tell it the task; call `make_vec` of the package there.
            vector_entry_point=None if OF_OLD else f"{PACKAGE}:make_vec",
            kwargs=keywords,
        )
        return True
    return known.entry_point == f"{PACKAGE}:make"
