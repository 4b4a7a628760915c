"""Archives that somebody has tampered with are refused in a sentence, or shown as far as they hold,
and never do anything else than be read."""

from __future__ import annotations

import contextlib
import resource
import shutil
import time
from pathlib import Path

import pytest
from tampered import NEVER_ENDING, REFUSED, SHOWN, change, make_sound

from taskwright.archive import store
from taskwright.archive.feedback import Feedback
from taskwright.archive.store import FILE_NAME, Archive
from taskwright.archive.tampering import DamagedError
from taskwright.errors import ArchiveError, BrokenError
from taskwright.generator.import_sources import ImportCandidate, find_candidates
from taskwright.report.run_data import read_run
from taskwright.task import Idea


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "run"
    make_sound(folder)
    return folder


@pytest.fixture
def run_dir(sound: Path, tmp_path: Path) -> Path:
    """A copy of a sound run folder, for a test to tamper with."""
    return Path(shutil.copytree(sound, tmp_path / "run"))


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Of everything in a folder what tells whether it was touched."""
    found = {}
    for path in folder.rglob("*"):
        stat = path.lstat()
        found[str(path)] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return found


def read_all(folder: Path) -> list[str]:
    """Ask an archive whatever a command asks; returns its complaints."""
    with Archive.open(folder) as archive:
        archive.records(), archive.kept(), archive.counts(), archive.statuses()
        archive.texts([1, 2, 3]), archive.embedder(), archive.unfinished(), archive.last_number()
        for number in (1, 2, 4, 9, 777):
            archive.journal(number).steps(), archive.journal(number).spent()
        for key in ("1", "2"):
            archive.find(key)
        complaints = archive.complaints
    with Feedback.open(folder) as feedback:
        feedback.interests(), feedback.triplets(), feedback.demonstrations()
        feedback.shown_solvable()
    read_run(folder, lambda folder: {})
    list(find_candidates(folder))
    return complaints


@pytest.mark.parametrize("how", REFUSED)
def test_what_is_no_archive_of_ours_is_refused_and_left_alone(how: str, run_dir: Path) -> None:
    REFUSED[how](run_dir)
    before, started = state(run_dir.parent), time.monotonic()
    for opened in (read_all, Archive.open, Archive.create_or_open):
        with pytest.raises(ArchiveError) as caught:
            opened(run_dir)
        assert str(run_dir) in caught.value.message
        assert caught.value.message.isprintable()
        assert len(caught.value.message) < 400
    assert time.monotonic() - started < 10.0
    assert state(run_dir.parent) == before


@pytest.mark.parametrize("how", SHOWN)
def test_what_was_put_in_the_place_of_something_is_told_and_the_rest_is_shown(
    how: str, run_dir: Path
) -> None:
    SHOWN[how](run_dir)
    before, started = state(run_dir.parent), time.monotonic()
    memory_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    complaints = read_all(run_dir)
    assert time.monotonic() - started < 10.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_kb < 400_000
    assert state(run_dir.parent) == before
    assert all(len(complaint) < 500 for complaint in complaints)
    with Archive.open(run_dir) as archive:
        assert [record.number for record in archive.kept()][-2:] == [2, 3]
        assert all(record.number == n for n, record in archive.by_number([1, 2, 3]).items())
        # What is told of one is told by all that tell it.
        told = archive.records()
        assert archive.counts().get("broken", 0) == sum(r.status == "broken" for r in told)
        assert archive.statuses() == {record.number: record.status for record in told}


@pytest.mark.slow
@pytest.mark.parametrize("how", NEVER_ENDING)
def test_reading_comes_to_an_end(how: str, run_dir: Path) -> None:
    NEVER_ENDING[how](run_dir)
    before, started = state(run_dir.parent), time.monotonic()
    memory_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with contextlib.suppress(DamagedError):
        read_all(run_dir)
    assert time.monotonic() - started < 60.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_kb < 700_000
    assert state(run_dir.parent) == before


def test_an_endless_table_is_found_out_by_what_it_gives(run_dir: Path) -> None:
    NEVER_ENDING["records"](run_dir)
    with Archive.open(run_dir) as archive, pytest.raises(ArchiveError, match="more than it holds"):
        archive.records()


def test_what_can_be_read_beside_a_record_that_is_too_large_is_offered(run_dir: Path) -> None:
    change(run_dir, "UPDATE records SET record = zeroblob(20000000) WHERE number = 2")
    with Archive.open(run_dir) as archive:
        with pytest.raises(ArchiveError, match="larger than 16,000,000 bytes"):
            archive.records()
        assert archive.find("1").number == 1
    candidates = [
        candidate
        for candidate in find_candidates(run_dir)
        if isinstance(candidate, ImportCandidate)
    ]
    assert [candidate.idea.title for candidate in candidates] == ["Task 1", "Task 3"]


def test_more_records_than_memory_holds_are_not_read_at_once(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_RECORDS", 2)
    with Archive.open(run_dir) as archive:
        with pytest.raises(ArchiveError, match=r"holds 3 records; up to 2 .*`taskwright show`"):
            archive.records()
        assert archive.find("3").number == 3


def test_a_step_that_cannot_be_read_says_nothing_of_the_task(run_dir: Path) -> None:
    change(run_dir, "UPDATE steps SET payload = '{\"title\": 5}' WHERE journey = 4")
    with Archive.create_or_open(run_dir) as archive:
        journal = archive.journal(4)
        with pytest.raises(BrokenError, match="journey 4 has written down as `idea`"):
            journal.once("idea", Idea, lambda: pytest.fail("it was done before"))
        assert journal.spent()[0].calls == 0


def test_an_archive_that_nobody_has_written_yet_is_told_apart(run_dir: Path) -> None:
    (run_dir / FILE_NAME).write_bytes(b"")
    with pytest.raises(ArchiveError, match="is empty: nobody has written to it yet"):
        Archive.open(run_dir)
    Archive.create_or_open(run_dir).close()
    with Archive.open(run_dir) as archive:
        assert archive.records() == []


def test_the_folder_itself_may_be_reached_through_a_link(run_dir: Path) -> None:
    linked = run_dir.parent / "linked"
    linked.symlink_to(run_dir)
    assert read_all(linked) == []
    Archive.create_or_open(linked).close()


def test_a_link_among_pictures_is_no_reason_not_to_look_but_to_write(run_dir: Path) -> None:
    (run_dir / "media" / "x.png").symlink_to("/etc/hostname")
    assert read_all(run_dir) == []
    with pytest.raises(ArchiveError, match=r"media/x\.png is a link"):
        Archive.create_or_open(run_dir)


FEEDBACK = {
    "answers": "UPDATE interest SET journey = 'x', positive = x'ff'",
    "triplets": "PRAGMA ignore_check_constraints = 1; UPDATE triplets SET first = 'a', nearer = 9",
    "actions": "UPDATE demonstrations SET actions = '[[1e999], [null]]'",
    "no actions": "UPDATE demonstrations SET actions = '[]'",
    "actions that go on": "UPDATE demonstrations SET actions = '[], \"more\": 1'",
    "a robot of its own": "UPDATE demonstrations SET robot = '../..', seed = -1",
    "steps without end": "UPDATE demonstrations SET action_repeat = 1000000000",
    "bytes": "UPDATE demonstrations SET task_id = x'ff', success = 'yes'",
}


@pytest.mark.parametrize("what", FEEDBACK)
def test_feedback_that_is_none_is_left_out(what: str, run_dir: Path) -> None:
    change(run_dir, FEEDBACK[what], file="feedback.db")
    with Feedback.open(run_dir) as feedback:
        interests, triplets = feedback.interests(), feedback.triplets()
        demonstrations, solvable = feedback.demonstrations(), feedback.shown_solvable()
    kinds = [len(found) for found in (interests, triplets, demonstrations, solvable)]
    assert sum(kinds) < 4
    assert max(kinds) == 1


def test_a_trigger_in_the_feedback_is_refused(run_dir: Path) -> None:
    script = "CREATE TRIGGER t AFTER INSERT ON interest BEGIN DELETE FROM triplets; END"
    change(run_dir, script, file="feedback.db")
    for opened in (Feedback.open, Feedback.create_or_open):
        with pytest.raises(ArchiveError, match="unexpected trigger `t`"):
            opened(run_dir)


def test_archives_of_ours_that_were_tidied_up_are_read(run_dir: Path) -> None:
    """As other tools may do it: with other pages, and without what nobody uses."""
    change(run_dir, "PRAGMA page_size = 8192; VACUUM; PRAGMA optimize")
    assert read_all(run_dir) == []
    assert (run_dir / FILE_NAME).stat().st_size % 8192 == 0
