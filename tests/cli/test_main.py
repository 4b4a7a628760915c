"""The command line: bad input gets one line and status 2, JSON is one document, nothing is lost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from taskwright.archive.migrations import MIGRATIONS
from taskwright.archive.store import FILE_NAME, Archive
from taskwright.sandbox.isolation import landlock

SPECIMENS = Path(__file__).parents[1] / "tasks"
EASY = str(next((SPECIMENS / "good").glob("*.py")))


def taskwright(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "taskwright", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run folder with a learned and a turned-down record."""
    from taskwright.task import Idea, Record, Task, Trial

    folder = tmp_path_factory.mktemp("run")
    idea = Idea("Cross [the] bridge", "A bridge.", "Being across.", "Progress.", "A fall.")
    learned = Trial("learned", "it was", 0.1, 0.9, {"idle": 0.0}, 48, (0.8, 0.95), 20_000, 30.0)
    with Archive.create_or_open(folder) as archive:
        archive.start_journey()
        archive.add(
            Record(
                1,
                "learned",
                "it was",
                idea,
                Task("x = 1\n"),
                trial=learned,
                created_at="2026-01-01T00:00:00+00:00",
            )
        )
        archive.start_journey()
        archive.add(
            Record(
                2,
                "duplicate",
                "A copy of\nthe first.",
                idea,
                created_at="2026-01-01T00:00:00+00:00",
            )
        )
    return folder


def assert_one_clear_line(result: subprocess.CompletedProcess[str], *texts: str) -> None:
    assert result.returncode == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("taskwright: ")
    for text in texts:
        assert text in line


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["ls", "/no/such/run"], ["/no/such/run", "does not exist", "taskwright run"]),
        (["show", "/no/such/run", "1"], ["does not exist"]),
        (["search", "/no/such/run", "a bridge"], ["does not exist"]),
        (["export", "/no/such/run", "/tmp/out"], ["does not exist"]),
        (["ls", ".", "--sort"], ["No such option", "--sort", "ls --help"]),
        (["list"], ["No such command", "list"]),
        (["ls"], ["Missing argument"]),
        (["run", "x", "--tasks", "0"], ["--tasks", "x>=1"]),
        (["run", "x", "--robot", "c3po"], ["--robot", "r2d2"]),
        (["run", "x", "--set", "trainer.steps=3"], ["no setting", "max_steps"]),
        (["run", "x", "--set", "steps"], ["section.name=value"]),
        (["run", "x", "--set", "trainer.max_steps=many"], ["trainer.max_steps", "many"]),
        (["run", "x", "--config", "/no/such.yaml"], ["/no/such.yaml", "cannot be read"]),
        (["run", "x", "--model", "some-model"], ["some-model", "OPENAI_API_KEY"]),
        (["run", "x", "--model", "m", "--base-url", "here"], ["model.base_url", "http://"]),
        (["check"], ["Missing argument", "FILE"]),
        (["check", "x.py", "--timeout", "0"], ["--timeout", "x>0"]),
        (["train", "/no/such.py"], ["/no/such.py", "No such file"]),
        (["train", "a", "b", "c"], ["a task file, or a run folder"]),
        (["train", "x.py", "--video", "film.avi"], ["film.avi", ".mp4"]),
        (["train", EASY, "--policy", EASY + "/p.zip"], ["p.zip cannot be written", "a path"]),
        (["train", EASY, "--video", "/proc/film.gif"], ["film.gif cannot be written", "a path"]),
        (["train", EASY, "--policy", "."], ["is a folder"]),
        (["train", EASY, "--set", "model.name=x"], ["no setting `model`", "trainer.NAME"]),
        (["train", EASY, "--set", "trainer.learner=sac"], ["trainer.learner", "'soft_q' or 'ppo'"]),
        (["train", EASY, "--minutes", "nan"], ["--minutes", "a number above 0"]),
        (["train", EASY, "--seed", "9" * 30], ["--seed", "range"]),
        (["run", "x", "--minutes", "inf"], ["--minutes", "a number above 0"]),
        (["run", ""], ["RUN_DIR", "empty"]),
        (["train", "", "1"], ["name is empty"]),
        (["browse", "x", "--host", ""], ["address", "empty"]),
        (["show", "x", "1", "--llm", "--source"], ["--llm and --source"]),
        (["search", "x", " "], ["query is empty"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_input_is_one_clear_line_and_status_2(arguments, texts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_one_clear_line(taskwright(*arguments), *texts)
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_server_is_one_clear_line_before_anything_is_done(tmp_path, unused_url):
    folder = tmp_path / "run"
    result = taskwright("run", folder, "--model", "m", "--base-url", unused_url)
    assert_one_clear_line(result, unused_url, "cannot be reached")
    assert not folder.exists()


def test_a_wrong_key_is_one_clear_line_without_the_key(tmp_path, model_server, reply):
    model_server.models = reply(status=401)
    options = ("--model", "m", "--base-url", model_server.url)
    result = taskwright("run", tmp_path / "run", *options, OPENAI_API_KEY="sk-canary")
    assert_one_clear_line(result, "with status 401", "OPENAI_API_KEY")
    assert "sk-canary" not in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    result = taskwright("run", tmp_path / "file" / "run", "--plain")
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith(f"taskwright: {tmp_path}/file/run cannot be")


@pytest.mark.parametrize("command", [["ls"], ["run"], ["export"]], ids=lambda c: c[0])
def test_a_run_folder_from_a_newer_schema_is_refused_and_left_alone(tmp_path, command):
    Archive.create_or_open(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    more = [tmp_path / "out"] if command == ["export"] else []
    result = taskwright(*command, tmp_path, *more)
    assert result.returncode == 2
    assert "Upgrade Taskwright" in result.stderr.splitlines()[-1]
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_ls_json_gives_every_record_with_its_reason(run_dir):
    result = taskwright("ls", run_dir, "--json")
    assert result.returncode == 0
    learned, duplicate = json.loads(result.stdout)["records"]
    assert learned["status"] == "learned"
    assert learned["success_before"] == 0.1
    assert learned["success_after"] == 0.9
    assert learned["train_steps"] == 20_000
    assert learned["title"] == "Cross [the] bridge"
    assert duplicate["task_id"] is None
    assert duplicate["reason"] == "A copy of\nthe first."


def test_ls_shows_titles_as_they_are_and_filters(run_dir):
    shown = taskwright("ls", run_dir, "--status", "duplicate").stdout
    assert "Cross [the] bridge" in shown
    assert "A copy of the first." in shown
    assert "learned" not in shown
    assert "No records are invalid" in taskwright("ls", run_dir, "--status", "invalid").stdout


def test_show_finds_a_record_and_prints_its_source_alone(run_dir):
    record = json.loads(taskwright("show", run_dir, "1", "--json").stdout)
    assert record["idea"]["title"] == "Cross [the] bridge"
    assert taskwright("show", run_dir, record["task_id"][:6], "--source").stdout == "x = 1\n"
    assert "95 % interval" in taskwright("show", run_dir, "1").stdout
    assert_one_clear_line(taskwright("show", run_dir, "99"), "No record answers to '99'")


def test_search_ranks_by_meaning(run_dir):
    found = json.loads(taskwright("search", run_dir, "get over a bridge", "--json").stdout)
    assert found["records"][0]["similarity"] > 0.4
    assert len(found["records"]) == 2


def test_check_json_is_one_document_and_status_1_for_a_rejected_file():
    good = next((SPECIMENS / "good").glob("*.py"))
    bad = SPECIMENS / "broken" / "load__no_docstring.py"
    result = taskwright("check", good, bad, "--json")
    assert result.returncode == 1
    first, second = json.loads(result.stdout)["results"]
    assert first.keys() == {
        "file", "task_id", "verdict", "stage", "symptom", "cause", "fix", "seconds"
    }  # fmt: skip
    assert first["verdict"] == "passed"
    assert (second["verdict"], second["stage"]) == ("rejected", "load")
    assert second["file"] == str(bad)


def test_check_of_a_folder_passes_with_status_0():
    result = taskwright("check", SPECIMENS / "good")
    assert result.returncode == 0
    assert result.stdout.count("passed") == len(list((SPECIMENS / "good").glob("*.py")))


@pytest.mark.slow
def test_train_json_is_one_document(tmp_path, easy_source):
    path = tmp_path / "task.py"
    path.write_text(easy_source)
    result = taskwright("train", path, "--steps", 500, "--workers", 2, "--seed", 3, "--json")
    assert result.returncode == 0
    trial = json.loads(result.stdout)
    assert trial["verdict"] in ("learned", "too_easy", "too_hard")
    assert {"reason", "success_before", "episodes", "interval", "steps", "seconds"} <= trial.keys()
    assert {"return_and_success", "findings"} <= trial.keys()
    assert trial["seed"] == 3


@pytest.mark.slow
def test_train_of_code_that_fails_is_status_1(tmp_path, easy_source):
    path = tmp_path / "task.py"
    path.write_text(easy_source.replace("self.x = 0.0", "self.x = 1 / 0"))
    result = taskwright("train", path)
    assert result.returncode == 1
    assert "ZeroDivisionError" in result.stdout


@pytest.mark.slow
def test_replays_are_recorded_where_they_are_missing(tmp_path, easy_source):
    from taskwright.task import Idea, Outcome, Record, Task

    idea = Idea("Drive ahead", "A floor.", "Being 2 m ahead.", "Speed.", "None.")
    failing = easy_source.replace("return False", "return 0 < 1 / int(self.x > 9)")
    with Archive.create_or_open(tmp_path) as archive:
        for number, source in enumerate([easy_source, failing, None], 1):
            archive.start_journey()
            task = Task(source) if source else None
            passed = (Outcome("passed"),) if source else ()
            archive.add(Record(number, "uninteresting", "so", idea, task, passed))
    result = taskwright("replay", tmp_path, "--json")
    assert result.returncode == 1, result.stderr
    done, broken = json.loads(result.stdout)["replays"]
    assert (done["frames"], done["broken"]) == (46, "")
    assert Path(done["path"]).stat().st_size == done["size_bytes"]
    assert "ZeroDivisionError" in broken["broken"]
    again = taskwright("replay", tmp_path, "1")
    assert again.returncode == 0, again.stderr
    assert "Drive ahead: 46 frames" in again.stdout
    missing = taskwright("replay", tmp_path, "3")
    assert missing.returncode == 2
    assert "ended before code was written" in missing.stderr


@pytest.mark.slow
def test_doctor_json_is_one_document_and_says_what_is_missing():
    result = taskwright("doctor", "--json")
    findings = {f["name"]: f for f in json.loads(result.stdout)["findings"]}
    assert result.returncode == 0
    assert findings["sandbox"]["state"] == "ok"
    assert findings["embedder"]["state"] == "ok"
    assert findings["isolation"]["state"] == ("ok" if landlock.version() else "limited")
    assert "Composer" in findings["model"]["detail"]


@pytest.mark.slow
def test_doctor_asks_the_model_server(model_server, unused_url):
    found = taskwright("doctor", "--base-url", model_server.url).stdout
    assert "scripted" in found
    result = taskwright("doctor", "--base-url", unused_url)
    assert result.returncode == 1
    assert "cannot be reached" in result.stdout


@pytest.mark.slow
def test_the_composer_is_said_to_stand_in_where_no_model_is_configured(tmp_path):
    result = taskwright("run", tmp_path / "run", "--minutes", 0.01)
    assert result.returncode == 0
    assert "the Composer proposes and writes the tasks" in " ".join(result.stdout.split())
    assert "Time is up." in result.stdout


WEAK_HOST = """
import sys
from taskwright.cli.main import main
from taskwright.sandbox import host
isolation = host.isolation
host.isolation = lambda without=(): isolation(["landlock", "bubblewrap"])
main()
"""


@pytest.mark.parametrize("command", ["check", "train", "run"])
def test_a_host_that_isolates_less_than_required_is_refused(command, tmp_path):
    files = [] if command == "run" else [next(SPECIMENS.glob("good/*.py"))]
    target = files or [tmp_path / "run"]
    result = subprocess.run(
        [sys.executable, "-c", WEAK_HOST, command, *target, "--require-isolation", "full"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    if command == "run":
        # That the Composer stands in is said first.
        result.stdout = ""
    assert_one_clear_line(result, "Isolation is partial", "read your files", "Linux 5.13")
    assert not (tmp_path / "run").exists()


def test_output_that_nobody_reads_on_is_no_error(run_dir):
    command = f"{sys.executable} -m taskwright show {run_dir} 1 --json | head -c 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.stdout == "{"
    assert result.stderr == ""
