"""Archives of every schema that there ever was are read, and brought up to date without loss.

`schemas/N.sql` is what a run of that time has left: two records, a vector, and a journey under way.
Whoever adds a migration adds the archive of the schema before it here.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from taskwright.archive.migrations import MIGRATIONS
from taskwright.archive.store import FILE_NAME, Archive
from taskwright.generator.archive_view import Selection
from taskwright.task import from_json

SCHEMAS = Path(__file__).parent / "schemas"
RELEASED = ["983a68a63094", "ea320608898d"]
"""The beginnings of the SHA-256 of each migration: one that was released is never edited."""


@pytest.fixture(params=sorted(SCHEMAS.glob("*.sql")), ids=lambda path: path.stem)
def old_archive(request, tmp_path) -> Path:
    """A run folder whose archive has an older schema, or the newest."""
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.executescript(request.param.read_text(encoding="utf-8"))
    connection.close()
    return tmp_path


def schema(path: Path) -> list[str]:
    connection = sqlite3.connect(path / FILE_NAME)
    rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return sorted(" ".join(sql.split()) for (sql,) in rows)


def test_there_is_an_archive_of_each_schema():
    versions = [int(path.stem) for path in SCHEMAS.glob("*.sql")]
    assert sorted(versions) == list(range(1, len(MIGRATIONS) + 1))


def test_an_old_archive_is_read_as_it_is(old_archive):
    before = (old_archive / FILE_NAME).read_bytes()
    with Archive.open(old_archive) as archive:
        records = archive.records()
        assert [record.number for record in records] == [1, 2]
        assert archive.find(records[0].task_id) == records[0]
        assert archive.embedding(records[0].idea.text, "all-MiniLM-L6-v2").shape == (384,)
        assert archive.complaints == []
    assert (old_archive / FILE_NAME).read_bytes() == before


def test_bringing_it_up_to_date_keeps_all_that_it_holds(old_archive, tmp_path_factory):
    with Archive.open(old_archive) as archive:
        before = archive.records()
    with Archive.create_or_open(old_archive) as archive:
        assert archive.records() == before
        assert archive.unfinished() == [3]
        (step,) = archive.journal(3).steps()
        selection = from_json(Selection, step[1])
        assert (selection.strategy, selection.subject) == ("revision", 1)
    new = tmp_path_factory.mktemp("new")
    Archive.create_or_open(new).close()
    assert schema(old_archive) == schema(new)
    connection = sqlite3.connect(old_archive / FILE_NAME)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    connection.close()


def test_no_migration_that_was_released_was_edited():
    found = [hashlib.sha256(sql.encode()).hexdigest()[:12] for _, sql in MIGRATIONS]
    assert found[: len(RELEASED)] == RELEASED
    assert len(found) == len(RELEASED), "add the new one's to RELEASED"


def test_migrations_are_named_once():
    names = [name for name, _ in MIGRATIONS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("revised", "strategy"), [(3, "revision"), (None, "frontier")])
def test_a_journey_under_way_goes_on_with_what_it_had_selected(tmp_path, revised, strategy):
    """Selections of before named what they revise, and no strategy."""
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.executescript(MIGRATIONS[0][1] + "; PRAGMA user_version = 1;")
    payload = json.dumps({"failures": [2], "revised": revised, "seed_task": None, "stones": ["a"]})
    connection.execute("INSERT INTO journeys VALUES (4, 'now')")
    connection.execute("INSERT INTO steps VALUES (4, 'select', ?, '{}', 0.0)", (payload,))
    connection.commit()
    connection.close()
    with Archive.create_or_open(tmp_path) as archive:
        (step,) = archive.journal(4).steps()
    assert from_json(Selection, step[1]) == Selection(("a",), (2,), strategy, revised)
