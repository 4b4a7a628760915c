"""Run folders that somebody has made to harm whoever opens them."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from taskwright.archive.feedback import Demonstration, Feedback, Interest, Triplet
from taskwright.archive.generalists import write_generalist
from taskwright.archive.store import Archive
from taskwright.generalist import Generalist, GeneralistPoint, TaskSkill
from taskwright.sandbox.recording import Part, RecordedEpisode, Recording, Shape
from taskwright.task import (
    STATUSES,
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
    to_json,
)

HOSTILE = (
    "<script>window.owned = 1</script>",
    "\"><img src=x onerror='window.owned = 1'><img src=//evil.example/x.png>",
    "'><svg onload=window.owned=1><style>*{display:none}</style>",
    "{{ 7 * 7 }}${7 * 7}<%= 7 * 7 %>{% raw %}",
    "</title></textarea></style></script><script>window.owned=1</script>",
    "<a hx-get=/run hx-trigger=load hx-on:load='window.owned=1'>x</a>",
    "javascript:window.owned=1 [x](javascript:alert(1)) ![x](http://evil.example/x.png) | # `",
    "\x1b[2J\x1b]0;owned\x07\x9b31m \u202eevil\u2066\u200f\u2029",
    "]]><!--<link rel=stylesheet href=//evil.example/x.css><base href=//evil.example>",
    "<iframe src=//evil.example></iframe><meta http-equiv=refresh content='0;url=//evil.example'>",
    "w" * 10_000,
)
ALL = "\n".join(HOSTILE)
LARGEST = 1e15
"""Of the numbers that a record may hold."""


def hostile_record(number: int, text: str, *, extreme: bool) -> Record:
    """A record that is sound by its types, in which every text is `text`; `extreme`: and every
    number as large as it may be."""
    status = STATUSES[number % len(STATUSES)]
    large, whole, rate = (LARGEST, 2**53, 1.0) if extreme else (5.0, 5000, 0.9)
    source = f'"""{text}"""\nclass Env(R2D2Env):\n    pass\n# {text} {number}\n'.replace("\0", "")
    curve = tuple(
        CurvePoint(min(n * whole, 2**53), large, rate, (-1) ** n * large, whole) for n in range(3)
    )
    trial = Trial(
        "learned" if status == "learned" else "too_hard",
        text,
        success_before=0.0,
        success_after=rate,
        screening={"idle": rate, text[:300]: 0.1},
        episodes=whole,
        interval=(0.0, rate),
        steps=whole,
        seconds=large,
        warm_start=text,
        seed=-whole,
        curve=curve,
        achieved=text,
        solved_by=text,
        return_before=-large,
        return_after=large,
        abandoned_start=text,
        return_and_success=rate,
        findings=(Finding("unreached", text, text, {text: large}),),
        left_out={text: text},
    )
    return Record(
        number,
        status,
        text,
        Idea(text, text, text, text, text, text, (text, "../../etc", "<script>"), {text: [text]}),
        Task(source),
        (Outcome.rejected("step", text, text, text), Outcome("passed", seconds=large)),
        trial,
        (Judgement("interestingness", True, text, text),),
        (text,),
        large,
        Cost(whole, whole, whole, large, whole),
        large,
        text[:200] if number % 2 else f"2026-01-01T00:00:{number:02}+00:00",
        (Sighting(True, False, text, text),),
    )


def hostile_run(folder: Path, *, extreme: bool = True) -> list[Record]:
    """Fill a folder with a run in which whatever is a text is hostile; returns its records."""
    (folder / "media").mkdir(parents=True)
    texts = (*HOSTILE, ALL, ALL)
    records = [hostile_record(n, text, extreme=extreme) for n, text in enumerate(texts, 1)]
    random = np.random.default_rng(0)
    with Archive.create_or_open(folder) as archive:
        for record in records:
            journal = archive.journal(archive.start_journey())
            journal.once("idea", Idea, lambda record=record: record.idea)
            journal.once(ALL[:500], Task, lambda record=record: record.task)
            journal.once("check 0", Outcome, lambda record=record: record.outcomes[0])
            archive.add(record)
            vector = random.normal(size=384).astype(np.float32)
            vector /= np.linalg.norm(vector)
            archive.keep_embedding(record.idea.text, "all-MiniLM-L6-v2", vector)
        journal = archive.journal(archive.start_journey())
        journal.once("idea", Idea, lambda: records[-1].idea)
    with Feedback.create_or_open(folder) as feedback:
        feedback.add_interest(Interest(1, True))
        feedback.add_triplet(Triplet(1, 2, 3, 2))
        feedback.add_demonstration(
            Demonstration(records[0].task_id or "", "r2d2", 0, 4, ((1.0,),), True)
        )
    _draw(folder, records)
    _tell(folder)
    return records


def _draw(folder: Path, records: list[Record]) -> None:
    """Pictures, the first of which is a page; replays; and a generalist."""
    for record in records:
        Image.new("RGB", (48, 36), (40, 90, 90)).save(folder / "media" / f"{record.task_id}.png")
        replay = to_json(hostile_recording(record.task_id or "")).encode()
        (folder / "media" / f"{record.task_id}.replay.json.gz").write_bytes(gzip.compress(replay))
    picture = folder / "media" / f"{records[0].task_id}.png"
    picture.write_text(f"<!doctype html><svg xmlns='http://www.w3.org/2000/svg'>{HOSTILE[0]}")
    task_id = records[0].task_id or ""
    skill = TaskSkill(task_id, ALL, 2**53, 1, (0.0, 1.0), LARGEST, 1, 1.0)
    points = tuple(
        GeneralistPoint(n, LARGEST, {ALL: 1.0, task_id: 0.5}, {ALL: 2**53}) for n in range(3)
    )
    generalist = Generalist(ALL, "r2d2", ALL, 0, 2**53, LARGEST, True, (skill,), (0.0, 1.0))
    generalist = Generalist(**{**vars(generalist), "dropped": {ALL: ALL}, "curve": points})
    file = write_generalist(folder, Generalist(**{**vars(generalist), "name": "mine"}))
    file.write_text(to_json(generalist))


def hostile_recording(task_id: str) -> Recording:
    shape = Shape("box", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0), (1.0, 0, 0, 1.0))
    far = Part(1, -1, True, 0, (shape,), ((2**40, -(2**40)),) * 3 + ((0,),) * 4, 2)
    terms: dict[str, tuple[float | None, ...]] = dict.fromkeys(HOSTILE, (1e300,))
    episode = RecordedEpisode(
        "trained", 0, True, 1, "stopped", 2, (1e300, 1.0, 1.0), (0.0, 0.0, 0.0), (far,), terms
    )
    return Recording(task_id, "r2d2", 0.066, (episode, episode))


def _tell(folder: Path) -> None:
    """Events, calls, settings and a process that is said to drive the run."""
    events, calls = [], []
    for number, text in enumerate((*HOSTILE, ALL), 100):
        for kind in ("run", "stage", "warning", "model", "job", "curve"):
            texts = ("time", "author", "stage", "title", "text", "error")
            told: dict[str, Any] = dict.fromkeys(texts, text)
            told |= {"event": kind, "isolation": text, "journey": number, "reason": text}
            told |= {"versions": {text: text}, "kind": text, "state": "begun", "waits_for": text}
            told |= {"success_rate": LARGEST, "steps": 2**53, "total_usd": LARGEST, "seed": 2**53}
            events.append(told)
        spoken = [{"role": text, "content": text}, {"role": "user", "content": {text: [text]}}]
        call = {"journey": number - 99, "time": text, "role": text, "model": text, "answer": text}
        call |= {"messages": spoken, "usd": LARGEST, "prompt_tokens": 2**53, "error": text}
        calls.append(call)
    odd: list[Any] = [1e999, float("nan"), 10**400, [], {}, None, True, "x", [[[]]], -(2**70)]
    names: tuple[str, ...] = (
        "journey",
        "success_rate",
        "steps",
        "total_tokens",
        "total_usd",
        "time",
        "title",
    )
    names += ("tasks", "attempts", "minutes", "workers", "seed", "versions", "attempt", "other")
    for value in odd:
        kinds = ("run", "stage", "model", "curve", "job", "warning")
        events += [{"event": k, "journey": 5, **dict.fromkeys(names, value)} for k in kinds]
        calls.append(dict.fromkeys(("journey", "role", "messages", "usd", "prompt_tokens"), value))
    for name, entries in (("events.jsonl", events), ("llm.jsonl", calls)):
        lines = [json.dumps(entry) for entry in entries]
        lines += ["[" * 100_000, '{"a":' * 5_000, "\\", '"' + "x" * 9_000_000 + '"', "5", "null"]
        # The last lines are sound again, so that pages have something to show.
        lines += [json.dumps(entry) for entry in entries[:12]]
        (folder / name).write_bytes("\n".join(lines).encode() + b"\n\xff\xfe\n")
    settings = {"run": {"seed": {ALL: ALL}, "robot": ALL, "minutes": 1e99}, ALL[:100]: ALL}
    settings |= {"model": {"name": ALL, "max_usd": LARGEST, "max_tokens": 2**60}}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    (folder / "run.lock").write_text(str(os.getpid()))
