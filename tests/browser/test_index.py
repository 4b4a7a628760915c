"""The index: what it lists, how it keeps up, and what it makes of damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from taskwright.archive.store import FILE_NAME, Archive
from taskwright.browser import index as index_module
from taskwright.browser.app import create_app
from taskwright.browser.index import Index, View
from taskwright.task import Idea, Record, Task


@pytest.fixture
def index(archive_dir: Path) -> Index:
    return Index(archive_dir / FILE_NAME)


def numbers(index: Index, view: View, **page: int) -> list[int]:
    return [row.number for row in index.page(view, **page)]


def test_lists_the_newest_first_and_in_parts(index: Index) -> None:
    assert numbers(index, View(), count=3) == [12, 11, 10]
    assert numbers(index, View(), offset=10) == [2, 1]
    assert index.count(View()) == 12


def test_filters_narrow_and_combine(index: Index) -> None:
    learned = View(status=("learned",))
    assert numbers(index, learned) == [12, 11, 6, 4, 2, 1]
    assert numbers(index, View(status=("learned",), generation=(1,))) == [4]
    assert numbers(index, View(strategy=("seed",), sort="oldest")) == [1, 2]
    assert numbers(index, View(robot=("ant",))) == []
    assert numbers(index, View(numbers=((2, 4), (9, 9)))) == [9, 4, 3, 2]


def test_sorts_by_what_is_known_and_the_unknown_last(index: Index) -> None:
    rows = index.page(View(sort="novelty"))
    known = [row.novelty for row in rows if row.novelty is not None]
    assert known == sorted(known, reverse=True)
    assert [row.novelty for row in rows[len(known) :]] == [None] * (len(rows) - len(known))


def test_generation_counts_the_steps_back_to_a_task_without_parents(index: Index) -> None:
    # 12 comes from 6, a revision of 5, made from 4, made from the seed 2.
    assert [index.get(n).generation for n in (2, 4, 5, 6, 12)] == [0, 1, 2, 3, 4]  # type: ignore[union-attr]


def test_counts_of_a_filter_ignore_that_filter_and_respect_the_others(index: Index) -> None:
    facets = index.facets(View(status=("learned",), strategy=("new",)))
    assert facets.strategy == {"new": 3, "revision": 1, "seed": 2}
    assert facets.status["learned"] == 3
    assert facets.status["too_hard"] == 1
    assert facets.total == 12


def test_words_are_found_in_title_description_reason_and_source(index: Index) -> None:
    assert set(index.matches("crate", 50)) == set(range(1, 13)) - {8, 10}
    assert index.matches("crate", 50)[0] in (2, 4, 9)
    assert index.matches("seesaw", 50) == [7]
    assert index.matches("reason 5", 50) == [5]
    assert index.matches("crate_11", 50) == [11]
    assert index.matches("stairs wall", 50) == [5, 6] or index.matches("stairs wall", 50) == [6, 5]


@pytest.mark.parametrize("query", ['"', "a OR", "NEAR(", "*", "title:", "-", "'; DROP TABLE rows"])
def test_a_query_is_never_taken_for_search_syntax(index: Index, query: str) -> None:
    index.matches(query, 50)
    assert index.count(View()) == 12


def test_of_a_long_query_the_first_different_words_count(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert index.matches("crate Crate " * 1000 + "nothing", 50) == []
    assert index.matches(f"crate {'nothing ' * 1000}", 50) == []
    monkeypatch.setattr(index_module, "MOST_WORDS", 2)
    assert index.matches("crate CRATE crat nothing", 50) == index.matches("crate", 50)


def test_keeps_up_with_a_run_that_ends_its_journeys_in_any_order(
    tmp_path: Path, make_record: Callable[..., Record]
) -> None:
    index = Index(tmp_path / FILE_NAME)
    assert index.refresh() == 0
    with Archive.create_or_open(tmp_path) as archive:
        assert index.refresh() == 0
        for _ in range(3):
            archive.start_journey()
        archive.add(make_record(2))
        assert numbers(index, View()) == [2]
        archive.add(make_record(1))
        archive.add(make_record(3))
        assert numbers(index, View()) == [3, 2, 1]


def test_another_archive_in_its_place_is_read_anew(
    archive_dir: Path, tmp_path: Path, make_record: Callable[..., Record]
) -> None:
    index = Index(archive_dir / FILE_NAME)
    assert index.refresh() == 12
    other = tmp_path / "other"
    other.mkdir()
    with Archive.create_or_open(other) as archive:
        archive.start_journey()
        archive.add(make_record(1, title="Another"))
    for extra in ("-wal", "-shm"):
        (archive_dir / (FILE_NAME + extra)).unlink(missing_ok=True)
    (other / FILE_NAME).replace(archive_dir / FILE_NAME)
    assert [row.title for row in index.page(View())] == ["Another"]


def test_a_record_that_is_damaged_is_listed_as_damaged(archive_dir: Path) -> None:
    with sqlite3.connect(archive_dir / FILE_NAME) as connection:
        connection.execute("UPDATE records SET record = substr(record, 1, 99) WHERE number = 4")
        connection.execute("UPDATE records SET title = CAST(x'FF41' AS TEXT) WHERE number = 5")
    index = Index(archive_dir / FILE_NAME)
    row = index.get(4)
    assert row is not None
    assert row.damaged
    assert (row.title, row.status) == ("Push two crates past a wall", "learned")
    broken_text = index.get(5)
    assert broken_text is not None
    assert broken_text.title.endswith("A")
    assert index.count(View()) == 12


@pytest.mark.parametrize(
    "record",
    [
        "[]",
        "7",
        '"text"',
        "null",
        '{"idea": 3, "trial": [1], "cost": "dear"}',
        '{"idea": {"parents": {"a": 1}, "description": 5, "strategy": ["x"]}}',
        '{"idea": {"parents": [1, null, "abc"]}, "seconds": "long"}',
        '{"trial": {"success_before": "half", "success_after": true}, "cost": {"usd": "x"}}',
        '{"reason": {"deep": ["er"]}, "outcomes": [{"stage": 7}]}',
    ],
)
def test_a_record_of_another_shape_is_listed_nonetheless(archive_dir: Path, record: str) -> None:
    with sqlite3.connect(archive_dir / FILE_NAME) as connection:
        connection.execute("UPDATE records SET record = ? WHERE number = 4", (record,))
    client = TestClient(create_app(archive_dir), base_url="http://localhost")
    assert "Push two crates past a wall" in client.get("/").text
    assert client.get("/run").status_code == 200


def test_huge_texts_are_cut_for_the_list(
    tmp_path: Path, make_record: Callable[..., Record]
) -> None:
    with Archive.create_or_open(tmp_path) as archive:
        archive.start_journey()
        idea = Idea("T" * 2_000_000, "D" * 2_000_000, "", "", "")
        archive.add(make_record(1, idea=idea, task=Task("x = 1 " * 400_000)))
    row = Index(tmp_path / FILE_NAME).get(1)
    assert row is not None
    assert len(row.title) < 1000
    assert len(row.description) < 1000
