"""What people answer is kept in a file of its own, which a run that goes on does not mind."""

from __future__ import annotations

import sqlite3

import pytest

from taskwright.archive.feedback import (
    FILE_NAME,
    MIGRATIONS,
    Demonstration,
    Feedback,
    Interest,
    Triplet,
)
from taskwright.archive.store import Archive
from taskwright.errors import ArchiveError


def demonstration(task_id: str = "abc", success: bool = True) -> Demonstration:
    return Demonstration(task_id, "r2d2", 7, 4, ((1.0,), (4.0,), (0.0,)), success)


def test_answers_come_back_and_the_latest_counts(tmp_path):
    with Feedback.create_or_open(tmp_path) as feedback:
        for answer in (Interest(1, True), Interest(2, None), Interest(1, False)):
            feedback.add_interest(answer)
    with Feedback.open(tmp_path) as feedback:
        assert feedback.interests() == [Interest(2, None), Interest(1, False)]


def test_a_triplet_shown_the_other_way_round_is_the_same_question(tmp_path):
    with Feedback.create_or_open(tmp_path) as feedback:
        for answer in (Triplet(1, 2, 3, 2), Triplet(2, 1, 3, None), Triplet(1, 3, 2, 3)):
            feedback.add_triplet(answer)
        assert feedback.triplets() == [Triplet(2, 1, 3, None), Triplet(1, 3, 2, 3)]
        assert [answer.further for answer in feedback.triplets()] == [None, 2]


def test_an_answer_that_names_neither_task_is_refused(tmp_path):
    with Feedback.create_or_open(tmp_path) as feedback:
        with pytest.raises(sqlite3.IntegrityError):
            feedback.add_triplet(Triplet(1, 2, 3, 4))
        assert feedback.triplets() == []


def test_a_demonstration_comes_back_and_counts_as_evidence(tmp_path):
    with Feedback.create_or_open(tmp_path) as feedback:
        assert feedback.add_demonstration(demonstration()) == 1
        feedback.add_demonstration(demonstration(success=False))
        feedback.add_demonstration(demonstration("def", success=False))
        assert feedback.shown_solvable() == {"abc": 1}
        (first, second) = feedback.demonstrations("abc")
        assert first.actions == demonstration().actions
        assert (first.success, second.success) == (True, False)
        assert len(feedback.demonstrations()) == 3


def test_where_nobody_has_answered_reading_finds_nothing_and_makes_no_file(tmp_path):
    with Feedback.open(tmp_path) as feedback:
        assert (feedback.interests(), feedback.triplets(), feedback.demonstrations()) == (
            [],
            [],
            [],
        )
    assert not (tmp_path / FILE_NAME).exists()


def test_several_people_answer_while_the_archive_is_written(tmp_path, make_record):
    with (
        Archive.create_or_open(tmp_path) as archive,
        Feedback.create_or_open(tmp_path) as one,
        Feedback.create_or_open(tmp_path) as other,
    ):
        for number in range(1, 4):
            archive.start_journey()
            one.add_interest(Interest(number, True))
            archive.add(make_record(number))
            other.add_interest(Interest(number + 10, False))
        assert len(one.interests()) == len(other.interests()) == 6
        assert len(archive.records()) == 3


def test_a_newer_schema_is_refused_with_what_to_do(tmp_path):
    Feedback.create_or_open(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    for open_it in (Feedback.create_or_open, Feedback.open):
        with pytest.raises(ArchiveError, match="Upgrade Taskwright"):
            open_it(tmp_path)


def test_a_file_that_is_no_store_is_refused(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"not a database, though it is long enough to look" * 30)
    with pytest.raises(ArchiveError, match="cannot be opened"):
        Feedback.create_or_open(tmp_path)
