"""What the columns of an archive hold, where somebody may have put anything there."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ..task import STATUSES, Status

_TASK_ID = re.compile("[0-9a-f]{12}")


def first_flaw(error: ValueError) -> str:
    """What is wrong with JSON that is not of the shape that was expected."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        told = f"{place}: {first['msg']}" if place else first["msg"]
    else:
        told = str(error)
    return " ".join(told.split())[:200]


def known_status(status: object) -> Status:
    """A status as it was stored. What none of ours has written stands for something broken."""
    return status if status in STATUSES else "broken"


def task_id_or_none(stored: object) -> str | None:
    """A `task_id` as it was stored; None where it is none, for it names files and addresses."""
    return stored if isinstance(stored, str) and _TASK_ID.fullmatch(stored) else None


def other_record(number: int) -> str:
    """What to tell where a record is of another journey, status or title than its row says."""
    return (
        f"The record of journey {number} is not the one that was written for it: somebody has "
        "changed the archive."
    )


def altered_source(number: int, task_id: object) -> str:
    """What to tell where the source in a record is not the one that its `task_id` was taken of."""
    named = task_id_or_none(task_id) or "?"
    return (
        f"The source of task {named} (journey {number}) was changed after it was recorded, so "
        "that nothing that was found out about it holds. Restore it from a copy of the archive, "
        "or import it as a task of its own."
    )


def unit_vector(stored: object) -> NDArray[np.float32] | None:
    """A unit vector as it was stored; None where it is none any more, so that it is made anew."""
    if not isinstance(stored, bytes) or not stored or len(stored) % 4:
        return None
    vector: NDArray[np.float32] = np.frombuffer(stored, np.float32)
    return vector if abs(float(vector @ vector) - 1.0) < 1e-2 else None
