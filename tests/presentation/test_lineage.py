"""The forest of records: who hangs on whom, and where."""

from __future__ import annotations

from taskwright.presentation.lineage import Member, forest


def member(number: int, *parents: str, task_id: str | None = None, is_kept: bool = True) -> Member:
    return Member(task_id or f"t{number}", parents, is_kept)


def test_children_hang_on_their_first_parent_and_link_to_others() -> None:
    nodes, links = forest([member(1), member(2), member(3, "t2", "t1"), member(4, "t3")])
    assert [node.parent for node in nodes] == [None, None, 1, 2]
    assert [node.depth for node in nodes] == [0, 0, 1, 2]
    assert links == [(2, 0)]


def test_leaves_have_a_place_each_and_parents_stand_in_their_middle() -> None:
    rows = [
        member(1),
        member(2, "t1"),
        member(3, "t1"),
        member(4, "t2"),
        member(5, "t2"),
        member(6),
    ]
    orders = [node.order for node in forest(rows)[0]]
    assert orders == [1.25, 0.5, 2, 0, 1, 3]


def test_parents_that_are_not_here_or_came_later_are_none() -> None:
    nodes, links = forest([member(1, "t2"), member(2, "elsewhere"), member(3, "t3")])
    assert [node.parent for node in nodes] == [None, None, None]
    assert links == []


def test_two_journeys_with_one_source_have_their_children_at_the_first() -> None:
    nodes, _ = forest([member(1), member(2, task_id="t1"), member(3, "t1")])
    assert nodes[2].parent == 0


def test_what_was_turned_down_but_bore_something_kept_is_known() -> None:
    rows = [member(1, is_kept=False), member(2, "t1", is_kept=False), member(3, "t2"), member(4)]
    assert [node.bearing for node in forest(rows)[0]] == [True, True, False, False]


def test_a_line_longer_than_the_stack_is_laid_out() -> None:
    rows = [member(0), *(member(n, f"t{n - 1}") for n in range(1, 5000))]
    nodes, _ = forest(rows)
    assert nodes[-1].depth == 4999
    assert {node.order for node in nodes} == {0}


def test_an_empty_archive_is_an_empty_forest() -> None:
    assert forest([]) == ([], [])
