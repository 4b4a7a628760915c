"""Files that somebody else may have made, such as those of a run folder that was sent to us.

They are opened without following a link and without waiting, and read up to a size that is known
before. A problem with a file is described as a clause that ends a sentence: "it is a link".
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import BinaryIO

MAX_LINE_BYTES = 8_000_000
"""Of a file that is read line by line. A longer line is passed over."""
_BLOCK_BYTES = 1 << 20
# Not to wait for whoever writes into a pipe, nor to make a terminal ours.
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_GZIP = 31
"""For zlib: a gzip header, and the largest window."""


class FileProblem(Exception):
    """A file cannot be used; the text says why, as a clause such as "it is a folder"."""


def open_file(path: Path, most_bytes: int, *, follow: bool = False) -> BinaryIO:
    """Open a file for reading. `follow` is for a path that the user has named, which may be a link.

    Raises FileProblem where it is missing, a link, no regular file, not ours to read, or larger
    than `most_bytes`.
    """
    with _explained():
        # Looked at first: to open a device may do something.
        _check(os.stat(path, follow_symlinks=follow), most_bytes)
        descriptor = os.open(path, _READ | (0 if follow else os.O_NOFOLLOW))
        return _checked(descriptor, most_bytes)


def open_within(folder: Path, name: str | PurePath, most_bytes: int) -> BinaryIO:
    """Open a file that lies in a folder, or in a folder of it, for reading. The folder itself may
    be reached through links; below it none is followed, and no `..` either.

    Raises FileProblem as `open_file` does, and where the file lies elsewhere.
    """
    parts = PurePath(name).parts
    if not parts or PurePath(name).is_absolute() or ".." in parts:
        raise FileProblem("it lies outside the folder")
    with _explained(), contextlib.ExitStack() as resources:
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        resources.callback(os.close, at)
        for part in parts[:-1]:
            way = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            if stat.S_ISLNK(os.stat(part, dir_fd=at, follow_symlinks=False).st_mode):
                raise FileProblem("it is reached through a link")
            at = os.open(part, way, dir_fd=at)
            resources.callback(os.close, at)
        _check(os.stat(parts[-1], dir_fd=at, follow_symlinks=False), most_bytes)
        return _checked(os.open(parts[-1], _READ | os.O_NOFOLLOW, dir_fd=at), most_bytes)


def _checked(descriptor: int, most_bytes: int) -> BinaryIO:
    file = os.fdopen(descriptor, "rb")
    try:
        _check(os.fstat(descriptor), most_bytes)
    except FileProblem:
        file.close()
        raise
    return file


def _check(found: os.stat_result, most_bytes: int) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise FileProblem("it is a link")
    if stat.S_ISDIR(found.st_mode):
        raise FileProblem("it is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise FileProblem("it is a pipe or a device, and no file")
    if found.st_size > most_bytes:
        raise FileProblem(f"it is larger than {most_bytes:,} bytes")


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise FileProblem("it is not there") from None
    except NotADirectoryError:
        raise FileProblem("it is not in a folder") from None
    except (OSError, ValueError) as error:
        # ValueError: a path that no file can have, such as one with a NUL in it.
        reason = error.strerror if isinstance(error, OSError) else "no file has such a name"
        raise FileProblem(f"the system refuses it ({reason})") from None


def read_bytes(file: BinaryIO, most_bytes: int) -> bytes:
    """All that a file holds; it is closed. Raises FileProblem where that is more."""
    with file, _explained():
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise FileProblem(f"it is larger than {most_bytes:,} bytes")
    return data


def read_text(file: BinaryIO, most_bytes: int) -> str:
    """The UTF-8 text that a file holds, a byte-order mark left out; it is closed. Raises
    FileProblem where it is no such text."""
    try:
        text = read_bytes(file, most_bytes).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileProblem("it is not UTF-8 text") from None
    if "\0" in text:
        raise FileProblem("it is no text: it holds NUL characters")
    return text


def whole_lines(
    file: BinaryIO, longest_bytes: int = MAX_LINE_BYTES, *, also_last: bool = False
) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, each with the place where it begins. A longer one is passed over without
    being held in memory, and so is, unless `also_last`, what has no line break yet."""
    start = file.tell()
    while line := file.readline(longest_bytes):
        size, is_whole = len(line), line.endswith(b"\n")
        if is_whole or (also_last and size < longest_bytes):
            yield start, line
        # The rest of a long line, or nothing.
        while not line.endswith(b"\n") and (line := file.readline(_BLOCK_BYTES)):
            size += len(line)
        start += size


def missing_line_feed(file: BinaryIO) -> bytes:
    """The line feed that the last line lacks, whose writer was killed or had no room; else empty.
    The file is left at its end."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


@contextlib.contextmanager
def open_zip(file: BinaryIO) -> Iterator[zipfile.ZipFile]:
    """A ZIP file, to be read with `unpacked`. Raises FileProblem where it is none, or damaged."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except FileProblem:
        raise
    except Exception as error:
        # What the library and its decompressors raise over damaged data has no common base.
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise FileProblem(f"it is no sound ZIP file ({reason})") from None


def unpacked(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    """What a ZIP file holds under a name. Raises FileProblem where that is not there exactly once,
    encrypted, or larger than `most_bytes`."""
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        raise FileProblem(f"it holds {len(found) or 'no'} `{name}`")
    if found[0].flag_bits & 1:
        raise FileProblem("it is encrypted")
    with archive.open(found[0]) as member:
        # What it claims to unpack to is not what it unpacks to.
        data = member.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise FileProblem(f"its `{name}` is larger than {most_bytes:,} bytes")
    return data


def gunzip(data: bytes, most_bytes: int) -> bytes:
    """What was compressed with gzip, in one piece. Raises FileProblem where it is damaged, or
    unpacks to more than `most_bytes`."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        unpacked = unpacker.decompress(data, most_bytes + 1)
    except zlib.error:
        raise FileProblem("it is no sound gzip file") from None
    if len(unpacked) > most_bytes:
        raise FileProblem(f"it unpacks to more than {most_bytes:,} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise FileProblem("it is no sound gzip file")
    return unpacked


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in one piece or not at all, whatever happens meanwhile, and safe on the disk.
    A link in its place is replaced and never followed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Several threads may write the same file: two journeys can have one task.
    unfinished = path.with_name(f".{os.getpid()}-{threading.get_ident()}-{path.name}")
    # What lies there may be a link that somebody has laid: a file of our own is made.
    unfinished.unlink(missing_ok=True)
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
