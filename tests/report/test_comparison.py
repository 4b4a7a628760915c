"""Several runs: how they are grouped, and what is compared."""

from __future__ import annotations

import csv

import pytest

from taskwright.report import write_report
from taskwright.report.comparison import compare, grouped
from taskwright.report.run_data import name_apart, read_run

from .conftest import make_records


@pytest.fixture
def read(make_run):
    def make(name, count=14, **settings):
        return read_run(make_run(name, make_records(count), settings=settings), lambda folder: {})

    return make


def test_runs_that_differ_in_seed_and_limits_alone_are_one_group(read):
    runs = [
        read("a", run={"seed": 0, "tasks": 5}),
        read("b", run={"seed": 1, "minutes": 3, "workers": 2}),
    ]
    (group,), differing = grouped(runs)
    assert group.name == "all runs"
    assert group.runs == runs
    assert differing == []


def test_groups_are_named_by_what_differs(read):
    runs = [
        read("a", run={"seed": 0}),
        read("b", run={"seed": 0}, novelty={"interesting": 0.0}),
        read("c", run={"seed": 1}),
    ]
    groups, differing = grouped(runs)
    assert differing == ["novelty.interesting"]
    assert [group.name for group in groups] == ["interesting 0.12", "interesting 0"]
    assert [[run.name for run in group.runs] for group in groups] == [["a", "c"], ["b"]]


def test_whoever_named_no_model_ran_with_the_composer(read):
    groups, _ = grouped([read("a", model={"name": None}), read("b", model={"name": "composer"})])
    assert len(groups) == 1
    groups, differing = grouped([read("c"), read("d", model={"name": "large-1"})])
    assert differing == ["model.name"]
    assert [group.name for group in groups] == ["name composer", "name large-1"]


def test_many_differences_give_groups_letters(read):
    more = {"trainer": {"max_steps": 5, "environments": 2}, "novelty": {"near_copy": 0.9}}
    groups, differing = grouped([read("a"), read("b", **more)])
    assert [group.name for group in groups] == ["group A", "group B"]
    assert len(differing) == 3


def test_runs_are_compared_after_as_many_journeys_and_on_as_many_kept_tasks(read):
    found = compare([read("short", 7), read("long", 14)])
    assert (found.journeys, found.kept) == (7, 2)
    assert found.numbers["long"]["kept"] == found.numbers["short"]["kept"] == 2
    assert found.numbers["long"]["vendi"] <= 2.0


def test_where_a_run_kept_too_little_diversity_is_not_compared(read):
    found = compare([read("tiny", 1), read("long", 14)])
    assert found.kept == 0
    assert found.numbers["long"]["vendi"] is None


def test_runs_of_one_name_are_told_apart(make_run):
    runs = [read_run(make_run(f"{place}/seed0"), lambda folder: {}) for place in "ab"]
    name_apart(runs)
    assert [run.name for run in runs] == ["a/seed0", "b/seed0"]


def test_the_page_of_several_runs_has_a_table_of_what_differs(make_run, tmp_path):
    folders = [
        make_run("full-0", make_records(14), settings={"run": {"seed": 0}}),
        make_run("full-1", make_records(21), settings={"run": {"seed": 1}}),
        make_run("free-0", make_records(10), settings={"novelty": {"interesting": 0.0}}),
        make_run("free-1", make_records(17), settings={"novelty": {"interesting": 0.0}}),
    ]
    numbers = write_report(folders, tmp_path / "out")
    groups = numbers["comparison"]["groups"]
    assert [group["runs"] for group in groups] == [["full-0", "full-1"], ["free-0", "free-1"]]
    assert groups[0]["metrics"]["kept"]["low"] is not None
    assert groups[0]["difference"] is None
    assert groups[1]["difference"]["kept"]["mean"] == 0.0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<code>novelty.interesting</code>" in page
    assert "The first 10 journeys" in page or "first 10 journeys" in page
    names = {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    assert {"compared-annecs.png", "compared-vendi.svg", "run4-map.png"} <= names
    rows = list(csv.DictReader((tmp_path / "out" / "tables" / "comparison.csv").open()))
    assert {row["group"] for row in rows} == {group["name"] for group in groups}
    assert "## What differs" in (tmp_path / "out" / "report.md").read_text()


def test_runs_with_nothing_in_them_can_be_compared(make_run, tmp_path):
    write_report([make_run("a", []), make_run("b", [])], tmp_path / "out")
    assert (tmp_path / "out" / "report.html").is_file()
