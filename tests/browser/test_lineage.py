"""The forest of records: who hangs on whom, and where."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from taskwright.browser.lineage import forest
from taskwright.browser.rows import Row

MakeRow = Callable[..., Row]


@pytest.fixture
def row() -> MakeRow:
    def make(number: int, *parents: str, **changes: object) -> Row:
        blank = {field.name: None for field in dataclasses.fields(Row)}
        made = {"number": number, "task_id": f"t{number}", "status": "learned", "parents": parents}
        return Row(**(blank | made | changes))  # type: ignore[arg-type]

    return make


def test_children_hang_on_their_first_parent_and_link_to_others(row: MakeRow) -> None:
    nodes, links = forest([row(1), row(2), row(3, "t2", "t1"), row(4, "t3")])
    assert [node.parent for node in nodes] == [None, None, 1, 2]
    assert [node.depth for node in nodes] == [0, 0, 1, 2]
    assert links == [(2, 0)]


def test_leaves_have_a_place_each_and_parents_stand_in_their_middle(row: MakeRow) -> None:
    rows = [row(1), row(2, "t1"), row(3, "t1"), row(4, "t2"), row(5, "t2"), row(6)]
    orders = [node.order for node in forest(rows)[0]]
    assert orders == [1.25, 0.5, 2, 0, 1, 3]


def test_parents_that_are_not_here_or_came_later_are_none(row: MakeRow) -> None:
    nodes, links = forest([row(1, "t2"), row(2, "elsewhere"), row(3, "t3")])
    assert [node.parent for node in nodes] == [None, None, None]
    assert links == []


def test_two_journeys_with_one_source_have_their_children_at_the_first(row: MakeRow) -> None:
    nodes, _ = forest([row(1), row(2, task_id="t1"), row(3, "t1")])
    assert nodes[2].parent == 0


def test_what_was_turned_down_but_bore_something_kept_is_known(row: MakeRow) -> None:
    rows = [row(1, status="too_hard"), row(2, "t1", status="too_hard"), row(3, "t2"), row(4)]
    assert [node.bearing for node in forest(rows)[0]] == [True, True, False, False]


def test_a_line_longer_than_the_stack_is_laid_out(row: MakeRow) -> None:
    rows = [row(0), *(row(n, f"t{n - 1}") for n in range(1, 5000))]
    nodes, _ = forest(rows)
    assert nodes[-1].depth == 4999
    assert {node.order for node in nodes} == {0}


def test_an_empty_archive_is_an_empty_forest() -> None:
    assert forest([]) == ([], [])
