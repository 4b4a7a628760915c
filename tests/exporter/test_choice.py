"""What is exported unless told otherwise: learned tasks; and never one that did not pass."""

from __future__ import annotations

import pytest

from taskwright.archive.store import Archive
from taskwright.errors import ArchiveError, UsageError
from taskwright.exporter.choice import choose
from taskwright.exporter.provenance import provenance_of
from taskwright.task import Outcome, Task


@pytest.fixture
def archive(tmp_path, make_record):
    """Journeys 1 to 5: learned, too hard, learned, invalid, and uninteresting after its checks."""
    passed = (Outcome("passed"),)
    with Archive.create_or_open(tmp_path) as archive:
        for number, status, fields in (
            (1, "learned", {}),
            (2, "too_hard", {}),
            (3, "learned", {"task": Task("# source 1\n")}),
            (4, "invalid", {"trial": None}),
            (5, "uninteresting", {"trial": None, "outcomes": passed}),
        ):
            archive.start_journey()
            archive.add(make_record(number, status, **fields))
        yield archive


def numbers(records):
    return [record.number for record in records]


def test_learned_tasks_are_exported_each_source_once(archive):
    assert numbers(choose(archive)) == [1]


def test_other_statuses_are_exported_when_asked_for(archive):
    assert numbers(choose(archive, ["too_hard", "learned", "uninteresting"])) == [1, 2, 5]


def test_named_tasks_are_exported_whatever_their_status_unless_one_is_given(archive):
    too_hard = archive.find("2").task_id[:8]
    assert numbers(choose(archive, only=["5", too_hard])) == [2, 5]
    assert numbers(choose(archive, ["too_hard"], only=["5", "2"])) == [2]


def test_a_task_that_did_not_pass_is_refused(archive):
    with pytest.raises(UsageError, match=r"Journey 4 .invalid. has no task that passed"):
        choose(archive, only=["4"])
    with pytest.raises(ArchiveError, match="No record answers to 'zz'"):
        choose(archive, only=["zz"])


def test_nothing_left_is_told_with_what_there_is(archive):
    with pytest.raises(UsageError, match=r"none .* is broken or invalid.*2 learned.*--status"):
        choose(archive, ["broken", "invalid"])


def test_an_empty_archive_says_what_to_do(tmp_path):
    (tmp_path / "new").mkdir()
    with (
        Archive.create_or_open(tmp_path / "new") as archive,
        pytest.raises(UsageError, match="Run journeys"),
    ):
        choose(archive)


def test_a_run_folder_tells_who_wrote_a_task_and_how_it_was_kept_apart(tmp_path, make_record):
    (tmp_path / "config.yaml").write_text("run: {seed: 4}\nmodel: {name: large}\n")
    (tmp_path / "llm.jsonl").write_text(
        '{"role": "idea", "model": "thinker", "journey": 1, "answer": "an idea"}\n'
        '{"role": "code", "model": "writer", "journey": 1, "answer": "code"}\n'
        '{"role": "repair", "model": "mender", "journey": 1, "answer": "code"}\n'
        '{"role": "repair", "model": "silent", "journey": 1, "answer": null}\n{"half'
    )
    (tmp_path / "events.jsonl").write_text('{"event": "run", "isolation": "partial"}\n')
    told = provenance_of(tmp_path)
    assert told.run_seed == 4
    assert told.isolation == ("partial",)
    assert told.author(make_record(1)) == "mender"
    assert told.author(make_record(2)) == "large"


def test_a_folder_that_tells_nothing_is_no_error(tmp_path, make_record):
    (tmp_path / "config.yaml").write_text("- not\n- settings\n")
    assert provenance_of(tmp_path).author(make_record(1)) is None
