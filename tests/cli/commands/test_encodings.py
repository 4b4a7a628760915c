"""No encoding, locale or output ends a command in a traceback."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest
from terminals import in_terminal

from taskwright.archive.store import Archive
from taskwright.task import CurvePoint, Idea, Outcome, Record, Task, Trial

COMMAND = [sys.executable, "-m", "taskwright"]
ASCII = {"PYTHONIOENCODING": "ascii"}
POSIX = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
TITLE = "Überquere die Brücke → 塔 👩\u200d👧"


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("läuft")
    idea = Idea(TITLE, "Eine Brücke über dem Fluß.", "Drüben.", "Nähe.", "Ein Fall …")
    curve = tuple(CurvePoint(n, 1.0, n / 7, 0.0, 4) for n in range(8))
    trial = Trial("learned", "gelernt", 0.1, 0.9, steps=100, curve=curve)
    with Archive.create_or_open(folder) as archive:
        archive.start_journey()
        task = Task("# é\nx = 1\n")
        archive.add(Record(1, "learned", "gelernt", idea, task, (Outcome("passed"),), trial))
    return folder


def shell(
    command: str, *arguments: object, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """A command line of Bash, in which `TW` stands for our command and `ARGS` for arguments."""
    given = " ".join(shlex.quote(str(argument)) for argument in arguments)
    text = command.replace("TW", " ".join(map(shlex.quote, COMMAND))).replace("ARGS", given)
    inherited = {k: v for k, v in os.environ.items() if k not in ("LANG", "LC_ALL")}
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {text}"],
        capture_output=True,
        timeout=60,
        env={**inherited, **environment},
    )


@pytest.mark.parametrize(
    ("encoding", "environment", "title", "curve"),
    [
        ("ascii", ASCII, "Uberquere die Brucke -> ? ??", "_.-:=+*#"),
        ("latin-1", {"PYTHONIOENCODING": "latin-1"}, "Überquere die Brücke -> ? ??", "_.-:=+*#"),
        ("cp1252", {"PYTHONIOENCODING": "cp1252:strict"}, "Überquere die Brücke -> ", "_.-:=+*#"),
        ("cp932", {"PYTHONIOENCODING": "cp932"}, "Uberquere die Brucke → 塔 ??", "_.-:=+*#"),
        ("ascii", POSIX, "Uberquere die Brucke -> ? ??", "_.-:=+*#"),
        ("utf-8", {"LC_ALL": "C.UTF-8"}, TITLE, "▁▂▃▄▅▆▇█"),
    ],
    ids=["ascii", "latin-1", "cp1252", "cp932", "POSIX", "utf-8"],
)
def test_what_an_encoding_lacks_is_replaced(encoding, environment, title, curve, run_dir):
    done = shell("TW show ARGS 1", run_dir, **environment)
    assert (done.returncode, done.stderr) == (0, b"")
    written = done.stdout.decode(encoding)
    assert title in written
    assert curve in written


def test_the_columns_of_a_table_stand_below_each_other_in_ascii(run_dir):
    done = shell("TW ls ARGS", run_dir, **ASCII)
    assert (done.returncode, done.stderr) == (0, b"")
    headings, row = done.stdout.decode("ascii").splitlines()
    assert headings.index("novelty") == row.index("-  ", row.index("10% -> 90%") + 10)
    assert headings.index("title and") == row.index("Uberquere")


@pytest.mark.parametrize("environment", [ASCII, POSIX], ids=["ascii", "POSIX"])
def test_help_and_errors_keep_to_the_encoding(environment):
    done = shell("TW run --help", **environment)
    assert done.returncode == 0
    assert "Usage: " in done.stdout.decode("ascii")
    done = shell("TW", **environment)
    assert done.returncode == 2
    assert "Commands:" in done.stderr.decode("ascii")
    done = shell("TW ls ARGS", "nö → 塔", **environment)
    assert done.returncode == 2
    (line,) = done.stderr.decode("ascii").splitlines()
    assert line.startswith("taskwright: The run folder n")


def test_words_are_utf_8_in_every_locale(run_dir):
    done = shell("TW show ARGS --json", run_dir, "Brücke", **POSIX)
    assert done.returncode == 2
    assert b"'Brucke'" in done.stderr
    # Bytes that are no text at all.
    done = shell("TW show ARGS $'\\xff\\xfe'", run_dir)
    assert done.returncode == 2
    assert "'��'" in done.stderr.decode()
    done = shell("TW show ARGS 1 --json", run_dir, **POSIX)
    assert json.loads(done.stdout)["idea"]["title"] == TITLE


@pytest.mark.parametrize("environment", [ASCII, POSIX], ids=["ascii", "POSIX"])
def test_a_terminal_without_unicode_gets_what_it_can_show(environment, run_dir):
    status, written = in_terminal([*COMMAND, "show", str(run_dir), "1"], environment=environment)
    assert status == 0
    assert "Uberquere die Brucke -> ? ??" in written.decode("ascii")


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("TW ls ARGS >&-", 0),
        ("TW ls ARGS <&- >&- 2>&-", 0),
        ("TW show ARGS 1 --source >&-", 0),
        ("TW ls ARGS --json >&-", 0),
        ("TW ls ARGS/none 2>&-", 2),
        ("TW ls ARGS/none 2>/dev/full", 2),
        ("TW ls ARGS/none 2>&1 | head -c 1", 2),
        ("TW show ARGS 1 | head -c 1", 0),
        ("TW show ARGS 1 --source | head -c 1", 0),
    ],
)
def test_an_output_that_is_closed_or_not_read_changes_nothing(command, status, run_dir):
    done = shell(command, run_dir)
    assert (done.returncode, done.stderr) == (status, b"")


@pytest.mark.parametrize(
    "command", ["ls ARGS", "show ARGS 1 --source", "ls ARGS --json", "run --help"]
)
def test_a_full_output_is_one_clear_line(command, run_dir):
    done = shell(f"TW {command} >/dev/full", run_dir)
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert "cannot be written to standard output: No space left on device." in line


def test_no_file_gets_what_is_printed_to_a_closed_stream(run_dir, tmp_path):
    # The archive is among the first files to be opened, and would get the number of the stream.
    before = (run_dir / "archive.db").read_bytes()
    report = tmp_path / "report"
    done = shell(f"TW report ARGS --out {report} <&- >&- 2>&-", run_dir)
    assert done.returncode == 0
    assert (report / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert (run_dir / "archive.db").read_bytes() == before


@pytest.mark.slow
def test_a_run_that_nobody_listens_to_any_more_ends_and_blames_no_task(tmp_path):
    done = shell("TW run ARGS --attempts 2 --minutes 1 --plain | head -n 2", tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, b"")
    with Archive.open(tmp_path / "run") as archive:
        assert archive.counts() == {}
        assert archive.unfinished()
