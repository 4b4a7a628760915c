"""Source code for reading: highlighted, and as the difference between two versions.

A source may be of any size and hold anything. Beyond some length it is cut, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Literal

from markupsafe import Markup, escape
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from .edits import common_lines
from .pages import visible

MAX_LINES = 3000
MAX_LINE_CHARACTERS = 1000
MAX_CHARACTERS = 300_000
CONTEXT_LINES = 3

Mark = Literal["same", "added", "removed", "gap"]


@dataclass(frozen=True)
class Code:
    """A source as lines of markup, and what is not shown of it; empty where all is."""

    lines: tuple[Markup, ...]
    cut: str = ""


@dataclass(frozen=True)
class DiffLine:
    """A line of a difference, with its number in either version; None where it is not in it."""

    mark: Mark
    before: int | None
    after: int | None
    text: Markup


@dataclass(frozen=True)
class Diff:
    """What changed between two sources. No lines where nothing did, or where it was too much."""

    lines: tuple[DiffLine, ...] = ()
    added: int = 0
    removed: int = 0
    too_long: bool = False


NO_CHANGE = Diff()


def highlight(source: str) -> Code:
    """A source, highlighted, cut where it is too long to be read on a page."""
    lines, cut = _cut(source)
    return Code(tuple(_highlighted(lines)), cut)


def _lines(source: str) -> list[str]:
    # Other characters that may end a line are shown by a sign.
    return source.replace("\r\n", "\n").removesuffix("\n").split("\n")


def _cut(source: str) -> tuple[list[str], str]:
    lines, used, cut = [], 0, ""
    whole = _lines(source)
    for line in whole[:MAX_LINES]:
        if used > MAX_CHARACTERS:
            break
        rest = len(line) - MAX_LINE_CHARACTERS
        if rest > 0:
            line = f"{line[:MAX_LINE_CHARACTERS]} … {rest:,} more characters"
            cut = "Long lines are cut."
        lines.append(visible(line))
        used += len(lines[-1])
    if len(lines) < len(whole):
        cut = f"{len(lines):,} of {len(whole):,} lines are shown."
    return lines, cut


def _highlighted(lines: list[str]) -> list[Markup]:
    text = "\n".join(lines) + "\n"
    formatter = HtmlFormatter(nowrap=True, classprefix="hl-")
    # The tokens are formatted as they come: text that is no Python is still text.
    lexer = PythonLexer(stripnl=False, ensurenl=False)
    out = StringIO()
    formatter.format(lexer.get_tokens(text), out)
    made = out.getvalue().removesuffix("\n").split("\n")
    if len(made) != len(lines):
        # A reader is owed the right line numbers more than colours.
        return [escape(line) for line in lines]
    return [Markup(line) for line in made]


def diff(before: str, after: str) -> Diff:
    """The changed lines and a few around them, highlighted as parts of their files."""
    if before == after:
        return Diff()
    old, new = _lines(before), _lines(after)
    if max(len(old), len(new)) > MAX_LINES or max(map(len, (before, after))) > MAX_CHARACTERS:
        return Diff(too_long=True)
    shown = highlight(before).lines, highlight(after).lines
    if (len(old), len(new)) != (len(shown[0]), len(shown[1])):
        return Diff(too_long=True)
    lines = list(_compared(old, new, *shown))
    return Diff(
        tuple(_near_changes(lines)),
        sum(line.mark == "added" for line in lines),
        sum(line.mark == "removed" for line in lines),
    )


def _compared(
    old: Sequence[str], new: Sequence[str], before: Sequence[Markup], after: Sequence[Markup]
) -> Iterator[DiffLine]:
    """All lines of both versions, in one order."""
    i, j = 0, 0
    for same_i, same_j in [*common_lines(old, new), (len(old), len(new))]:
        for n in range(i, same_i):
            yield DiffLine("removed", n + 1, None, before[n])
        for n in range(j, same_j):
            yield DiffLine("added", None, n + 1, after[n])
        if same_i < len(old):
            yield DiffLine("same", same_i + 1, same_j + 1, after[same_j])
        i, j = same_i + 1, same_j + 1


def _near_changes(lines: Sequence[DiffLine]) -> Iterator[DiffLine]:
    """The lines that have changed and a few around each, with a gap where some are left out."""
    changed = [n for n, line in enumerate(lines) if line.mark != "same"]
    near = {n + by for n in changed for by in range(-CONTEXT_LINES, CONTEXT_LINES + 1)}
    last = None
    for n, line in enumerate(lines):
        if n in near:
            if last is not None and last < n - 1:
                yield DiffLine("gap", None, None, Markup(""))
            yield line
            last = n
