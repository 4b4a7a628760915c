"""`train RUN_DIR --all` as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from taskwright.archive.generalists import read_generalists
from taskwright.archive.store import Archive
from taskwright.task import Task, Trial
from taskwright.trainer.policies import load_parameters


def taskwright(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "taskwright", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        timeout=240,
    )


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


def test_one_policy_is_trained_for_all_and_kept_in_the_run_folder(run_dir, tmp_path, easy_source):
    # The clock ends the training as soon as it has begun: what it does is tested elsewhere.
    command = ["train", run_dir, "--all", "--minutes", 0.0001, "--episodes", 2, "--json"]
    done = taskwright(*command, "--policy", tmp_path / "out" / "mine.zip")
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    task_id = Task(easy_source).task_id
    assert [skill["task_id"] for skill in document["tasks"]] == [task_id]
    assert 0.0 <= document["tasks"][0]["success_rate"] <= 1.0
    assert "does not load" in str(document["dropped"]) or "Env" in str(document["dropped"])
    assert document["finished"]
    assert document["sampler"] == "learning_progress"
    (kept,) = read_generalists(run_dir)
    assert kept.name == "r2d2-learning-progress-seed0"
    assert kept.updated_at
    assert load_parameters(tmp_path / "out" / "mine.zip")
    assert "dropped" in done.stderr

    # Again: nothing to train, and the table for people.
    again = taskwright(*command[:-1])
    assert task_id in again.stdout
    assert "Task 1" in again.stdout
    assert "95 % interval" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "{run}", "3", "--all"], "`--all` takes a run folder alone"),
        (["train", "{run}", "--all", "--video", "a.mp4"], "no --video"),
        (["train", "{run}", "1", "--sampler", "plr"], "for `--all` only"),
        (["train", "{run}", "--all", "--robot", "ant"], "holds no kept task for ant"),
        (["train", "{run}/none", "--all"], "does not exist"),
        (["train", "{run}", "--all", "--sampler", "best"], "'best' is not one of"),
    ],
)
def test_a_wrong_call_gets_one_line(run_dir, arguments, message):
    done = taskwright(*(argument.format(run=run_dir) for argument in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
