"""`taskwright browse` as a user types it."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskwright.browser.serving import serve
from taskwright.errors import UsageError


@contextlib.contextmanager
def browsing(run_dir: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The command as a process, and the lines it has said when it listens."""
    command = [sys.executable, "-u", "-m", "taskwright", "browse", str(run_dir), "--no-open"]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, [process.stdout.readline()]
        finally:
            process.kill()


def test_it_says_where_it_listens_answers_and_ends_with_ctrl_c(archive_dir: Path) -> None:
    with browsing(archive_dir, "--port", "0") as (process, (line,)):
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert found, line
        assert "read-only" in line
        with urllib.request.urlopen(found[0], timeout=30) as answer:
            assert b"Drive to the beacon" in answer.read()
        # A page whose stream is open must not hold it up.
        stream = urllib.request.urlopen(f"{found[0]}run/events", timeout=30)
        assert stream.readline().startswith(b"data:")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
        stream.close()


def test_feedback_is_allowed_only_when_asked_for(archive_dir: Path) -> None:
    with browsing(archive_dir, "--port", "0", "--allow-feedback") as (_, (line,)):
        assert "answers are stored" in line


def test_a_folder_that_is_no_run_is_one_line_and_status_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "taskwright", "browse", str(tmp_path / "nowhere"), "--no-open"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "does not exist" in result.stderr


def test_a_port_in_use_is_told(archive_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{port} cannot be listened on"):
            serve(archive_dir, port=port)


def test_a_host_that_is_not_ours_is_told(archive_dir: Path) -> None:
    with pytest.raises(UsageError, match="cannot be listened on"):
        serve(archive_dir, host="no-such-host.invalid", port=0)
