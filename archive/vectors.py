"""Exact nearest neighbours among many unit vectors, on one core and in little memory.

Two passes. The first scans a copy of the vectors in 8-bit integers, a quarter of the memory traffic
that bounds such a scan. How far its similarities can be off is known (`_Quantised.error`), so that
it leaves every vector that could be among the nearest, and few others. The second pass compares
those in full. The answer is that of a full scan of the float32 vectors, ties included: a test and
`benchmarks/archive_scale.py` show it.

The files are a cache of what the archive holds. They may be deleted at any time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numkong
import numpy as np
from numpy.typing import NDArray

from ..files import FileProblem, open_file, read_bytes

Vectors = NDArray[np.float32]
"""Unit vectors, shape (rows, dimension)."""
Rows = NDArray[np.intp]

GROWTH_ROWS = 16_384
"""Files grow by at least so many rows at a time, and by an eighth."""
SCANNED_IN_FULL = 2_048
"""At most this many vectors are compared in full at once: a first pass would save nothing."""
BLOCK = 256
_LARGEST = 127


@dataclass(frozen=True)
class _Quantised:
    """Vectors x as whole numbers n and a scale s each, so that x is nearly s n."""

    numbers: NDArray[np.int8]
    scale: Vectors
    error: Vectors
    """The length of x - s n."""


def _quantise(vectors: Vectors) -> _Quantised:
    scale = np.maximum(np.abs(vectors).max(axis=1), np.finfo(np.float32).tiny) / _LARGEST
    numbers = np.rint(vectors / scale[:, None]).astype(np.int8)
    error = np.linalg.norm(vectors - scale[:, None] * numbers, axis=1)
    return _Quantised(numbers, scale.astype(np.float32), error.astype(np.float32))


class VectorIndex:
    """Rows of a unit vector and a key each, in a folder of memory-mapped files.

    A key is a positive whole number. It is written last, so that a row that was cut off in the
    middle of being written does not count. One process appends, in mode r+; others may read
    meanwhile. Rows that were not safe on the disk when that process was killed are forgotten.
    """

    def __init__(
        self, folder: Path, dimension: int, mode: Literal["r", "r+"], most_rows: int | None = None
    ) -> None:
        """`most_rows`: rows beyond this number are not ours and are ignored; None: all count."""
        self.dimension = dimension
        self._folder = folder
        self._mode: Literal["r", "r+"] = mode
        if mode == "r+":
            folder.mkdir(parents=True, exist_ok=True)
        self._scanned: tuple[tuple[int, bytes], Vectors, float] | None = None
        """The last scan and what it was for: a journey asks for the learned records nearest to a
        text, and then for those that failed."""
        self._map()
        keys = self._keys[:most_rows]
        unused = np.flatnonzero(keys == 0)
        self.count = int(unused[0]) if len(unused) else len(keys)
        if mode == "r+":
            self.truncate(self._synced())

    def _map(self) -> None:
        self._vectors = self._file("vectors.f32", np.float32, self.dimension)
        self._numbers = self._file("numbers.i8", np.int8, self.dimension)
        self._scales = self._file("scales.f32", np.float32, 2)
        keys = self._file("keys.i64", np.int64, 1).reshape(-1)
        files = (self._vectors, self._numbers, self._scales, keys)
        self._keys = keys[: min(map(len, files))]

    def _file(self, name: str, dtype: Any, columns: int) -> NDArray[Any]:
        path = self._folder / name
        size = path.stat().st_size if path.is_file() and not path.is_symlink() else 0
        rows = size // (columns * np.dtype(dtype).itemsize)
        if not rows:
            return np.zeros((0, columns), dtype)
        return np.memmap(path, dtype, self._mode, shape=(rows, columns))

    @property
    def keys(self) -> NDArray[np.int64]:
        """The key of each row, shape (count,)."""
        return self._keys[: self.count]

    def vector(self, row: int) -> NDArray[np.float32]:
        """The vector of a row."""
        return np.array(self._vectors[row])

    def append(self, keys: Sequence[int], vectors: Vectors) -> None:
        """Add rows at the end. Raises ValueError where they are not of the index's dimension."""
        if vectors.shape != (len(keys), self.dimension):
            raise ValueError(
                f"{vectors.shape} is not {len(keys)} rows of dimension {self.dimension}"
            )
        start, stop = self.count, self.count + len(keys)
        if stop > len(self._keys):
            self._grow(max(stop, start + start // 8 + GROWTH_ROWS))
        quantised = _quantise(vectors)
        self._vectors[start:stop] = vectors
        self._numbers[start:stop] = quantised.numbers
        self._scales[start:stop, 0] = quantised.scale
        self._scales[start:stop, 1] = quantised.error
        self._keys[start:stop] = keys
        self.count = stop

    def _grow(self, rows: int) -> None:
        sizes = {"vectors.f32": 4 * self.dimension, "numbers.i8": self.dimension}
        for name, row_bytes in {**sizes, "scales.f32": 8, "keys.i64": 8}.items():
            with open(self._folder / name, "ab") as file:
                # What is not written yet reads as zeros, and takes no room on the disk.
                os.truncate(file.fileno(), rows * row_bytes)
        self._map()

    def truncate(self, count: int) -> None:
        """Forget all rows from number `count` on."""
        self._scanned = None
        self._keys[count : self.count] = 0
        self.count = min(count, self.count)

    def _synced(self) -> int:
        """The number of rows that the last `sync` has brought to the disk."""
        try:
            return int(read_bytes(open_file(self._folder / "synced", 32), 32))
        except (FileProblem, ValueError):
            return 0

    def sync(self) -> None:
        """Bring all rows safely to the disk."""
        for file in (self._vectors, self._numbers, self._scales, self._keys):
            if isinstance(file, np.memmap):
                file.flush()
        (self._folder / "synced").write_text(str(self.count), encoding="utf-8")

    def nearest(
        self, vector: NDArray[np.float32], count: int, among: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The keys of the vectors most similar to a unit vector, most similar first, and their
        cosine similarities.

        `among`, shape (count,), says which rows may be found; None: all. Ties go to the lower key.
        Fewer rows than asked for give fewer, and none give two empty arrays.
        """
        query = np.asarray(vector, np.float32)
        rows = np.arange(self.count) if among is None else np.flatnonzero(among)
        if not len(rows) or count < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        if len(rows) > max(SCANNED_IN_FULL, count):
            rows = self._candidates(query, count, among)
        similarities = exact_similarities(self._vectors[rows], query)
        keys = self._keys[rows]
        order = np.lexsort((keys, -similarities))[:count]
        return keys[order], similarities[order]

    def _candidates(
        self, query: NDArray[np.float32], count: int, among: NDArray[np.bool_] | None
    ) -> Rows:
        """Rows that could be among the `count` nearest; most others are left out."""
        roughly, doubt = self.rough_similarities(query)
        if among is not None:
            roughly[~among] = -np.inf
        # The best of each block: the count-th best of those is no better than the count-th of all,
        # and is found in a fraction of the time.
        best = np.maximum.reduceat(roughly, np.arange(0, self.count, BLOCK))
        if len(best) < count:
            best = roughly
        bar = np.partition(best, -count)[-count] - 2.0 * doubt
        return np.flatnonzero(roughly >= bar)

    def rough_similarities(self, query: NDArray[np.float32]) -> tuple[Vectors, float]:
        """The cosine similarity of each row to a unit vector, shape (count,), and by how much each
        of them may be wrong.

        For vectors x = s n + e and q = t m + f with whole numbers n and m, the scan gives
        s t n·m. It differs from x·q by e·q + s n·f: at most |e| |q| + (1 + |e|) |f|.
        """
        asked_for = self.count, query.tobytes()
        if self._scanned is None or self._scanned[0] != asked_for:
            self._scanned = asked_for, *self._scan(query)
        _, roughly, doubt = self._scanned
        return roughly.copy(), doubt

    def _scan(self, query: NDArray[np.float32]) -> tuple[Vectors, float]:
        scales, errors = self._scales[: self.count, 0], self._scales[: self.count, 1]
        asked = _quantise(query[None])
        products = numkong.cdist(asked.numbers, self._numbers[: self.count], "dot")
        roughly = np.asarray(products, np.float32).reshape(-1) * (scales * asked.scale[0])
        worst = float(errors.max(initial=0.0))
        # Beside it what rounding in float32 may add, far more than it does.
        doubt = worst * float(np.linalg.norm(query)) + (1.0 + worst) * float(asked.error[0]) + 1e-5
        return roughly, doubt

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors of some rows, shape (rows, dimension)."""
        return np.array(self._vectors[rows])


def exact_similarities(vectors: Vectors, query: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosine similarity of each row to a unit vector, shape (rows,).

    Worked out row by row in float64 and rounded once, so that it is the same to the last bit
    whatever other rows are compared at the same time.
    """
    # Not a matrix product, nor einsum: what they add up first depends on where a row stands.
    products: NDArray[np.float64] = vectors.astype(np.float64) * query.astype(np.float64)
    similarities: NDArray[np.float32] = products.sum(axis=1).astype(np.float32)
    return similarities
