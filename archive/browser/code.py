"""Source code for reading: highlighted, and as the difference between two versions.

A source may be of any size and hold anything. Beyond some length it is cut, and says so.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Literal

from markupsafe import Markup, escape
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from .pages import visible

MAX_LINES = 3000
MAX_LINE_CHARACTERS = 1000
MAX_CHARACTERS = 300_000
MAX_DIFF_LINES = 4000
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


def _cut(source: str) -> tuple[list[str], str]:
    lines, used, cut = [], 0, ""
    whole = source.replace("\r\n", "\n").removesuffix("\n").split("\n")
    for line in whole[:MAX_LINES]:
        if used > MAX_CHARACTERS:
            break
        rest = len(line) - MAX_LINE_CHARACTERS
        if rest > 0:
            line = f"{line[:MAX_LINE_CHARACTERS]} … {rest:,} more characters"
            cut = "Long lines are cut."
        lines.append(visible(line))
        used += len(line)
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
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MAX_DIFF_LINES or max(map(len, (before, after))) > MAX_CHARACTERS:
        return Diff(too_long=True)
    shown = {"old": highlight(before).lines, "new": highlight(after).lines}
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    lines: list[DiffLine] = []
    for group in matcher.get_grouped_opcodes(CONTEXT_LINES):
        if lines:
            lines.append(DiffLine("gap", None, None, Markup("")))
        for kind, i1, i2, j1, j2 in group:
            lines += _lines(kind, (i1, i2), (j1, j2), shown["old"], shown["new"])
    return Diff(
        tuple(lines),
        sum(line.mark == "added" for line in lines),
        sum(line.mark == "removed" for line in lines),
    )


def _lines(
    kind: str,
    old: tuple[int, int],
    new: tuple[int, int],
    before: tuple[Markup, ...],
    after: tuple[Markup, ...],
) -> Iterator[DiffLine]:
    if kind == "equal":
        for i, j in zip(range(*old), range(*new), strict=True):
            yield DiffLine("same", i + 1, j + 1, after[j])
        return
    for i in range(*old):
        yield DiffLine("removed", i + 1, None, before[i])
    for j in range(*new):
        yield DiffLine("added", None, j + 1, after[j])
