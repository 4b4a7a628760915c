"""What a model, a server, a task or a file name says reaches no terminal as more than text."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from hostile_texts import PAYLOAD, WRITTEN_BY_RICH, assert_harmless, hostile, write_hostile_run
from terminals import in_terminal

from taskwright.archive.store import Archive

COMMAND = [sys.executable, "-m", "taskwright"]
FILE_NAME = "wall\x1b]0;owned\x07\x1b[2J\n\u202e[red]a:smile: name-end.py"
LISTING = "# \u202eabc\u202c\u200b\u2028 [red]a[/red] [link=u]b[/link] :smile: listing-end\n"
ESCAPES = (
    "\x1b]0;owned\x07\x1b[2J\x1b[8m\x9b31m\u202eabc "
    "[red]a[/red] [link=http://evil.invalid]b[/link] :smile:"
)
ANSWER = f"""TITLE: Reach {ESCAPES} title-end
DESCRIPTION: A red pole {ESCAPES} description-end
SUCCESS: The robot touches it {ESCAPES} success-end
REWARDS: Speed {ESCAPES} rewards-end
TERMINATION: None
```python
import numpy
class Env: {ESCAPES} code-end
```"""
"""As a title, and then as code that is no Python."""


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, easy_source):
    folder = tmp_path_factory.mktemp("hostile")
    write_hostile_run(folder, easy_source + LISTING)
    return folder


@pytest.fixture
def task_file(tmp_path, easy_source):
    """A task that fails, in words and in a file with a name that are hostile."""
    failing = easy_source.replace("self.x = 0.0", f"raise ValueError({hostile('failure')!r})")
    path = tmp_path / FILE_NAME
    path.write_text(failing, encoding="utf-8")
    return path


def piped(*arguments: object) -> tuple[int, bytes]:
    """The exit status, and all that came through pipes."""
    words = [*COMMAND, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def typed(*arguments: object, columns: int = 100) -> tuple[int, bytes]:
    """The exit status, and all that a terminal got."""
    return in_terminal([*COMMAND, *map(str, arguments)], columns=columns)


both = pytest.mark.parametrize("how", [typed, piped])
SHOWN = (
    *("title", "reason", "created", "strategy", "parent", "screening", "warm-start", "abandoned"),
    *("solved-by", "achieved", "description", "success", "rewards", "termination", "judge"),
    *("judgement", "witness", "sighting", "finding", "finding-fix", "symptom", "cause", "fix"),
    "listing",
)
CALLS = (
    *("model", "server", "source", "time", "try", "speaker", "question", "part", "picture"),
    *("error", "answer", "finish"),
)


@both
def test_ls_lists_a_row_for_each(how, run_dir):
    status, written = how("ls", run_dir) if how is piped else typed("ls", run_dir, columns=200)
    assert status == 0
    assert_harmless(written)
    rows = WRITTEN_BY_RICH.sub("", written.decode()).splitlines()
    # Each row begins with its number; a text that is too long for one goes on below itself.
    assert [row.split()[0] for row in rows[1:] if row[:3].strip()] == ["1", "2"]
    assert "title �]0;owned" in rows[1]


@both
def test_show_tells_every_text_of_a_record(how, run_dir):
    status, written = how("show", run_dir, 1)
    assert status == 0
    assert_harmless(written, *SHOWN)


@both
def test_show_tells_what_a_model_was_asked(how, run_dir):
    command = ("show", run_dir, 1, "--llm")
    status, written = how(*command) if how is piped else typed(*command, columns=900)
    assert status == 0
    # Role and step stand on a rule across the terminal, which is cut where there is no room.
    assert_harmless(written, *CALLS, *(["role", "step"] if how is typed else []))


def test_source_is_cleaned_for_a_terminal_and_exact_for_a_file(run_dir, easy_source):
    status, written = typed("show", run_dir, 1, "--source")
    assert status == 0
    assert_harmless(written)
    assert "# �abc� [red]a[/red] [link=u]b[/link] :smile: listing-end" in written.decode()
    assert piped("show", run_dir, 1, "--source") == (0, f"{easy_source}{LISTING}# 1\n".encode())


def test_json_is_exact_and_escaped(run_dir):
    for command, name in ((["ls", run_dir], "title"), (["show", run_dir, 1, "--llm"], "answer")):
        status, written = piped(*command, "--json")
        assert status == 0
        assert written.isascii()
        assert not set(written) & (set(range(32)) - {10} | {127})
        # Exact: what was written is read again, to the last character.
        assert json.dumps(hostile(name)) in json.dumps(json.loads(written))


@pytest.mark.slow
def test_search_finds_by_meaning_and_shows_a_row_for_each(run_dir):
    status, written = typed("search", run_dir, f"jump {PAYLOAD}".replace("\0", ""))
    assert status == 0
    assert_harmless(written)
    assert b"owned" in written


def test_a_file_that_is_checked_and_its_findings(task_file):
    status, written = typed("check", task_file, task_file.parent, columns=300)
    assert status == 1
    assert_harmless(written, "failure")
    assert written.decode().count("wall�]0;owned�[2J �[red]a:smile: name-end.py") == 2


@pytest.mark.slow
def test_a_file_that_is_trained_and_its_failure(task_file):
    status, written = typed("train", task_file)
    assert status == 1
    assert_harmless(written, "failure")


@pytest.mark.slow
def test_tasks_that_are_imported_and_those_that_fail(task_file, run_dir, tmp_path):
    status, written = typed("import", tmp_path / "new", task_file, run_dir, columns=300)
    assert status == 1
    assert_harmless(written, "title")
    assert "name-end.py" in written.decode()


def test_titles_of_what_is_exported_and_of_what_the_package_lists(run_dir, tmp_path):
    out = tmp_path / "out\x1b[2J\u202e"
    status, written = typed("export", run_dir, out, "--name", "my_tasks")
    assert status == 0, written
    assert_harmless(written)
    listed = subprocess.run(
        [sys.executable, "-m", "my_tasks", "list"], cwd=out, capture_output=True, timeout=60
    )
    assert listed.returncode == 0
    assert_harmless(listed.stdout, "title")
    assert len(listed.stdout.decode().splitlines()) == 1


@pytest.mark.slow
def test_a_run_folder_that_is_named_so_is_reported(run_dir, tmp_path):
    folder = tmp_path / "run\x1b]0;owned\x07\x1b[2J\n\u202e[red]"
    shutil.copytree(run_dir, folder)
    status, written = typed("report", folder, columns=300)
    assert status == 0
    assert_harmless(written)
    assert "run�]0;owned�[2J �[red]: 1 tasks kept of 2 journeys" in written.decode()


@pytest.mark.parametrize("command", ["ls", "check", "play"])
def test_a_mistyped_name_is_told_in_one_harmless_line(command, tmp_path):
    name = tmp_path / "no\x1b]0;owned\x07\x1b[2J\nsuch\u202e.py"
    status, written = typed(command, name)
    assert status == (1 if command == "check" else 2)
    assert_harmless(written)
    assert b"such" in written


@pytest.mark.parametrize("arguments", [["{}"], ["run", "--tasks", "{}"]], ids=str)
def test_a_wrong_call_is_told_in_one_harmless_line(arguments):
    text = "\x1b]0;owned\x07\x1b[2J\nword\u202e"
    status, written = typed(*(argument.replace("{}", text) for argument in arguments), columns=500)
    assert status == 2
    assert_harmless(written)
    assert b"word" in written
    assert len(written.decode().strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("view", "encoding"),
    [("live", "utf-8"), pytest.param("live", "ascii", marks=pytest.mark.slow), ("plain", "utf-8")],
)
def test_a_run_shows_what_its_model_says(view, encoding, model_server, tmp_path):
    model_server.answer = lambda prompt: ANSWER
    options = ["--model", "m", "--base-url", model_server.url, "--attempts", "1"]
    options += ["--set", "run.seed_tasks=0", *(["--plain"] if view == "plain" else [])]
    command = [*COMMAND, "run", str(tmp_path / "run"), *options]
    environment = {"PYTHONIOENCODING": encoding}
    status, written = in_terminal(command, environment=environment, columns=300)
    assert status == 0, written
    assert_harmless(written, *(["title", "code"] if view == "plain" else ["title"]))
    written.decode(encoding)
    with Archive.open(tmp_path / "run") as archive:
        (record,) = archive.records()
    assert "owned" in record.idea.title


@pytest.mark.parametrize("command", ["run", pytest.param("doctor", marks=pytest.mark.slow)])
def test_the_words_of_a_server_are_shown_harmlessly(command, model_server, tmp_path, reply):
    model_server.models = reply(hostile("words"), status=404 if command == "doctor" else 401)
    folder = [tmp_path / "run", "--model", "m"] if command == "run" else []
    status, written = typed(command, *folder, "--base-url", model_server.url)
    assert_harmless(written)
    assert status == (2 if command == "run" else 0)
