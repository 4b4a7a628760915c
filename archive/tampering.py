"""What SQLite and we look out for in a database that somebody may have tampered with.

Nothing that stands in its schema is run (`migrations.check_readable` allows for our tables alone),
reading it comes to an end and gives no more than the file can hold, and opening it touches no other
file. What is found to be damaged is told in a sentence. What stands in a column is looked at before
it is used.
"""

from __future__ import annotations

import contextlib
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
from ..task import STATUSES, Status

MAX_VALUE_BYTES = 16_000_000
"""Of a row: what is longer cannot be read. The longest that we write is a source of 1 MB."""
STATEMENT_S = 10.0
"""How long a statement may compute; waiting does not count. Of 100,000 records, the longest takes a
second or two; but in a file that somebody has tampered with, a page may be part of itself."""
ROWS_AT_ONCE = 1_000
LEAST_ROW_BYTES = 5
"""In the file: where it is, how long it is, and what it is."""
GROWTH_BYTES = 4_000_000
"""That a run may write between a look at the file and the reading of it."""


_JOURNAL_SIGN = bytes.fromhex("d9d505f920a163d7")


def check_journal(path: Path) -> None:
    """Raises ArchiveError where the journal of a database names another one.

    That is for transactions over several databases, which we have none of. When SQLite has undone
    what such a journal tells, it deletes the file that it names, whatever that is.
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
    """Have SQLite expect that somebody has tampered with the file: nothing that stands in its
    schema is run, damage is looked for, and what is read has a limit. Bytes that are no text show
    as signs of that."""
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
    """What a statement gives. Raises DamagedError where it takes longer than `STATEMENT_S`, or
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
"""What SQLite's errors over a file mean that was damaged, or tampered with."""


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
    """A status as it was stored. What none of ours has written stands for something broken."""
    return status if status in STATUSES else "broken"


def task_id_or_none(stored: object) -> str | None:
    """A `task_id` as it was stored; None where it is none, for it names files and addresses."""
    return stored if isinstance(stored, str) and _TASK_ID.fullmatch(stored) else None


def other_record(number: int) -> str:
    """What to tell where a record is of another journey, status or title than its row says."""
    return (
        f"The record of journey {number} is not the one that was written for it: somebody has "
        "changed the archive."
    )


def altered_source(number: int, task_id: object) -> str:
    """What to tell where the source in a record is not the one that its `task_id` was taken of."""
    named = task_id_or_none(task_id) or "?"
    return (
        f"The source of task {named} (journey {number}) was changed after it was recorded, so "
        "that nothing that was found out about it holds. Restore it from a copy of the archive, "
        "or import it as a task of its own."
    )


def unit_vector(stored: object) -> NDArray[np.float32] | None:
    """A unit vector as it was stored; None where it is none any more, so that it is made anew."""
    if not isinstance(stored, bytes) or not stored or len(stored) % 4:
        return None
    vector: NDArray[np.float32] = np.frombuffer(stored, np.float32)
    return vector if abs(float(vector @ vector) - 1.0) < 1e-2 else None
