"""The one way out: whatever the program prints goes through here, to a terminal, file or pipe.

Nobody has to remember what a text may hold or what an encoding lacks. Every text is made `readable`
(see `text`) when it is printed, whoever wrote it, and only the styles that we add reach a terminal
as escape sequences. What brackets or colons mean to rich is never looked for in a text.

- `Console`: rich's, with which text is text; its `say` prints one line
- `Line`, `Grid`: texts in styles on one line, and rows of them
- `say`, `print_json`, `print_source`: for what needs no console of its own
- `live`, `busy`: pictures that change

What others print, such as click its help or Python a warning, goes through `streams`.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO, cast

import rich.console
from rich.live import Live
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from .streams import ReaderGone, cleaned, guarded
from .text import encodable, one_line, readable

PIPE_WIDTH = 200
"""In a file or a pipe, tables are not cut at the width of some terminal."""

Part = str | tuple[str, str]
"""A text, or a text and the style to show it in, such as `bold red`."""


class Console(rich.console.Console):
    """Standard output or, with `err`, standard error; `options` are those of rich."""

    def __init__(self, *, err: bool = False, file: TextIO | None = None, **options: Any) -> None:
        stream = guarded(file or (sys.stderr if err else sys.stdout), is_vital=not err)
        off: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}
        super().__init__(file=cast("TextIO", stream), **off, **options)
        if not self.is_terminal and "width" not in options:
            self.width = PIPE_WIDTH

    def say(self, *parts: Part) -> None:
        """Print one line, however long it is and whatever line breaks its parts hold."""
        self.print(Line(*parts), soft_wrap=True)

    def fit(self, text: str) -> str:
        """The text as it can be printed here."""
        return encodable(readable(text), self.encoding)

    def render_str(self, text: str, **options: Any) -> Text:
        # Before it is laid out, because that may make it longer.
        return super().render_str(self.fit(text), **options)

    def render(
        self,
        renderable: rich.console.RenderableType,
        options: rich.console.ConsoleOptions | None = None,
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            is_text = segment.control is None
            yield Segment(self.fit(segment.text), segment.style) if is_text else segment

    def on_broken_pipe(self) -> None:
        # Rich would end the process. What that means is ours to say.
        self.quiet = True
        raise ReaderGone


class Line:
    """Texts on one line, each in its style. A line break in one of them becomes a space."""

    def __init__(self, *parts: Part) -> None:
        self._parts = parts

    def __rich_console__(
        self, console: rich.console.Console, options: rich.console.ConsoleOptions
    ) -> rich.console.RenderResult:
        yield self._text(console)

    def __rich_measure__(
        self, console: rich.console.Console, options: rich.console.ConsoleOptions
    ) -> Measurement:
        return Measurement.get(console, options, self._text(console))

    def _text(self, console: rich.console.Console) -> Text:
        line = Text()
        for part in self._parts:
            text, style = (part, None) if isinstance(part, str) else part
            line.append(encodable(one_line(text), console.encoding), style)
        return line


class Grid(Table):
    """Rows under dim headings. Cells are one line each; only those of the last column may wrap."""

    def __init__(self, *headings: str) -> None:
        super().__init__(box=None, padding=(0, 1))
        for number, heading in enumerate(headings, start=1):
            self.add_column(heading, header_style="dim", no_wrap=number < len(headings))

    def row(self, *cells: Part | Line) -> None:
        self.add_row(*(cell if isinstance(cell, Line) else Line(cell) for cell in cells))


def say(*parts: Part, err: bool = False) -> None:
    """Print one line on standard output, or on standard error."""
    Console(err=err).say(*parts)


def print_json(document: dict[str, Any]) -> None:
    """Print a document on standard output, in characters of ASCII that no terminal obeys."""
    text = json.dumps(document, indent=2).replace("\x7f", "\\u007f")
    out = guarded(sys.stdout)
    out.write(text + "\n")
    out.flush()


def print_source(source: str) -> None:
    """Print source code: for a terminal made readable, for a file byte for byte."""
    out = guarded(sys.stdout)
    if out.isatty():
        Console().print(source, soft_wrap=True, end="")
    else:
        out.write_bytes(source.encode())


@contextlib.contextmanager
def live(
    view: rich.console.RenderableType,
    console: Console,
    *,
    refresh_per_second: float = 4,
    transient: bool = False,
) -> Iterator[None]:
    """Draw a view again and again; what is printed meanwhile stands above it."""
    rate = refresh_per_second
    with Live(view, console=console, refresh_per_second=rate, transient=transient), cleaned():
        yield


@contextlib.contextmanager
def busy(console: Console, text: str) -> Iterator[Callable[[str], None]]:
    """Show that something goes on, on a terminal only; what it gives changes the text."""
    spinner = "dots" if console.encoding.startswith("utf") else "line"
    with console.status(Line(text), spinner=spinner) as status, cleaned():
        yield lambda message: status.update(Line(message))
