"""Texts that try to take over a terminal, in every place of a run folder that holds one."""

from __future__ import annotations

import json
import re
from pathlib import Path

from taskwright.archive.store import Archive
from taskwright.task import (
    Cost,
    CurvePoint,
    Finding,
    Idea,
    Judgement,
    Outcome,
    Record,
    Sighting,
    Task,
    Trial,
)

PAYLOAD = (
    "\x1b]0;owned\x07\x1b[2J\x1b[8m\x1b[38;5;199m\x9b31m\x9d0;x\x9c"
    "\x1b]8;;http://evil.invalid\x1b\\link\x1b]8;;\x1b\\\x00\x08\x7f\x85\r"
    "\u202eabc\u202c\u2066x\u2069\u200e\u200f\u061c\u200b\U000e0041\ufe0f\ufe0f\u2028\u2029"
    "[red]a[/red] [link=http://evil.invalid]b[/link] :smile: z" + 40 * "\u0301"
)
WRITTEN_BY_RICH = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[1A|\x1b\[2K|\r")
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u061c\ufeff"
    "\ud800-\udfff\U000e0000-\U000e0fff]|\u0301{6}|\ufe0f\ufe0f"
)


def hostile(name: str) -> str:
    """A text of several lines that begins and ends with a name."""
    return f"{name}\n{PAYLOAD}\n\t{name}-end"


def assert_harmless(written: bytes, *names: str, encoding: str = "utf-8") -> None:
    """Nothing in it is obeyed but what rich itself writes, and the texts of these names are there,
    whole and with their brackets."""
    text = WRITTEN_BY_RICH.sub("", written.decode(encoding))
    found = OBEYED.search(text)
    assert not found, ascii(text[max(found.start() - 80, 0) : found.end() + 20])
    # Two that rich writes too, but not here.
    assert b"\x1b[8m" not in written
    assert b"\x1b[38;5;199m" not in written
    # On a terminal, long lines are broken.
    flat = re.sub(r"\s+", "", text)
    for name in names:
        assert f"{name}-end" in flat, f"{name} is not shown: {text[-3000:]}"
    if names:
        assert "[red]a[/red]" in flat
        assert "[link=http://evil.invalid]b[/link]" in flat
        assert ":smile:" in flat


def hostile_record(number: int, source: str) -> Record:
    """A record of which every text is hostile."""
    idea = Idea(
        hostile("title"),
        hostile("description"),
        hostile("success"),
        hostile("rewards"),
        hostile("termination"),
        hostile("strategy"),
        (hostile("parent"),),
    )
    trial = Trial(
        "learned" if number == 1 else "too_hard",
        hostile("trial-reason"),
        success_before=0.1,
        success_after=0.9,
        screening={hostile("screening"): 0.2},
        interval=(0.8, 0.95),
        steps=100,
        warm_start=hostile("warm-start"),
        abandoned_start=hostile("abandoned"),
        achieved=hostile("achieved"),
        solved_by=hostile("solved-by"),
        curve=(CurvePoint(50, 1.0, 0.5, 1.0, 4), CurvePoint(100, 2.0, 0.9, 2.0, 4)),
        findings=(Finding("dead_term", hostile("finding"), hostile("finding-fix")),),
    )
    return Record(
        number,
        "learned" if number == 1 else "too_hard",
        hostile("reason"),
        idea,
        Task(source),
        (
            Outcome.rejected("step", hostile("symptom"), hostile("cause"), hostile("fix")),
            Outcome("passed"),
        ),
        trial,
        (Judgement("interestingness", True, hostile("judgement"), hostile("judge")),),
        (hostile("stone"),),
        novelty=0.5,
        cost=Cost(1, 2, 3, 0.1),
        created_at=hostile("created"),
        sightings=(Sighting(True, False, hostile("sighting"), hostile("witness")),),
    )


def hostile_call(journey: int) -> dict[str, object]:
    """A line of `llm.jsonl` of which every text is hostile."""
    return {
        "call": hostile("call"),
        "journey": journey,
        "role": hostile("role"),
        "step": hostile("step"),
        "model": hostile("model"),
        "server": hostile("server"),
        "source": hostile("source"),
        "time": hostile("time"),
        "seconds": 1.0,
        "messages": [
            {"role": hostile("speaker"), "content": hostile("question") + "\ud800"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": hostile("part")},
                    {"type": "image_url", "image_url": {"url": hostile("picture")}},
                ],
            },
        ],
        "tries": [{"seconds": 1.0, "error": hostile("try"), "pause_s": 1.0}],
    }


def write_hostile_run(folder: Path, source: str) -> None:
    """A run folder with a kept record and one that was turned down, and two calls of a model."""
    with Archive.create_or_open(folder) as archive:
        for number in (1, 2):
            archive.start_journey()
            archive.add(hostile_record(number, f"{source}# {number}\n"))
    calls = [
        {**hostile_call(1), "error": hostile("error")},
        {**hostile_call(1), "answer": hostile("answer"), "finish_reason": hostile("finish")},
    ]
    lines = [json.dumps(call) + "\n" for call in calls]
    (folder / "llm.jsonl").write_text("".join(lines), encoding="utf-8")
