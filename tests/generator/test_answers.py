"""Real answers are wrapped in all sorts of things; what they say is never guessed."""

import pytest

from taskwright.generator.answers import (
    AnswerError,
    Interest,
    parse_code,
    parse_idea,
    parse_interest,
)

IDEA = """TITLE: Cross the bridge
DESCRIPTION: A bridge of 5 m.
It has no railing.
SUCCESS: The robot is on the far side.
REWARDS: Progress.
TERMINATION: None"""

MODULE = '''import numpy as np


class Env(R2D2Env):
    """A task."""
'''


@pytest.mark.parametrize(
    "answer",
    [
        IDEA,
        "Sure, here it is!\n\n" + IDEA,
        IDEA.replace("TITLE:", "**TITLE:**").replace("SUCCESS:", "**Success:**"),
        IDEA.replace("TITLE:", "### TITLE:").replace("REWARDS:", "- REWARDS:"),
        "<think>TITLE: not this one</think>\n" + IDEA,
        "TITLE: a draft, no\nso let me think again</think>" + IDEA,
        "```\n" + IDEA + "\n```",
        IDEA.replace("\n", "\r\n"),
    ],
    ids="plain prose bold headings reasoning cut-reasoning fenced crlf".split(),
)
def test_reads_an_idea_however_it_is_wrapped(answer):
    idea = parse_idea(answer)
    assert idea.title == "Cross the bridge"
    assert "no railing" in idea.description
    assert idea.success == "The robot is on the far side."
    assert idea.termination == "None"


def test_a_missing_field_is_named():
    with pytest.raises(AnswerError, match="SUCCESS"):
        parse_idea(IDEA.replace("SUCCESS:", "WINNING:"))


@pytest.mark.parametrize("answer", ["", "I cannot help with that.", "TITLE:"])
def test_an_answer_without_an_idea_is_refused(answer):
    with pytest.raises(AnswerError):
        parse_idea(answer)


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{MODULE}```",
        f"Here is the code:\n\n```py\n{MODULE}```\nIt uses numpy.",
        f"```\n{MODULE}```",
        f"First a helper:\n```python\nx = 1\n```\nand the module:\n```python\n{MODULE}```",
        f"<thinking>```python\nclass Env: pass\n```</thinking>\n```python\n{MODULE}```",
        MODULE,
    ],
    ids="fenced prose no-label two-blocks reasoning bare".split(),
)
def test_reads_the_module_however_it_is_wrapped(answer):
    assert parse_code(answer) == MODULE


def test_of_two_versions_the_last_counts():
    better = MODULE.replace("A task", "A better task")
    assert parse_code(f"```python\n{MODULE}```\nWait:\n```python\n{better}```") == better


def test_code_that_was_cut_off_is_said_to_be():
    with pytest.raises(AnswerError, match="cut off"):
        parse_code(f"```python\n{MODULE}        x = (")


@pytest.mark.parametrize("answer", ["", "No.", "```python\nx = 1\n```", "class Env(:"])
def test_an_answer_without_a_task_class_is_refused(answer):
    with pytest.raises(AnswerError, match="class Env"):
        parse_code(answer)


@pytest.mark.parametrize("interest", list(Interest))
@pytest.mark.parametrize(
    "form",
    ["VERDICT: {}", "**VERDICT:** {}", "Verdict: **{}**.", "VERDICT: {}\n\nHope this helps!"],
)
def test_every_permitted_verdict_is_read_as_it_was_meant(interest, form):
    answer = "REASON: It is like task 2.\n" + form.format(interest.value)
    judgement = parse_interest(answer, "judge")
    assert judgement.positive is (interest is Interest.YES)
    assert judgement.reason == "It is like task 2."


@pytest.mark.parametrize(
    "verdict",
    ["maybe", "yes", "INTERESTING or NOT INTERESTING", "somewhat INTERESTING", "UNINTERESTING", ""],
)
def test_an_unclear_verdict_is_never_a_yes(verdict):
    with pytest.raises(AnswerError):
        parse_interest(f"REASON: Hm.\nVERDICT: {verdict}", "judge")
