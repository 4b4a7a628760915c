"""Tasks from elsewhere come into an archive checked, once, with what is known of them, or not at
all."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from taskwright.archive.store import FILE_NAME, Archive
from taskwright.cli.main import cli
from taskwright.errors import ArchiveError, UsageError
from taskwright.executor.job import JobResult
from taskwright.generator import importing, run
from taskwright.generator.archive_view import Selection
from taskwright.generator.import_sources import TRIED, ImportCandidate, find_candidates
from taskwright.generator.importing import UNTRIED, import_tasks
from taskwright.task import Idea, Outcome, Task, Trial, from_json, to_json

SOURCE = '''from omni_epic.envs.{robot}.base import {base}

class Env({base}):
    """
    {title}

    Description:
    A floor for {title}.
    """
'''


def write_task(path, title, base="R2D2Env"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SOURCE.format(title=title, base=base, robot=base[:-3].lower()))
    return path


def policy_file(number):
    """A policy of a single weight, always the same of a number."""
    saved, file = io.BytesIO(), io.BytesIO()
    torch.save({"weight": torch.tensor([float(number)])}, saved)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("policy.pth"), saved.getvalue())
    return file.getvalue()


class AllPass:
    """An executor whose checks pass whatever they are given, so that no test here waits for the
    simulator. The checks themselves are in the test that goes through the command line."""

    workers = 2

    def run(self, job, tell=None, at_work=None):
        return JobResult(job.job_id, to_json(Outcome("passed")))


class ByTitle:
    """Vectors that depend on a text alone; titles that begin alike are near copies."""

    name = "by-title"

    def encode(self, text):
        seed = sum(text.split()[0].encode())
        vector = np.random.default_rng(seed).standard_normal(16)
        vector[0] += 0.01 * len(text)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture(autouse=True)
def encoder(monkeypatch):
    for module in (importing, run):
        monkeypatch.setattr(module, "make_encoder", lambda config: ByTitle())


@pytest.fixture
def take(tmp_path):
    """Imports into the run folder `new`."""

    def go(*paths, **options):
        return import_tasks(tmp_path / "new", paths, AllPass(), **options)

    return go


@pytest.fixture
def other(tmp_path, make_record):
    """Another run: two tasks learned, one too hard, one invalid, with their files."""
    run_dir = tmp_path / "other"
    for name in ("policies", "media"):
        (run_dir / name).mkdir(parents=True)
    with Archive.create_or_open(run_dir) as archive:
        for number, (status, title) in enumerate(
            [
                ("learned", "Alpha"),
                ("too_hard", "Beta"),
                ("invalid", "Gamma"),
                ("learned", "Delta"),
            ],
            1,
        ):
            parents = (make_record(1).task_id,) if number > 1 else ()
            idea = Idea(title, "Scene", "Done", "Speed", "None", "frontier", parents)
            trial = (
                None if status == "invalid" else Trial(status, "so it was", 0.1, 0.9, seed=number)
            )
            archive.start_journey()
            archive.add(make_record(number, status, idea=idea, trial=trial))
    for number in (1, 4):
        task_id = make_record(number).task_id
        (run_dir / "policies" / f"{task_id}.zip").write_bytes(policy_file(number))
        (run_dir / "media" / f"{task_id}.png").write_bytes(b"picture %d" % number)
        (run_dir / "media" / f"{task_id}.replay.json.gz").write_bytes(b"replay %d" % number)
    return run_dir


def records_of(run_dir):
    with Archive.open(run_dir) as archive:
        return archive.records()


def test_files_that_nobody_has_tried_are_journeys_under_way_and_no_records(tmp_path, take):
    write_task(tmp_path / "tasks" / "jump.py", "Jump over the log")
    (tmp_path / "tasks" / "base.py").write_text("HELPER = 1\n")
    result = take(tmp_path / "tasks")
    (imported,) = result.imported
    assert (imported.status, imported.title) == (UNTRIED, "Jump over the log")
    with Archive.open(tmp_path / "new") as archive:
        assert archive.records() == []
        assert archive.unfinished() == [imported.number]
        steps = dict(archive.journal(imported.number).steps())
    assert from_json(Selection, steps["select"]).horizon == 0
    assert from_json(Idea, steps["idea"]).strategy == "imported"
    assert from_json(Task, steps["code 0"]).task_id == imported.task_id
    assert from_json(Outcome, steps["check 0"]).passed


def test_what_another_archive_has_tried_keeps_its_evidence_and_says_where_it_is_from(take, other):
    result = take(other)
    assert [(t.number, t.status) for t in result.imported] == [
        (1, "learned"),
        (2, "too_hard"),
        (3, "learned"),
    ]
    before, after = records_of(other), records_of(other.parent / "new")
    for old, new in zip([before[0], before[1], before[3]], after, strict=True):
        assert (new.trial, new.task, new.idea.parents) == (old.trial, old.task, old.idea.parents)
        assert new.reason == f"Imported from other, journey {old.number}: a reason"
        assert new.idea.strategy == "imported"
        assert (new.cost.calls, new.stepping_stones) == (0, ())
    assert after[0].novelty is None
    assert after[2].novelty is not None


def test_policies_replays_and_pictures_come_along_but_no_links(take, other, make_record):
    secret = other.parent / "secret"
    secret.write_text("of this machine")
    task_id = make_record(4).task_id
    (other / "media" / f"{task_id}.png").unlink()
    (other / "media" / f"{task_id}.png").symlink_to(secret)
    result = take(other)
    new = other.parent / "new"
    first = make_record(1).task_id
    assert (new / "policies" / f"{first}.zip").read_bytes() == policy_file(1)
    assert (new / "media" / f"{first}.replay.json.gz").read_bytes() == b"replay 1"
    assert not (new / "media" / f"{task_id}.png").exists()
    (left_out,) = result.left_out
    assert left_out.reason.endswith(f"{task_id}.png has not come along: it is a link.")


def test_a_policy_that_cannot_be_read_does_not_come_along_and_is_told(take, other, make_record):
    task_id = make_record(4).task_id
    policy = other / "policies" / f"{task_id}.zip"
    policy.write_bytes(policy.read_bytes()[:-50])
    result = take(other)
    assert len(result.imported) == 3
    assert not (other.parent / "new" / "policies" / f"{task_id}.zip").exists()
    (left_out,) = result.left_out
    assert left_out.task_id == task_id
    assert f"{policy} cannot be read" in left_out.reason


def test_what_is_there_already_is_said_and_not_doubled(tmp_path, take, other):
    file = write_task(tmp_path / "jump.py", "Jump")
    first = take(other, file)
    before = records_of(tmp_path / "new")
    again = take(other, file, file)
    assert again.imported == []
    assert {known.task_id for known in again.present} == {t.task_id for t in first.imported}
    assert {known.number for known in again.present} == {1, 2, 3, 4}
    assert records_of(tmp_path / "new") == before


def test_one_task_that_is_named_twice_comes_once(tmp_path, take):
    file = write_task(tmp_path / "jump.py", "Jump")
    assert len(take(file, file).imported) == 1


def test_a_near_copy_of_a_kept_task_is_recorded_as_the_duplicate_it_is(take, other, make_record):
    twin = make_record(9, idea=Idea("Alpha", "Scene", "Done", "", ""), task=Task("# twin\n"))
    with Archive.create_or_open(other) as archive:
        while archive.start_journey() < 9:
            pass
        archive.add(twin)
    take(other)
    last = records_of(other.parent / "new")[-1]
    assert last.status == "duplicate"
    assert "where it was learned" in last.reason
    assert "is 1.000; 0.95 counts as a copy" in last.reason


def omni_epic_run(folder, titles, cut_off=""):
    """A log folder as OMNI-EPIC's main loop leaves it."""
    there, kept, text = "/somewhere/else/output", [], ""
    for number, title in enumerate(titles):
        write_task(folder / f"task_{number}" / "env_0.py", title)
        metadata = {"envpath": f"{there}/task_{number}/env_0.py"}
        if kept:
            metadata["taskgen_example_paths"] = [kept[-1], kept[0]]
        (folder / f"task_{number}" / "metadata.json").write_text(json.dumps(metadata, indent=4))
        kept.append(f"{there}/task_{number}/env_0.py")
        state = {"codepaths": kept, "failedgens": [], "failedint": [], "failedtrain": []}
        text += json.dumps(state, indent=4) + "\n"
    (folder / "archive.jsonl").write_text(text + cut_off)
    return folder


def test_an_omni_epic_run_is_read_with_its_lineage(tmp_path, take):
    folder = omni_epic_run(tmp_path / "oe", ["Cross", "Kick", "Reach"], cut_off='{\n    "codepat')
    result = take(folder)
    assert [(t.title, t.status) for t in result.imported] == [
        (title, UNTRIED) for title in ("Cross", "Kick", "Reach")
    ]
    ids = [task.task_id for task in result.imported]
    with Archive.open(tmp_path / "new") as archive:
        ideas = [archive.journal(n).read("idea", Idea) for n in (1, 2, 3)]
    assert [idea.parents for idea in ideas] == [(), (ids[0], ids[0]), (ids[1], ids[0])]


def test_a_task_that_an_omni_epic_run_lists_and_does_not_have_is_said(tmp_path, take):
    folder = omni_epic_run(tmp_path / "oe", ["Cross", "Kick"])
    (folder / "task_0" / "env_0.py").unlink()
    result = take(folder / "archive.jsonl")
    assert [task.title for task in result.imported] == ["Kick"]
    (failed,) = result.failed
    assert failed.origin == "/somewhere/else/output/task_0/env_0.py"
    assert "not there" in failed.reason


def test_an_omni_epic_run_is_read_within_its_folder_alone(tmp_path, take):
    folder = omni_epic_run(tmp_path / "oe", ["Cross"])
    secret = write_task(tmp_path / "secret.py", "Secret")
    (folder / "linked.py").symlink_to(secret)
    (folder / "way").symlink_to(tmp_path)
    (folder / "way_in").symlink_to(folder / "task_0")
    listed = ["/x/../secret.py", "../secret.py", str(secret), "/a/linked.py", "/a/way/secret.py"]
    listed += ["/a/way_in/env_0.py", "/", "", "..", "a\0b", "x" * 5000, "\x1b[2J\u202e"]
    (folder / "archive.jsonl").write_text(json.dumps({"codepaths": [*listed, 5, None, "env_0.py"]}))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)  # Where a relative path would lead.
        result = take(folder)
    assert result.imported == []
    assert len(result.failed) == len(listed) + 3
    told = " ".join(failed.origin + failed.reason for failed in result.failed)
    assert "Secret" not in told
    assert told.replace("\n", "").isprintable()
    for reason in ("it is a link", "reached through a link", "outside the folder", "not there"):
        assert reason in told


def test_metadata_that_leads_elsewhere_tells_nothing(tmp_path, take):
    folder = omni_epic_run(tmp_path / "oe", ["Cross", "Kick"])
    metadata = folder / "task_1" / "metadata.json"
    shutil.move(metadata, tmp_path / "metadata.json")
    metadata.symlink_to(tmp_path / "metadata.json")
    take(folder)
    with Archive.open(tmp_path / "new") as archive:
        assert [archive.journal(n).read("idea", Idea).parents for n in (1, 2)] == [(), ()]


def test_the_folder_and_files_that_the_user_names_may_be_links(tmp_path, take):
    omni_epic_run(tmp_path / "oe", ["Cross"])
    (tmp_path / "linked").symlink_to("oe")
    write_task(tmp_path / "kick.py", "Kick")
    (tmp_path / "named.py").symlink_to("kick.py")
    result = take(tmp_path / "linked", tmp_path / "named.py")
    assert [task.title for task in result.imported] == ["Cross", "Kick"]


def test_what_is_wrong_with_one_file_does_not_end_the_import(tmp_path, take, other):
    folder = tmp_path / "tasks"
    good = write_task(folder / "good.py", "Drive").read_bytes()
    (folder / "bom.py").write_bytes(b"\xef\xbb\xbf" + good.replace(b"Drive", b"Begin"))
    bad = {
        "latin_1": good.replace(b"Drive", b"caf\xe9"),
        "utf_16": good.decode().encode("utf-16"),
        "nul": good + b"\0",
        "long": good + b"#" * 1_000_000,
    }
    for name, data in bad.items():
        (folder / f"{name}.py").write_bytes(data)
    (folder / "folder.py").mkdir()
    (folder / "link.py").symlink_to(folder / "good.py")
    os.mkfifo(folder / "pipe.py")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / FILE_NAME).write_bytes(b"no archive" * 1000)
    deep = tmp_path / "deep"
    deep.mkdir()
    (deep / "archive.jsonl").write_text('{"codepaths": ' + "[" * 100_000)
    started = time.monotonic()
    paths = [folder, tmp_path / "nothing", damaged, deep, Path("/dev/zero"), other]
    result = take(*paths)
    assert time.monotonic() - started < 20.0
    titles = {task.title for task in result.imported}
    assert titles == {"Drive", "Begin", "Alpha", "Beta", "Delta"}
    reasons = {Path(failed.origin).name: failed.reason for failed in result.failed}
    for name in ("latin_1.py", "utf_16.py"):
        assert "not UTF-8 text" in reasons[name]
    assert "NUL" in reasons["nul.py"]
    assert "larger than 1,000,000 bytes" in reasons["long.py"]
    assert "it is a folder" in reasons["folder.py"]
    assert "it is a link" in reasons["link.py"]
    assert "pipe or a device" in reasons["pipe.py"]
    assert "pipe or a device" in reasons["zero"]
    assert "There is no" in reasons["nothing"]
    assert "not a database" in reasons["damaged"]
    assert "no `codepaths`" in reasons["deep"]


@pytest.mark.parametrize("text", ["1e999", "9" * 5000, "NaN", '{"a":' * 2000, "\0" * 100])
def test_odd_json_in_an_omni_epic_archive_is_told_in_one_sentence(tmp_path, take, text):
    (tmp_path / "archive.jsonl").write_text('{"codepaths": ' + text + "}")
    with pytest.raises(ArchiveError, match="no `codepaths`"):
        take(tmp_path / "archive.jsonl")


def test_of_a_long_omni_epic_archive_the_last_state_is_read(tmp_path, take, monkeypatch):
    folder = omni_epic_run(tmp_path / "oe", ["Cross", "Kick", "Reach"])
    monkeypatch.setattr("taskwright.generator.import_sources.MAX_STATE_BYTES", 400)
    assert (folder / "archive.jsonl").stat().st_size > 400
    assert [task.title for task in take(folder).imported] == ["Cross", "Kick", "Reach"]


@pytest.mark.parametrize("text", ["", "[]", '{"other": 1}', "not json"])
def test_an_archive_of_something_else_is_refused_in_one_sentence(tmp_path, take, text):
    (tmp_path / "archive.jsonl").write_text(text)
    with pytest.raises(ArchiveError, match="no `codepaths`"):
        take(tmp_path / "archive.jsonl")
    assert not (tmp_path / "new").exists()


def test_a_run_is_for_one_robot(tmp_path, take):
    write_task(tmp_path / "tasks" / "a.py", "Drive")
    write_task(tmp_path / "tasks" / "b.py", "Crawl", base="AntEnv")
    with pytest.raises(UsageError, match="ant and r2d2; a run is for one robot"):
        take(tmp_path / "tasks")
    result = take(tmp_path / "tasks", robot="ant")
    assert [task.title for task in result.imported] == ["Crawl"]
    assert [failed.reason for failed in result.failed] == ["It is for r2d2; this run is for ant."]
    assert "robot: ant" in (tmp_path / "new" / "config.yaml").read_text()


def test_an_edited_record_of_another_archive_is_left_out_and_said(take, other):
    connection = sqlite3.connect(other / FILE_NAME)
    connection.execute("UPDATE records SET record = replace(record, '# source 1', '# other')")
    connection.commit()
    connection.close()
    result = take(other)
    assert [t.title for t in result.imported] == ["Beta", "Delta"]
    assert "was changed after it was recorded" in result.failed[0].reason


def test_what_can_still_be_read_of_a_damaged_archive_is_saved(tmp_path, make_record):
    folder = tmp_path / "damaged"
    folder.mkdir()
    with Archive.create_or_open(folder) as archive:
        for number in range(1, 101):
            archive.start_journey()
            archive.add(make_record(number))
    path = folder / FILE_NAME
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek((size // 4096 // 2) * 4096)
        file.write(b"\xa5" * 4096)
    candidates = [
        candidate for candidate in find_candidates(folder) if isinstance(candidate, ImportCandidate)
    ]
    assert 50 < len(candidates) < 100
    assert all(candidate.record.trial for candidate in candidates)


def test_what_lies_beside_a_record_that_is_too_large_is_saved(take, other):
    connection = sqlite3.connect(other / FILE_NAME)
    connection.execute("UPDATE records SET record = zeroblob(20000000) WHERE number = 1")
    connection.commit()
    connection.close()
    result = take(other)
    assert [task.title for task in result.imported] == ["Beta", "Delta"]
    assert [failed.reason for failed in result.failed] == ["The archive is damaged there."]


def test_a_kill_in_the_middle_leaves_nothing_and_the_same_command_takes_all(tmp_path, take, other):
    script = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import test_importing as here
from taskwright.archive.store import Archive
here.importing.make_encoder = lambda config: here.ByTitle()
add, added = Archive.add, []
def add_and_die(archive, record):
    add(archive, record)
    added.append(record)
    if len(added) == 2:
        os._exit(9)
Archive.add = add_and_die
here.import_tasks(Path(sys.argv[1]), [Path(sys.argv[2])], here.AllPass())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "new"), str(other)], check=False
    )
    assert done.returncode == 9
    with Archive.open(tmp_path / "new") as archive:
        assert (archive.records(), archive.unfinished()) == ([], [])
    assert [task.number for task in take(other).imported] == [1, 2, 3]


def test_a_failure_in_the_middle_takes_the_files_away_again(take, other, monkeypatch):
    def fail(archive, record):
        raise ArchiveError("It failed.", "")

    monkeypatch.setattr(Archive, "add", fail)
    with pytest.raises(ArchiveError):
        take(other)
    new = other.parent / "new"
    assert [path for path in new.rglob("*") if path.suffix in (".zip", ".png", ".gz")] == []


def test_the_command_checks_for_real_and_lists_what_fails(tmp_path, easy_source):
    (tmp_path / "good.py").write_text(easy_source)
    (tmp_path / "bad.py").write_text(easy_source.replace("import numpy", "import os, numpy"))
    command = ["import", str(tmp_path / "new"), str(tmp_path / "good.py"), str(tmp_path / "bad.py")]
    answer = CliRunner().invoke(cli, [*command, "--json"], standalone_mode=False)
    document = json.loads(answer.stdout)
    assert answer.return_value == 1
    assert [task["status"] for task in document["imported"]] == [UNTRIED]
    (failed,) = document["failed"]
    assert (Path(failed["origin"]).name, failed["stage"]) == ("bad.py", "policy")
    assert os.listdir(tmp_path / "new") != []


@pytest.mark.slow
def test_what_is_imported_is_tried_and_keeps_what_it_earns(tmp_path, easy_source):
    (tmp_path / "good.py").write_text(easy_source)
    command = ["import", str(tmp_path / "new"), str(tmp_path / "good.py"), "--train", "--json"]
    answer = CliRunner().invoke(cli, command, standalone_mode=False)
    document = json.loads(answer.stdout)
    (record,) = records_of(tmp_path / "new")
    assert [task["status"] for task in document["imported"]] == [record.status]
    assert record.status == record.trial.verdict in TRIED
    assert record.trial.success_before > 0


@pytest.mark.slow
def test_tasks_for_the_ant_are_tried_later_and_without_a_model(tmp_path, monkeypatch, easy_source):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    task = tmp_path / "walk.py"
    task.write_text(easy_source.replace("R2D2Env", "AntEnv"))
    command = ["import", str(tmp_path / "new"), str(task)]
    answer = CliRunner().invoke(cli, command, standalone_mode=False)
    assert "1 is yet to be tried: the same command with --train does that" in answer.stdout

    refused = CliRunner().invoke(cli, ["run", str(tmp_path / "new")], standalone_mode=False)
    assert isinstance(refused.exception, UsageError)
    assert "import RUN_DIR PATH --train" in str(refused.exception)

    again = CliRunner().invoke(cli, command, standalone_mode=False)
    assert "0 imported, 1 there already, 0 failed.\n1 is yet to be tried" in again.stdout
    CliRunner().invoke(cli, [*command, "--train"], standalone_mode=False)
    (record,) = records_of(tmp_path / "new")
    assert (record.task.robot, record.status) == ("ant", "too_easy")
