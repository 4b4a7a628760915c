"""What is said of an archive's health."""

from __future__ import annotations

import sqlite3

import pytest

from taskwright import doctor
from taskwright.archive.store import FILE_NAME, Archive


@pytest.fixture
def finding(monkeypatch):
    """What is found of a run folder's archive; the rest of the host has tests of its own."""

    def look(run_dir):
        for name in ("_sandbox", "_isolation", "_renderer"):
            monkeypatch.setattr(doctor, name, lambda: doctor.Finding("left out", "ok", ""))
        (found,) = [f for f in doctor.examine(None, run_dir) if f.name == "archive"]
        return found

    return look


@pytest.fixture
def run_dir(tmp_path, make_record):
    with Archive.create_or_open(tmp_path) as archive:
        for number in range(1, 31):
            archive.start_journey()
            archive.add(make_record(number))
    return tmp_path


def test_a_sound_archive_is_called_so(run_dir, finding):
    found = finding(run_dir)
    assert (found.state, found.detail) == ("ok", "sound; 30 records, 30 kept; no vectors yet")


def test_a_record_that_was_edited_is_told(run_dir, finding):
    connection = sqlite3.connect(run_dir / FILE_NAME)
    connection.execute("UPDATE records SET record = replace(record, '# source 7', '# mine')")
    connection.commit()
    connection.close()
    found = finding(run_dir)
    assert found.state == "limited"
    assert "29 kept" in found.detail
    assert "journey 7" in found.detail


def test_a_damaged_archive_fails(run_dir, finding):
    with (run_dir / FILE_NAME).open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xa5" * 4096)
    found = finding(run_dir)
    assert found.state == "failed"
    assert "is damaged" in found.detail


def test_a_folder_without_an_archive_fails(tmp_path, finding):
    assert finding(tmp_path).state == "failed"
