"""The store: records, journal and embeddings in one SQLite file.

Only the process that drives a run writes, from as many threads as it likes; any number of processes
may read meanwhile. Each write is one transaction, synced before it returns, so that a killed run
loses at most the steps it was in.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError
from ..task import Cost, Idea, Noun, Record, Status, from_json, to_json
from .migrations import check_readable, migrate
from .opening import (
    Connection,
    Reader,
    check_soundness,
    connect_for_writing,
    explained,
    reading,
    was_left_open,
    write_safely,
)

Vector = NDArray[np.float32]
N = TypeVar("N", bound=Noun)

FILE_NAME = "archive.db"


class Archive:
    """All records of a run folder. Use as a context manager, or call `close`."""

    def __init__(self, connection: Connection | Reader, *, note: str = "") -> None:
        self._connection = connection
        self.note = note
        """What whoever writes to it should be told of where it lies; mostly nothing."""
        self._altered: dict[int, tuple[Status, str]] = {}
        """Of the journeys whose records turned out not to be what was written: the status that
        was, and what is wrong."""

    @property
    def writable(self) -> bool:
        return isinstance(self._connection, Connection)

    @classmethod
    def create_or_open(cls, run_dir: Path) -> Archive:
        """Open a run folder's archive for writing; an empty one is made where there is none. After
        a crash it is read through first.

        Raises ArchiveError where the file is no archive, is damaged, or is of a newer schema.
        """
        path = run_dir / FILE_NAME
        with explained(path):
            if path.exists():
                with reading(path) as before:
                    check_readable(before, str(path))
                if was_left_open(path):
                    check_soundness(path)
            connection = connect_for_writing(path)
            note = write_safely(connection, run_dir)
            migrate(connection)
        return cls(connection, note=note)

    @classmethod
    def open(cls, run_dir: Path) -> Archive:
        """Open an existing archive for reading, also while a run writes to it. Nothing is written
        to its folder.

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
            with reading(path) as connection:
                check_readable(connection, str(path))
            return cls(Reader(path))

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Records.

    def add(self, record: Record) -> None:
        """End a journey with its record. A second record of one journey is refused by SQLite."""
        self._connection.rows(
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
        if status is None or status == "broken":
            # What was altered counts as broken, whatever was written of it.
            return [r for r in self._select() if status in (None, r.status)]
        return [r for r in self._select("WHERE status = ?", status) if r.status == status]

    def _select(self, where: str = "", *values: Any) -> list[Record]:
        rows = self._connection.rows(
            f"SELECT number, status, task_id, title, record FROM records {where} ORDER BY number",
            values,
        )
        return [self._read(*row) for row in rows]

    def _read(
        self, number: int, status: Status, task_id: str | None, title: str, text: str
    ) -> Record:
        """A record as it was written; as a broken one where it is not that any more."""
        try:
            record = from_json(Record, text)
        except ValueError as error:
            why = " ".join(str(error).split())[:200]
            reason = f"The record of journey {number} cannot be read: {why}"
            record = Record(number, "broken", reason, Idea(str(title), "", "", "", ""))
        else:
            if record.task_id == task_id:
                return record
            reason = altered_source(number, task_id)
            record = replace(record, status="broken", reason=reason)
        self._altered[number] = (status, reason)
        return record

    @property
    def complaints(self) -> list[str]:
        """What is wrong with the records that were read so far, a sentence or two for each."""
        return [reason for _, (_, reason) in sorted(self._altered.items())]

    @property
    def altered(self) -> set[int]:
        """Numbers of the records read so far that are not as they were written."""
        return set(self._altered)

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
        wanted = json.dumps(list(numbers))
        found = self._select("WHERE number IN (SELECT value FROM json_each(?))", wanted)
        return {record.number: record for record in found}

    def texts(self, numbers: Iterable[int]) -> dict[int, str]:
        """What is embedded of some records, without reading the rest of them."""
        idea = "json_extract(record, '$.idea.{}')".format
        text = " || char(10) || ".join(map(idea, ("title", "description", "success")))
        # A record that cannot be read has its title alone.
        return dict(
            self._connection.rows(
                f"SELECT number, coalesce(iif(json_valid(record), {text}, NULL), title)"
                " FROM records WHERE number IN (SELECT value FROM json_each(?))",
                (json.dumps(list(numbers)),),
            )
        )

    def statuses(self, after: int = 0) -> dict[int, Status]:
        """The status of each record, by the number of its journey; of journeys after one."""
        # The index alone answers: a scan of the table would read every record.
        index = "INDEXED BY records_by_status" if after == 0 else ""
        query = f"SELECT number, status FROM records {index} WHERE number > ? ORDER BY number"
        found = dict(self._connection.rows(query, (after,)))
        return found | dict.fromkeys(self._altered.keys() & found.keys(), "broken")

    def counts(self) -> dict[str, int]:
        """How many records have each status; statuses without any are left out."""
        rows = self._connection.rows("SELECT status, count(*) FROM records GROUP BY status")
        counts = Counter(dict(rows))
        for status, _ in self._altered.values():
            counts[status] -= 1
            counts["broken"] += 1
        return dict(sorted((+counts).items()))

    # Journeys under way.

    def unfinished(self) -> list[int]:
        """Numbers of the journeys that were started and have no record."""
        rows = self._connection.rows(
            "SELECT number FROM journeys WHERE number NOT IN (SELECT number FROM records)"
            " ORDER BY number"
        )
        return [number for (number,) in rows]

    def last_number(self) -> int:
        """Of the journeys that were ever started; 0 where none was."""
        ((last,),) = self._connection.rows("SELECT max(number) FROM journeys")
        return last or 0

    def transaction(self) -> AbstractContextManager[None]:
        """All that is written inside lasts as a whole, or not at all."""
        if not isinstance(self._connection, Connection):
            raise ArchiveError("This archive is open for reading.", "Open it for writing.")
        return self._connection.transaction()

    def start_journey(self) -> int:
        """Open the next journey; returns its number."""
        number = self.last_number() + 1
        self._connection.rows("INSERT INTO journeys VALUES (?, ?)", (number, now()))
        return number

    def journal(self, number: int, meter: Callable[[], Cost] = Cost) -> Journal:
        """The journal of a journey. `meter` tells what was spent since it was last asked."""
        return Journal(self._connection, number, meter)

    # Embeddings.

    def embedding(self, text: str, model: str) -> Vector | None:
        """The stored vector of a text, or None."""
        rows = self._connection.rows(
            "SELECT vector FROM embeddings WHERE text_sha256 = ? AND model = ?",
            (_hash(text), model),
        )
        return _vector(rows[0][0]) if rows else None

    def embedder(self) -> tuple[str, int] | None:
        """Which embedder made the archive's vectors, and how many numbers they have; None while
        there are none."""
        # The first ones tell: while they are made anew, they are the last to go. More than one,
        # because one may be damaged.
        rows = self._connection.rows(
            "SELECT model, length(vector) / 4 FROM embeddings ORDER BY rowid LIMIT 9"
        )
        return Counter(rows).most_common(1)[0][0] if rows else None

    def drop_embeddings_but(self, model: str) -> None:
        """Forget the vectors of all embedders but one."""
        self._connection.rows("DELETE FROM embeddings WHERE model != ?", (model,))

    def keep_embedding(self, text: str, model: str, vector: Vector) -> None:
        self._connection.rows(
            "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
            (_hash(text), model, np.asarray(vector, np.float32).tobytes()),
        )


class Journal:
    """The durable steps of one journey: what was worked out once is never worked out again."""

    def __init__(
        self, connection: Connection | Reader, number: int, meter: Callable[[], Cost]
    ) -> None:
        self._connection = connection
        self._meter = meter
        self.number = number

    def once(self, name: str, kind: type[N], work: Callable[[], N]) -> N:
        """The result of a step: read back where it has been done, else done and written first."""
        done = self.read(name, kind)
        if done is not None:
            return done
        started = time.monotonic()
        result = work()
        self._connection.rows(
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

    def read(self, name: str, kind: type[N]) -> N | None:
        """The result of a step; None where it has not been done."""
        rows = self._connection.rows(
            "SELECT payload FROM steps WHERE journey = ? AND name = ?", (self.number, name)
        )
        return from_json(kind, rows[0][0]) if rows else None

    def steps(self) -> list[tuple[str, str]]:
        """Name and JSON payload of the steps done so far, in their order."""
        return self._connection.rows(
            "SELECT name, payload FROM steps WHERE journey = ? ORDER BY rowid", (self.number,)
        )

    def spent(self) -> tuple[Cost, float]:
        """What the journey has cost so far: model calls, and seconds of work."""
        rows = self._connection.rows(
            "SELECT cost, seconds FROM steps WHERE journey = ?", (self.number,)
        )
        cost = sum((from_json(Cost, text) for text, _ in rows), Cost())
        return cost, round(sum(seconds for _, seconds in rows), 3)


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def altered_source(number: int, task_id: str | None) -> str:
    """What to tell where the source in a record is not the one that its `task_id` was taken of."""
    return (
        f"The source of task {task_id} (journey {number}) was changed after it was recorded, so "
        "that nothing that was found out about it holds. Restore it from a copy of the archive, "
        "or import it as a task of its own."
    )


def _vector(stored: bytes) -> Vector | None:
    """A unit vector as it was stored; None where it is none any more, so that it is made anew."""
    if not stored or len(stored) % 4:
        return None
    vector: Vector = np.frombuffer(stored, np.float32)
    return vector if abs(float(vector @ vector) - 1.0) < 1e-2 else None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
