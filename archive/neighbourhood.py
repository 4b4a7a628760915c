"""Which records are nearest in meaning to a text: what ideas, searches and pages ask the archive.

Each text is embedded once and its vector archived; a `VectorIndex` finds the nearest exactly.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import threading
from collections.abc import Collection, Sequence
from math import isfinite
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError
from ..task import STATUSES, Status
from .embedding import Embedder
from .novelty import Neighbour
from .store import Archive
from .vectors import VectorIndex, exact_similarities

FOLDER_NAME = "vectors"
MOST_MISSING = 1_000
"""The most vectors that a reader computes, who cannot store them: 10 ms for a text, each time."""
BATCH = 4096
"""So many vectors are taken from the archive at once."""


def folder_name(embedder: str) -> str:
    """The name of an embedder as the name of a folder: it cannot lead to another place."""
    return re.sub(r"[^\w.-]+", "-", embedder).lstrip(".")[:100] or "unnamed"


class Neighbourhood:
    """The records of an archive, by their nearness to a text. Use as a context manager; any thread
    may ask.

    Where the archive may be written to, the index is kept in the run folder. A reader uses that
    index, and adds what it lacks in memory alone.
    """

    def __init__(self, run_dir: Path, archive: Archive, embedder: Embedder) -> None:
        self._archive = archive
        self._embedder = embedder
        self._folder = run_dir / FOLDER_NAME / folder_name(embedder.name)
        self._resources = contextlib.ExitStack()
        self._lock = threading.Lock()
        self._indices: list[VectorIndex] = []
        """The last of these is the one that grows."""
        self._numbers = np.zeros(0, np.int64)
        """The journeys in all indices, row by row."""
        self._statuses = np.zeros(0, np.int8)
        """The status of each of them, as its position in `STATUSES`."""
        self._whole_up_to = 0
        """Every journey up to this one is in the indices."""
        self._beyond: set[int] = set()
        """Journeys after that one that are in the indices too."""
        self._missing = 0
        """Vectors that the archive did not have."""

    def nearest(
        self,
        text: str,
        count: int,
        *,
        statuses: Collection[Status] | None = None,
        up_to: int | None = None,
    ) -> list[Neighbour]:
        """The `count` records most similar to a text, most similar first.

        Only those of the given statuses, and of journeys up to the number `up_to`, where these are
        given. Ties go to the earlier journey; fewer records give fewer neighbours.
        """
        found = self.similar(text, count, statuses=statuses, up_to=up_to)
        records = self._archive.by_number([number for number, _ in found])
        return [Neighbour(records[number], similarity) for number, similarity in found]

    def similar(
        self,
        text: str,
        count: int,
        *,
        statuses: Collection[Status] | None = None,
        up_to: int | None = None,
    ) -> list[tuple[int, float]]:
        """As `nearest`, but only the numbers of the journeys and their cosine similarities: no
        record is read."""
        with self._lock:
            if count < 1 or not self._among(statuses, up_to).any():
                return []
        # Not while others are kept from asking: it takes many times as long as the search.
        vector = self._embedder.embed(text)
        with self._lock:
            return self._similar(vector, count, self._among(statuses, up_to))

    def _similar(
        self, vector: NDArray[np.float32], count: int, among: NDArray[np.bool_]
    ) -> list[tuple[int, float]]:
        found: list[tuple[float, int]] = []
        start = 0
        for index in self._indices:
            here = among[start : start + index.count]
            start += index.count
            numbers, similarities = index.nearest(vector, count, None if here.all() else here)
            distances = (-similarities).tolist()
            # A file that somebody has changed may hold NaN or infinity.
            found += [f for f in zip(distances, numbers.tolist(), strict=True) if isfinite(f[0])]
        return [(number, -distance) for distance, number in sorted(found)[:count]]

    def spread(
        self,
        number: int,
        count: int,
        *,
        statuses: Collection[Status] | None = None,
        up_to: int | None = None,
    ) -> list[int]:
        """The journeys of `count` records from all over: each is the one farthest from the record
        of journey `number` and from those before it (Gonzalez 1985).

        Only records of the given statuses, and of journeys up to `up_to`, where these are given.
        Ties go to the earlier journey; fewer records give fewer, and an unknown `number` none.
        """
        with self._lock:
            rows = np.flatnonzero(self._among(statuses, up_to))
            numbers = self._numbers[rows]
            first = np.flatnonzero(self._numbers == number)
            if not len(first):
                return []
            chosen = [int(first[0])]
            left = numbers != number
            roughly = np.full(len(rows), -np.inf, np.float32)
            doubt = 0.0
            while len(chosen) <= count and left.any():
                found, error = self._rough_similarities(self._vectors(chosen[-1:])[0])
                roughly, doubt = np.maximum(roughly, found[rows]), max(doubt, error)
                # As in a search: those that could be the farthest are compared in full.
                close = left & (roughly <= roughly[left].min() + 2.0 * doubt)
                if not close.any():
                    close = left  # A file that somebody has changed holds NaN.
                candidates, others = self._vectors(rows[close]), self._vectors(chosen)
                nearness = np.max([exact_similarities(candidates, one) for one in others], axis=0)
                best = np.lexsort((numbers[close], nearness))[0]
                place = np.flatnonzero(close)[best]
                left[place] = False
                chosen.append(int(rows[place]))
            return [int(self._numbers[row]) for row in chosen[1:]]

    def _rough_similarities(self, vector: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
        """Of the rows of all indices; see there."""
        found = [index.rough_similarities(vector) for index in self._indices if index.count]
        return np.concatenate([roughly for roughly, _ in found]), max(doubt for _, doubt in found)

    def _vectors(self, rows: Sequence[int] | NDArray[np.intp]) -> NDArray[np.float32]:
        """The vectors of some rows of all indices, shape (rows, dimension)."""
        wanted, start = np.asarray(rows, np.intp), 0
        found = np.zeros((len(wanted), self._indices[0].dimension), np.float32)
        for index in self._indices:
            here = (wanted >= start) & (wanted < start + index.count)
            found[here] = index.vectors(wanted[here] - start)
            start += index.count
        return found

    def _among(self, statuses: Collection[Status] | None, up_to: int | None) -> NDArray[np.bool_]:
        """Which rows are of some statuses and of journeys up to a number, once all that is new has
        been taken in."""
        self._take_in_what_is_new()
        among = np.ones(len(self._numbers), np.bool_)
        if statuses is not None:
            wanted = np.zeros(len(STATUSES), np.bool_)
            wanted[[STATUSES.index(status) for status in statuses]] = True
            among &= wanted[self._statuses]
        if up_to is not None:
            among &= self._numbers <= up_to
        return among

    def _take_in_what_is_new(self) -> None:
        found = self._archive.statuses(after=self._whole_up_to)
        if found and not self._indices:
            self._open(found)
        new = [n for n in found if n > self._whole_up_to and n not in self._beyond]
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            self._indices[-1].append(batch, self._embed(batch))
            self._note(batch, found)

    def _open(self, found: dict[int, Status]) -> None:
        """Open the index in the run folder, or where it is not to be used, an empty one."""
        dimension = len(self._embed([min(found)])[0])
        stored = None
        if self._folder.is_dir() and not self._folder.is_symlink():
            mode: Literal["r", "r+"] = "r+" if self._archive.writable else "r"
            # An index with more rows than there are records belongs to another archive.
            stored = VectorIndex(self._folder, dimension, mode, most_rows=len(found) + 1)
            if not self._agrees(stored, found):
                stored = None
        if self._archive.writable:
            if stored is None:
                shutil.rmtree(self._folder, ignore_errors=True)
                stored = VectorIndex(self._folder, dimension, "r+")
            self._indices = [stored]
            self._resources.callback(stored.sync)
        else:
            scratch = Path(self._resources.enter_context(tempfile.TemporaryDirectory()))
            tail = VectorIndex(scratch, dimension, "r+")
            self._indices = [tail] if stored is None else [stored, tail]
        if stored is not None:
            self._note(stored.keys.tolist(), found)

    def _agrees(self, stored: VectorIndex, found: dict[int, Status]) -> bool:
        """Whether an index is of this archive as it is now, and not as it was before somebody put
        it back to an earlier state."""
        numbers = stored.keys.tolist()
        if not numbers:
            return True
        if len(numbers) > len(found) or not found.keys() >= set(numbers):
            return False
        return np.array_equal(stored.vector(len(numbers) - 1), self._embed(numbers[-1:])[0])

    def _embed(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """The vectors of some records, shape (numbers, dimension)."""
        texts = self._archive.texts(numbers)
        if not self._archive.writable:
            self._missing += sum(
                self._archive.embedding(text, self._embedder.name) is None
                for text in texts.values()
            )
            if self._missing > MOST_MISSING:
                raise ArchiveError(
                    f"More than {MOST_MISSING:,} records of this archive have no vector to compare "
                    "them by.",
                    "Compute them once and for all: taskwright reembed RUN_DIR.",
                )
        return np.stack(list(self._embedder.embed_all([texts[number] for number in numbers])))

    def _note(self, numbers: Sequence[int], found: dict[int, Status]) -> None:
        """Remember what the next rows of the indices are."""
        codes = [STATUSES.index(found[number]) for number in numbers]
        self._statuses = np.append(self._statuses, np.array(codes, np.int8))
        self._numbers = np.append(self._numbers, np.array(numbers, np.int64))
        self._beyond.update(numbers)
        while self._whole_up_to + 1 in self._beyond:
            self._whole_up_to += 1
            self._beyond.remove(self._whole_up_to)

    def close(self) -> None:
        self._resources.close()
        self._indices.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
