"""The embeddings of all records as one matrix, kept in memory while the archive does not grow."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..embedding import SentenceEncoder
from ..store import FILE_NAME
from .site import Site

MODEL = SentenceEncoder.name


@dataclass(frozen=True, eq=False)
class Matrix:
    """Unit vectors of the records that have one, in the order of their journeys."""

    numbers: NDArray[np.int64]
    """Journey numbers, shape (n,)."""
    vectors: NDArray[np.float32]
    """Shape (n, size); (0, 0) where nothing is embedded yet."""

    def nearest(self, number: int, count: int) -> list[tuple[int, float]]:
        """The records most like that of a journey and their cosine similarities, best first;
        nothing where it has no vector."""
        row = np.flatnonzero(self.numbers == number)
        if not len(row):
            return []
        similarities = self.vectors @ self.vectors[row[0]]
        order = [n for n in np.argsort(-similarities, kind="stable") if n != row[0]]
        return [(int(self.numbers[n]), float(similarities[n])) for n in order[:count]]


class Vectors:
    """Reads the matrix of a site's archive. May be used from any thread."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._count = -1
        self._matrix = Matrix(np.empty(0, np.int64), np.empty((0, 0), np.float32))

    def matrix(self) -> Matrix:
        """Of what the archive holds now."""
        with self._lock:
            count = self._site.index.refresh()
            if count != self._count:
                self._matrix = self._read()
                self._count = count
            return self._matrix

    def _read(self) -> Matrix:
        journeys = self._site.index.text_hashes()
        path = self._site.run_dir / FILE_NAME
        if not journeys or not path.exists():
            return Matrix(np.empty(0, np.int64), np.empty((0, 0), np.float32))
        archive = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            stored = archive.execute(
                "SELECT text_sha256, vector FROM embeddings WHERE model = ?", [MODEL]
            ).fetchall()
        finally:
            archive.close()
        rows = [
            (number, np.frombuffer(vector, np.float32))
            for text, vector in stored
            if isinstance(vector, bytes) and len(vector) % 4 == 0
            for number in journeys.get(text, ())
        ]
        # One damaged vector must not hide the others.
        sizes = [len(vector) for _, vector in rows]
        usual = max(set(sizes), key=sizes.count, default=0)
        rows = sorted(
            ((n, v) for n, v in rows if len(v) == usual and np.isfinite(v).all()),
            key=lambda row: row[0],
        )
        numbers = np.array([number for number, _ in rows], np.int64)
        vectors = np.array([vector for _, vector in rows], np.float32)
        return Matrix(numbers, vectors.reshape(len(rows), -1) if rows else np.empty((0, 0)))
