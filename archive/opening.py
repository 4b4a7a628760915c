"""How the files of an archive are opened: for reading without writing a byte, and for writing so
that a crash is noticed.

SQLite creates files beside a database in WAL mode even for a reader. Which way of reading avoids
that depends on the files that lie there:

=================================== ==============================================================
beside `archive.db`                 it is read
=================================== ==============================================================
no write-ahead log, or an empty one as a file that nobody changes (`immutable`)
a log and its index                 with them, neither being changed; a run may be writing them
a log without its index             from a copy: such a log was cut off from its index by a copy
                                    that somebody made, or by a crash
=================================== ==============================================================

SQLite has one index of a log for all connections of a process: while one of them only reads it, no
other can write. So readers let go of it where their own process begins to write.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import struct
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import ArchiveError, storage_error
from .filesystem import network_filesystem
from .migrations import check_readable, schema_version
from .tampering import DamagedError, all_rows, check_journal, damage_explained, file_size, make_wary

MAX_NUMBER = 10**9
"""Of a journey."""
PATIENCE_S = 30.0
"""How long a statement waits for somebody else's. Without a write-ahead log, readers and the writer
keep each other waiting."""
MAX_COPIED_BYTES = 4_000_000_000
"""The size limit of an archive that is read from a copy: a file may claim more than any disk
has."""
INDEX_LOOKS = 5
_INDEX_HEADER = struct.Struct("=I8xBxHI12x8sII")
"""The index's version, whether it is initialised, page size, frames in the log, salts,
checksums."""

Way = Literal["immutable", "shared", "copy"]


@dataclass(slots=True)
class _Write:
    """A statement that a thread wants to be written."""

    sql: str
    values: Sequence[Any]
    error: BaseException | None = None
    is_done: bool = False
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Held until it is done, or until its thread is the one that writes next."""


class Connection(sqlite3.Connection):
    """A connection that threads share: one statement at a time, its rows read before the next."""

    def __init__(self, database: Path, **keywords: Any) -> None:
        super().__init__(database, **{**keywords, "check_same_thread": False})
        self._path = database
        self._lock = threading.Lock()
        self._queue = threading.Lock()
        self._wanted: list[_Write] = []
        self._somebody_writes = False

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows of a statement that reads. Raises StorageError, and DamagedError where the file
        is not sound."""
        with self._lock, damage_explained(self._path), _storage_explained():
            return all_rows(self, self._path, sql, values)

    def write(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement that writes; it is safe on the disk when this returns. Raises as
        `rows` does, and sqlite3.IntegrityError.

        The disk takes milliseconds to sync, whatever it is given. So all that threads want to be
        written while it does that is written in one transaction after it.
        """
        own = _Write(sql, values)
        own.turn.acquire()
        with self._queue:
            self._wanted.append(own)
            must_wait, self._somebody_writes = self._somebody_writes, True
        if must_wait:
            own.turn.acquire()
        if not own.is_done:
            try:
                self._write_all()
            finally:
                self._let_the_next_write()
        if own.error is not None:
            with damage_explained(self._path), _storage_explained():
                raise own.error

    def _let_the_next_write(self) -> None:
        with self._queue:
            self._somebody_writes = bool(self._wanted)
            if self._wanted:
                self._wanted[0].turn.release()

    def _write_all(self) -> None:
        """Write what is wanted by now. A statement that fails does not affect the others."""
        with self._lock:
            with self._queue:
                writes, self._wanted = self._wanted, []
            begins = not self.in_transaction
            # That of the last question counts the time of the thread that asked it.
            self.set_progress_handler(None, 0)
            try:
                if begins:
                    self.execute("BEGIN IMMEDIATE")
                for write in writes:
                    try:
                        self.execute(write.sql, write.values)
                    except sqlite3.Error as error:
                        write.error = error
                        if not self.in_transaction:
                            raise  # SQLite has taken everything back.
                if begins:
                    self.execute("COMMIT")
            except BaseException as error:
                if begins and self.in_transaction:
                    self.execute("ROLLBACK")
                for write in writes:
                    write.error = write.error or error
        for write in writes:
            write.is_done = True
            write.turn.release()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction: all that any thread writes inside is kept as a whole or not at all."""
        self.rows("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.rows("ROLLBACK")
            raise
        self.rows("COMMIT")


class Reader:
    """An archive's file, opened for reading, and opened again when somebody begins to write it.
    Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._lock = threading.Lock()
        self._resources = contextlib.ExitStack()
        self._seen: tuple[Any, ...] = ()
        self._open()
        _readers.add(self)

    def _open(self) -> None:
        self._resources.close()
        self._seen = _state(self._path)
        self._connection = self._resources.enter_context(reading(self._path))

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows of a statement. Raises DamagedError where the file is not sound, and
        sqlite3.OperationalError for a statement that would write."""
        with self._lock, damage_explained(self._path), _storage_explained():
            if _state(self._path) != self._seen:
                self._open()
            return all_rows(self._connection, self._path, sql, values)

    def write(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Raises sqlite3.OperationalError: nothing is written through a reader."""
        self.rows(sql, values)

    def let_go(self, path: Path) -> None:
        """Close the file if it is this one; the next statement opens it again."""
        if path.resolve() == self._path:
            with self._lock:
                self._seen = ()
                self._resources.close()

    def close(self) -> None:
        _readers.discard(self)
        self._resources.close()


_readers: weakref.WeakSet[Reader] = weakref.WeakSet()
"""Those that are open in this process."""


def connect_for_writing(path: Path) -> Connection:
    """A connection that creates the file where there is none."""
    for reader in list(_readers):
        reader.let_go(path)
    check_journal(path)
    connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, factory=Connection)
    make_wary(connection)
    return connection


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection to a database that does not change a byte in its folder."""
    check_journal(path)
    with contextlib.ExitStack() as resources:
        way = way_to_read(path)
        if way != "copy":
            connection = resources.enter_context(contextlib.closing(_connect(path, way)))
            if way == "immutable" or _can_be_read(connection):
                yield connection
                return
            _read_by_copy.add(_log_state(path))
        size = sum(file_size(f"{path}{ending}") for ending in ("", "-wal", "-journal"))
        if size > MAX_COPIED_BYTES:
            raise ArchiveError(
                f"The archive {path} was not closed, and with more than {MAX_COPIED_BYTES:,} bytes "
                "it is too large to be read from a copy.",
                "Close it by going on with its run: taskwright run RUN_DIR.",
            )
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory()))
        for ending in ("", "-wal", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{ending}", folder / f"copy.db{ending}")
        yield resources.enter_context(contextlib.closing(_connect(folder / "copy.db", "copy")))


def way_to_read(path: Path) -> Way:
    """How a database is read without changing what lies there."""
    if not _is_in_wal_mode(path):
        return "shared"
    if not file_size(f"{path}-wal"):
        return "immutable"
    # On the network, the index is of no use to another machine than the one that wrote it.
    if network_filesystem(path.parent) is not None or _log_state(path) in _read_by_copy:
        return "copy"
    for _ in range(INDEX_LOOKS):
        if _index_fits(path):
            return "shared"
        time.sleep(0.001)  # It may be being written.
    return "copy"


_read_by_copy: set[tuple[Any, ...]] = set()
"""The states of logs that SQLite could not read in place; each attempt takes ten seconds."""


def _log_state(path: Path) -> tuple[Any, ...]:
    with contextlib.suppress(FileNotFoundError):
        stat = os.stat(f"{path}-wal")
        return path, stat.st_ino, stat.st_size, stat.st_mtime_ns
    return (path,)


def _index_fits(path: Path) -> bool:
    """Whether the index of a write-ahead log belongs to that log. Where it does not, SQLite waits
    ten seconds for it (sqlite.org/walformat.html)."""
    try:
        with open(f"{path}-shm", "rb") as index, open(f"{path}-wal", "rb") as log:
            header, again = index.read(_INDEX_HEADER.size), index.read(_INDEX_HEADER.size)
            salts = log.read(24)[16:]
            size = os.fstat(log.fileno()).st_size
    except FileNotFoundError:
        return False
    if len(header) != _INDEX_HEADER.size or header != again:
        return False
    version, is_made, page, frames, own_salts, *sums = _INDEX_HEADER.unpack(header)
    first = second = 0
    for one, other in struct.iter_unpack("=II", header[:40]):
        first = (first + one + second) % 2**32
        second = (second + other + first) % 2**32
    page = 65536 if page == 1 else page
    return (
        (version, is_made, first, second) == (3_007_000, 1, *sums)
        and 32 + frames * (24 + page) <= size
        # A log that was begun anew has no header yet.
        and (frames == 0 or own_salts == salts)
    )


def _connect(path: Path, way: Way) -> sqlite3.Connection:
    how = {
        "immutable": "?mode=ro&immutable=1",
        "shared": "?mode=ro&readonly_shm=1",
        "copy": "?mode=rw",
    }
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}{how[way]}",
        timeout=PATIENCE_S,
        uri=True,
        check_same_thread=False,
    )
    make_wary(connection)
    return connection


_NOT_WITHOUT_MENDING = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PROTOCOL")


def _can_be_read(connection: sqlite3.Connection) -> bool:
    """False where SQLite would first have to repair something, which a reader may not do."""
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith(_NOT_WITHOUT_MENDING):
            return False
        raise
    return True


def _is_in_wal_mode(path: Path) -> bool:
    """Whether the header says so: its bytes 18 and 19 are 2 (sqlite.org/fileformat.html)."""
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\2\2"


def _state(path: Path) -> tuple[Any, ...]:
    """A value that changes when a file opened as `immutable` must be opened again."""
    stat = path.stat()
    if file_size(f"{path}-wal"):
        return "logged", stat.st_dev, stat.st_ino
    return "settled", stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def check_archive(
    connection: sqlite3.Connection, path: Path, *, may_be_empty: bool = False
) -> None:
    """Raises ArchiveError where a file is no archive that we can read. `may_be_empty` accepts a
    database that has never held a table: a full disk leaves one of a new archive."""
    check_readable(connection, str(path))
    if schema_version(connection) == 0:
        # A database that has lost its tables keeps their pages.
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        if may_be_empty and pages <= 1:
            return
        raise ArchiveError(
            f"The archive {path} is empty: nobody has written to it yet.",
            "Start a run there with `taskwright run`.",
        )
    for table in ("journeys", "records"):
        # Asked for together, they would be looked for in all of the table.
        ends = (f"(SELECT {end}(number) FROM {table})" for end in ("min", "max"))
        ((first, last),) = all_rows(connection, path, f"SELECT {', '.join(ends)}")
        if first is not None and not 1 <= first <= last <= MAX_NUMBER:
            odd = last if first >= 1 else first
            raise ArchiveError(
                f"{path} is no archive that Taskwright has made: it tells of a journey {odd}, and "
                f"they are numbered from 1 to {MAX_NUMBER:,}.",
                "Nothing was changed. Restore a copy.",
            )


# Writing.


def was_left_open(path: Path) -> bool:
    """Whether the last writer did not close the database, so that a log or a journal is left over.
    Must not be called while somebody writes."""
    return bool(file_size(f"{path}-wal") or file_size(f"{path}-journal"))


def check_soundness(path: Path) -> None:
    """Check the whole database for damage without changing it. Raises ArchiveError."""
    try:
        with reading(path) as connection:
            found = [text for (text,) in connection.execute("PRAGMA integrity_check(3)")]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    if found != ["ok"]:
        raise DamagedError(path, "; ".join(" ".join(str(text).split()) for text in found))


def write_safely(connection: sqlite3.Connection, folder: Path) -> str:
    """Choose the journal mode that the file system allows; returns a warning for the user, or an
    empty text."""
    kind = network_filesystem(folder)
    # One writer and many readers at once; on the network, one after the other.
    mode = "WAL" if kind is None else "DELETE"
    connection.execute(f"PRAGMA journal_mode = {mode}").fetchall()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    if kind is None:
        return ""
    return (
        f"{folder} lies on a network file system ({kind}), where SQLite's write-ahead log is not "
        "safe: the archive is written without it, more slowly, and from this machine alone."
    )


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors on opening into messages for the user."""
    try:
        with damage_explained(path):
            yield
    except sqlite3.DatabaseError as error:
        raise ArchiveError(
            f"The archive {path} cannot be opened: {error}.",
            "Check that the file is a Taskwright archive and that you may read it; "
            "nothing was changed.",
        ) from None


@contextlib.contextmanager
def _storage_explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
            raise
        raise storage_error(str(error)) from error
