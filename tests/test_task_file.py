"""What can be read as a task file, and what is told of anything else."""

from __future__ import annotations

import os
import socket
import time

import pytest

from taskwright.task_file import MAX_BYTES, UnreadableTask, read_source

SOURCE = 'class Env:\n    """Grüße."""\n'


def written(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        SOURCE.encode(),
        b"\xef\xbb\xbf" + SOURCE.encode(),
        SOURCE.replace("\n", "\r\n").encode(),
        SOURCE.replace("\n", "\r").encode(),
    ],
    ids=["plain", "byte-order-mark", "windows", "old-mac"],
)
def test_utf_8_is_read_however_its_lines_end(tmp_path, data):
    assert read_source(written(tmp_path / "a.py", data)) == SOURCE


@pytest.mark.parametrize(
    "line",
    ["# -*- coding: utf-8 -*-", "# coding=UTF8", "#!/usr/bin/python\n# vim: fileencoding=utf-8"],
)
def test_a_coding_line_may_say_utf_8(tmp_path, line):
    source = f"{line}\n{SOURCE}"
    assert read_source(written(tmp_path / "a.py", source.encode())) == source


def test_a_coding_line_may_say_ascii_where_that_is_so(tmp_path):
    data = b"# coding: us-ascii\nx = 1\n"
    assert read_source(written(tmp_path / "a.py", data)) == data.decode()


def test_what_only_looks_like_a_coding_line_is_none(tmp_path):
    source = f"x = 1\n# coding: latin-1\n{SOURCE}"
    assert read_source(written(tmp_path / "a.py", source.encode())) == source


@pytest.mark.parametrize(
    ("data", "reason", "fix"),
    [
        (SOURCE.encode("latin-1"), r"not UTF-8 text \(byte 0xfc in line 2\)", "UTF-8"),
        (b"x = 1\n\n\0", r"not UTF-8 text \(byte 0x00 in line 3\)", "UTF-8"),
        (SOURCE.encode("utf-16"), "is UTF-16 text", "UTF-8"),
        (SOURCE.encode("utf-16-be"), "byte 0x00 in line 1", "UTF-8"),
        (SOURCE.encode("utf-32"), "is UTF-32 text", "UTF-8"),
        (b"x = '\xed\xa0\x80'", "byte 0xed in line 1", "UTF-8"),
        (bytes(range(1, 256)), "byte 0x80 in line 2", "UTF-8"),
        (f"# coding: latin-1\n{SOURCE}".encode("latin-1"), "declare the encoding iso", "`coding`"),
        (f"# coding: latin-1\n{SOURCE}".encode(), "declare the encoding iso8859-1", "`coding`"),
        (b"\n# coding: cp1252\nx = 1\n", "declare the encoding cp1252", "`coding`"),
        (f"# coding: ascii\n{SOURCE}".encode(), "declare the encoding ascii", "`coding`"),
        (b"# coding: utf-7\nx = 1\n", "declare the encoding utf-7", "`coding`"),
        (b"# coding: klingon\nx = 1\n", "declare the encoding klingon", "`coding`"),
        (b"\xef\xbb\xbf# coding: latin-1\nx = 1\n", "declare the encoding iso", "`coding`"),
        (b"#" * (MAX_BYTES + 1), "1.0 MB, more than the 1 MB", "task file"),
    ],
    ids=range(15),
)
def test_a_text_of_another_kind_is_told_with_what_to_do(tmp_path, data, reason, fix):
    with pytest.raises(UnreadableTask, match=reason) as told:
        read_source(written(tmp_path / "a.py", data))
    assert fix in told.value.fix
    assert told.value.cause


def test_an_enormous_file_is_not_read(tmp_path):
    path = tmp_path / "a.py"
    with path.open("wb") as file:
        file.truncate(10**12)
    started = time.monotonic()
    with pytest.raises(UnreadableTask, match=r"has 1,000,000\.0 MB"):
        read_source(path)
    assert time.monotonic() - started < 1.0


def make_pipe(path):
    os.mkfifo(path)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_pipe, "is a pipe, not a file"),
        (make_socket, "is a socket, not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, not a file"),
        (lambda path: path.mkdir(), "is a folder without .py files"),
        (lambda path: None, "No such file or directory"),
        (lambda path: path.symlink_to(path.name), "symbolic links"),
        (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
        (lambda path: path.symlink_to("x" * 300), "File name too long"),
        (lambda path: path.symlink_to("/proc/self/mem"), "Input/output error"),
    ],
)  # fmt: skip
def test_what_is_no_file_is_told_at_once(tmp_path, monkeypatch, make, reason):
    # The address of a socket must be short.
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.py"
    make(path.relative_to(tmp_path) if make is make_socket else path)
    started = time.monotonic()
    with pytest.raises(UnreadableTask, match=reason) as told:
        read_source(path)
    assert time.monotonic() - started < 1.0
    assert told.value.cause.endswith(".")
    assert told.value.fix.endswith(".")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_one_may_not_read(tmp_path):
    path = written(tmp_path / "a.py", SOURCE.encode())
    path.chmod(0)
    with pytest.raises(UnreadableTask, match="Permission denied"):
        read_source(path)
