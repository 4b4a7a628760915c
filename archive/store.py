"""The store: records, journal and embeddings in one SQLite file.

Only the process that drives a run writes, from as many threads as it likes; any number of processes
may read meanwhile. Each write is synced before it returns, together with those that other threads
ask for at the same time, so that a killed run loses at most the steps it was in.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError
from ..task import Cost, Record, Status, to_json
from .folder import check_folder
from .journal import Journal
from .migrations import migrate
from .opening import (
    Connection,
    Reader,
    check_archive,
    check_soundness,
    connect_for_writing,
    explained,
    reading,
    was_left_open,
    write_safely,
)
from .tampering import DamagedError, known_status, record_in, unit_vector

if TYPE_CHECKING:
    import pandas

Vector = NDArray[np.float32]

FILE_NAME = "archive.db"
MAX_RECORDS = 200_000
"""As many are read at once; they take up to 1 GB of memory. Single ones are read of any number."""
TOGETHER = 1_000


class Archive:
    """All records of a run folder. Made by `open` or `create_or_open`; use it as a context manager,
    or call `close`.

    Every method raises ArchiveError where the file turns out to be damaged, and those that write
    raise StorageError where the disk is full.
    """

    def __init__(self, connection: Connection | Reader, *, note: str = "") -> None:
        self._connection = connection
        self.note = note
        """A warning about the storage location, such as a network file system; mostly empty."""
        self._altered: dict[int, tuple[Status, str]] = {}
        """Of the journeys whose records turned out not to be what was written: the status that
        was, and what is wrong."""

    @property
    def writable(self) -> bool:
        """Whether it was opened for writing."""
        return isinstance(self._connection, Connection)

    @classmethod
    def create_or_open(cls, run_dir: str | os.PathLike[str]) -> Archive:
        """Open a run folder's archive for writing; an empty one is made where there is none. After
        a crash it is read through first.

        Args:
            run_dir: The run folder, which exists.

        Returns:
            The archive.

        Raises:
            ArchiveError: The file is no archive, is damaged, or is of a newer schema.
        """
        run_dir = Path(run_dir)
        path = run_dir / FILE_NAME
        check_folder(run_dir, to_write=True)
        with explained(path):
            if path.exists() and path.stat().st_size:
                with reading(path) as before:
                    check_archive(before, path, may_be_empty=True)
                if was_left_open(path):
                    check_soundness(path)
            connection = connect_for_writing(path)
            note = write_safely(connection, run_dir)
            migrate(connection)
        return cls(connection, note=note)

    @classmethod
    def open(cls, run_dir: str | os.PathLike[str]) -> Archive:
        """Open an existing archive for reading, also while a run writes to it.

        Args:
            run_dir: The run folder. Nothing is written to it.

        Returns:
            The archive.

        Raises:
            ArchiveError: There is none, it is damaged, it is of a newer schema, or somebody has
                tampered with it.
        """
        run_dir = Path(run_dir)
        path = run_dir / FILE_NAME
        check_folder(run_dir)
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
                check_archive(connection, path)
            return cls(Reader(path))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Records.

    def __len__(self) -> int:
        """How many journeys have ended."""
        return sum(self.counts().values())

    def __iter__(self) -> Iterator[Record]:
        """The records in the order of their journeys."""
        return iter(self.records())

    def __getitem__(self, key: str | int) -> Record:
        """The record of a journey number, a `task_id`, or the unique beginning of one. Raises
        KeyError where `find` raises ArchiveError."""
        try:
            return self.find(str(key))
        except ArchiveError as error:
            raise KeyError(str(error)) from None

    def __bool__(self) -> bool:
        """Always true: an archive without records is one all the same."""
        return True

    def to_frame(self) -> pandas.DataFrame:
        """The records as a table; `frame` says what its columns hold.

        Returns:
            One row for each record, by the number of its journey; without records, no rows.

        Raises:
            UsageError: pandas is not installed.
        """
        from .frame import frame_of

        return frame_of(self.records())

    def add(self, record: Record) -> None:
        """End a journey with its record.

        Args:
            record: The record. A second one of the same journey raises sqlite3.IntegrityError.
        """
        robot = record.task.robot if record.task else None
        columns = (record.number, record.status, record.task_id, robot, record.idea.title)
        self._connection.write(
            "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*columns, record.novelty, record.created_at, to_json(record)),
        )

    def records(self, status: Status | None = None) -> list[Record]:
        """Records in the order of their journeys.

        Args:
            status: Only those of this status; all unless given.

        Returns:
            The records; what was altered since it was written is `broken`.

        Raises:
            ArchiveError: There are more than `MAX_RECORDS`.
        """
        ((count,),) = self._connection.rows("SELECT count(*) FROM records")
        _check_count(count)
        # What was altered counts as broken, whatever was written of it.
        written, last, records = None if status == "broken" else status, 0, list[Record]()
        # Some at a time: their JSON takes as much memory as they do.
        where = "WHERE number > ?1 AND (?2 IS NULL OR status = ?2)"
        while some := self._select(where, last, written, most=TOGETHER):
            if len({record.number for record in some}) < len(some):
                raise DamagedError(self._connection.path, "it gives more than it holds")
            last = some[-1].number
            records += [record for record in some if status in (None, record.status)]
        return records

    def _select(self, where: str, *values: Any, most: int = MAX_RECORDS) -> list[Record]:
        rows = self._connection.rows(
            "SELECT number, status, task_id, title, record FROM records"
            f" {where} ORDER BY number LIMIT {most}",
            values,
        )
        records = []
        for number, status, task_id, title, text in rows:
            record, flaw = record_in(text, number, status, task_id, title)
            if flaw:
                self._altered[number] = (known_status(status), flaw)
            records.append(record)
        return records

    @property
    def complaints(self) -> list[str]:
        """What is wrong with the records that were read so far, a sentence or two for each."""
        return [reason for _, (_, reason) in sorted(self._altered.items())]

    @property
    def altered(self) -> set[int]:
        """Numbers of the records read so far that are not as they were written."""
        return set(self._altered)

    def kept(self) -> list[Record]:
        """The learned tasks: the stepping stones.

        Returns:
            Their records in the order of their journeys.
        """
        return self.records("learned")

    def find(self, key: str) -> Record:
        """The record that answers to a key.

        Args:
            key: A journey number, a `task_id`, or the unique beginning of one.

        Returns:
            The record; of a task that came about twice, the first.

        Raises:
            ArchiveError: Nothing, or more than one task, answers to it.
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
        """Some records.

        Args:
            numbers: Of their journeys.

        Returns:
            The records by those numbers; what does not exist is left out.
        """
        among = "WHERE number IN (SELECT value FROM json_each(?))"
        found = self._select(among, json.dumps(list(numbers)))
        return {record.number: record for record in found}

    def texts(self, numbers: Iterable[int]) -> dict[int, str]:
        """What is embedded of some records, without reading the rest of them.

        Args:
            numbers: Of their journeys.

        Returns:
            The texts by those numbers; of a record that cannot be read, its title.
        """
        idea = "json_extract(record, '$.idea.{}')".format
        text = " || char(10) || ".join(map(idea, ("title", "description", "success")))
        # A record that cannot be read has its title alone.
        is_json = "typeof(record) = 'text' AND json_valid(record)"
        rows = self._connection.rows(
            f"SELECT number, coalesce(iif({is_json}, {text}, NULL), title)"
            " FROM records WHERE number IN (SELECT value FROM json_each(?))",
            (json.dumps(list(numbers)),),
        )
        return {number: str(found) for number, found in rows}

    def statuses(self, after: int = 0) -> dict[int, Status]:
        """The status of each record.

        Args:
            after: Only of journeys after this one.

        Returns:
            The statuses by the number of the journey, in their order.
        """
        # The index alone answers: a scan of the table would read every record.
        index = "INDEXED BY records_by_status" if after == 0 else ""
        query = f"SELECT number, status FROM records {index} WHERE number > ? ORDER BY number"
        rows = self._connection.rows(query, (after,))
        found = {number: known_status(status) for number, status in rows}
        return found | dict.fromkeys(self._altered.keys() & found.keys(), "broken")

    def counts(self) -> dict[str, int]:
        """How many records have each status.

        Returns:
            The counts by status; statuses without any are left out.
        """
        rows = self._connection.rows("SELECT status, count(*) FROM records GROUP BY status")
        counts = Counter[str]()
        for status, count in rows:
            counts[known_status(status)] += count
        for status, _ in self._altered.values():
            counts[status] -= 1
            counts["broken"] += 1
        return dict(sorted((+counts).items()))

    def numbers(self, statuses: Collection[Status]) -> Iterator[int]:
        """The journeys whose records have one of some statuses.

        Args:
            statuses: Those statuses.

        Yields:
            Their numbers; where the archive is too damaged to tell, those of all journeys.

        Raises:
            ArchiveError: There are more than `MAX_RECORDS`.
        """
        try:
            found = [n for n, status in self.statuses().items() if status in statuses]
        except (ArchiveError, sqlite3.DatabaseError):
            yield from self._numbers_one_by_one()
            return
        _check_count(len(found))
        yield from found

    def _numbers_one_by_one(self) -> Iterator[int]:
        last = 0
        for count in itertools.count(1):
            query = "SELECT min(number) FROM journeys WHERE number > ?"
            ((number,),) = self._connection.rows(query, (last,))
            if number is None:
                return
            _check_count(count)
            yield number
            last = number

    # Journeys under way.

    def unfinished(self) -> list[int]:
        """The journeys that were started and have no record.

        Returns:
            Their numbers in order.
        """
        rows = self._connection.rows(
            "SELECT number FROM journeys WHERE number NOT IN (SELECT number FROM records)"
            " ORDER BY number"
        )
        return [number for (number,) in rows]

    def last_number(self) -> int:
        """The latest journey that was ever started.

        Returns:
            Its number; 0 where none was.
        """
        ((last,),) = self._connection.rows("SELECT max(number) FROM journeys")
        return last or 0

    def transaction(self) -> AbstractContextManager[None]:
        """All that is written inside lasts as a whole, or not at all.

        Returns:
            A context manager.

        Raises:
            ArchiveError: The archive is open for reading.
        """
        if not isinstance(self._connection, Connection):
            raise ArchiveError("This archive is open for reading.", "Open it for writing.")
        return self._connection.transaction()

    def start_journey(self) -> int:
        """Open the next journey.

        Returns:
            Its number.
        """
        number = self.last_number() + 1
        self._connection.write("INSERT INTO journeys VALUES (?, ?)", (number, now()))
        return number

    def journal(self, number: int, meter: Callable[[], Cost] = Cost) -> Journal:
        """The journal of a journey.

        Args:
            number: Of the journey.
            meter: Tells what was spent since it was last asked.

        Returns:
            The journal, through which the steps of the journey are read and written.
        """
        return Journal(self._connection, number, meter)

    # Embeddings.

    def embedding(self, text: str, model: str) -> Vector | None:
        """The stored vector of a text.

        Args:
            text: What was embedded.
            model: The name of the embedder.

        Returns:
            A unit vector, float32, shape (size,); None where there is none, or it is damaged.
        """
        rows = self._connection.rows(
            "SELECT vector FROM embeddings WHERE text_sha256 = ? AND model = ?",
            (_hash(text), model),
        )
        return unit_vector(rows[0][0]) if rows else None

    def embedder(self) -> tuple[str, int] | None:
        """Which embedder made the archive's vectors.

        Returns:
            Its name, and how many numbers a vector has; None while there are no vectors.
        """
        # The first ones tell: while they are made anew, they are the last to go. More than one,
        # because one may be damaged.
        rows = self._connection.rows(
            "SELECT model, length(vector) / 4 FROM embeddings ORDER BY rowid LIMIT 9"
        )
        counts = Counter((str(model), size) for model, size in rows if isinstance(size, int))
        return counts.most_common(1)[0][0] if counts else None

    def drop_embeddings_but(self, model: str) -> None:
        """Forget the vectors of all embedders but one.

        Args:
            model: The name of that embedder.
        """
        self._connection.write("DELETE FROM embeddings WHERE model != ?", (model,))

    def keep_embedding(self, text: str, model: str, vector: Vector) -> None:
        """Store the vector of a text, in place of an earlier one.

        Args:
            text: What was embedded.
            model: The name of the embedder.
            vector: A unit vector, shape (size,).
        """
        self._connection.write(
            "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
            (_hash(text), model, np.asarray(vector, np.float32).tobytes()),
        )


def now() -> str:
    """The time.

    Returns:
        UTC, ISO 8601, to the second.
    """
    return datetime.now(UTC).isoformat(timespec="seconds")


def _check_count(records: int) -> None:
    if records > MAX_RECORDS:
        raise ArchiveError(
            f"The archive holds {records:,} records; up to {MAX_RECORDS:,} can be read at once.",
            "Look at single ones with `taskwright show` or `taskwright search`.",
        )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
