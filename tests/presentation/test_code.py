"""Sources as highlighted lines: every line where it belongs, nothing that does anything."""

from __future__ import annotations

import re
import time

import pytest
from adversarial_texts import SHAPES, hostile_text
from markupsafe import Markup

from taskwright.presentation.code import MAX_CHARACTERS, MAX_LINES, highlight


def plain(markup: Markup) -> str:
    return Markup(re.sub(r"</?span[^>]*>", "", markup)).unescape()


@pytest.mark.parametrize(
    "source",
    [
        "a = 1\n\n\nclass B:\n    '''Doc\n\n    of two lines'''\n",
        "\n\nleading = True",
        "def f(:\n  not python at all ¿ <b>&amp;</b>\n\n",
        "x = '''never ends\n\n<script>",
        "one line",
    ],
)
def test_each_line_is_where_it_was(source: str) -> None:
    lines = highlight(source).lines
    assert [plain(line) for line in lines] == source.removesuffix("\n").split("\n")
    for line in lines:
        assert not re.sub(r"</?span( class=\"hl-\w+\")?>", "", line).count("<")


def test_what_is_too_long_is_cut_and_says_so() -> None:
    cut = highlight("\n".join(["x = 1"] * (MAX_LINES + 5)))
    assert len(cut.lines) == MAX_LINES
    assert cut.cut == f"{MAX_LINES:,} of {MAX_LINES + 5:,} lines are shown."
    long = highlight("y = '" + "A" * 2_000_000 + "'")
    assert "1,999,006 more characters" in long.lines[0]
    assert len(long.lines[0]) < 5000
    assert long.cut


def test_characters_that_hide_are_made_visible() -> None:
    (line,) = highlight("x = 1  # \u202e\x1b[0m").lines
    assert "⟨U+202E⟩␛[0m" in plain(line)


MOST_S = 8.0
"""Of processor time, for a source that fills a page; mostly under a second."""


QUOTES = ("'''\n", '\n"""', "f'{", "\\\n", "   \n", "\u2028" * 900 + "\n")


@pytest.mark.parametrize("repeated", QUOTES)
def test_a_source_full_of_one_thing_is_highlighted_in_time(repeated: str) -> None:
    started = time.thread_time()
    highlight(repeated * MAX_LINES)
    assert time.thread_time() - started < MOST_S


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_no_source_takes_long_to_highlight(name: str) -> None:
    started = time.thread_time()
    highlight(hostile_text(name, MAX_CHARACTERS))
    assert time.thread_time() - started < MOST_S
