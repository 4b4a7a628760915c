"""What a person sees while a run goes on."""

import dataclasses
import io
import re

import pytest

from taskwright.cli.terminal import (
    LiveView,
    PlainView,
    duration,
    sparkline,
    summary,
    watching,
)
from taskwright.generator.summary import Ending
from taskwright.output import Console
from taskwright.task import Cost

EVENTS = [
    {
        "event": "run", "author": "composer", "counts": {"learned": 1}, "tasks": 3, "minutes": 10,
        "workers": 2,
    },
    {"event": "stage", "journey": 6, "stage": "idea", "title": "(no idea yet)",
     "waits_for": "model"},
    {"event": "stage", "journey": 7, "stage": "idea", "title": "(no idea yet)", "waits_for": None},
    {"event": "stage", "journey": 7, "stage": "train", "title": "Cross [the] bridge",
     "waits_for": "worker"},
    {"event": "job", "journey": 7, "kind": "trial", "state": "begun"},
    {"event": "curve", "journey": 7, "steps": 2048, "success_rate": 0.0},
    {"event": "curve", "journey": 7, "steps": 4096, "success_rate": 1.0},
    {"event": "stage", "journey": 8, "stage": "wait", "title": "Cross it", "waits_for": "journey",
     "other": 7},
    {"event": "model", "total_tokens": 1234, "total_usd": None},
    {"event": "warning", "text": "The policy is missing."},
]  # fmt: skip
RECORD = {
    "event": "record", "journey": 7, "status": "too_hard", "reason": "Not learned.",
    "title": "Cross [the] bridge", "seconds": 61.0,
}  # fmt: skip


def seen(view: LiveView) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(view)
    return out.getvalue()


def test_the_live_view_shows_stage_curve_counts_cost_and_time_left():
    view = LiveView()
    for event in EVENTS:
        view({"time": "2026-01-01T12:00:00+00:00", **event})
    text = seen(view)
    for part in (
        "1 learned",
        "train",
        "▁█ 100% 4k",
        "Cross [the] bridge",
        "1,234 tokens",
        "price unknown",
        "The policy is missing.",
        "left",
        "1 of 2 workers busy · 1 ask the model · 1 wait for others",
        "computing",
        "asks the model",
        "#7",
    ):
        assert part in text
    view({"time": "2026-01-01T12:01:00+00:00", **RECORD})
    assert "1 too hard" in seen(view)
    assert "1:01" in seen(view)


def test_the_live_view_of_a_long_run_remembers_only_what_it_shows():
    view = LiveView()
    view({**EVENTS[0], "time": ""})
    for number in [*range(1, 900), *range(901, 1001)]:
        more = {"journey": number, "title": f"Task {number}.", "waits_for": None, "time": ""}
        view({"event": "stage", "stage": "train", **more})
        view({"event": "stage", "stage": "too_hard", **more})
        view({"event": "record", "status": "too_hard", "seconds": 1.0, **more})
    view({"event": "stage", "stage": "train", **more, "journey": 900, "title": "Under way."})
    text = seen(view)
    assert "999 too hard" in text
    assert [n for n in range(1, 1001) if f"Task {n}." in text] == list(range(988, 1001))
    assert "Under way." in text
    assert len(view._journeys) == 15


def test_the_live_view_draws_before_anything_has_happened():
    assert "task" in seen(LiveView())


def test_the_plain_view_gives_one_line_per_stage_and_the_reason():
    out = io.StringIO()
    view = PlainView(Console(file=out, width=40))
    for event in [*EVENTS, RECORD]:
        view({"time": "2026-01-01T12:00:00+00:00", **event})
    lines = out.getvalue().splitlines()
    assert lines == [
        "12:00:00 #7 train: Cross [the] bridge",
        "12:00:00 #- warning: The policy is missing.",
        "12:00:00 #7 too hard (61 s): Cross [the] bridge",
        "12:00:00 #7     Not learned.",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (61.9, "1:01"), (3599, "59:59"), (3600, "1:00:00")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_a_sparkline_is_never_wider_than_asked_for_and_ends_with_the_last_value():
    assert sparkline([]) == ""
    line = sparkline([n / 99 for n in range(100)], width=10)
    assert len(line) == 10
    assert line[-1] == "█"
    assert re.fullmatch("[▁▂▃▄▅▆▇█]+", line)


def test_the_live_view_shows_all_under_way_and_the_last_that_ended():
    view = LiveView()
    for number in range(1, 31):
        view({"event": "stage", "journey": number, "stage": "idea", "title": f"T{number}.",
              "waits_for": "model"})  # fmt: skip
        if number > 3 and number <= 20:
            view({**RECORD, "journey": number, "title": f"T{number}."})
    shown = [line.split()[0] for line in seen(view).splitlines() if "." in line]
    assert shown == ["1", "2", "3", *map(str, range(20, 31))]


HOSTILE = (
    "Reach\n\x1b]0;owned\x07\x1b[2J\r\u202e\u2028[red]the[/red] :smile: pole " + "long " * 1000
)


@pytest.mark.parametrize("view", ["live", "plain"])
def test_hostile_titles_reasons_and_warnings_are_short_lines_of_text(view):
    out = io.StringIO()
    console = Console(file=out, width=300)
    watcher = LiveView() if view == "live" else PlainView(console)
    for event in [*EVENTS, RECORD]:
        texts = {name: HOSTILE for name in ("title", "text", "reason", "author") if name in event}
        watcher({"time": "2026-01-01T12:00:00+00:00", **event, **texts})
    if view == "live":
        console.print(watcher)
    written = out.getvalue()
    assert "Reach �]0;owned�[2J" in written
    assert "[red]the[/red] :smile: pole" in written
    assert not set(written) & set("\x1b\x07\r\u202e\u2028")
    lines = written.splitlines()
    if view == "live":
        # Titles, and the warning, are cut where they would push the rest off the screen.
        assert sum("long" in line for line in lines) < 12
    else:
        assert all(line.startswith("12:00:00 #") for line in lines)


def test_a_quiet_run_draws_nothing():
    out = io.StringIO()
    with watching(Console(file=out), "quiet") as watcher:
        for event in [*EVENTS, RECORD]:
            watcher(event)
    assert out.getvalue() == ""


ENDING = Ending(
    "Time is up.",
    counts={"learned": 4, "too_hard": 2, "invalid": 3},
    invalid_at={"step": 1, "reward": 2},
    cost=Cost(20, 9000, 1000, 0.5),
    roles={"idea": Cost(10, 4000, 400, 0.2), "code": Cost(10, 5000, 600, 0.3)},
    usd_per_kept=0.125,
    tokens_per_kept=2500,
    seconds=3600.0,
    kept=3,
    kept_per_hour=3.0,
)


def test_a_reason_that_a_server_gave_stays_on_its_line():
    ending = dataclasses.replace(ENDING, reason="It said\nDone.\x1b[2J", agreement=None)
    lines = summary(ending, "runs/a").splitlines()
    assert lines[0] == "It said Done.�[2J In runs/a, the same command goes on."
    assert len(lines) == len(summary(ENDING, "runs/a").splitlines())


def test_the_summary_tells_what_was_kept_turned_down_and_spent():
    text = summary(ENDING, "runs/a")
    for part in (
        "Time is up. In runs/a, the same command goes on.",
        "4 kept, 3 of them in these 1:00:00: 3 per hour.",
        "Turned down: 3 invalid (step 1, reward 2), 2 too hard.",
        "20 model calls: 10,000 tokens, $0.5000. 2,500 tokens, $0.1250 for each task kept.",
        "code 5,000 + 600, idea 4,000 + 400",
    ):
        assert part in text
