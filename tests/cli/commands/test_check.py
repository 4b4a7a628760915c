"""`check` as a user types it: each file has its result, whatever the others are."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

FIELDS = {"file", "task_id", "verdict", "stage", "symptom", "cause", "fix", "seconds"}


def check(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "taskwright", "check", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path, easy_source):
    """Files of many kinds in a folder, the good ones among them."""
    made = tmp_path / "tasks"
    made.mkdir()
    (made / "b_latin1.py").write_bytes('"""Grüße."""\n'.encode("latin-1"))
    (made / "c_utf16.py").write_bytes(easy_source.encode("utf-16"))
    (made / "d_folder.py").mkdir()
    os.mkfifo(made / "e_pipe.py")
    (made / "f_nothing.py").symlink_to("nowhere")
    (made / "g_nul.py").write_bytes(easy_source.encode() + b"\0")
    (made / "h_cut_off.py").write_text("class Env(", encoding="utf-8")
    with (made / "i_large.py").open("wb") as file:
        file.truncate(10**10)
    (made / "z_mark.py").write_bytes(b"\xef\xbb\xbf" + easy_source.encode())
    return made


def test_one_unreadable_file_keeps_no_other_from_being_checked(folder, tmp_path, easy_source):
    good = tmp_path / "good.py"
    good.write_text(easy_source, encoding="utf-8")
    empty = tmp_path / "empty"
    empty.mkdir()
    result = check(folder, good, tmp_path / "missing.py", empty, "", "--json")
    assert (result.returncode, result.stderr) == (1, "")
    results = json.loads(result.stdout)["results"]
    assert [os.path.basename(row["file"]) for row in results] == [
        *sorted(path.name for path in folder.iterdir()), "good.py", "missing.py", "empty", ""
    ]  # fmt: skip
    for row in results:
        assert row.keys() == FIELDS
        name = os.path.basename(row["file"])
        if name in ("good.py", "z_mark.py"):
            assert row["verdict"] == "passed"
            continue
        assert (row["verdict"], row["stage"]) == ("rejected", "syntax")
        assert row["symptom"]
        assert row["cause"]
        assert row["fix"]
        # Without a source there is nothing to name.
        assert (row["task_id"] is None) == (name != "h_cut_off.py")
    ids = {row["file"]: row["task_id"] for row in results if row["verdict"] == "passed"}
    assert len(set(ids.values())) == 1, "a byte order mark is no part of the source"


def test_a_single_missing_file_is_a_result_too():
    result = check("/no/such.py", "--json")
    assert (result.returncode, result.stderr) == (1, "")
    (row,) = json.loads(result.stdout)["results"]
    assert row == {
        "file": "/no/such.py",
        "task_id": None,
        "verdict": "rejected",
        "stage": "syntax",
        "symptom": "The file cannot be read: No such file or directory.",
        "cause": "There is nothing of this name.",
        "fix": "Name a Python file that is there and that you may read.",
        "seconds": 0.0,
    }
    for_people = check("/no/such.py")
    assert for_people.returncode == 1
    assert "rejected /no/such.py" in for_people.stdout
    assert "syntax symptom: The file cannot be read: No such file" in for_people.stdout


@pytest.mark.parametrize("command", ["train", "play"])
def test_a_command_for_one_task_refuses_an_unreadable_file_in_one_line(command, folder):
    result = subprocess.run(
        [sys.executable, "-m", "taskwright", command, str(folder / "e_pipe.py")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert "e_pipe.py cannot be read: it is a pipe, not a file. Save the task" in line
