"""The store: records, journal and embeddings in one SQLite file.

Only the process that drives a run writes; any number may read meanwhile. Each write is one
transaction, synced before it returns, so that a killed run loses at most the step it was in.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError
from ..task import Cost, Noun, Record, Status, from_json, to_json
from .migrations import check_readable, migrate

Vector = NDArray[np.float32]
N = TypeVar("N", bound=Noun)

FILE_NAME = "archive.db"


class Archive:
    """All records of a run folder. Use as a context manager, or call `close`."""

    def __init__(self, connection: sqlite3.Connection, *, writable: bool) -> None:
        self._connection = connection
        self.writable = writable

    @classmethod
    def create_or_open(cls, run_dir: Path) -> Archive:
        """Open a run folder's archive for writing; an empty one is made where there is none.

        Raises ArchiveError where the file is no archive, is damaged, or is of a newer schema.
        """
        path = run_dir / FILE_NAME
        with explained(path):
            connection = sqlite3.connect(path, isolation_level=None)
            check_readable(connection, str(path))
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            migrate(connection)
        return cls(connection, writable=True)

    @classmethod
    def open(cls, run_dir: Path) -> Archive:
        """Open an existing archive for reading, also while a run writes to it.

        Raises ArchiveError where there is none, it is damaged, or it is of a newer schema.
        """
        path = run_dir / FILE_NAME
        if not path.is_file():
            problem = "does not exist"
            if run_dir.exists():
                problem = "holds no archive" if run_dir.is_dir() else "is a file"
            raise ArchiveError(
                f"The run folder {run_dir} {problem}.",
                "Name the folder of a run, or start one with `taskwright run`.",
            )
        with explained(path):
            # Not `immutable`: a reader must see the journal of a run in progress.
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
            check_readable(connection, str(path))
        return cls(connection, writable=False)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Records.

    def add(self, record: Record) -> None:
        """End a journey with its record. A second record of one journey is refused by SQLite."""
        self._connection.execute(
            "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.number,
                record.status,
                record.task_id,
                record.task.robot if record.task else None,
                record.idea.title,
                record.novelty,
                record.created_at,
                to_json(record),
            ),
        )

    def records(self, status: Status | None = None) -> list[Record]:
        """Records in the order of their journeys; all of them, or those of one status."""
        return self._select("WHERE status = ?", status) if status else self._select()

    def _select(self, where: str = "", *values: str) -> list[Record]:
        rows = self._connection.execute(
            f"SELECT record FROM records {where} ORDER BY number", values
        )
        return [from_json(Record, text) for (text,) in rows]

    def kept(self) -> list[Record]:
        """The learned tasks: the stepping stones."""
        return self.records("learned")

    def find(self, key: str) -> Record:
        """The record of a journey number, or of a `task_id` or the unique beginning of one.

        Raises ArchiveError where nothing, or more than one task, answers to it.
        """
        found = self._select("WHERE number = ?", key) if key.isdecimal() else []
        found = found or self._select("WHERE substr(task_id, 1, length(?1)) = ?1", key)
        if not found:
            raise ArchiveError(
                f"No record answers to {key!r}.",
                "Give a task_id, its first digits or a journey number, as `taskwright ls` shows.",
            )
        if len({record.task_id for record in found}) > 1:
            raise ArchiveError(
                f"{len(found)} tasks begin with {key!r}.", "Give more digits of the task_id."
            )
        return found[0]

    def by_number(self, numbers: Iterable[int]) -> dict[int, Record]:
        """Some records, by the number of their journey; what does not exist is left out."""
        return {n: from_json(Record, text) for n, text in self._columns("record", numbers)}

    def texts(self, numbers: Iterable[int]) -> dict[int, str]:
        """What is embedded of some records, without reading the rest of them."""
        idea = "json_extract(record, '$.idea.{}')".format
        text = " || char(10) || ".join(map(idea, ("title", "description", "success")))
        return dict(self._columns(text, numbers))

    def _columns(self, expression: str, numbers: Iterable[int]) -> Iterator[tuple[int, Any]]:
        wanted = json.dumps(list(numbers))
        query = f"SELECT number, {expression} FROM records WHERE number IN"
        yield from self._connection.execute(f"{query} (SELECT value FROM json_each(?))", (wanted,))

    def statuses(self, after: int = 0) -> dict[int, Status]:
        """The status of each record, by the number of its journey; of journeys after one."""
        # The index alone answers: a scan of the table would read every record.
        index = "INDEXED BY records_by_status" if after == 0 else ""
        rows = self._connection.execute(
            f"SELECT number, status FROM records {index} WHERE number > ? ORDER BY number", (after,)
        )
        return dict(rows.fetchall())

    def counts(self) -> dict[str, int]:
        """How many records have each status; statuses without any are left out."""
        rows = self._connection.execute("SELECT status, count(*) FROM records GROUP BY status")
        return dict(rows.fetchall())

    # Journeys under way.

    def unfinished(self) -> list[int]:
        """Numbers of the journeys that were started and have no record."""
        rows = self._connection.execute(
            "SELECT number FROM journeys WHERE number NOT IN (SELECT number FROM records)"
            " ORDER BY number"
        )
        return [number for (number,) in rows]

    def start_journey(self) -> int:
        """Open the next journey; returns its number."""
        (last,) = self._connection.execute("SELECT max(number) FROM journeys").fetchone()
        number = (last or 0) + 1
        self._connection.execute("INSERT INTO journeys VALUES (?, ?)", (number, now()))
        return number

    def journal(self, number: int, meter: Callable[[], Cost] = Cost) -> Journal:
        """The journal of a journey. `meter` tells what was spent since it was last asked."""
        return Journal(self._connection, number, meter)

    # Embeddings.

    def embedding(self, text: str, model: str) -> Vector | None:
        """The stored vector of a text, or None."""
        row = self._connection.execute(
            "SELECT vector FROM embeddings WHERE text_sha256 = ? AND model = ?",
            (_hash(text), model),
        ).fetchone()
        return np.frombuffer(row[0], np.float32) if row else None

    def keep_embedding(self, text: str, model: str, vector: Vector) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
            (_hash(text), model, np.asarray(vector, np.float32).tobytes()),
        )


class Journal:
    """The durable steps of one journey: what was worked out once is never worked out again."""

    def __init__(
        self, connection: sqlite3.Connection, number: int, meter: Callable[[], Cost]
    ) -> None:
        self._connection = connection
        self._meter = meter
        self.number = number

    def once(self, name: str, kind: type[N], work: Callable[[], N]) -> N:
        """The result of a step: read back where it has been done, else done and written first."""
        row = self._connection.execute(
            "SELECT payload FROM steps WHERE journey = ? AND name = ?", (self.number, name)
        ).fetchone()
        if row:
            return from_json(kind, row[0])
        started = time.monotonic()
        result = work()
        self._connection.execute(
            "INSERT INTO steps VALUES (?, ?, ?, ?, ?)",
            (
                self.number,
                name,
                to_json(result),
                to_json(self._meter()),
                round(time.monotonic() - started, 3),
            ),
        )
        return result

    def steps(self) -> list[tuple[str, str]]:
        """Name and JSON payload of the steps done so far, in their order."""
        rows = self._connection.execute(
            "SELECT name, payload FROM steps WHERE journey = ? ORDER BY rowid", (self.number,)
        )
        return list(rows)

    def spent(self) -> tuple[Cost, float]:
        """What the journey has cost so far: model calls, and seconds of work."""
        rows: Sequence[tuple[str, float]] = self._connection.execute(
            "SELECT cost, seconds FROM steps WHERE journey = ?", (self.number,)
        ).fetchall()
        cost = sum((from_json(Cost, text) for text, _ in rows), Cost())
        return cost, round(sum(seconds for _, seconds in rows), 3)


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Tell SQLite's errors on opening as what they mean for the user."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise ArchiveError(
            f"The archive {path} cannot be opened: {error}.",
            "Check that the file is a Taskwright archive and that you may read it; "
            "nothing was changed.",
        ) from None
