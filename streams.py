"""Standard output and standard error, made safe to print to.

What a command or a library prints by itself is made readable, an output that is closed, full or no
longer read ends no command in a traceback, and no encoding is too small for a text.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import TextIO, cast

from .errors import TaskwrightError
from .text import LIKENESS, encodable, readable


class OutputError(TaskwrightError):
    """Standard output takes no more."""


class ReaderGone(BrokenPipeError):
    """Whoever read our standard output has stopped, as `| head` does."""


class _Stream(io.TextIOBase):
    """What a stream is asked about the one behind it."""

    def __init__(self, inner: TextIO) -> None:
        self._inner = inner

    def isatty(self) -> bool:
        return self._inner.isatty()

    def fileno(self) -> int:
        return self._inner.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._inner.encoding or "utf-8"


class GuardedStream(_Stream):
    """A stream as it is, but for what it cannot take. Where it `is_vital`, that raises an
    OutputError or a ReaderGone, then and from then on; elsewhere it is dropped."""

    def __init__(self, inner: TextIO, is_vital: bool) -> None:
        super().__init__(inner)
        self._is_vital = is_vital
        self._failure: OSError | None = None

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"A text stream takes str, not {type(text).__name__}.")
        self._do(lambda: self._inner.write(text))
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        self._do(self._inner.flush)
        self._do(lambda: self._inner.buffer.write(data))
        self._do(self._inner.buffer.flush)

    def flush(self) -> None:
        # A failure was raised where something was written; cleaning up need not raise it again.
        if self._failure is None:
            self._do(self._inner.flush)

    def _do(self, what: Callable[[], object]) -> None:
        if self._failure is None:
            try:
                what()
            except OSError as error:
                self._failure = error
                _discard(self._inner)
        if self._failure is None or not self._is_vital:
            return
        if isinstance(self._failure, BrokenPipeError):
            raise ReaderGone from None
        raise OutputError(
            "What this command prints cannot be written to standard output: "
            f"{self._failure.strerror or self._failure}.",
            "Make room where it goes, or send it elsewhere.",
        ) from None


class CleanedStream(_Stream):
    """A stream that makes everything readable: what click, Python or a library prints."""

    def __init__(self, guarded: GuardedStream) -> None:
        super().__init__(cast("TextIO", guarded))
        self.guarded = guarded

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"A text stream takes str, not {type(text).__name__}.")
        self.guarded.write(encodable(readable(text), self.encoding))
        return len(text)

    def flush(self) -> None:
        self.guarded.flush()


def guarded(stream: TextIO | None, is_vital: bool = True) -> GuardedStream:
    """The stream behind one that cleans, which the texts and styles of our own console go to."""
    if isinstance(stream, CleanedStream):
        return stream.guarded
    if stream is None:  # It was closed when Python started.
        stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (as long as the process)
    return GuardedStream(stream, is_vital)


def _discard(stream: TextIO) -> None:
    """Let what a stream holds and gets from now on go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


@contextlib.contextmanager
def cleaned() -> Iterator[None]:
    """Have what others print cleaned, for the length of a `with` block."""
    before = sys.stdout, sys.stderr
    sys.stdout = cast("TextIO", CleanedStream(guarded(sys.stdout)))
    sys.stderr = cast("TextIO", CleanedStream(guarded(sys.stderr, is_vital=False)))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def take_over() -> None:
    """Have everything that is printed from now on cleaned, and output that fails explained. For a
    process that is ours alone."""
    for descriptor in range(3):
        # Else the next file to be opened would take the number of a stream that was closed, and
        # whatever is printed would be written into it.
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=LIKENESS)
    sys.stdout = cast("TextIO", CleanedStream(guarded(sys.stdout)))
    sys.stderr = cast("TextIO", CleanedStream(guarded(sys.stderr, is_vital=False)))


def flush() -> None:
    """See to it that all that was printed is out. Raises OutputError and ReaderGone."""
    guarded(sys.stdout).flush()
