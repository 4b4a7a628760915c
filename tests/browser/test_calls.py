"""The log of model calls, as it is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from taskwright.browser.calls import Calls


def line(**entry: object) -> str:
    return json.dumps({"messages": [{"role": "user", "content": "Say something."}], **entry}) + "\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "llm.jsonl"


def answers(calls: Calls, journey: int, began: str = "~", ended: str = "~") -> list[str]:
    return [call.answer for call in calls.of_journey(journey, began, ended)]


def test_calls_are_those_of_their_journey(path: Path) -> None:
    path.write_text(
        line(journey=1, answer="a") + line(journey=2, answer="b") + line(journey=1, answer="c")
    )
    calls = Calls(path)
    assert answers(calls, 1) == ["a", "c"]
    assert answers(calls, 3) == []
    (call,) = calls.of_journey(2, "~", "~")
    assert call.messages == (("user", "Say something."),)
    assert call.usd is None


def test_calls_without_a_journey_belong_to_the_one_of_their_time(path: Path) -> None:
    path.write_text(
        "".join(line(time=f"2026-01-01T10:0{n}:00+00:00", answer=str(n)) for n in range(4))
    )
    began, ended = "2026-01-01T10:01:00+00:00", "2026-01-01T10:02:30+00:00"
    assert answers(Calls(path), 7, began, ended) == ["1", "2"]


def test_a_log_that_grows_is_read_on_and_one_that_was_replaced_anew(path: Path) -> None:
    calls = Calls(path)
    assert answers(calls, 1) == []
    path.write_text(line(journey=1, answer="a") + '{"journey": 1, "answer": "b')
    assert answers(calls, 1) == ["a"]
    with path.open("a") as file:
        file.write('"}\n' + line(journey=1, answer="c"))
    assert answers(calls, 1) == ["a", "b", "c"]
    path.write_text(line(journey=1, answer="z"))
    assert answers(calls, 1) == ["z"]


@pytest.mark.parametrize(
    "damaged",
    ["", "not json", "[1, 2]", "[" * 100_000, '{"messages": 5, "usd": "free"}', "\x00\xff"],
)
def test_damaged_lines_are_passed_over(path: Path, damaged: str) -> None:
    path.write_bytes(damaged.encode("latin-1") + b"\n" + line(journey=1, answer="a").encode())
    assert answers(Calls(path), 1) == ["a"]


def test_other_shapes_of_messages_are_shown_as_they_are(path: Path) -> None:
    parts = [{"type": "text", "text": "look"}]
    entries = [
        {"journey": 1, "prompt": "plain", "messages": "plain"},
        {"journey": 1, "messages": [{"role": "user", "content": parts}, "odd"], "error": "Timeout"},
    ]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    plain, made_of_parts = Calls(path).of_journey(1, "~", "~")
    assert plain.messages == (("user", "plain"),)
    assert '"look"' in made_of_parts.messages[0][1]
    assert made_of_parts.error == "Timeout"
