"""What somebody may have done to the database of a run folder, each as a function of the folder."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from taskwright.archive.feedback import Demonstration, Feedback, Interest, Triplet
from taskwright.archive.store import FILE_NAME, Archive
from taskwright.task import Idea, Record, Task, Trial

Tamper = Callable[[Path], object]


def make_sound(folder: Path) -> None:
    """A run folder of three kept tasks and a journey under way, as Taskwright makes one."""
    for name in ("media", "policies", "vectors"):
        (folder / name).mkdir(parents=True)
    with Archive.create_or_open(folder) as archive:
        for number in (1, 2, 3):
            idea = Idea(f"Task {number}", f"Scene {number}", "Done", "Speed", "None")
            trial = Trial("learned", "it was", 0.0, 0.9, {"idle": 0.0}, 96, (0.8, 0.95), 1000)
            journal = archive.journal(archive.start_journey())
            journal.once("idea", Idea, lambda idea=idea: idea)
            made_at = f"2026-01-01T00:00:0{number}+00:00"
            task = Task(f"# source {number}\n")
            archive.add(
                Record(number, "learned", "a reason", idea, task, (), trial, created_at=made_at)
            )
            vector = np.eye(1, 384, number, dtype=np.float32)[0]
            archive.keep_embedding(idea.text, "all-MiniLM-L6-v2", vector)
        journal = archive.journal(archive.start_journey())
        journal.once("idea", Idea, lambda: idea)
    with Feedback.create_or_open(folder) as feedback:
        feedback.add_interest(Interest(1, True))
        feedback.add_triplet(Triplet(1, 2, 3, 2))
        demonstration = Demonstration(task.task_id, "r2d2", 0, 4, ((1.0,),), True)
        feedback.add_demonstration(demonstration)


ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"


def change(folder: Path, script: str, *values: object, file: str = FILE_NAME) -> None:
    """Something other than Taskwright writes to a database of a run folder."""
    connection = sqlite3.connect(folder / file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    if values:
        connection.execute(script, values)
    else:
        connection.executescript(script)
    connection.close()


def sql(script: str, *values: object) -> Tamper:
    return lambda folder: change(folder, script, *values)


def record(edit: Callable[[dict], object] | None = None, raw: str = "") -> Tamper:
    """Change the record of journey 1: by a function, or to a text."""

    def tamper(folder: Path) -> None:
        with sqlite3.connect(folder / FILE_NAME) as connection:
            (text,) = connection.execute("SELECT record FROM records WHERE number = 1").fetchone()
        connection.close()
        found = json.loads(text)
        if edit:
            edit(found)
        change(folder, "UPDATE records SET record = ? WHERE number = 1", raw or json.dumps(found))

    return tamper


def file(edit: Callable[[Path], object], name: str = FILE_NAME) -> Tamper:
    return lambda folder: edit(folder / name)


def link(name: str) -> Tamper:
    """Put a link in the place of a file or folder; where it leads, nothing may happen."""

    def tamper(folder: Path) -> None:
        outside = folder.parent / "outside"
        outside.mkdir(exist_ok=True)
        place = folder / name
        target = outside / place.name
        if place.is_dir():
            shutil.rmtree(place)
            target.mkdir()
        elif place.exists():
            place.replace(target)
        else:
            target.write_text("precious")
        place.symlink_to(target)

    return tamper


def pipe(name: str) -> Tamper:
    def tamper(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return tamper


def foreign_log(*, index: bytes | None) -> Tamper:
    """The write-ahead log of another database, with that one's index, another, or none."""

    def tamper(folder: Path) -> None:
        change(folder, "SELECT 1")
        with sqlite3.connect(folder / FILE_NAME) as connection:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.close()
        script = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL").fetchall()
connection.execute("CREATE TABLE evil (a)")
for _ in range(200):
    connection.execute("INSERT INTO evil VALUES (randomblob(500))")
os._exit(0)
"""
        other = folder.parent / "other.db"
        subprocess.run([sys.executable, "-c", script, str(other)], check=True)
        shutil.copy(f"{other}-wal", folder / f"{FILE_NAME}-wal")
        if index is None:
            shutil.copy(f"{other}-shm", folder / f"{FILE_NAME}-shm")
        elif index:
            (folder / f"{FILE_NAME}-shm").write_bytes(index)

    return tamper


def deleting_journal(folder: Path) -> None:
    """A journal that names another file: SQLite would undo it, and delete that file."""
    victim = folder.parent / "victim"
    victim.write_text("precious")
    change(folder, "SELECT 1")
    sign = bytes.fromhex("d9d505f920a163d7")
    name = str(victim).encode()
    pages = (folder / FILE_NAME).stat().st_size // 4096
    journal = (sign + struct.pack(">IIIII", 0, 0, pages, 512, 4096)).ljust(512, b"\0")
    journal += struct.pack(">I", 0x40000000 // 4096 + 1) + name
    journal += struct.pack(">II", len(name), sum(name)) + sign
    (folder / f"{FILE_NAME}-journal").write_bytes(journal)


def endless_pages(table: str) -> Tamper:
    """Pages of a table that name the next one two hundred times each, fifteen deep."""

    def tamper(folder: Path) -> None:
        change(folder, "SELECT 1")
        with sqlite3.connect(folder / FILE_NAME) as connection:
            query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
            (root,) = connection.execute(query, (table,)).fetchone()
        connection.close()
        path = folder / FILE_NAME
        data = bytearray(path.read_bytes())
        count, place = len(data) // 4096, (root - 1) * 4096
        last = bytes(data[place : place + 4096])
        data[place : place + 4096] = _interior(count + 1)
        for number in range(1, 15):
            data += _interior(count + number + 1)
        data += last
        data[28:32] = struct.pack(">I", len(data) // 4096)
        data[92:96] = data[24:28]
        path.write_bytes(data)

    return tamper


def _interior(child: int, cells: int = 200) -> bytes:
    """A page of a table's tree, of which every part is the same child (sqlite.org/fileformat)."""
    start = 4096 - 5 * cells
    places = range(4096 - 5, start - 1, -5)
    head = struct.pack(">BHHHBI", 5, 0, cells, start, 0, child)
    head += b"".join(struct.pack(">H", place) for place in places)
    return head.ljust(start, b"\0") + (struct.pack(">I", child) + b"\1") * cells


NOT_A_NUMBER = np.full(384, np.nan, np.float32).tobytes()

REFUSED: dict[str, Tamper] = {
    "a view that never ends": sql(
        "ALTER TABLE records RENAME TO r; CREATE VIEW records AS "
        f"{ENDLESS} SELECT x AS number, 'learned' AS status FROM c"
    ),
    "a trigger": sql("CREATE TRIGGER t AFTER INSERT ON journeys BEGIN DELETE FROM records; END"),
    "a virtual table": sql("CREATE VIRTUAL TABLE extra USING fts5(a)"),
    "a computed column": sql("ALTER TABLE records ADD COLUMN g AS (hex(zeroblob(1000000)))"),
    "an index over a function": sql("CREATE INDEX i ON records (hex(record))"),
    "a table of its own": sql("CREATE TABLE mine (a)"),
    "a table that is missing": sql("DROP TABLE steps"),
    "a column that may be empty": sql(
        "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '')"
    ),
    "a schema that is no text": sql(
        "PRAGMA writable_schema = 1; UPDATE sqlite_master SET name = cast(x'ff80' AS TEXT)"
    ),
    "no schema at all": sql(
        "PRAGMA writable_schema = 1; DELETE FROM sqlite_master; PRAGMA user_version = 0"
    ),
    "a journey below 1": sql("INSERT INTO journeys VALUES (-5, '')"),
    "a journey beyond counting": sql("INSERT INTO journeys VALUES (9223372036854775807, '')"),
    "a record beyond counting": sql(
        "UPDATE records SET number = 9223372036854775807 WHERE number = 3"
    ),
    "cut off": file(lambda path: os.truncate(path, path.stat().st_size // 2)),
    "random bytes": file(lambda path: path.write_bytes(os.urandom(50_000))),
    "the log of another database": foreign_log(index=b""),
    "the log and index of another database": foreign_log(index=None),
    "a log with an index that is none": foreign_log(index=b"abc"),
    "a log with an index by chance": foreign_log(index=os.urandom(32768)),
    "a journal that would delete a file": deleting_journal,
    **{
        f"a link in the place of {name}": link(name)
        for name in (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm", f"{FILE_NAME}-journal")
    },
    **{
        f"a link in the place of {name}": link(name)
        for name in ("config.yaml", "events.jsonl", "llm.jsonl", "run.lock", "feedback.db")
    },
    **{
        f"a link in the place of {name}": link(name)
        for name in ("media", "policies", "vectors", "generalists", "report")
    },
    **{
        f"a pipe in the place of {name}": pipe(name)
        for name in ("config.yaml", "events.jsonl", "llm.jsonl", "run.lock", "feedback.db")
    },
}
"""What is refused with a sentence, wherever it is opened."""

SHOWN: dict[str, Tamper] = {
    "bytes for texts": sql(
        "UPDATE records SET status = x'ff00', title = x'ff', created_at = x'00' WHERE number = 1"
    ),
    "texts for numbers": sql("UPDATE records SET novelty = 'abc', robot = 5 WHERE number = 1"),
    "a status of its own": sql("UPDATE records SET status = '\x1b[2J' WHERE number = 1"),
    "another status than the record": sql("UPDATE records SET status = 'broken' WHERE number = 1"),
    "a path for a task_id": sql("UPDATE records SET task_id = '../../etc/passwd' WHERE number = 1"),
    "a title that is no text": sql(
        "UPDATE records SET title = cast(x'fffe80' AS TEXT) WHERE number = 1"
    ),
    "a record that is no text": sql("UPDATE records SET record = 5 WHERE number = 1"),
    "a record in bytes": sql("UPDATE records SET record = x'7bff7d' WHERE number = 1"),
    "a record of another journey": record(lambda found: found.update(number=7)),
    "not a number": record(lambda found: found.update(seconds=float("nan"))),
    "infinity": record(lambda found: found.update(seconds=float("inf"))),
    "a number without end": record(lambda found: found.update(seconds=10**400)),
    "a number that is too large": record(lambda found: found.update(seconds=1e300)),
    "a count that is too large": record(lambda found: found["trial"].update(steps=10**30)),
    "a share above 1": record(lambda found: found["trial"].update(success_after=5e9)),
    "nested without end": record(raw="[" * 200_000),
    "very many flaws": record(lambda found: found.update(outcomes=[1] * 300_000)),
    "very many names": record(lambda found: found.update({str(n): n for n in range(100_000)})),
    "steps of no journey": sql("INSERT INTO steps VALUES (777, 'select', '{}', '{}', 1.0)"),
    "steps that are none": sql(
        "UPDATE steps SET payload = x'ff', cost = 'x', seconds = 'y';"
        "INSERT INTO journeys VALUES (9, 5); INSERT INTO steps VALUES (9, 'idea', '[]', '', '')"
    ),
    "vectors of a wrong length": sql("UPDATE embeddings SET vector = zeroblob(7)"),
    "vectors that are none": sql("UPDATE embeddings SET vector = ?", NOT_A_NUMBER),
    "vectors that are texts": sql("UPDATE embeddings SET vector = 'abcd', model = x'ff'"),
    "a file larger than any disk": file(lambda path: os.truncate(path, 2**40)),
}
"""What is told of, and the rest is shown."""

NEVER_ENDING: dict[str, Tamper] = {
    "records": endless_pages("records"),
    "journeys": endless_pages("journeys"),
    "embeddings": endless_pages("embeddings"),
    "steps": endless_pages("steps"),
    "a record of 500 MB": sql("UPDATE records SET record = zeroblob(500000000) WHERE number = 1"),
}
"""What ends after a while, with a sentence or with what there is."""
