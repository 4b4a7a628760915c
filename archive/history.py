"""Records that only become more, and what follows from the first so many of them.

A journey knows the records up to its horizon, and those of a thousand journeys in flight differ by
a few. So nothing is copied for a journey, and nothing is worked out anew that the journey before it
has worked out: a `Past` is the first records of one `History`, and a fold takes in each record
once, whoever asks. A fold also answers for fewer records than it has taken in, since journeys ask
in any order.
"""

from __future__ import annotations

import bisect
import contextlib
import itertools
import operator
import threading
from array import array
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from ..task import Record


class Fold(Protocol):
    """What follows from records in their order. It is made empty."""

    def take(self, record: Record) -> None:
        """Take in the next record."""
        ...


F = TypeVar("F", bound=Fold)

_number = operator.attrgetter("number")


class History:
    """Records in the order of their journeys, added at the end alone. Any thread may use it."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._folds: dict[Hashable, Any] = {}
        self._taken: dict[Hashable, int] = {}
        # A fold may ask another.
        self._lock = threading.RLock()

    @property
    def last(self) -> int:
        """The journey of the latest record; 0 where there is none."""
        return self._records[-1].number if self._records else 0

    def append(self, record: Record) -> None:
        """Add the record of a later journey than `last`."""
        self._records.append(record)

    def up_to(self, number: int) -> Past:
        """The records of the journeys up to a number."""
        return Past(self, bisect.bisect_right(self._records, number, key=_number))


class Past(Sequence[Record]):
    """The first `count` records of a history, which are not copied."""

    def __init__(self, history: History, count: int) -> None:
        self.history = history
        self._records = history._records
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        return itertools.islice(self._records, self._count)

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> list[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | list[Record]:
        if isinstance(place, slice):
            return [self._records[n] for n in range(*place.indices(self._count))]
        if not -self._count <= place < self._count:
            raise IndexError(f"there are {self._count} records, and no {place}")
        return self._records[place if place >= 0 else self._count + place]

    def of(self, number: int) -> Record | None:
        """The record of a journey; None where there is none."""
        place = bisect.bisect_left(self._records, number, hi=self._count, key=_number)
        found = self._records[place] if place < self._count else None
        return found if found is not None and found.number == number else None


@contextlib.contextmanager
def following(records: Sequence[Record], kind: type[F], *settings: Hashable) -> Iterator[F]:
    """A fold, made with some settings, that has taken in at least these records; what it says of
    the first `len(records)` does not change. Of a `Past` it is kept with the history, and nobody
    else uses it until the end of the block."""
    if not isinstance(records, Past):
        fold = kind(*settings)
        for record in records:
            fold.take(record)
        yield fold
        return
    history, key = records.history, (kind, settings)
    with history._lock:
        if key not in history._folds:
            history._folds[key] = kind(*settings)
        kept: F = history._folds[key]
        for place in range(history._taken.get(key, 0), len(records)):
            kept.take(history._records[place])
            history._taken[key] = place + 1
        yield kept


class Versions:
    """A growing row of numbers, each of which may change, as it was after any number of records."""

    def __init__(self) -> None:
        self._latest = array("d")
        self._born = array("q")
        """After how many records each number was there, in ascending order."""
        # Of each change: after how many records, of which number, and what it was before.
        self._when, self._where, self._before = array("q"), array("q"), array("d")

    def __len__(self) -> int:
        return len(self._latest)

    def __getitem__(self, place: int) -> float:
        """The latest value of a number."""
        return self._latest[place]

    def append(self, count: int, value: float) -> None:
        """Add a number that is there after `count` records."""
        self._latest.append(value)
        self._born.append(count)

    def change(self, count: int, place: int, value: float) -> None:
        """Change a number from `count` records on, no fewer than at the change before."""
        self._when.append(count)
        self._where.append(place)
        self._before.append(self._latest[place])
        self._latest[place] = value

    def after(self, count: int) -> NDArray[np.float64]:
        """The numbers after `count` records, shape (numbers that were there,)."""
        values = np.array(self._latest, np.float64)
        change = len(self._when) - 1
        while change >= 0 and self._when[change] > count:
            values[self._where[change]] = self._before[change]
            change -= 1
        return values[: bisect.bisect_right(self._born, count)]


class Kept:
    """The kept tasks in the order in which each was first kept, and how long each took to learn."""

    def __init__(self) -> None:
        self._count = 0
        self._task_ids: list[str] = []
        self._places: dict[str, int] = {}
        self._steps = Versions()
        self._learned = array("q")
        """After how many records each kept one was there."""

    def take(self, record: Record) -> None:
        self._count += 1
        if record.status != "learned":
            return
        self._learned.append(self._count)
        task_id, steps = record.task_id, record.trial.steps if record.trial else 0
        if not task_id:
            return
        if task_id in self._places:
            self._steps.change(self._count, self._places[task_id], steps)
        else:
            self._places[task_id] = len(self._task_ids)
            self._task_ids.append(task_id)
            self._steps.append(self._count, steps)

    def records(self, count: int) -> int:
        """How many of the first `count` records are kept ones, a task that was kept twice
        included."""
        return bisect.bisect_right(self._learned, count)

    def of(self, count: int) -> list[str]:
        """The `task_id`s of the kept tasks among the first `count` records."""
        return self._task_ids[: len(self.steps(count))]

    def steps(self, count: int) -> NDArray[np.float64]:
        """The agent steps of the trial of each kept task after `count` records."""
        return self._steps.after(count)


class BySource:
    """The records by their tasks."""

    def __init__(self) -> None:
        self._count = 0
        self._found: dict[str, list[tuple[int, Record]]] = {}

    def take(self, record: Record) -> None:
        if record.task is not None:
            self._found.setdefault(record.task.task_id, []).append((self._count, record))
        self._count += 1

    def of(self, task_id: str, count: int) -> list[Record]:
        """The records of a task among the first `count`, in the order of their journeys."""
        return [record for place, record in self._found.get(task_id, ()) if place < count]
