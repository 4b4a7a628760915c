"""One search box: by the words of a record, and by its meaning.

Words are found by the index at once. Meaning needs the sentence encoder, which takes some seconds
to load and brings torch with it: that begins with the first search, in a thread of its own, and
until it is done words alone decide.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..archive.embedding import Embedder, Encoder, SentenceEncoder
from ..archive.neighbourhood import Neighbourhood
from ..archive.opening import reading
from ..archive.store import Archive
from ..archive.tampering import all_rows
from ..errors import TaskwrightError
from .index import Index

Vectors = NDArray[np.float32]

MOST_FOUND = 300
LEAST_SIMILARITY = 0.2
"""Cosine below which a record is not shown as meant. Over a Composer run, queries about nothing in
it ("cooking recipe", "python programming") stay below; "push something heavy" reaches 0.25."""
MOST_LENGTH = 100.0
"""Of a stored vector, squared: ours have 1. No number that is none is below."""
LEAST_SHARE = 0.6
"""Of the similarity of the best; what lies below is not shown either."""
FUSION = 60
"""Damps the weight of the first ranks (Cormack, Clarke and Büttcher, 2009)."""


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    numbers: tuple[int, ...]
    """Journey numbers, the best first."""
    by_meaning: bool
    """Whether meaning was searched as well."""
    problem: str = ""
    """Why meaning cannot be searched at all; empty while it can or soon will."""


@functools.cache
def shared_encoder() -> Encoder:
    """The encoder of this process; it is loaded at its first use."""
    return SentenceEncoder()


class Embeddings:
    """The stored vectors of the listed records, kept in memory until there are more."""

    def __init__(self, path: Path, index: Index) -> None:
        self._path = path
        self._index = index
        self.model = SentenceEncoder.name
        """Which embedder made them."""
        self._lock = threading.Lock()
        self._size = -1
        self._stored: tuple[list[int], Vectors] = ([], np.zeros((0, 0), np.float32))

    def stored(self) -> tuple[list[int], Vectors]:
        """Journey numbers, and for each a row of a float32 array: the unit vector of its idea.

        Records whose idea was never embedded are left out; without any, the array is (0, 0).
        """
        with self._lock:
            size = self._index.refresh()
            if size != self._size:
                self._stored = self._read() if size else ([], np.zeros((0, 0), np.float32))
                self._size = size
            return self._stored

    def _read(self) -> tuple[list[int], Vectors]:
        hashes = self._index.text_hashes()
        numbers: list[int] = []
        vectors: list[Vectors] = []
        with Archive.open(self._path.parent) as archive:
            made_by = archive.embedder()
        if made_by is None:
            return [], np.zeros((0, 0), np.float32)
        self.model, dimension = made_by
        with reading(self._path) as connection:
            rows = all_rows(
                connection,
                self._path,
                "SELECT text_sha256, vector FROM embeddings WHERE model = ? AND length(vector) = ?",
                (self.model, 4 * dimension),
            )
        for text, blob in rows:
            vector = np.frombuffer(blob if isinstance(blob, bytes) else b"", np.float32)
            # One that was damaged is as none; a run makes it anew.
            if len(vector) == dimension and float(vector @ vector) < MOST_LENGTH:
                for number in hashes.pop(text, ()):
                    numbers.append(number)
                    vectors.append(vector)
        return numbers, np.stack(vectors) if vectors else np.zeros((0, 0), np.float32)


class Remembering:
    """An encoder that encodes the latest queries once. Threads may share it."""

    def __init__(self, encoder: Encoder) -> None:
        self.name = encoder.name
        self._encoder = encoder
        self._guard = threading.Lock()
        self.encode = functools.lru_cache(maxsize=256)(self._encode)

    def _encode(self, query: str) -> Vectors:
        with self._guard:
            return np.asarray(self._encoder.encode(query), np.float32)


class Search:
    """Finds records of one archive. May be used from any thread."""

    def __init__(
        self,
        path: Path,
        index: Index,
        make_encoder: Callable[[], Encoder] | None = None,
    ) -> None:
        self._path = path
        self._index = index
        self._make_encoder = make_encoder or shared_encoder
        self.embeddings = Embeddings(path, index)
        self._lock = threading.Lock()
        self._loading: threading.Thread | None = None
        self._encoder: Remembering | None = None
        self._problem = ""
        self._neighbourhood: Neighbourhood | None = None
        self._identity: tuple[int, int] | None = None
        """Of the file that it is of."""

    def find(self, query: str) -> Found:
        """The records that a query names or means, the best first."""
        by_words = self._index.matches(query, MOST_FOUND)
        encoder = self._ready_encoder()
        if encoder is None or not self._path.exists():
            return Found(tuple(by_words), False, self._problem)
        try:
            by_meaning = self._nearest(encoder, query.strip())
        except TaskwrightError as error:
            return Found(tuple(by_words), False, f"Searching by meaning is not possible: {error}")
        return Found(fuse(by_words, by_meaning), True)

    def _ready_encoder(self) -> Remembering | None:
        """The encoder, or None while it loads; the first call begins that."""
        with self._lock:
            if self._loading is None:
                # Not a daemon: a process that ends while torch is being loaded would crash.
                self._loading = threading.Thread(target=self._load)
                self._loading.start()
            return self._encoder

    def _load(self) -> None:
        try:
            encoder = self._make_encoder()
            encoder.encode("a robot")
        except Exception as error:
            # Whatever it was, words are still searched; the page tells why nothing else is.
            self._problem = f"Searching by meaning is not possible: {error}"
            return
        self._encoder = Remembering(encoder)

    def _nearest(self, encoder: Remembering, query: str) -> list[int]:
        with self._lock:
            found = self._opened(encoder).similar(query, MOST_FOUND)
        least = max(LEAST_SIMILARITY, LEAST_SHARE * found[0][1]) if found else 0.0
        return [number for number, similarity in found if similarity >= least]

    def _opened(self, encoder: Encoder) -> Neighbourhood:
        stat = self._path.stat()
        identity = (stat.st_dev, stat.st_ino)
        if self._neighbourhood is None or identity != self._identity:
            archive = Archive.open(self._path.parent)
            embedder = Embedder(archive, encoder)
            self._neighbourhood = Neighbourhood(self._path.parent, archive, embedder)
            self._identity = identity
        return self._neighbourhood


def fuse(*rankings: Sequence[int]) -> tuple[int, ...]:
    """Several rankings as one, by the sum of the reciprocals of their ranks.

    Cormack, Clarke and Büttcher (2009). Ties go to the ranking that is given first.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking):
            scores[number] = scores.get(number, 0.0) + 1 / (FUSION + rank)
    return tuple(sorted(scores, key=lambda number: -scores[number]))
