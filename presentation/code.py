"""Source code as highlighted lines.

A source may be of any size and hold anything. A source that is too long for a page is cut, and the
result says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO

from markupsafe import Markup, escape
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from .formatting import visible

MAX_LINES = 3000
MAX_LINE_CHARACTERS = 1000
MAX_CHARACTERS = 300_000


@dataclass(frozen=True)
class Code:
    """A source as lines of markup, and what is not shown of it; empty where all is."""

    lines: tuple[Markup, ...]
    cut: str = ""


def highlight(source: str) -> Code:
    """Highlight a Python source, and cut it where it is too long to be read on a page.

    Args:
        source: Any text; what is no Python is still shown.

    Returns:
        The lines as HTML, and a sentence about what was cut.
    """
    lines, cut = _cut(source)
    return Code(tuple(_highlighted(lines)), cut)


def split_lines(source: str) -> list[str]:
    """The lines of a source. Only line feeds end a line: other characters that may are shown by a
    sign."""
    return source.replace("\r\n", "\n").removesuffix("\n").split("\n")


def _cut(source: str) -> tuple[list[str], str]:
    lines, used, cut = [], 0, ""
    whole = split_lines(source)
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
