"""`train RUN_DIR --all` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from taskwright.archive.generalists import read_generalists
from taskwright.archive.store import Archive
from taskwright.cli.commands import generalist
from taskwright.cli.main import cli
from taskwright.errors import ArchiveError, UsageError
from taskwright.task import Task, Trial
from taskwright.trainer.policy_files import read_policy

# With few slots a rollout is smaller than the batches that are meant for sixteen.
pytestmark = pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")


def taskwright(*arguments: object) -> int:
    """The command in this process, which has loaded torch already; its exit status."""
    return int(cli.main([str(argument) for argument in arguments], standalone_mode=False) or 0)


@pytest.fixture
def run_dir(tmp_path, make_record, easy_source) -> Path:
    """A run folder with two kept tasks, one of which does not load."""
    learned = Trial("learned", "it was", 0.1, 0.9, {"idle": 0.0, "random": 0.1})
    folder = tmp_path / "run"
    folder.mkdir()
    with Archive.create_or_open(folder) as archive:
        for number, source in enumerate((easy_source, "x = 1\n"), 1):
            archive.start_journey()
            archive.add(make_record(number, task=Task(source), trial=learned))
    return folder


def test_one_policy_is_trained_for_all_and_kept_in_the_run_folder(
    run_dir, tmp_path, easy_source, capsys, monkeypatch
):
    monkeypatch.setattr(generalist, "SLOTS", 2)
    # The clock ends the training as soon as it has begun: what it does is tested elsewhere.
    command = ["train", run_dir, "--all", "--minutes", 0.0001, "--episodes", 2]
    # Status 1: a task was dropped.
    assert taskwright(*command, "--json", "--policy", tmp_path / "out" / "mine.zip") == 1
    said = capsys.readouterr()
    document = json.loads(said.out)
    task_id = Task(easy_source).task_id
    assert [skill["task_id"] for skill in document["tasks"]] == [task_id]
    assert 0.0 <= document["tasks"][0]["success_rate"] <= 1.0
    ((dropped, reason),) = document["dropped"].items()
    assert dropped == Task("x = 1\n").task_id
    assert f"dropped {dropped}: {reason}" in said.err
    assert document["finished"]
    assert document["sampler"] == "learning_progress"
    (kept,) = read_generalists(run_dir)
    assert kept.name == "r2d2-learning-progress-seed0"
    assert kept.updated_at
    assert read_policy(tmp_path / "out" / "mine.zip")

    # For people, a table; nothing is evaluated again.
    assert taskwright(*command) == 1
    said = capsys.readouterr()
    assert task_id in said.out
    assert "95 % interval" in said.out
    assert read_generalists(run_dir)[0].tasks == kept.tasks


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["{run}", "3", "--all"], UsageError, "`--all` takes a run folder alone"),
        (["{run}", "--all", "--video", "a.mp4"], UsageError, "neither --video nor --set"),
        (["{run}", "1", "--sampler", "plr"], UsageError, "for `--all` only"),
        (["{run}", "--all", "--robot", "ant"], UsageError, "holds no kept task for ant"),
        (["{run}/none", "--all"], ArchiveError, "does not exist"),
        (["{run}", "--all", "--sampler", "best"], click.UsageError, "'best' is not one of"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(run_dir, arguments, error, message):
    with pytest.raises(error, match=message):
        taskwright("train", *(argument.format(run=run_dir) for argument in arguments))


def test_tasks_of_several_robots_want_one_named(run_dir, make_record):
    with Archive.create_or_open(run_dir) as archive:
        archive.start_journey()
        archive.add(make_record(3, task=Task("y = 1\n", "ant")))
    with pytest.raises(UsageError, match=r"2 for r2d2, 1 for ant.*--robot r2d2"):
        taskwright("train", run_dir, "--all")
