"""The difference between two versions: what came, went and stayed, found in time."""

from __future__ import annotations

import itertools
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from taskwright.browser import diff as diff_module
from taskwright.browser.diff import MAX_EDITS, common_lines, diff
from taskwright.presentation import code
from taskwright.presentation.code import MAX_LINES


def plain(markup: Markup) -> str:
    return Markup(re.sub(r"</?span[^>]*>", "", markup)).unescape()


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
    for module in (code, diff_module):
        monkeypatch.setattr(module, "MAX_LINES", 40)
        monkeypatch.setattr(module, "MAX_CHARACTERS", 20_000)
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


texts = st.lists(st.sampled_from("abcd"), max_size=12)


def most_in_common(old: list[str], new: list[str]) -> int:
    """By a table of all beginnings."""
    row = [0] * (len(new) + 1)
    for line in old:
        before, row = row, [0]
        for n, other in enumerate(new):
            row.append(before[n] + 1 if line == other else max(row[n], before[n + 1]))
    return row[-1]


@given(texts, texts)
def test_the_fewest_lines_are_left_over(old, new):
    pairs = common_lines(old, new)
    assert all(old[x] == new[y] for x, y in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))
    assert len(pairs) == most_in_common(old, new)


def test_where_nearly_all_has_changed_beginning_and_end_are_still_the_same():
    old = ["a", "b", *(f"old {n}" for n in range(MAX_EDITS)), "c"]
    new = ["a", "b", *(f"new {n}" for n in range(MAX_EDITS)), "c"]
    old[500] = new[500] = "between"
    assert common_lines(old, new) == [(0, 0), (1, 1), (MAX_EDITS + 2, MAX_EDITS + 2)]


def test_long_texts_take_no_long_time():
    started = time.thread_time()
    common_lines(["x"] * 3000, ["x", "y"] * 1500)
    assert time.thread_time() - started < 6.0
