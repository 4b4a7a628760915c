"""Long JSON is looked at before it is read: by its first flaw, in little memory."""

from __future__ import annotations

import dataclasses
import json
import resource
import time

import pytest

from taskwright.fitting import LONG_VALUES
from taskwright.task import CurvePoint, Finding, Idea, Record, Task, Trial, from_json, to_json

MANY = LONG_VALUES + 10


def record(**changes: object) -> Record:
    trial = Trial("learned", "it was", 0.1, 0.9, {"idle": 0.0}, 96, (0.8, 0.95))
    idea = Idea("Title", "d", "s", "r", "t", recipe={"any": [{"thing": [1, None, "x"]}]})
    whole = Record(1, "learned", "a reason", idea, Task("x = [1, 2]"), trial=trial)
    return dataclasses.replace(whole, **changes)


def long_record() -> Record:
    curve = tuple(CurvePoint(n, 0.5 * n, 0.5, -1.0, 8) for n in range(MANY // 4))
    finding = Finding("unreached", "s", "f", {"a": 1e300, "b": -0.5})
    trial = dataclasses.replace(record().trial, curve=curve, findings=(finding,))  # type: ignore[type-var]
    return record(trial=trial)


def test_a_long_noun_that_is_sound_is_read() -> None:
    whole = long_record()
    assert from_json(Record, to_json(whole)) == whole


def test_commas_in_texts_are_no_values() -> None:
    source = 'x = "\\", \\\\" + ' + "[1, 2], " * MANY
    assert from_json(Record, to_json(record(task=Task(source)))).task == Task(source)


FLAWS = {
    "a name of its own": lambda found: found.update(evil=1),
    "a name that is missing": lambda found: found.pop("reason"),
    "a text for a number": lambda found: found.update(number="1"),
    "a number for a text": lambda found: found.update(reason=1),
    "yes for a number": lambda found: found.update(number=True),
    "a status of its own": lambda found: found.update(status="kept"),
    "a list for an object": lambda found: found.update(idea=[]),
    "an object for a list": lambda found: found.update(outcomes={}),
    "a pair of three": lambda found: found["trial"].update(interval=[0.1, 0.2, 0.3]),
    "a share above 1": lambda found: found["trial"].update(success_after=1.5),
    "a number that is none": lambda found: found.update(seconds=float("nan")),
    "a count without end": lambda found: found["trial"].update(steps=10**40),
    "a flaw in the last of many": lambda found: found["trial"]["curve"][-1].update(steps=0.5),
    "many flaws": lambda found: found["trial"].update(curve=[1] * 500_000),
    "many names": lambda found: found.update({str(n): n for n in range(100_000)}),
    "many lists": lambda found: found["idea"].update(recipe={"a": [[]] * 600_000}),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flaw_in_a_long_noun_is_found_at_once(flaw: str) -> None:
    found = json.loads(to_json(long_record()))
    FLAWS[flaw](found)
    text = json.dumps(found)
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"shape that was expected|lists and objects"):
        from_json(Record, text)
    assert time.monotonic() - started < 3.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


@pytest.mark.parametrize("flaw", list(FLAWS)[:-4])
def test_a_short_noun_with_a_flaw_is_refused_as_well(flaw: str) -> None:
    found = json.loads(to_json(record()))
    FLAWS[flaw](found)
    with pytest.raises(ValueError, match="validation error"):
        from_json(Record, json.dumps(found))


def test_json_that_is_nested_without_end_is_refused() -> None:
    for text in ("[" * 500_000, '{"a":' * 200_000, "[" + "[1,1]," * 60_000 + "[" * 5_000):
        with pytest.raises(ValueError):  # noqa: PT011  (whose words these are does not matter)
            from_json(Record, text)
