"""The nouns: their identity, and their strict way through JSON and back."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import pytest

from taskwright.task import (
    ROBOTS,
    Cost,
    CurvePoint,
    Idea,
    Judgement,
    Noun,
    Outcome,
    Record,
    Task,
    Trial,
    from_json,
    to_json,
)

IDEA = Idea(
    title="Kick the ball",
    description="A ball lies in front of the robot.",
    success="The ball is over the line.",
    rewards="Speed of the ball.",
    termination="None.",
    strategy="revision",
    parents=("0123456789ab", "ba9876543210"),
    recipe={"scene": "field", "seed": 3, "sizes": [0.1, 0.2], "nested": {"deep": None}},
)
TASK = Task("class Env: ...  # naïve ☃\n")
TRIAL = Trial(
    verdict="learned",
    reason="19 of 20 episodes",
    success_before=0.0,
    success_after=0.95,
    screening={"idle": 0.0, "random": 0.05, "0123456789ab": 0.1},
    episodes=20,
    interval=(0.76, 0.99),
    steps=100_000,
    seconds=61.5,
    warm_start="0123456789ab",
    seed=7,
    curve=(CurvePoint(1000, 1.5, 0.0, -3.25, 12), CurvePoint(2000, 3.0, 0.5, 8.0, 14)),
)
OUTCOME = Outcome.rejected("step", "It “fell”.", "No ground.", "Make one.")
NOUNS: list[Noun] = [
    IDEA,
    TASK,
    OUTCOME,
    Outcome("passed", seconds=0.75),
    Outcome.broken("The disk is full.", "Free some."),
    TRIAL,
    TRIAL.curve[0],
    Trial("broken", "killed"),
    Judgement("interestingness", False, "seen before", "novelty"),
    Cost(3, 1000, 200, None),
    Record(number=1, status="invalid", reason="no valid code", idea=IDEA),
    Record(
        number=2,
        status="learned",
        reason="kept",
        idea=IDEA,
        task=TASK,
        outcomes=(OUTCOME, Outcome("passed")),
        trial=TRIAL,
        judgements=(Judgement("interestingness", True, "new", "gpt"),),
        stepping_stones=("0123456789ab",),
        novelty=0.31,
        cost=Cost(1, 2, 3, 0.5),
        seconds=99.0,
        created_at="2026-01-01T00:00:00Z",
    ),
]


def test_task_id_is_the_start_of_the_sources_sha_256() -> None:
    expected = hashlib.sha256(TASK.source.encode("utf-8")).hexdigest()[:12]
    assert TASK.task_id == expected
    assert Task("").task_id == "e3b0c44298fc"
    assert Task(TASK.source + "\n").task_id != expected


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
def test_noun_survives_json(noun: Noun) -> None:
    again = from_json(type(noun), to_json(noun))
    assert again == noun
    # A list is not equal to a tuple, nor a dict to a noun: these came back as what they were.
    assert type(again) is type(noun)


def test_equal_nouns_give_equal_text() -> None:
    first = Trial("too_hard", "x", screening={"idle": 0.0, "random": 0.1})
    second = Trial("too_hard", "x", screening={"random": 0.1, "idle": 0.0})
    assert to_json(first) == to_json(second)


def test_nouns_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TASK.source = "other"  # type: ignore[misc]


def changed(noun: Noun, **fields: Any) -> str:
    return json.dumps({**json.loads(to_json(noun)), **fields})


@pytest.mark.parametrize(
    ("noun", "fields", "named"),
    [
        (TASK, {"author": "me"}, "author"),
        (TASK, {"robot": "unicorn"}, "robot"),
        (TASK, {"source": 5}, "source"),
        (TASK, {"source": None}, "source"),
        (OUTCOME, {"verdict": "maybe"}, "verdict"),
        (OUTCOME, {"stage": "later"}, "stage"),
        (OUTCOME, {"seconds": "long"}, "seconds"),
        (IDEA, {"parents": "0123456789ab"}, "parents"),
        (IDEA, {"recipe": [1]}, "recipe"),
        (TRIAL, {"interval": [0.1]}, "interval"),
        (TRIAL, {"curve": [{"steps": 1, "extra": 2}]}, "curve"),
        (TRIAL, {"episodes": 1.5}, "episodes"),
        (NOUNS[-1], {"status": "fine"}, "status"),
        (NOUNS[-1], {"task": {"source": "x", "robot": "r2d2", "name": "y"}}, "task"),
    ],
)
def test_json_that_does_not_fit_is_refused(noun: Noun, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        from_json(type(noun), changed(noun, **fields))


@pytest.mark.parametrize(
    ("noun", "fields", "named"),
    [
        (Judgement("interestingness", False, "old", "x"), {"positive": "yes"}, "positive"),
        (Judgement("interestingness", False, "old", "x"), {"positive": 1}, "positive"),
        (OUTCOME, {"seconds": "1.5"}, "seconds"),
        (TRIAL, {"episodes": "20"}, "episodes"),
        (TRIAL, {"steps": True}, "steps"),
    ],
)
def test_json_that_would_have_to_be_converted_is_refused(
    noun: Noun, fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        from_json(type(noun), changed(noun, **fields))


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"passed"', "{}", b"\xff"])
def test_what_is_no_noun_at_all_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match="validation error"):
        from_json(Task, text)


def test_missing_field_is_named() -> None:
    fields = json.loads(to_json(IDEA))
    del fields["success"]
    with pytest.raises(ValueError, match="success"):
        from_json(Idea, json.dumps(fields))


def test_number_that_json_does_not_know_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json(Outcome("passed", seconds=float("nan")))


def test_report_gives_symptom_cause_and_fix() -> None:
    assert OUTCOME.report == ("[step] It “fell”. Likely cause: No ground. How to fix: Make one.")
    broken = Outcome.broken("The disk is full.")
    assert broken.stage is None
    assert not broken.passed
    assert broken.report.startswith("The disk is full.")


def test_costs_add_up_and_an_unknown_price_stays_unknown() -> None:
    assert Cost(1, 10, 5, 0.5) + Cost(2, 20, 7, 0.25) == Cost(3, 30, 12, 0.75)
    assert (Cost(1, 10, 5, 0.5) + Cost(1, 1, 1, None)).usd is None
    assert Cost(1, 10, 5).tokens == 15


def test_record_without_code_has_no_task_id() -> None:
    without, with_code = NOUNS[-2], NOUNS[-1]
    assert isinstance(without, Record)
    assert isinstance(with_code, Record)
    assert without.task_id is None
    assert with_code.task_id == TASK.task_id


def test_default_robot_exists() -> None:
    assert Task("").robot in ROBOTS


def test_a_trial_of_before_its_evidence_was_kept_can_still_be_read() -> None:
    fields = json.loads(to_json(TRIAL))
    for name in ("rule", "solved_by", "successes", "evaluation_seed", "abandoned_start"):
        del fields[name]
    del fields["return_before"], fields["return_after"]
    old = from_json(Trial, json.dumps(fields))
    assert old == TRIAL
    assert old.rule == ""
    assert old.return_progress is None
    assert old.success_progress == 0.95


def test_learning_progress_can_be_compared_between_tasks() -> None:
    small = dataclasses.replace(TRIAL, return_before=-1.0, return_after=3.0)
    large = dataclasses.replace(TRIAL, return_before=-1000.0, return_after=3000.0)
    assert small.return_progress == large.return_progress == 1.0
    assert dataclasses.replace(TRIAL, return_before=0.0, return_after=0.0).return_progress == 0.0
    assert dataclasses.replace(TRIAL, success_after=None).success_progress is None
