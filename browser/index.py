"""Rows of the archive in memory: listed, filtered, sorted and searched without parsing records.

An SQLite database of its own is filled from `archive.db` with SQLite's JSON functions and brought
up to date before each use, also while a run writes. Records never change once they are written, so
only those that are not here yet are read.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from ..archive.opening import reading
from ..archive.store import MAX_RECORDS
from ..archive.tampering import all_rows
from ..errors import ArchiveError
from .rows import READ, Row, Stored, row_of

Sort = Literal["newest", "oldest", "novelty", "success", "gain", "cost", "title", "relevance"]
SORTS: tuple[Sort, ...] = get_args(Sort)

_ORDERS: dict[Sort, str] = {
    "newest": "number DESC",
    "oldest": "number",
    "novelty": "novelty IS NULL, novelty DESC, number DESC",
    "success": "success_after IS NULL, success_after DESC, number DESC",
    "gain": "success_after IS NULL, success_after - success_before DESC, number DESC",
    "cost": "seconds DESC, number DESC",
    "title": "title COLLATE NOCASE, number",
    "relevance": "rank",
}

SETTLED_S = 0.1
"""A file that was written this shortly ago may be written again without its time telling."""
COUNTS_KEPT = 64
MOST_WORDS = 16
"""Words of a query that are looked for. Each may be the beginning of any number of words, which
takes up to half a second in an archive with long sources, and nobody else is served meanwhile."""

_NAMES = [each.name for each in fields(Row)]
_COLUMNS = ", ".join(_NAMES)


@dataclass(frozen=True)
class View:
    """What of the archive to list. Empty filters let everything pass."""

    status: tuple[str, ...] = ()
    robot: tuple[str, ...] = ()
    strategy: tuple[str, ...] = ()
    generation: tuple[int, ...] = ()
    numbers: tuple[tuple[int, int], ...] = ()
    """Ranges of journey numbers, both ends included."""
    ranked: tuple[int, ...] | None = None
    """Journey numbers that a search found, the best first; None where nothing is searched for."""
    sort: Sort = "newest"


@dataclass
class Facets:
    """How many records have each value of what can be filtered by."""

    total: int = 0
    status: dict[str, int] = field(default_factory=dict)
    robot: dict[str, int] = field(default_factory=dict)
    strategy: dict[str, int] = field(default_factory=dict)
    generation: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Totals:
    """Sums over all records."""

    records: int
    tokens: int
    usd: float | None
    """None where the price of some call is not known."""
    seconds: float
    """Of work."""


class Index:
    """Rows of one `archive.db`, which need not exist yet. May be used from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._identity: tuple[int, int] | None = None
        self._seen: tuple[int, ...] | None = None
        self._clear()

    def _clear(self) -> None:
        self._known: set[int] = set()
        self._generations: dict[str, int] = {}
        self._version: tuple[int, int] | None = None
        self._counted: dict[View, Facets] = {}
        self._memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._memory.executescript(
            """
            CREATE TABLE rows (
                number INTEGER PRIMARY KEY, status TEXT, task_id TEXT, robot TEXT, title TEXT,
                novelty REAL, created_at TEXT, reason TEXT, description TEXT, strategy TEXT,
                parents TEXT, generation INTEGER, success_before REAL, success_after REAL,
                tokens INTEGER, usd REAL, seconds REAL, failed_at TEXT,
                damaged INTEGER, text_sha256 TEXT
            );
            CREATE INDEX rows_by_task ON rows (task_id);
            -- Counting needs nothing else, and so none of the texts.
            CREATE INDEX rows_by_filter ON rows (status, robot, strategy, generation);
            CREATE VIRTUAL TABLE texts USING fts5 (
                title, description, reason, source, content = '',
                tokenize = "unicode61 remove_diacritics 2"
            );
            """
        )

    # Keeping up with the archive.

    def refresh(self) -> int:
        """Read what the archive has and we have not; returns how many records there are."""
        with self._lock:
            state = self._state()
            if state is None or state != self._seen:
                self._look()
                self._seen = state
            return len(self._known)

    def _state(self) -> tuple[int, ...] | None:
        """Differs whenever the archive's files do; None where that is unknown.

        Looking at the files' times takes a hundredth of what asking the archive takes.
        """
        found: list[int] = []
        for path in (self._path, self._path.with_name(f"{self._path.name}-wal")):
            try:
                stat = path.stat()
            except FileNotFoundError:
                found.append(-1)
                continue
            if time.time() - stat.st_mtime < SETTLED_S:
                return None
            found += (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        return tuple(found)

    def _look(self) -> None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            if self._known:
                self._clear()
            return
        if (stat.st_dev, stat.st_ino) != self._identity:
            # Another file took its place, as when a run folder was copied over.
            self._clear()
            self._identity = (stat.st_dev, stat.st_ino)
        # A connection of its own: one that outlives a request would be tied to its thread.
        with reading(self._path) as archive:
            try:
                self._read_new(archive)
            except sqlite3.OperationalError as error:
                # The run that makes the archive is about to write its schema.
                if "no such table" not in str(error):
                    raise

    def _read_new(self, archive: sqlite3.Connection) -> None:
        ((count, last),) = self._rows(archive, "SELECT count(*), max(number) FROM records")
        if (count, last or 0) == self._version:
            return
        if count > MAX_RECORDS:
            raise ArchiveError(
                f"The archive holds {count:,} records; up to {MAX_RECORDS:,} can be browsed.",
                "Look at single ones with `taskwright show` or `taskwright search`.",
            )
        numbers = {number for (number,) in self._rows(archive, "SELECT number FROM records")}
        if not self._known <= numbers:
            self._clear()
        missing = sorted(numbers - self._known)
        with self._memory:
            self._memory.execute("BEGIN")
            for start in range(0, len(missing), 1000):
                wanted = json.dumps(missing[start : start + 1000])
                for values in self._rows(archive, READ, (wanted,)):
                    self._insert(Stored(*values))
            self._memory.execute("COMMIT")
        self._known |= set(missing)
        self._counted.clear()
        self._version = (count, last or 0)

    def _rows(self, archive: sqlite3.Connection, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return all_rows(archive, self._path, sql, values)

    def _insert(self, stored: Stored) -> None:
        row = row_of(stored, self._generation)
        if row.task_id is not None:
            self._generations.setdefault(row.task_id, row.generation)
        shown = {**vars(row), "parents": json.dumps(row.parents)}
        values = [shown[name] for name in _NAMES]
        self._memory.execute(
            f"INSERT INTO rows VALUES ({', '.join('?' * 20)})", (*values, stored.text_sha256)
        )
        self._memory.execute(
            "INSERT INTO texts (rowid, title, description, reason, source) VALUES (?, ?, ?, ?, ?)",
            (row.number, *stored.searched),
        )

    def _generation(self, parents: Sequence[str]) -> int:
        return 1 + max((self._generations.get(p, 0) for p in parents), default=-1)

    # Asking.

    def page(self, view: View, offset: int = 0, count: int = 48) -> list[Row]:
        """Some rows of a view, in its order."""
        source, where, values = _conditions(view)
        order = _ORDERS[view.sort]
        if view.sort == "relevance" and view.ranked is None:
            order = _ORDERS["newest"]
        columns = ", ".join(f"rows.{name}" for name in _NAMES)
        sql = f"SELECT {columns} FROM {source} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"
        return [_row(values) for values in self._ask(sql, [*values, count, offset])]

    def count(self, view: View) -> int:
        """How many rows a view has."""
        source, where, values = _conditions(view)
        return int(self._ask(f"SELECT count(*) FROM {source} WHERE {where}", values)[0][0])

    def rows(self) -> list[Row]:
        """All rows, in the order of their journeys."""
        return self._where("1")

    def find(self, task_id: str) -> Row | None:
        """The first row of a task; None where there is none."""
        return next(iter(self._where("task_id = ?", task_id)), None)

    def get(self, number: int) -> Row | None:
        """The row of a journey; None where it has no record."""
        return next(iter(self._where("number = ?", number)), None)

    def children(self, task_id: str) -> list[Row]:
        """Rows that were derived from a task, in the order of their journeys."""
        is_child = "EXISTS (SELECT 1 FROM json_each(rows.parents) WHERE value = ?)"
        return self._where(is_child, task_id)

    def _where(self, condition: str, *values: Any) -> list[Row]:
        sql = f"SELECT {_COLUMNS} FROM rows WHERE {condition} ORDER BY number"
        return [_row(found) for found in self._ask(sql, values)]

    def facets(self, view: View) -> Facets:
        """Counts per value of each filter, the other filters of the view applied."""
        with self._lock:
            total = self.refresh()
            view = replace(view, sort="newest")
            if view in self._counted:
                return self._counted[view]
            facets = Facets(total)
            for name in ("status", "robot", "strategy", "generation"):
                source, where, values = _conditions(view, leaving_out=name)
                sql = f"SELECT {name}, count(*) FROM {source} WHERE {where} GROUP BY 1 ORDER BY 1"
                counts = {key: n for key, n in self._ask(sql, values) if key is not None}
                setattr(facets, name, counts)
            if len(self._counted) > COUNTS_KEPT:
                self._counted.clear()
            self._counted[view] = facets
            return facets

    def totals(self) -> Totals:
        """What all records together have come to."""
        ((count, tokens, usd, unpriced, seconds),) = self._ask(
            "SELECT count(*), sum(tokens), sum(usd), sum(usd IS NULL AND NOT damaged), sum(seconds)"
            " FROM rows"
        )
        return Totals(count, tokens or 0, None if unpriced else usd or 0.0, seconds or 0.0)

    def endings(self) -> list[tuple[str, str]]:
        """When each journey ended (UTC, ISO 8601) and its status, the earliest first."""
        return [
            (time, status)
            for time, status in self._ask(
                "SELECT created_at, status FROM rows WHERE created_at != '' ORDER BY 1, number"
            )
        ]

    def failures(self) -> dict[str, int]:
        """How many tasks were invalid for what was found at each stage, the most first."""
        return dict(
            self._ask(
                "SELECT coalesce(failed_at, 'train'), count(*) FROM rows WHERE status = 'invalid'"
                " GROUP BY 1 ORDER BY 2 DESC, 1"
            )
        )

    def text_hashes(self) -> dict[str, list[int]]:
        """SHA-256 of what was embedded of each record, and the journeys that share it."""
        hashes: dict[str, list[int]] = {}
        for number, text in self._ask("SELECT number, text_sha256 FROM rows ORDER BY number"):
            hashes.setdefault(text, []).append(number)
        return hashes

    def matches(self, query: str, count: int) -> list[int]:
        """Numbers of the rows that hold every word of a query, or words that begin with them.

        The best first, by BM25; a word in the title weighs most. Of a long query, the first
        MOST_WORDS different words count.
        """
        words = list(dict.fromkeys(re.findall(r"\w+", query.casefold())))[:MOST_WORDS]
        if not words:
            return []
        phrase = " AND ".join(f'"{word}"*' for word in words)
        sql = (
            "SELECT rowid FROM texts WHERE texts MATCH ? "
            "ORDER BY bm25(texts, 10.0, 4.0, 2.0, 1.0) LIMIT ?"
        )
        return [number for (number,) in self._ask(sql, [phrase, count])]

    def _ask(self, sql: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            self.refresh()
            return self._memory.execute(sql, tuple(values)).fetchall()


def _row(values: Sequence[Any]) -> Row:
    found = dict(zip(_NAMES, values, strict=True))
    parents = tuple(json.loads(found["parents"]))
    return Row(**found | {"parents": parents, "damaged": bool(found["damaged"])})


def _conditions(view: View, leaving_out: str = "") -> tuple[str, str, list[Any]]:
    """FROM and WHERE of a view, and their values."""
    source, where = "rows", ["1"]
    values: list[Any] = []
    if view.ranked is not None:
        source += " JOIN (SELECT key AS rank, value AS found FROM json_each(?)) ON found = number"
        values.append(json.dumps(view.ranked))
    for name in ("status", "robot", "strategy", "generation"):
        wanted = getattr(view, name)
        if wanted and name != leaving_out:
            where.append(f"{name} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    if view.numbers:
        ranges = ["number BETWEEN ? AND ?"] * len(view.numbers)
        where.append(f"({' OR '.join(ranges)})")
        values += [end for ends in view.numbers for end in ends]
    return source, " AND ".join(where), values
