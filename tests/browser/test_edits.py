"""The lines that two versions share: the most there are, found in time."""

from __future__ import annotations

import itertools
import time

from hypothesis import given
from hypothesis import strategies as st

from taskwright.browser.edits import MAX_EDITS, common_lines

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
