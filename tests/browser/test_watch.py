"""What a run is doing, read from a file that another process writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taskwright.browser.watch import RECENT_BYTES, Watch

TIME = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def line(event: str, **details: Any) -> str:
    return json.dumps({"event": event, "time": TIME, **details}) + "\n"


def write(path: Path, *lines: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(lines)


def test_follows_a_journey_from_its_idea_to_its_record(path: Path) -> None:
    watch = Watch(path)
    write(
        path,
        line("run", author="composer", workers=2),
        line("stage", journey=1, stage="select", title="(no idea yet)"),
        line("stage", journey=1, stage="code", title="Climb", attempt=0, waits_for="model"),
    )
    run, _ = watch.read()
    journey = run.in_flight[1]
    assert (journey.title, journey.stage, journey.place, journey.waits_for) == (
        "Climb",
        "code",
        1,
        "model",
    )
    write(
        path,
        line("stage", journey=1, stage="train", title="Climb"),
        line("job", journey=1, kind="trial", state="begun"),
        line("curve", journey=1, steps=2048, success_rate=0.25, mean_return=1.0),
    )
    run, _ = watch.read()
    assert run.jobs == [(1, "trial")]
    assert (run.in_flight[1].steps, run.in_flight[1].success) == (2048, [0.25])
    write(
        path,
        line("job", journey=1, kind="trial", state="ended"),
        line("record", journey=1, status="learned", title="Climb"),
    )
    run, _ = watch.read()
    assert (run.in_flight, run.jobs) == ({}, [])


def test_several_journeys_fly_at_once(path: Path) -> None:
    write(path, *(line("stage", journey=n, stage="idea") for n in (3, 1, 2)))
    run, _ = Watch(path).read()
    assert sorted(run.in_flight) == [1, 2, 3]


def test_a_run_that_begins_later_is_followed(path: Path) -> None:
    watch = Watch(path)
    run, before = watch.read()
    assert run.command == {}
    write(path, line("run", author="composer"))
    run, after = watch.read()
    assert run.command["author"] == "composer"
    assert after != before


def test_a_line_that_is_half_written_waits_for_its_end(path: Path) -> None:
    whole = line("stage", journey=1, stage="idea", title="größer")
    cut = len(whole) // 2
    watch = Watch(path)
    write(path, line("run"), whole[:cut])
    assert watch.read()[0].in_flight == {}
    write(path, whole[cut:])
    run, _ = watch.read()
    assert run.in_flight[1].title == "größer"
    assert run.unreadable == 0


def test_a_file_that_was_cut_is_read_anew(path: Path) -> None:
    watch = Watch(path)
    write(path, line("run"), *(line("stage", journey=n, stage="idea") for n in range(5)))
    _, before = watch.read()
    path.write_text(line("run", author="another"), encoding="utf-8")
    run, after = watch.read()
    assert (run.in_flight, run.command["author"], run.commands) == ({}, "another", 1)
    assert after != before


def test_a_file_that_was_replaced_or_removed_is_read_anew(path: Path) -> None:
    watch = Watch(path)
    write(path, line("run", author="first"))
    watch.read()
    other = path.with_name("other")
    other.write_text(line("run", author="second") * 3, encoding="utf-8")
    other.replace(path)
    assert watch.read()[0].command["author"] == "second"
    path.unlink()
    assert watch.read()[0].command == {}


@pytest.mark.parametrize(
    "garbage",
    [
        "not json\n",
        "[1, 2]\n",
        "null\n",
        '"text"\n',
        "{}\n",
        '{"event": 7}\n',
        '{"event": "stage"}\n',
        '{"event": "stage", "journey": "x", "stage": 3}\n',
        '{"event": "stage", "journey": true}\n',
        '{"event": "curve", "journey": 1, "success_rate": "high", "steps": null}\n',
        '{"event": "curve", "journey": 1, "success_rate": 1e999}\n',
        '{"event": "model", "total_usd": "dear", "total_tokens": []}\n',
        '{"event": "job", "journey": 1, "kind": "trial", "state": "ended"}\n',
        '{"event": "warning"}\n',
        '{"event": "something new", "journey": 1}\n',
        "[" * 100_000 + "\n",
        "\x00\x00\n",
        "\n",
    ],
)
def test_no_line_stops_the_watch(path: Path, garbage: str) -> None:
    watch = Watch(path)
    write(path, line("run", author="composer"), garbage, line("stage", journey=9, stage="check"))
    run, _ = watch.read()
    assert run.command["author"] == "composer"
    assert run.in_flight[9].stage == "check"


def test_bytes_that_are_no_text_are_counted(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\n" + line("run").encode())
    run, _ = Watch(path).read()
    assert (run.unreadable, run.commands) == (1, 1)


def test_another_command_begins_with_nothing_in_flight(path: Path) -> None:
    write(path, line("run"), line("stage", journey=1, stage="train"), line("run"))
    run, _ = Watch(path).read()
    assert (run.in_flight, run.commands) == ({}, 2)


def test_the_end_is_told(path: Path) -> None:
    write(path, line("run"), line("end", reason="Time is up."))
    assert Watch(path).read()[0].end["reason"] == "Time is up."


def test_model_calls_add_up_and_their_errors_are_noted(path: Path) -> None:
    write(
        path,
        line("model", total_tokens=100, total_usd=0.5),
        line("model", journey=2, total_tokens=150, total_usd=None, error="429"),
        line("warning", text="Beware."),
    )
    run, _ = Watch(path).read()
    assert (run.calls, run.tokens, run.usd) == (2, 150, None)
    assert [note.text for note in run.notes] == ["A model call failed: 429", "Beware."]


def test_a_long_history_leaves_out_the_curves_of_long_ago(path: Path) -> None:
    old = line("curve", journey=1, steps=1, success_rate=0.5, mean_return=0.0)
    count = 6_000_000 // len(old)
    write(path, line("run"), *[old] * count, line("record", journey=1))
    write(path, line("stage", journey=2, stage="train"))
    watch = Watch(path)
    run, version = watch.read()
    assert sorted(run.in_flight) == [2]
    assert version < 2 * RECENT_BYTES / len(old) < count / 2


ODD = (1e999, float("nan"), 10**400, -(10**30), [], {"a": [1]}, None, True, "x" * 5000, "\x1b[2J")


def test_odd_values_are_no_values_wherever_they_stand(path: Path) -> None:
    names = "time author seed tasks minutes workers journey stage title attempt other".split()
    names += "success_rate steps kind state text error total_tokens total_usd reason".split()
    write(
        path, line("run", author="composer"), line("stage", journey=1, stage="code", title="Climb")
    )
    for kind in ("run", "stage", "curve", "job", "model", "warning", "end", "record"):
        write(path, *(json.dumps({**dict.fromkeys(names, v), "event": kind}) + "\n" for v in ODD))
    write(
        path, line("run", author="composer"), line("stage", journey=1, stage="code", title="Climb")
    )
    run, _ = Watch(path).read()
    assert run.in_flight.keys() == {1}
    assert run.in_flight[1].title == "Climb"
    assert all(len(note.text) <= 3_000 for note in run.notes)
    assert abs(run.tokens) <= 2**53


def test_journeys_and_jobs_without_end_are_not_remembered(path: Path) -> None:
    write(path, *(line("stage", journey=n, stage="code") for n in range(5_000)))
    write(path, *(line("job", journey=1, kind="trial", state="begun") for _ in range(5_000)))
    run, _ = Watch(path).read()
    assert len(run.in_flight) <= 1_000
    assert len(run.jobs) <= 100


def test_lines_without_end_are_counted_and_what_follows_is_read(path: Path) -> None:
    path.write_bytes(b"x" * 20_000_000 + b"\n" + b"[" * 500_000 + b"\n" + b"\xff\n")
    write(path, line("warning", text="after"))
    run, _ = Watch(path).read()
    assert [note.text for note in run.notes] == ["after"]
    assert run.unreadable >= 3
