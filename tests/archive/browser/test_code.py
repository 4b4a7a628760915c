"""Sources and differences as markup: every line where it belongs, nothing that does anything."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from taskwright.archive.browser.code import MAX_LINES, diff, highlight


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
    code = highlight("\n".join(["x = 1"] * (MAX_LINES + 5)))
    assert len(code.lines) == MAX_LINES
    assert code.cut == f"{MAX_LINES:,} of {MAX_LINES + 5:,} lines are shown."
    long = highlight("y = '" + "A" * 2_000_000 + "'")
    assert "1,999,006 more characters" in long.lines[0]
    assert len(long.lines[0]) < 5000
    assert long.cut


def test_characters_that_hide_are_made_visible() -> None:
    (line,) = highlight("x = 1  # \u202e\x1b[0m").lines
    assert "⟨U+202E⟩␛[0m" in plain(line)


def test_a_difference_tells_what_came_and_went_with_its_numbers() -> None:
    before = "".join(f"line_{n}\n" for n in range(40))
    after = before.replace("line_5\n", "line_five\n").replace("line_30\n", "")
    change = diff(before, after)
    assert (change.added, change.removed) == (1, 2)
    told = [
        (line.mark, line.before, line.after, plain(line.text))
        for line in change.lines
        if line.mark in ("added", "removed")
    ]
    assert told == [
        ("removed", 6, None, "line_5"),
        ("added", None, 6, "line_five"),
        ("removed", 31, None, "line_30"),
    ]
    assert [line.mark for line in change.lines].count("gap") == 1
    assert len(change.lines) == 3 + 1 + 1 + 3 + 1 + 3 + 1 + 3


def test_what_is_the_same_has_no_difference_and_what_is_huge_is_not_compared() -> None:
    assert diff("a\n", "a\n").lines == ()
    assert diff("a\n" * 100_000, "b\n" * 100_000).too_long
    assert diff("", "A" * 2_000_000).too_long
