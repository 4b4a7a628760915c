"""Reading a task file: what makes one fit to be a task's source, and the messages about all others.

A task file is a regular file of UTF-8 text, with or without a byte order mark, of at most 1 MB.
Whatever else somebody names is found out here, before anything is run.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import re
import stat
import tokenize
from pathlib import Path

MAX_BYTES = 1_000_000
"""A long task has 20 kB."""

_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""What files of other encodings begin with. UTF-32 comes first: one of its marks begins as UTF-16's
does."""
_CAUSES = {
    errno.ENOENT: "There is nothing of this name.",
    errno.ENOTDIR: "There is nothing of this name.",
    errno.EACCES: "You are not allowed to read it.",
    errno.EPERM: "You are not allowed to read it.",
}
_ENCODING = "Task files are UTF-8, as Python files are that do not say otherwise."


class UnreadableTask(Exception):
    """A path is not that of a task file: `reason` ends the sentence "It cannot be read: ..."."""

    def __init__(self, reason: str, cause: str, fix: str) -> None:
        super().__init__(reason)
        self.reason, self.cause, self.fix = reason, cause, fix


def read_source(path: str | Path) -> str:
    """The source in a task file, with `\\n` between its lines. Raises UnreadableTask."""
    try:
        data = _bytes_of(path)
    except OSError as error:
        raise UnreadableTask(
            error.strerror or str(error),
            _CAUSES.get(error.errno or 0, "The system refuses it."),
            "Name a Python file that is there and that you may read.",
        ) from None
    return _decoded(data).replace("\r\n", "\n").replace("\r", "\n")


def _bytes_of(path: str | Path) -> bytes:
    """Raises OSError and UnreadableTask."""
    about = os.stat(path)
    if stat.S_ISDIR(about.st_mode):
        holds_tasks = any(name.endswith(".py") for name in os.listdir(path))
        raise UnreadableTask(
            "it is a folder" if holds_tasks else "it is a folder without .py files",
            "A folder stands for the .py files that lie in it, not for those further inside.",
            "Name the task files, or the folder that they lie in.",
        )
    if not stat.S_ISREG(about.st_mode):
        raise UnreadableTask(
            f"it is a {_kind(about.st_mode)}, not a file",
            "Reading it could take for ever, and what was read could not be read again.",
            "Save the task in a file and name that.",
        )
    # It may have become something else meanwhile: nothing is waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        size_mb = max(about.st_size, len(data)) / 1e6
        raise UnreadableTask(
            f"it has {size_mb:,.1f} MB, more than the {MAX_BYTES / 1e6:g} MB of a task file",
            "This is something else, or it carries data along.",
            "Name a task file. What a task needs, its code can compute.",
        )
    return data


def _kind(mode: int) -> str:
    for is_one, name in (
        (stat.S_ISFIFO, "pipe"),
        (stat.S_ISSOCK, "socket"),
        (stat.S_ISCHR, "device"),
        (stat.S_ISBLK, "device"),
    ):
        if is_one(mode):
            return name
    return "special file"


def _decoded(data: bytes) -> str:
    """Raises UnreadableTask where it is not UTF-8, or says itself that it is something else."""
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            raise UnreadableTask(f"it is {name} text", _ENCODING, "Save it as UTF-8.")
    data = data.removeprefix(codecs.BOM_UTF8)
    declared = _declared(data)
    if not (declared == "utf-8" or (declared == "ascii" and data.isascii())):
        raise UnreadableTask(
            f"its first lines declare the encoding {declared}",
            _ENCODING,
            "Save it as UTF-8, and leave out the line with `coding`.",
        )
    # No text has a NUL, but UTF-16 of plain English is made of them.
    wrong_at = data.find(b"\0")
    if wrong_at < 0:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            wrong_at = error.start
    line = data.count(b"\n", 0, wrong_at) + 1
    raise UnreadableTask(
        f"it is not UTF-8 text (byte 0x{data[wrong_at]:02x} in line {line})",
        _ENCODING,
        "Save it as UTF-8.",
    )


def _declared(data: bytes) -> str:
    """The encoding that the first two lines declare, as Python reads them; UTF-8 where they declare
    none."""
    first, _, rest = data.partition(b"\n")
    second, _, _ = rest.partition(b"\n")
    # Whether all of it is what it is declared to be shows later.
    lines = b"".join(re.sub(rb"[^\x00-\x7f]", b"?", line) + b"\n" for line in (first, second))
    try:
        declared, _ = tokenize.detect_encoding(io.BytesIO(lines).readline)
    except SyntaxError as error:  # Python knows none of this name.
        return (error.msg or "").rpartition(" ")[2]
    return codecs.lookup(declared).name
