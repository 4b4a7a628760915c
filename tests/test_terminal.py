"""What a person sees while a run goes on."""

import io
import re

import pytest
from rich.console import Console

from taskwright.terminal import LiveView, PlainView, duration, sparkline

EVENTS = [
    {"event": "run", "author": "composer", "counts": {"learned": 1}, "tasks": 3, "minutes": 10},
    {"event": "stage", "journey": 7, "stage": "idea", "title": "(no idea yet)"},
    {"event": "stage", "journey": 7, "stage": "train", "title": "Cross [the] bridge"},
    {"event": "curve", "journey": 7, "steps": 2048, "success_rate": 0.0},
    {"event": "curve", "journey": 7, "steps": 4096, "success_rate": 1.0},
    {"event": "model", "total_tokens": 1234, "total_usd": None},
    {"event": "warning", "text": "The policy is missing."},
]
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
    ):
        assert part in text
    view({"time": "2026-01-01T12:01:00+00:00", **RECORD})
    assert "1 too hard" in seen(view)
    assert "1:01" in seen(view)


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
