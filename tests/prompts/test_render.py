"""Prompts are rendered strictly, can be replaced, and offer only answers we can read."""

import re

import pytest

from taskwright.errors import UsageError
from taskwright.generator.answers import (
    IDEA_FIELDS,
    JUDGEMENT_FIELDS,
    Interest,
    parse_idea,
    parse_interest,
)
from taskwright.generator.seeds import example_tasks
from taskwright.prompts import render
from taskwright.task import ROBOT_BASES, ROBOTS, CurvePoint, Idea, Outcome, Trial

IDEA = Idea("Cross the bridge", "A bridge.", "Being across.", "Progress.", "A fall.")


def test_a_value_that_is_missing_is_named():
    with pytest.raises(UsageError, match="failures, kept, titles"):
        render("idea", robot="r2d2", examples=[])


def test_a_template_of_the_user_stands_before_ours(tmp_path):
    (tmp_path / "robot.md.j2").write_text("A robot of mine.")
    prompt = render("code", tmp_path, robot="r2d2", idea=IDEA, sources=[])
    assert "A robot of mine." in prompt
    assert "class `Env(R2D2Env)`" in prompt


def test_a_broken_template_of_the_user_is_one_clear_line(tmp_path):
    (tmp_path / "code.md.j2").write_text("{% if %}")
    with pytest.raises(UsageError, match=r"code.md.j2 cannot be used"):
        render("code", tmp_path, robot="r2d2", idea=IDEA, sources=[])


def test_the_idea_prompt_tells_what_was_learned_and_what_failed_and_why(make_record):
    kept, failed = make_record(1, title="Climb the stairs"), make_record(2, "too_hard")
    prompt = render(
        "idea", robot="r2d2", kept=[kept], failures=[failed], examples=[], titles=["Climb"]
    )
    assert "Climb the stairs" in prompt
    assert "90 %" in prompt
    assert "too hard: a reason" in prompt


def test_the_first_idea_prompt_names_examples_instead():
    ideas = [seed.idea for seed in example_tasks("r2d2")]
    prompt = render("idea", robot="r2d2", kept=[], failures=[], examples=ideas, titles=[])
    assert ideas[0].title in prompt
    assert "learned nothing yet" in prompt


def test_the_revision_prompt_shows_the_curve_in_numbers(make_record):
    points = tuple(CurvePoint(1000 * n, n, n / 100, 10.0 * n, 20) for n in range(1, 30))
    record = make_record(1, "too_hard", trial=Trial("too_hard", "it was", curve=points))
    prompt = render("revision", robot="r2d2", record=record)
    assert "1 % after 1000 steps" in prompt
    assert "10.0 at the beginning, 290.0 at the end" in prompt
    assert prompt.count("steps,") < 12


def test_the_repair_prompt_says_what_was_found():
    outcome = Outcome.rejected("reset", "It fell.", "No ground.", "Create one.")
    prompt = render("repair", robot="r2d2", idea=IDEA, source="x = 1", outcome=outcome)
    for text in ("in the reset check", "It fell.", "No ground.", "Create one.", "x = 1"):
        assert text in prompt


@pytest.mark.parametrize("robot", ROBOTS)
def test_the_code_prompt_is_about_one_robot(robot):
    prompt = render("code", robot=robot, idea=IDEA, sources=[])
    assert f"import {ROBOT_BASES[robot]}`" in prompt
    assert sum(base in prompt for base in ROBOT_BASES.values()) == 1
    assert "The robot is" in prompt


@pytest.mark.parametrize("name", ["idea", "revision"])
def test_an_answer_in_the_form_an_idea_prompt_shows_is_read(name, make_record):
    values = {"kept": [], "failures": [], "examples": [], "titles": [], "record": make_record(1)}
    wanted = {"idea": ("kept", "failures", "examples", "titles"), "revision": ("record",)}[name]
    prompt = render(name, robot="r2d2", **{key: values[key] for key in wanted})
    form = prompt[prompt.index("TITLE:") :]
    assert tuple(re.findall(r"^([A-Z]+):", form, re.MULTILINE)) == IDEA_FIELDS
    assert parse_idea(form).title == "a few words"


@pytest.mark.parametrize("interest", list(Interest))
def test_every_answer_the_judge_is_offered_is_read_as_it_was_meant(interest, make_record):
    prompt = render(
        "interestingness",
        robot="r2d2",
        idea=IDEA,
        neighbours=[make_record(1)],
        yes=Interest.YES.value,
        no=Interest.NO.value,
    )
    form = prompt[prompt.index("REASON:") :]
    assert tuple(re.findall(r"^([A-Z]+):", form, re.MULTILINE)) == JUDGEMENT_FIELDS
    offered = f"VERDICT: {Interest.YES.value} or {Interest.NO.value}"
    assert offered in form
    answer = form.replace(offered, f"VERDICT: {interest.value}")
    assert parse_interest(answer, "judge").positive is (interest is Interest.YES)
