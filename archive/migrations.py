"""The archive's schema, as a list of named steps that is only ever added to.

An archive of any age is brought up to date by applying the steps it has not had. Never edit a step
that was released: write another one. `feedback.db` has a list of its own (see `feedback`).
"""

from __future__ import annotations

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
    """Raises ArchiveError for a file that a newer Taskwright has written."""
    version = schema_version(connection)
    if version > len(migrations):
        raise ArchiveError(
            f"The archive {path} has schema {version}; this Taskwright knows up to "
            f"{len(migrations)}.",
            "Upgrade Taskwright to open it. Nothing was changed.",
        )


def migrate(
    connection: sqlite3.Connection, migrations: Sequence[tuple[str, str]] = MIGRATIONS
) -> None:
    """Apply the migrations the archive has not had, each in a transaction of its own."""
    for version in range(schema_version(connection), len(migrations)):
        _, script = migrations[version]
        connection.executescript(
            f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {version + 1}; COMMIT;"
        )
