"""The archive keeps everything, once, and says clearly what it cannot open."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from taskwright.archive import store
from taskwright.archive.migrations import MIGRATIONS
from taskwright.archive.store import FILE_NAME, Archive
from taskwright.errors import ArchiveError
from taskwright.task import Cost, Idea


def add(archive: Archive, record) -> None:
    while record.number not in archive.unfinished():
        archive.start_journey()
    archive.add(record)


def test_a_record_comes_back_as_it_was(tmp_path, make_record):
    record = make_record(1, novelty=0.25, stepping_stones=("abc",), cost=Cost(2, 30, 4, None))
    with Archive.create_or_open(tmp_path) as archive:
        add(archive, record)
    with Archive.open(tmp_path) as archive:
        assert archive.records() == [record]


def test_kept_are_the_learned_ones_in_order(tmp_path, make_record):
    with Archive.create_or_open(tmp_path) as archive:
        for number, status in enumerate(["learned", "too_hard", "learned", "broken"], 1):
            add(archive, make_record(number, status))
        assert [record.number for record in archive.kept()] == [1, 3]
        assert archive.counts() == {"learned": 2, "too_hard": 1, "broken": 1}


def test_finds_by_number_by_task_id_and_by_its_beginning(tmp_path, make_record):
    record = make_record(1)
    with Archive.create_or_open(tmp_path) as archive:
        add(archive, record)
        assert archive.find("1") == record
        assert archive.find(record.task_id) == record
        assert archive.find(record.task_id[:5]) == record


def test_an_ambiguous_beginning_asks_for_more_digits(tmp_path, make_record):
    with Archive.create_or_open(tmp_path) as archive:
        records = [make_record(number) for number in range(1, 40)]
        for record in records:
            add(archive, record)
        firsts = [record.task_id[0] for record in records]
        # A letter, because a lone digit is taken for the number of a journey first.
        twice = next(first for first in firsts if firsts.count(first) > 1 and first.isalpha())
        with pytest.raises(ArchiveError, match="more digits"):
            archive.find(twice)


def test_finding_nothing_says_what_to_give(tmp_path, make_record):
    with Archive.create_or_open(tmp_path) as archive, pytest.raises(ArchiveError, match="task_id"):
        archive.find("feedbeef")


def test_a_journey_gets_one_record_only(tmp_path, make_record):
    with Archive.create_or_open(tmp_path) as archive:
        add(archive, make_record(1))
        with pytest.raises(sqlite3.IntegrityError):
            archive.add(make_record(1))


def test_a_step_done_once_is_read_back_with_its_cost(tmp_path):
    costs = [Cost(1, 100, 10, 0.5)]
    idea = Idea("Title", "Description", "Success", "Rewards", "Termination", parents=("a", "b"))
    with Archive.create_or_open(tmp_path) as archive:
        number = archive.start_journey()
        assert archive.journal(number, costs.pop).once("idea", Idea, lambda: idea) == idea
    with Archive.create_or_open(tmp_path) as archive:
        assert archive.unfinished() == [number]
        journal = archive.journal(number)
        again = journal.once("idea", Idea, lambda: pytest.fail("the step was done twice"))
        assert again == idea
        assert journal.spent()[0] == Cost(1, 100, 10, 0.5)


def test_a_step_that_fails_leaves_nothing(tmp_path):
    with Archive.create_or_open(tmp_path) as archive:
        journal = archive.journal(archive.start_journey())
        with pytest.raises(ZeroDivisionError):
            journal.once("idea", Idea, lambda: 1 / 0)
        assert journal.steps() == []


def test_a_reader_sees_what_a_writer_adds_and_cannot_write(tmp_path, make_record):
    with Archive.create_or_open(tmp_path) as writer, Archive.open(tmp_path) as reader:
        assert reader.records() == []
        add(writer, make_record(1))
        assert len(reader.records()) == 1
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.start_journey()


def test_embeddings_are_kept_per_text_and_model(tmp_path):
    vector = np.array([0.6, 0.8], np.float32)
    with Archive.create_or_open(tmp_path) as archive:
        archive.keep_embedding("a text", "small", vector)
    with Archive.open(tmp_path) as archive:
        np.testing.assert_array_equal(archive.embedding("a text", "small"), vector)
        assert archive.embedding("a text", "large") is None
        assert archive.embedding("another", "small") is None


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_archive_is_one_clear_line(tmp_path, exists):
    folder = tmp_path / "run"
    if exists:
        folder.mkdir()
    with pytest.raises(ArchiveError, match="taskwright run"):
        Archive.open(folder)
    assert list(tmp_path.rglob("*.db")) == []


def test_a_newer_schema_is_refused_and_left_alone(tmp_path):
    Archive.create_or_open(tmp_path).close()
    path = tmp_path / FILE_NAME
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    for opened in (Archive.open, Archive.create_or_open):
        with pytest.raises(ArchiveError, match="Upgrade Taskwright"):
            opened(tmp_path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_archive_is_refused_and_left_alone(tmp_path):
    path = tmp_path / FILE_NAME
    path.write_text("this is not a database, whatever its name says" * 50)
    before = path.read_bytes()
    for opened in (Archive.open, Archive.create_or_open):
        with pytest.raises(ArchiveError, match="cannot be opened"):
            opened(tmp_path)
    assert path.read_bytes() == before


def test_what_was_written_survives_sigkill(tmp_path):
    script = """
import os, sys
from pathlib import Path
from taskwright.archive.store import Archive
from taskwright.task import Cost
archive = Archive.create_or_open(Path(sys.argv[1]))
while True:
    number = archive.start_journey()
    archive.journal(number).once("cost", Cost, lambda: Cost(number))
    print(number, flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        last = int(line)
        if last == 50:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    with Archive.create_or_open(tmp_path) as archive:
        assert len(archive.unfinished()) >= last
        journal = archive.journal(last)
        assert journal.once("cost", Cost, Cost) == Cost(last)


def change(folder: Path, sql: str, *values: object) -> None:
    """Something other than Taskwright writes to an archive."""
    with sqlite3.connect(folder / FILE_NAME) as connection:
        connection.execute(sql, values)
    connection.close()


@pytest.fixture
def edited(tmp_path, make_record) -> Path:
    """An archive of three kept tasks; somebody has edited the source of the second."""
    with Archive.create_or_open(tmp_path) as archive:
        for number in (1, 2, 3):
            add(archive, make_record(number))
    change(
        tmp_path,
        "UPDATE records SET record = json_set(record, '$.task.source', 'edited') WHERE number = 2",
    )
    return tmp_path


def test_an_edited_source_is_noticed_and_the_rest_is_used(edited, make_record):
    task_id = make_record(2).task_id
    with Archive.open(edited) as archive:
        assert [record.number for record in archive.kept()] == [1, 3]
        (sentence,) = archive.complaints
        assert f"source of task {task_id} (journey 2) was changed" in sentence
        first, second, third = archive.records()
        assert (first, third) == (make_record(1), make_record(3))
        assert (second.status, second.reason) == ("broken", sentence)
        assert archive.records("broken") == [second] == [archive.find("2")]
        assert archive.by_number([2]) == {2: second}
        assert archive.counts() == {"learned": 2, "broken": 1}
        assert archive.statuses() == {1: "learned", 2: "broken", 3: "learned"}


def test_a_record_that_cannot_be_read_is_noticed_and_the_rest_is_used(tmp_path, make_record):
    with Archive.create_or_open(tmp_path) as archive:
        for number in (1, 2):
            add(archive, make_record(number))
    change(tmp_path, "UPDATE records SET record = substr(record, 1, 60) WHERE number = 1")
    with Archive.open(tmp_path) as archive:
        assert [record.number for record in archive.kept()] == [2]
        broken = archive.find("1")
        assert (broken.status, broken.idea.title) == ("broken", "Task 1")
        assert "cannot be read" in broken.reason
        assert archive.texts([1, 2]) == {1: "Task 1", 2: make_record(2).idea.text}


@pytest.mark.parametrize("damage", ["zeroblob(8)", "x'0102'", "x''", "x'0000c07f0000c07f'"])
def test_a_vector_that_is_none_any_more_is_made_anew(tmp_path, damage):
    vector = np.array([0.6, 0.8], np.float32)
    with Archive.create_or_open(tmp_path) as archive:
        archive.keep_embedding("a text", "small", vector)
    change(tmp_path, f"UPDATE embeddings SET vector = {damage}")
    with Archive.create_or_open(tmp_path) as archive:
        assert archive.embedding("a text", "small") is None
        archive.keep_embedding("a text", "small", vector)
        np.testing.assert_array_equal(archive.embedding("a text", "small"), vector)


def test_records_are_read_some_at_a_time(tmp_path, make_record, monkeypatch):
    """Their JSON would take as much memory as all of them."""
    monkeypatch.setattr(store, "TOGETHER", 3)
    statuses = ["learned", "too_hard", "learned", "broken", "learned", "learned", "learned"]
    with Archive.create_or_open(tmp_path) as archive:
        for number, status in enumerate(statuses, 1):
            archive.start_journey()
            archive.add(make_record(number, status))
        archive._connection.write("UPDATE records SET record = '{' WHERE number = 3")
        records = archive.records()
        assert [record.number for record in records] == list(range(1, 8))
        assert [record.number for record in archive.records("learned")] == [1, 5, 6, 7]
        assert [record.number for record in archive.records("broken")] == [3, 4]
        assert archive.records("duplicate") == []
