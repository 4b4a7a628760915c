"""The archive's schema, as a list of named steps that is only ever added to.

An archive of any age is brought up to date by applying the steps it has not had. Never edit a step
that was released: write another one. `feedback.db` has a list of its own (see `feedback`).
"""

from __future__ import annotations

import contextlib
import functools
import re
import sqlite3
from collections.abc import Sequence

from ..errors import ArchiveError

MIGRATIONS: list[tuple[str, str]] = [
    (
        "first schema",
        """
        -- One row per journey, from its start on. A journey without a record is under way.
        CREATE TABLE journeys (
            number INTEGER PRIMARY KEY,
            started_at TEXT NOT NULL
        );
        -- What each journey has worked out so far, one row per step, written before the next
        -- step begins. Payloads and costs are nouns of task.py as JSON.
        CREATE TABLE steps (
            journey INTEGER NOT NULL REFERENCES journeys (number),
            name TEXT NOT NULL,
            payload TEXT NOT NULL,
            cost TEXT NOT NULL,
            seconds REAL NOT NULL,
            PRIMARY KEY (journey, name)
        );
        -- One row per journey that ended. `record` is the whole Record as JSON; the other columns
        -- repeat what is filtered and sorted by.
        CREATE TABLE records (
            number INTEGER PRIMARY KEY REFERENCES journeys (number),
            status TEXT NOT NULL,
            task_id TEXT,
            robot TEXT,
            title TEXT NOT NULL,
            novelty REAL,
            created_at TEXT NOT NULL,
            record TEXT NOT NULL
        );
        CREATE INDEX records_by_task ON records (task_id);
        CREATE INDEX records_by_status ON records (status);
        -- float32 vectors of unit length, each text embedded once per model.
        CREATE TABLE embeddings (
            text_sha256 TEXT NOT NULL,
            model TEXT NOT NULL,
            vector BLOB NOT NULL,
            PRIMARY KEY (text_sha256, model)
        );
        """,
    ),
    (
        "journeys start by strategies",
        # Renames a key in what journeys under way have selected, once named for revisions alone.
        """
        UPDATE steps SET payload = json_set(
            json_remove(payload, '$.revised'),
            '$.subject', json_extract(payload, '$.revised'),
            '$.strategy', iif(json_extract(payload, '$.revised') IS NULL, 'frontier', 'revision')
        )
        WHERE name = 'select';
        """,
    ),
]


def schema_version(connection: sqlite3.Connection) -> int:
    """How many migrations the archive has had."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def check_readable(
    connection: sqlite3.Connection,
    path: str,
    migrations: Sequence[tuple[str, str]] = MIGRATIONS,
) -> None:
    """Raise ArchiveError for a file that a newer Taskwright has written, and for one that holds
    anything but the tables of its version: views and triggers are programs, which would run when we
    read or write."""
    version = schema_version(connection)
    if version > len(migrations):
        raise ArchiveError(
            f"The archive {path} has schema {version}; this Taskwright knows up to "
            f"{len(migrations)}.",
            "Upgrade Taskwright to open it. Nothing was changed.",
        )
    expected, found = _schema_of(tuple(migrations[: max(version, 0)])), _schema_in(connection)
    if found != expected:
        extra, lacking = sorted(found - expected), sorted(expected - found)
        kind, name, *_ = (extra or lacking)[0]
        # Whoever made the file chose this name, so it is shown only where it is printable.
        element = f"{kind} `{name}`"[:80] if name.isprintable() else kind
        what = f"an unexpected {element}" if extra else f"no {element}"
        raise ArchiveError(
            f"{path} is no archive that Taskwright has made: it holds {what}.",
            "Nothing of it was used, and nothing was changed. Restore a copy, or have it made anew "
            "by whoever gave it to you.",
        )


Schema = frozenset[tuple[str, ...]]
"""The elements of a schema, each as its kind, name and table, and the statement that created it."""


def _schema_in(connection: sqlite3.Connection) -> Schema:
    # A foreign file may hold very many elements, and one too many is enough to refuse it.
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT 100")
    return frozenset(
        (str(kind)[:20], _plain(name), _plain(table), _plain(sql))
        for kind, name, table, sql in rows
    )


def _plain(text_or_none: object) -> str:
    """A statement without comments, its words separated by single blanks."""
    text = re.sub(r"--[^\n]*", "", str(text_or_none or "")[:10_000])
    return " ".join(text.split())


@functools.cache
def _schema_of(migrations: tuple[tuple[str, str], ...]) -> Schema:
    """The schema that some migrations make."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, migrations)
        return _schema_in(connection)


def migrate(
    connection: sqlite3.Connection, migrations: Sequence[tuple[str, str]] = MIGRATIONS
) -> None:
    """Apply the migrations the archive has not had, each in a transaction of its own."""
    for version in range(schema_version(connection), len(migrations)):
        _, script = migrations[version]
        connection.executescript(
            f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {version + 1}; COMMIT;"
        )
