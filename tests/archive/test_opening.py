"""Reading leaves the folder as it is; a crash is noticed; the network gets no write-ahead log."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from taskwright.archive import filesystem, opening, store
from taskwright.archive.feedback import Feedback, Interest
from taskwright.archive.filesystem import filesystem_type
from taskwright.archive.opening import was_left_open, way_to_read
from taskwright.archive.store import FILE_NAME, Archive
from taskwright.errors import ArchiveError

WRITER = """
import sys, time
from pathlib import Path
from taskwright.archive.store import Archive
archive = Archive.create_or_open(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    number = archive.start_journey()
print(number, flush=True)
time.sleep(600)
"""
NOBODY = 65534


def start_writer(folder: Path, journeys: int) -> subprocess.Popen[str]:
    """Another process that has written so many journeys and has the archive open."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(journeys)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert int(process.stdout.readline()) >= journeys
    return process


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.fixture
def crashed(tmp_path) -> Path:
    """A run folder whose writer was killed: 20 journeys, all of them in the log alone."""
    kill(start_writer(tmp_path, 20))
    return tmp_path


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file of a folder, its bytes and when it was written."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def read_everything(folder: Path) -> int:
    """As all commands that only look do; returns how many journeys there are."""
    with Archive.open(folder) as archive, Feedback.open(folder) as feedback:
        archive.records(), archive.counts(), archive.statuses(), archive.texts([1])
        archive.embedding("a text", "a model"), feedback.interests()
        return len(archive.unfinished())


def test_reading_an_archive_that_was_closed_writes_nothing(tmp_path):
    with Archive.create_or_open(tmp_path) as archive:
        archive.start_journey()
    with Feedback.create_or_open(tmp_path) as feedback:
        feedback.add_interest(Interest(1, True))
    before = files(tmp_path)
    assert set(before) == {FILE_NAME, "feedback.db"}
    with Archive.open(tmp_path) as archive:
        assert archive.unfinished() == [1]
        assert files(tmp_path) == before, "not even while it is open"
    assert read_everything(tmp_path) == 1
    assert files(tmp_path) == before


def test_reading_what_a_crash_has_left_writes_nothing(crashed):
    before = files(crashed)
    assert before[f"{FILE_NAME}-wal"][0]
    assert way_to_read(crashed / FILE_NAME) == "shared"
    assert read_everything(crashed) == 20
    assert files(crashed) == before


def test_reading_a_log_that_has_lost_its_index_writes_nothing(crashed):
    """As a copy of a run folder may have it."""
    (crashed / f"{FILE_NAME}-shm").unlink()
    before = files(crashed)
    assert way_to_read(crashed / FILE_NAME) == "copy"
    assert read_everything(crashed) == 20
    assert files(crashed) == before


def test_reading_beside_a_run_writes_nothing_and_sees_all(tmp_path):
    writer = start_writer(tmp_path, 5)
    try:
        before = files(tmp_path)
        assert read_everything(tmp_path) == 5
        assert files(tmp_path) == before
    finally:
        kill(writer)


def test_a_hot_journal_is_read_from_a_copy(tmp_path):
    """Without a write-ahead log, a crash leaves what has to be undone."""
    path = tmp_path / FILE_NAME
    Archive.create_or_open(tmp_path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("INSERT INTO journeys VALUES (1, 'now')")
    connection.close()
    script = f"""
import os, sqlite3
connection = sqlite3.connect({str(path)!r}, isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN")
for number in range(2, 5000):
    connection.execute("INSERT INTO journeys VALUES (?, 'a long time ago')", (number,))
os._exit(1)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    assert was_left_open(path)
    before = files(tmp_path)
    assert read_everything(tmp_path) == 1
    assert files(tmp_path) == before
    with Archive.create_or_open(tmp_path) as archive:
        assert archive.unfinished() == [1]


def journeys_in(folder: Path) -> list[int]:
    with Archive.open(folder) as archive:
        return archive.unfinished()


def in_a_process_without_rights(ask: Callable[[], int]) -> int:
    """What a child that may write no file of ours is told, as its exit status; 255 for an error."""
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setuid(NOBODY)
            os._exit(ask())
        finally:
            os._exit(255)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("without", [(), ("-shm",), ("-shm", "-wal")])
def test_a_folder_that_may_not_be_written_to_is_read(without):
    """By somebody who really may not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kill(start_writer(folder, 20))
        if "-wal" in without:
            Archive.create_or_open(folder).close()
        for ending in without:
            Path(f"{folder / FILE_NAME}{ending}").unlink(missing_ok=True)
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        before = files(folder)
        assert in_a_process_without_rights(lambda: len(journeys_in(folder))) == 20
        assert files(folder) == before
        folder.chmod(0o755)


def test_a_reader_who_came_first_sees_what_is_written_later(tmp_path):
    Archive.create_or_open(tmp_path).close()
    with Archive.open(tmp_path) as reader:
        assert reader.unfinished() == []
        kill(start_writer(tmp_path, 3))
        assert reader.unfinished() == [1, 2, 3]
        with Archive.create_or_open(tmp_path) as archive:
            archive.start_journey()
            assert reader.unfinished() == [1, 2, 3, 4]
        with Archive.create_or_open(tmp_path) as archive:
            archive.start_journey()
        assert reader.unfinished() == [1, 2, 3, 4, 5]


def test_after_a_crash_a_damaged_archive_is_refused_and_left_alone(tmp_path, make_record):
    with Archive.create_or_open(tmp_path) as archive:
        for number in range(1, 60):
            archive.start_journey()
            archive.add(make_record(number))
    kill(start_writer(tmp_path, 1))
    path = tmp_path / FILE_NAME
    with path.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xa5" * 4096)
    before = files(tmp_path)
    with pytest.raises(ArchiveError, match=r"is damaged.*taskwright import"):
        Archive.create_or_open(tmp_path)
    assert files(tmp_path) == before


def test_an_archive_is_read_through_after_a_crash_and_only_then(crashed, monkeypatch):
    checked = []
    real = opening.check_soundness
    monkeypatch.setattr(store, "check_soundness", lambda path: (checked.append(path), real(path)))
    Archive.create_or_open(crashed).close()
    assert checked == [crashed / FILE_NAME]
    with Archive.create_or_open(crashed) as archive:
        archive.start_journey()
    Archive.create_or_open(crashed).close()
    assert len(checked) == 1


@pytest.fixture
def on_the_network(tmp_path, monkeypatch) -> str:
    """Has the type of the file system that tests really lie on counted as one on the network."""
    kind = filesystem_type(tmp_path)
    monkeypatch.setattr(filesystem, "NETWORK_TYPES", frozenset([kind]))
    return str(kind)


def test_on_the_network_there_is_no_write_ahead_log(tmp_path, make_record, on_the_network):
    with Archive.create_or_open(tmp_path) as archive:
        archive.start_journey()
        archive.add(make_record(1))
        assert on_the_network in archive.note
        assert sorted(files(tmp_path)) == [FILE_NAME]
        assert way_to_read(tmp_path / FILE_NAME) == "shared"
        before = files(tmp_path)
        with Archive.open(tmp_path) as reader:
            assert reader.records() == [make_record(1)]
            archive.start_journey()
            assert reader.unfinished() == [2]
            assert set(files(tmp_path)) == set(before)
    with Archive.open(tmp_path) as reader:
        assert reader.unfinished() == [2]


def test_an_archive_that_moves_to_the_network_and_back_changes_its_ways(crashed, monkeypatch):
    kind = filesystem_type(crashed)
    with monkeypatch.context() as there:
        there.setattr(filesystem, "NETWORK_TYPES", frozenset([kind]))
        assert way_to_read(crashed / FILE_NAME) == "copy"
        assert read_everything(crashed) == 20
        with Archive.create_or_open(crashed) as archive:
            assert archive.note
            assert len(archive.unfinished()) == 20
    assert sorted(files(crashed)) == [FILE_NAME]
    with Archive.create_or_open(crashed) as archive:
        assert archive.note == ""
        archive.start_journey()
        assert f"{FILE_NAME}-wal" in files(crashed)


def test_a_copy_of_a_folder_in_use_is_whole(tmp_path):
    writer = start_writer(tmp_path, 30)
    try:
        shutil.copytree(tmp_path, tmp_path / "copy", ignore=lambda *_: ["copy"])
    finally:
        kill(writer)
    assert read_everything(tmp_path / "copy") == 30
