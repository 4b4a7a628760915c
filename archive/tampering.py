"""Defences against a database that somebody may have tampered with.

No code in its schema is run (`migrations.check_readable` accepts nothing but our tables). Reading
has a time limit and gives no more than the file can hold, and opening the database touches no other
file. Damage is reported in a sentence, and values are checked before they are used.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ..errors import ArchiveError
from ..task import STATUSES, Idea, Record, Status, from_json

MAX_VALUE_BYTES = 16_000_000
"""The size limit of a row that can be read. The longest that we write is a source of 1 MB."""
MAX_TITLE = 200
"""Characters of the title of a record that cannot be read."""
STATEMENT_S = 10.0
"""How long a statement may compute; waiting does not count. Of 100,000 records, the longest takes a
second or two; but in a file that somebody has tampered with, a page may be part of itself."""
ROWS_AT_ONCE = 1_000
LEAST_ROW_BYTES = 5
"""The fewest bytes that a row takes in the file: its pointer, its length and its header."""
GROWTH_BYTES = 4_000_000
"""How much a run may write between measuring the file and reading it."""


_JOURNAL_SIGN = bytes.fromhex("d9d505f920a163d7")


def check_journal(path: Path) -> None:
    """Raise ArchiveError where the journal of a database names a super-journal.

    Transactions over several databases use one, and we have none of those. After rolling back,
    SQLite deletes the file that the journal names, whatever it is.
    """
    try:
        with open(f"{path}-journal", "rb") as journal:
            journal.seek(max(journal.seek(0, os.SEEK_END) - len(_JOURNAL_SIGN), 0))
            names_another = journal.read() == _JOURNAL_SIGN
    except FileNotFoundError:
        return
    if names_another:
        raise ArchiveError(
            f"{path}-journal is none that Taskwright has made: it names another file, which would "
            "be deleted.",
            "Nothing was changed. Restore a copy, or remove that journal.",
        )


def make_wary(connection: sqlite3.Connection) -> None:
    """Set SQLite up for a file that somebody may have tampered with: it runs no code in the schema,
    looks for damage, and limits the size of values. Bytes that are not UTF-8 are replaced by
    U+FFFD."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.text_factory = _as_text


def _as_text(data: bytes) -> str:
    return data.decode(errors="replace")


def all_rows(
    connection: sqlite3.Connection, path: Path, sql: str, values: Sequence[Any] = ()
) -> list[Any]:
    """The rows of a statement. Raises DamagedError where it takes longer than `STATEMENT_S`, or
    gives more than the files of the database can hold."""
    until = time.thread_time() + STATEMENT_S
    connection.set_progress_handler(lambda: time.thread_time() > until, 10_000)
    most_bytes = file_size(str(path)) + file_size(f"{path}-wal")
    rows: list[Any] = []
    size = 0
    cursor = connection.execute(sql, values)
    while some := cursor.fetchmany(ROWS_AT_ONCE):
        rows += some
        # No character takes less than a byte, and no row less than some.
        texts = (value for row in some for value in row if isinstance(value, str | bytes))
        size += LEAST_ROW_BYTES * len(some) + sum(map(len, texts))
        if size > most_bytes + GROWTH_BYTES:
            raise DamagedError(path, "it gives more than it holds")
    return rows


def file_size(path: str) -> int:
    """In bytes; 0 where there is none."""
    try:
        return Path(path).stat().st_size
    except FileNotFoundError:
        return 0


class DamagedError(ArchiveError):
    """The file of an archive is not as SQLite has written it."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"The archive {path} is damaged: {what}.",
            "Nothing was changed. Restore a copy of the folder, or save what can still be read: "
            f"taskwright import NEW_RUN_DIR {path.parent}",
        )


_DAMAGE = {
    "SQLITE_CORRUPT": "{}",
    "SQLITE_TOOBIG": f"something in it is larger than {MAX_VALUE_BYTES:,} bytes",
    "SQLITE_INTERRUPT": f"reading it comes to no end within {STATEMENT_S:g} s",
}
"""What SQLite's errors mean where a file is damaged or was tampered with."""


def _damage(error: sqlite3.Error) -> str:
    """What is wrong with the file, as a clause; empty where it is something else."""
    # Errors of Python's own module have no name.
    name = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
    return _DAMAGE.get(name, "").format(" ".join(str(error).split()))


@contextlib.contextmanager
def damage_explained(path: Path) -> Iterator[None]:
    """Raise DamagedError where SQLite finds that a file is damaged."""
    try:
        yield
    except sqlite3.Error as error:
        if what := _damage(error):
            raise DamagedError(path, what) from None
        raise
    except UnicodeDecodeError:
        # What SQLite says of a damaged schema quotes it.
        raise DamagedError(path, "its schema is no text") from None


_TASK_ID = re.compile("[0-9a-f]{12}")


def first_flaw(error: ValueError) -> str:
    """What is wrong with JSON that is not of the shape that was expected."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        message = f"{place}: {first['msg']}" if place else first["msg"]
    else:
        message = str(error)
    return " ".join(message.split())[:200]


def known_status(status: object) -> Status:
    """A status as it was stored; "broken" where it is none of ours."""
    return status if status in STATUSES else "broken"


def task_id_or_none(stored: object) -> str | None:
    """A `task_id` as it was stored; None where it is none, for it names files and addresses."""
    return stored if isinstance(stored, str) and _TASK_ID.fullmatch(stored) else None


def other_record(number: int) -> str:
    """The message for a record whose journey, status or title differs from those of its row."""
    return (
        f"The record of journey {number} is not the one that was written for it: somebody has "
        "changed the archive."
    )


def altered_source(number: int, task_id: object) -> str:
    """The message for a record whose source does not give its `task_id`."""
    named = task_id_or_none(task_id) or "?"
    return (
        f"The source of task {named} (journey {number}) was changed after it was recorded, so "
        "that nothing that was found out about it holds. Restore it from a copy of the archive, "
        "or import it as a task of its own."
    )


def record_in(
    text: str | bytes, number: int, status: object, task_id: object, title: object
) -> tuple[Record, str]:
    """The record in a row, and "". Where it is not as it was written any more, a broken record in
    its place, and what is wrong with it."""
    try:
        record = from_json(Record, text)
    except ValueError as error:
        flaw = f"The record of journey {number} cannot be read: {first_flaw(error)}."
        return Record(number, "broken", flaw, Idea(str(title)[:MAX_TITLE], "", "", "", "")), flaw
    found = (record.number, record.status, record.task_id, record.idea.title)
    if found == (number, status, task_id, title):
        return record, ""
    same = record.task_id == task_id
    flaw = other_record(number) if same else altered_source(number, task_id)
    return dataclasses.replace(record, number=number, status="broken", reason=flaw), flaw


def unit_vector(stored: object) -> NDArray[np.float32] | None:
    """A unit vector as it was stored; None where it is damaged, so that it is computed again."""
    if not isinstance(stored, bytes) or not stored or len(stored) % 4:
        return None
    vector: NDArray[np.float32] = np.frombuffer(stored, np.float32)
    return vector if abs(float(vector @ vector) - 1.0) < 1e-2 else None
