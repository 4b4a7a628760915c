"""Files that somebody else may have made are opened without harm, and told of in a clause."""

from __future__ import annotations

import gzip
import io
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from taskwright.files import (
    FileProblem,
    gunzip,
    open_file,
    open_within,
    read_bytes,
    read_text,
    whole_lines,
    write_whole,
)

MOST = 1000


def test_a_file_in_a_folder_that_is_reached_through_a_link_is_read(tmp_path: Path) -> None:
    (tmp_path / "real" / "below").mkdir(parents=True)
    (tmp_path / "real" / "below" / "file").write_bytes(b"\xef\xbb\xbfhello")
    (tmp_path / "linked").symlink_to("real")
    file = open_within(tmp_path / "linked", "below/file", MOST)
    assert read_text(file, MOST) == "hello"
    assert file.closed


def test_nothing_outside_a_folder_is_opened_whatever_its_name(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (folder / "file").symlink_to(outside / "secret")
    (folder / "way").symlink_to(outside)
    (folder / "self").symlink_to(folder)
    cases = {
        "../outside/secret": "outside the folder",
        "x/../../outside/secret": "outside the folder",
        str(outside / "secret"): "outside the folder",
        "": "outside the folder",
        ".": "outside the folder",
        "file": "it is a link",
        "way/secret": "through a link",
        "self/file": "through a link",
        "file/more": "link",
        "none": "not there",
        "a\0b": "no file has such a name",
        "a" * 5000: "name too long",
    }
    for name, reason in cases.items():
        with pytest.raises(FileProblem, match=f"(?i){reason}"):
            open_within(folder, name, MOST)
    with pytest.raises(FileProblem, match="it is a link"):
        open_file(folder / "file", MOST)
    # What the user has named himself may be a link.
    assert read_text(open_file(folder / "file", MOST, follow=True), MOST) == "secret"


def test_what_is_no_file_is_neither_opened_nor_waited_for(tmp_path: Path) -> None:
    makers: dict[str, Callable[[Path], object]] = {
        "folder": Path.mkdir,
        "pipe": os.mkfifo,
        "not there": lambda path: None,
        "larger than 1,000 bytes": lambda path: (path.touch(), os.truncate(path, MOST + 1)),
    }
    started = time.monotonic()
    for number, (reason, make) in enumerate(makers.items()):
        make(tmp_path / str(number))
        for opened in (
            lambda name: open_file(tmp_path / name, MOST),
            lambda name: open_file(tmp_path / name, MOST, follow=True),
            lambda name: open_within(tmp_path, name, MOST),
        ):
            with pytest.raises(FileProblem, match=reason):
                opened(str(number))
    with pytest.raises(FileProblem, match="device"):
        open_file(Path("/dev/zero"), MOST, follow=True)
    assert time.monotonic() - started < 1.0


def test_a_file_that_grows_while_it_is_read_is_read_to_its_limit() -> None:
    with pytest.raises(FileProblem, match="larger than 10 bytes"):
        read_bytes(io.BytesIO(bytes(11)), 10)


@pytest.mark.parametrize("data", ["caf\xe9".encode("latin-1"), "text".encode("utf-16"), b"a\0b"])
def test_what_is_no_text_is_told(data: bytes) -> None:
    with pytest.raises(FileProblem, match="text"):
        read_text(io.BytesIO(data), MOST)


def test_lines_without_end_are_passed_over_and_never_held() -> None:
    data = b"one\n" + b"x" * 5_000_000 + b"\n\ntwo\n" + b"y" * 100 + b"\nhalf"
    found = list(whole_lines(io.BytesIO(data), 50))
    assert [line for _, line in found] == [b"one\n", b"\n", b"two\n"]
    assert all(data[start:].startswith(line) for start, line in found)
    assert list(whole_lines(io.BytesIO(b"x" * 200), 50)) == []


def test_gzip_is_unpacked_to_its_limit_and_in_one_piece() -> None:
    packed = gzip.compress(bytes(1000))
    assert gunzip(packed, 1000) == bytes(1000)
    for damaged, reason in (
        (gzip.compress(bytes(10**7)), "more than 1,000 bytes"),
        (packed[:-5], "no sound gzip"),
        (packed + b"more", "no sound gzip"),
        (packed + packed, "no sound gzip"),
        (b"mine", "no sound gzip"),
        (b"", "no sound gzip"),
    ):
        with pytest.raises(FileProblem, match=reason):
            gunzip(damaged, 1000)


def test_a_file_is_written_whole_and_through_no_link(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "folder" / "file"
    victim.write_text("mine")
    path.parent.mkdir()
    path.symlink_to(victim)
    (path.parent / f".{os.getpid()}-{threading.get_ident()}-file").symlink_to(victim)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert not path.is_symlink()
    assert victim.read_text() == "mine"
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "file", b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_threads_that_write_the_same_file_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    contents = [bytes([n]) * 300_000 for n in range(8)]
    with ThreadPoolExecutor(len(contents)) as pool:
        for _ in range(5):
            list(pool.map(lambda data: write_whole(tmp_path / "file", data), contents))
    assert (tmp_path / "file").read_bytes() in contents
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_descriptors_are_given_back(tmp_path: Path) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = count()
    for name in ("a/b/c", "../x", "none"):
        with pytest.raises(FileProblem):
            open_within(tmp_path, name, MOST)
    assert count() <= before + threading.active_count() - 1
