"""Prompts are rendered strictly, can be replaced, and offer only answers we can read."""

import dataclasses
import re

import pytest

from taskwright import prompts
from taskwright.config import Config, TrainerConfig
from taskwright.errors import UsageError
from taskwright.generator.answers import (
    COMPARISON_FIELDS,
    IDEA_FIELDS,
    SKILL,
    parse_comparison,
    parse_idea,
    parse_ideas,
)
from taskwright.generator.seeds import example_tasks
from taskwright.generator.skeleton import RULES, SCENE, assemble, parse_parts
from taskwright.generator.trial_terms import TrialTerms
from taskwright.prompts.words import flat, learning_curve, plainly, skill
from taskwright.task import ROBOT_BASES, ROBOTS, CurvePoint, Finding, Idea, Outcome, Trial

IDEA = Idea("Cross the bridge", "A bridge.", "Being across.", "Progress.", "A fall.")


def render(name, folder=None, **values):
    """A prompt with the numbers of a trial by the default settings, as every prompt is given."""
    return prompts.render(
        name, folder, **{"trial": TrialTerms.of(Config()), "contrast": ""} | values
    )


def idea_prompt(template="idea", **given):
    values = {"kept": [], "failures": [], "examples": [], "titles": [], "strategy": "frontier"}
    return render(template, robot="r2d2", **values | given)


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


POINTS = tuple(CurvePoint(1000 * n, n, n / 100, 10.0 * n, 20) for n in range(1, 30))
HARD = Trial("too_hard", "", 0.0, 0.3, {"idle": 0.0, "random": 0.05}, 96, curve=POINTS)


def test_the_idea_prompt_tells_what_was_learned_and_what_failed_and_why(make_record):
    kept, failed = make_record(1, title="Climb the stairs"), make_record(2, "too_hard", trial=HARD)
    prompt = idea_prompt(kept=[kept], failures=[failed], titles=["Climb"])
    assert "- Climb the stairs (success 0 % before and 90 % after 1000 steps): Scene 1." in prompt
    assert "- Task 2 (too hard: a reason. In training, success rose from 2 % to 29 %" in prompt
    assert "a small step beyond “Climb the stairs”" in prompt


def test_breadth_asks_for_what_nothing_shown_is_like(make_record):
    kept = [make_record(1), make_record(2)]
    prompt = idea_prompt("breadth", kept=kept)
    assert "from all over its archive" in prompt
    assert "a small step beyond" not in prompt
    both = set(prompt.splitlines()) & set(idea_prompt(kept=kept).splitlines())
    assert len(both) > 10, "all else is asked as by the frontier"


def test_an_idea_template_of_the_user_asks_for_breadth_as_well(tmp_path, make_record):
    """It may be of before breadth had a template of its own, and tell by the strategy's name."""
    text = "{% if strategy == 'breadth' %}Anything else!{% else %}Go on.{% endif %}"
    (tmp_path / "idea.md.j2").write_text(text)
    assert render("breadth", tmp_path, robot="r2d2", strategy="breadth") == "Anything else!\n"
    assert render("idea", tmp_path, robot="r2d2", strategy="frontier") == "Go on.\n"


def test_the_first_idea_prompt_names_examples_instead():
    ideas = [seed.idea for seed in example_tasks("r2d2")]
    prompt = idea_prompt(examples=ideas)
    assert ideas[0].title in prompt
    assert "learned nothing yet" in prompt


@pytest.mark.parametrize("name", ["revision", "relabel", "failure"])
def test_a_prompt_after_a_failure_shows_the_evidence(name, make_record):
    trial = dataclasses.replace(HARD, achieved="Of 96 episodes, 96 by time ended.")
    record = make_record(1, "too_hard", trial=trial)
    prompt = render(name, robot="r2d2", subject=record, kept=[], titles=["Climb"])
    assert "the mean return rose from 15 to 285" in prompt
    assert "idle actions 0 %, random actions 5 %" in prompt
    assert "Of 96 episodes, 96 by time ended." in prompt
    assert ("# source 1" in prompt) is (name == "revision")


def test_the_repair_prompt_says_what_was_found():
    outcome = Outcome.rejected("reset", "It fell.", "No ground.", "Create one.")
    prompt = render("repair", robot="r2d2", idea=IDEA, source="x = 1", outcome=outcome)
    for text in ("in the reset check", "It fell.", "No ground.", "Create one.", "x = 1"):
        assert text in prompt


@pytest.mark.parametrize("name", ["repair", "skeleton_repair"])
def test_a_repair_prompt_tells_a_fault_of_training_from_one_of_a_check(name):
    outcome = Outcome.rejected("train", "After 4096 steps of training: Step 855 raised.", "", "")
    given = {"idea": IDEA, "source": "x = 1", "outcome": outcome, "parts": ("BODIES",)}
    prompt = render(name, robot="r2d2", **given)
    assert "It passed its checks. What was found then, in training:\nAfter 4096 steps" in prompt
    assert "train check" not in prompt
    assert "Likely cause" not in prompt, "nothing is known of it"


@pytest.mark.parametrize("robot", ROBOTS)
def test_the_code_prompt_is_about_one_robot(robot):
    prompt = render("code", robot=robot, idea=IDEA, sources=[])
    assert f"import {ROBOT_BASES[robot]}`" in prompt
    assert sum(base in prompt for base in ROBOT_BASES.values()) == 1
    assert "The robot is" in prompt


@pytest.mark.parametrize("name", ["idea", "revision", "relabel", "failure"])
def test_an_answer_in_the_form_an_idea_prompt_shows_is_read(name, make_record):
    given = {"robot": "r2d2", "kept": [], "titles": []}
    if name == "idea":
        given |= {"failures": [], "examples": [], "strategy": "frontier"}
    else:
        given["subject"] = make_record(1)
    prompt = render(name, **given)
    form = prompt[prompt.index("TITLE:") :]
    assert tuple(re.findall(r"^([A-Z]+):", form, re.MULTILINE)) == (*IDEA_FIELDS, SKILL)
    assert parse_idea(form).title == "a few words"
    assert parse_idea(form).skill.startswith("one sentence that tells the task")


def test_answers_in_the_form_a_prompt_for_several_ideas_shows_are_read(make_record):
    given = {"kept": [make_record(1)], "failures": [], "titles": ["Else"], "examples": []}
    requests = [
        render(f"beside_{name}", robot="r2d2", stone=make_record(1), subject=make_record(2)).strip()
        for name in ("frontier", "breadth", "failure")
    ]
    prompt = render("ideas", robot="r2d2", wanted=requests, **given)
    assert "\nIDEA 2 is to be from a region where there is no task yet" in prompt
    assert "a small step beyond “Task 1”" in prompt
    first, last = re.search(r"`(IDEA 1:)` to `(IDEA 3:)`", prompt).groups()
    form = prompt[prompt.index("TITLE:") :]
    assert tuple(re.findall(r"^([A-Z]+):", form, re.MULTILINE)) == (*IDEA_FIELDS, SKILL)
    answer = f"{first}\n{form}\n{last}\n{form.replace('a few words', 'others')}"
    ideas = parse_ideas(answer, 3)
    assert [idea and idea.title for idea in ideas] == ["a few words", None, "others"]


def judge_prompt(idea=IDEA, **given):
    values = {"neighbours": [], "under_way": [], "pictures": 0} | given
    return render("interestingness", robot="r2d2", idea=idea, **values)


@pytest.mark.parametrize("news", range(5))
def test_every_answer_the_judge_is_offered_is_read_as_it_was_meant(news, make_record):
    prompt = judge_prompt(neighbours=[make_record(1)], under_way=[make_record(2).idea])
    form = prompt[prompt.index("CLOSEST:") :]
    assert tuple(re.findall(r"^([A-Z]+):", form, re.MULTILINE)) == COMPARISON_FIELDS
    assert "a whole number from 0 to 100\nNEW: 0, 1, 2, 3 or 4" in form
    assert f"\n{news}: " in prompt
    answer = form.replace("NEW: 0, 1, 2, 3 or 4", f"NEW: {news}")
    answer = answer.replace("the number of the task that is closest", "1")
    for reach in (0, 79, 80, 100):
        given = answer.replace("a whole number from 0 to 100", str(reach))
        judgement = parse_comparison(given, "judge", ["Task 1"], 2, 0.8)
        assert (judgement.news, judgement.reach) == (news, reach / 100)
        assert judgement.positive is (news >= 2 and reach < 80)


def test_a_judge_is_shown_how_tasks_end_and_whose_policies_training_begins_with(make_record):
    neighbours = [make_record(n) for n in (1, 2, 3, 4)]
    flying = dataclasses.replace(IDEA, title="Fly", termination="It lands.", success="It is up.")
    prompt = judge_prompt(neighbours=neighbours, under_way=[flying])
    assert "Termination: A fall." in prompt
    assert "what it learned in one of the first 3:" in prompt
    assert "5. Fly\nA bridge.\nSuccess: It is up. Termination: It lands." in prompt
    assert "what it learned in task 1:" in judge_prompt(neighbours=neighbours[:1])
    none = TrialTerms.of(Config(trainer=TrainerConfig(nearest_policies=0)))
    assert "would begin" not in judge_prompt(neighbours=neighbours, trial=none)


@pytest.mark.parametrize(
    "praise",
    [
        "This trains a new skill that none of the previous tasks has.",
        "Unlike the bridge task, timing matters here!",
        "It is a genuinely new challenge.",
        "Here, for the first time, the robot has to wait.",
        "No other existing task asks for it.",
    ],
)
def test_a_judge_does_not_read_what_a_proposal_says_in_its_own_favour(praise):
    plain = "A bridge of 5 m. The robot has to cross it after the first door and all other doors."
    assert plainly(f"{plain} {praise}") == plain
    assert plainly(f"{praise} {plain}") == plain
    assert plainly(praise) == praise, "else nothing would be left"
    prompt = judge_prompt(dataclasses.replace(IDEA, description=f"{plain} {praise}"))
    assert plain in prompt
    assert praise not in prompt


@pytest.mark.parametrize(("name", "parts"), [("skeleton_scene", SCENE), ("skeleton_rules", RULES)])
def test_an_answer_like_the_example_of_a_skeleton_prompt_is_read(name, parts):
    prompt = render(name, robot="r2d2", idea=IDEA, source="pass")
    example = prompt[prompt.index(f"{parts[0]}:\n") : prompt.index("Answer in this form")]
    assert tuple(parse_parts(example, parts)) == parts


def test_a_skeleton_repair_shows_what_is_to_be_changed_and_how_it_is_sent():
    outcome = Outcome.rejected("reset", "It fell.", "No ground.", "Create one.")
    source = assemble(IDEA, "r2d2", {})
    prompt = render(
        "skeleton_repair", robot="r2d2", source=source, outcome=outcome, parts=(*SCENE, *RULES)
    )
    for name in (*SCENE, *RULES):
        assert f"`# {name}`" in prompt
        assert f"# {name}\n" in source
    for text in ("in the reset check", "It fell.", "class Env(R2D2Env)", "SUCCESS:\n```python"):
        assert text in prompt


def points(*rates):
    return [CurvePoint(1000 * (n + 1), n, rate, 5.0, 20) for n, rate in enumerate(rates)]


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ([0.0] * 20, "success stayed at 0 %;"),
        ([0.3] * 20, "success stayed at about 30 %;"),
        ([0.0] * 12 + [0.4] * 8, "success rose from 0 % to 40 %;"),
        ([n / 20 for n in range(20)], "success rose from 2 % to 92 % and was still rising;"),
        (
            [0.0, 0.0, 0.3] + [0.5] * 17,
            "success rose from 0 % to 50 %, all of it in the first half;",
        ),
        (
            [0.0] * 5 + [0.7] + [0.1] * 14,
            "success rose from 0 % to 70 % after 6000 steps and fell back to 10 %;",
        ),
    ],
    ids="never flat late rising early fell".split(),
)
def test_a_learning_curve_is_told_in_words(rates, told):
    assert learning_curve(points(*rates)).startswith(told)
    assert learning_curve(points(*rates)).endswith("; the mean return stayed about 5")


def test_of_less_than_two_points_there_is_nothing_to_tell():
    assert learning_curve([]) == learning_curve(points(0.5)) == ""


def test_a_text_is_told_on_one_line_and_not_on_a_page():
    assert flat("A bridge\n  of 5 m") == "A bridge of 5 m."
    assert flat("Is it wide?") == "Is it wide?"
    long = flat("word " * 1000)
    assert 600 < len(long) <= 701
    assert long.endswith("word…")
    assert flat("") == "."


def test_of_a_description_on_a_page_stays_what_the_robot_has_to_do():
    stones = [f"A stone of 0.5 m lies at x = {n}.0 m, y = {n % 3} m." for n in range(60)]
    page = " ".join([*stones, "The robot has to jump from each stone to the next."])
    told = flat(page)
    assert len(told) <= 700
    assert told.endswith("The robot has to jump from each stone to the next.")
    assert told.startswith(stones[0])
    assert "[...]" not in told


def test_a_task_is_told_by_its_skill_and_an_older_one_by_what_it_asks_for(make_record):
    old = Idea(
        "Cross", "Two banks lie 5 m apart. The robot has to jump.", "Over there.", "", "None"
    )
    new = dataclasses.replace(old, skill="Jump over a gap at full speed.")
    assert skill(old) == "The robot has to jump. Success: Over there."
    assert skill(new) == "Jump over a gap at full speed."
    prompt = idea_prompt(kept=[make_record(1, idea=new), make_record(2, idea=new)])
    assert prompt.count("Two banks lie 5 m apart.") == 1, "only what is built on is told in full"
    assert prompt.count("Jump over a gap at full speed.") == 1


def test_findings_stand_on_lines_of_their_own(make_record):
    findings = tuple(Finding("unreached", f"Symptom {n}.", f"Fix {n}.") for n in (1, 2))
    trial = dataclasses.replace(HARD, findings=findings)
    prompt = render("revision", robot="r2d2", subject=make_record(1, "too_hard", trial=trial))
    assert "doubtful:\n- Symptom 1.\n- Symptom 2.\n" in prompt
    assert "too short?\n\nMend this first" in prompt
    assert "scene:\n- Fix 1.\n- Fix 2.\n\nSay it" in prompt


def test_whoever_relabels_a_task_is_shown_what_was_learned(make_record):
    """Else it is asked for what the policy does already, which another task may have taught."""
    subject = make_record(1, "too_hard", trial=HARD)
    given = {"robot": "r2d2", "subject": subject, "titles": []}
    prompt = render("relabel", kept=[make_record(2, title="Climb the stairs")], **given)
    assert "is not to be asked for again:\n- Climb the stairs (success 0 %" in prompt
    assert "What it has learned" not in render("relabel", kept=[], **given)


@pytest.mark.parametrize("name", ["idea", "ideas", "failure", "relabel", "revision"])
def test_a_prompt_for_an_idea_tells_the_numbers_that_decide(name, make_record):
    trainer = TrainerConfig(
        easy_success_rate=0.4,
        learned_success_rate=0.7,
        screening_episodes=12,
        max_steps=200_000,
        patience_steps=30_000,
        nearest_policies=2,
        learners={"soft_q": {"discount": 0.95}},
    )
    given = {"kept": [], "failures": [], "examples": [], "titles": [], "strategy": "frontier"}
    given |= {"wanted": ["a", "b"], "subject": make_record(1, "too_hard")}
    trial = TrialTerms.of(Config(trainer=trainer))
    prompt = render(name, robot="r2d2", trial=trial, **given)
    for text in (
        "random actions, driving straight ahead, driving and jumping ahead and the policies of "
        "the 2 kept tasks most like it try it, 12 episodes each",
        "40 % success by idle or random actions, or 70 % by another, is too easy",
        "for at most 200000 actions of 0.066 s, fewer if 30000 bring nothing new",
        "more than 70 % of new episodes",
        # 0.066 s / -ln 0.95
        "What lies 1.3 s ahead counts a third of what comes now, 4 s a twentieth",
    ):
        assert text in prompt, text
    none = TrialTerms.of(Config(trainer=TrainerConfig(nearest_policies=0)))
    assert "policies" not in render(name, robot="r2d2", trial=none, **given)


def test_whoever_has_an_idea_and_whoever_codes_it_are_told_the_same_of_rewards(make_record):
    """An idea in other units was scaled by every coder, in silence, and lost its weights."""
    code = render("code", robot="r2d2", idea=IDEA, sources=[])
    (rewards,) = (line[2:] for line in code.splitlines() if line.startswith("- Rewards are earned"))
    assert "a metre is worth 61 in all" in rewards
    assert "an event of one step at most 10, as much as 0.17 m" in rewards
    assert rewards in idea_prompt()
    assert rewards in render("revision", robot="r2d2", subject=make_record(1, "too_hard"))
    assert "`Changed:`" in code
