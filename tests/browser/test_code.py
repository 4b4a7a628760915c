"""Sources and differences as markup: every line where it belongs, nothing that does anything."""

from __future__ import annotations

import re
import time

import pytest
from adversarial_texts import SHAPES, hostile_text
from markupsafe import Markup

from taskwright.browser import code
from taskwright.browser.code import MAX_CHARACTERS, MAX_LINES, diff, highlight


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


@pytest.mark.parametrize("mark", ["\f", "\u2028", "\x1c", "\x85", "\r"])
def test_only_line_feeds_end_the_lines_that_are_compared(mark: str) -> None:
    before = f"a = 1\nb = '{mark}'\nc = 3\n"
    change = diff(before, before.replace("3", "4"))
    assert [(line.mark, line.before, line.after) for line in change.lines][-2:] == [
        ("removed", 3, None),
        ("added", None, 3),
    ]


def test_all_that_is_shown_of_two_versions_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "MAX_LINES", 40)
    monkeypatch.setattr(code, "MAX_CHARACTERS", 20_000)
    lines = [f"x = {n}" for n in range(40)]
    assert diff("\n".join(lines), "\n".join(lines[:-1])).removed == 1
    assert diff("\n".join(lines), "\n".join([*lines, "y"])).too_long
    # Signs take more room than what they stand for.
    hidden = "\u2028" * 400 + "\n"
    assert diff(hidden * 20, hidden * 19 + "y").too_long


MOST_S = 8.0
"""Of processor time, for a source that fills a page; mostly under a second."""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x\n" * MAX_LINES, "x\ny\n" * (MAX_LINES // 2)),
        ("x\ny\nz\n" * (MAX_LINES // 3), "z\ny\nx\n" * (MAX_LINES // 3)),
        ("\n" * MAX_LINES, "\nx\n\n" * (MAX_LINES // 3)),
    ],
    ids="alternating reversed blank".split(),
)
def test_lines_that_resemble_each_other_are_compared_in_time(before: str, after: str) -> None:
    started = time.thread_time()
    change = diff(before, after)
    assert time.thread_time() - started < MOST_S
    assert change.added > 0
    assert change.removed > 0


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
