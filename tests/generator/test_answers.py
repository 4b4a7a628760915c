"""Real answers are wrapped in all sorts of things; what they say is never guessed."""

import contextlib
import json
import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskwright.generator.answers import (
    IDEA_FIELDS,
    AnswerError,
    Interest,
    parse_code,
    parse_comparison,
    parse_idea,
    parse_ideas,
    parse_interest,
)
from taskwright.task import Idea, Task, from_json, to_json

IDEA = """TITLE: Cross the bridge
DESCRIPTION: A bridge of 5 m.
It has no railing.
SUCCESS: The robot is on the far side.
REWARDS: Progress.
TERMINATION: None"""

FIELDS = dict(line.split(": ", 1) for line in IDEA.replace(".\nIt", ". It").splitlines())

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
        "```\n" + IDEA + "\n```\nI hope that this is what you wanted!",
        IDEA.replace("\n", "\r\n"),
        IDEA.replace("\n", "\r"),
        IDEA.replace("\nS", "\u2028S").replace("\nR", "\fR").replace("\nT", "\x1c T"),
        "\ufeff" + IDEA.replace("SUCCESS", "\u200b\u00a0SUCCESS"),
        re.sub(r"^([A-Z]+:)", r"1. **\1** ", IDEA, flags=re.MULTILINE),
        re.sub(r"^([A-Z]+): ", r"## \1\n\n", IDEA, flags=re.MULTILINE),
        re.sub(r"^([A-Z]+): ", r"**\1**\n", IDEA, flags=re.MULTILINE),
        IDEA.replace(":", "："),
        "TITLE: a draft\nDESCRIPTION: of something else\n\nNo, rather this:\n\n" + IDEA,
        "```json\n" + json.dumps(FIELDS) + "\n```",
        "My task: " + json.dumps({"task": {name.lower(): text for name, text in FIELDS.items()}}),
        "[THINK]TITLE: no[/THINK]" + IDEA,
        "◁think▷TITLE: no◁/think▷" + IDEA,
        "<|channel|>analysis<|message|>TITLE: no<|end|><|start|>assistant<|channel|>final"
        "<|message|>" + IDEA + "<|return|>",
    ],
    ids="plain prose bold headings reasoning cut-reasoning fenced fenced-and-prose crlf cr "
    "separators invisible numbered "
    "markdown-headings bold-headings wide-colons draft json json-inside mistral kimi "
    "harmony".split(),
)
def test_reads_an_idea_however_it_is_wrapped(answer):
    idea = parse_idea(answer)
    assert idea.title == "Cross the bridge"
    assert "no railing" in idea.description
    assert idea.success == "The robot is on the far side."
    assert idea.termination == "None"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a smile \ud83d\ude00", "a smile 😀"),
        ("half \ud83d of it", "half \ufffd of it"),
        ("the other \ude00", "the other \ufffd"),
        ("nothing\0at all", "nothing\ufffdat all"),
    ],
    ids="pair first-half second-half null".split(),
)
def test_what_is_no_text_is_replaced_so_that_the_rest_can_be_stored(text, read):
    escaped = json.dumps({**FIELDS, "TITLE": text, "REWARDS": [text, "b"]})
    for answer in (IDEA.replace("Cross the bridge", text), escaped):
        idea = parse_idea(answer)
        assert idea.title == read
        assert from_json(Idea, to_json(idea)) == idea
    module = MODULE.replace("A task.", text)
    for answer in (f"```python\n{module}```", json.dumps({"code": module})):
        source = parse_code(answer)
        assert source == MODULE.replace("A task.", read)
        assert from_json(Task, to_json(Task(source))).task_id == Task(source).task_id


def test_a_field_that_is_far_too_long_is_named():
    long = "word " * 3000
    for answer in (IDEA.replace("Progress.", long), json.dumps({**FIELDS, "REWARDS": long})):
        with pytest.raises(AnswerError, match="REWARDS has 14999 characters"):
            parse_idea(answer)
    with pytest.raises(AnswerError, match="TITLE must be a few words"):
        parse_idea(IDEA.replace("Cross", "Cross over " * 20))


def test_a_missing_field_is_named():
    with pytest.raises(AnswerError, match="SUCCESS"):
        parse_idea(IDEA.replace("SUCCESS:", "WINNING:"))


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I cannot help with that.",
        "TITLE:",
        "<think>\n" + IDEA,
        IDEA + "\n\nTITLE: Another\nDESCRIPTION: that was cut o",
        json.dumps({**FIELDS, "SUCCESS": {"x": 1.0}}),
        json.dumps(FIELDS)[:-20],
    ],
    ids="empty refusal label thoughts-cut second-cut json-nested json-cut".split(),
)
def test_an_answer_without_a_whole_idea_is_refused(answer):
    with pytest.raises(AnswerError):
        parse_idea(answer)


# Any text that holds no label, fence or tag of its own.
plain = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="`~<[◁:：{*_#"),
    min_size=1,
).map(lambda text: f"a {text} z")


@given(st.lists(plain, min_size=5, max_size=5), st.sampled_from(["{}: {}", "**{}:** {}"]))
def test_every_text_of_an_idea_is_read_back_as_it_was_written(texts, form):
    answer = "\n".join(form.format(*pair) for pair in zip(IDEA_FIELDS, texts, strict=True))
    idea = parse_idea(answer)
    read = [idea.description, idea.success, idea.rewards, idea.termination]
    assert read == texts[1:]


def numbered(sets, form="IDEA {}:\n") -> str:
    return "\n\n".join(form.format(number) + text for number, text in sets)


def titled(title: str) -> str:
    return IDEA.replace("Cross the bridge", title)


@pytest.mark.parametrize(
    "form",
    ["IDEA {}:\n", "**IDEA {}:**\n", "### Idea {}\n\n", "IDEA: {}\n", "1. IDEA {}: Bridge\n"],
)
def test_several_ideas_are_told_apart_by_their_numbers(form):
    answer = "Here you are.\n\n" + numbered([(1, titled("A")), (2, titled("B"))], form)
    assert [idea.title for idea in parse_ideas(answer, 2)] == ["A", "B"]
    assert all(idea.termination == "None" for idea in parse_ideas(answer, 2))


def test_several_ideas_are_read_from_json():
    ideas = [{"idea": number, **FIELDS, "TITLE": f"Task {number}"} for number in (2, 1)]
    assert [idea.title for idea in parse_ideas(json.dumps(ideas), 2)] == ["Task 1", "Task 2"]


@pytest.mark.parametrize(
    ("answer", "titles"),
    [
        (numbered([(2, titled("B")), (1, titled("A"))]), ["A", "B", None]),
        (numbered([(n, titled(f"T{n}")) for n in range(1, 6)]), ["T1", "T2", "T3"]),
        (numbered([(1, titled("A")), (2, titled("a")), (3, titled("C"))]), ["A", None, "C"]),
        (
            numbered([(1, titled("A")), (2, titled("B").partition("REW")[0]), (3, titled("C"))]),
            ["A", None, "C"],
        ),
        (
            numbered([(1, titled("A")), (2, titled("B")), (1, titled("better"))]),
            ["better", "B", None],
        ),
        (
            numbered([(1, titled("A")), (2, titled("B")), (1, "TITLE: cut o")]),
            [None, "B", None],
        ),
        (numbered([(1, titled("A")), (2, titled("B") + "\n" + titled("new"))]), ["A", "new", None]),
        (titled("none of them") + "\n\n" + numbered([(3, titled("C"))]), [None, None, "C"]),
    ],
    ids="order more twins malformed again again-cut redone unnumbered".split(),
)
def test_what_is_no_whole_idea_of_its_own_leaves_the_others_as_they_are(answer, titles):
    assert [idea and idea.title for idea in parse_ideas(answer, 3)] == titles


@pytest.mark.parametrize(
    "answer", ["", "No.", IDEA, numbered([(3, IDEA)]), numbered([(0, IDEA), (10**12, IDEA)])]
)
def test_an_answer_without_any_of_the_ideas_is_refused(answer):
    with pytest.raises(AnswerError, match=r"none of the 2 ideas.*`IDEA 1:` to `IDEA 2:`.*TITLE"):
        parse_ideas(answer, 2)


@given(
    st.lists(st.lists(plain, min_size=5, max_size=5), min_size=1, max_size=4),
    st.sampled_from(["{}: {}", "**{}:** {}"]),
)
def test_every_text_of_several_ideas_is_read_back_as_it_was_written(sets, form):
    answer = numbered(
        (number, "\n".join(form.format(*pair) for pair in zip(IDEA_FIELDS, texts, strict=True)))
        for number, texts in enumerate(sets, 1)
    )
    seen = set()
    for idea, texts in zip(parse_ideas(answer, len(sets)), sets, strict=True):
        alone = parse_idea("\n".join(f"{n}: {t}" for n, t in zip(IDEA_FIELDS, texts, strict=True)))
        assert idea == (None if alone.title.casefold() in seen else alone)
        seen.add(alone.title.casefold())


@given(st.text(max_size=300) | st.text('TITLE:VERDC NO`<think>/{}\n"', max_size=300))
def test_whatever_comes_is_read_or_refused(answer):
    for parse in (
        parse_idea,
        parse_code,
        lambda text: parse_ideas(text, 3),
        lambda text: parse_interest(text, "judge", ["Task"]),
        lambda text: parse_comparison(text, "judge", ["Task"], 2, 0.8),
    ):
        with contextlib.suppress(AnswerError):
            parse(answer)


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{MODULE}```",
        f"Here is the code:\n\n```py\n{MODULE}```\nIt uses numpy.",
        f"```\n{MODULE}```",
        f"```python title=env.py\n{MODULE}```",
        f"~~~python\n{MODULE}~~~",
        f"````python\n{MODULE}````",
        f"```python\n```python\n{MODULE}```",
        "1. The code:\n\n" + textwrap.indent(f"```python\n{MODULE}```", "   "),
        f"First a helper:\n```python\nx = 1\n```\nand the module:\n```python\n{MODULE}```",
        f"```python\n{MODULE}```\nUse it so:\n```python\nenv = Env()\n```",
        f"<thinking>```python\nclass Env: pass\n```</thinking>\n```python\n{MODULE}```",
        f"\f```python\n{MODULE}```\f",
        f"Here it is:\u2028```python\u2028{MODULE}```\u2028Good luck!",
        f"```python\n{MODULE}```".replace("\n", "\r"),
        MODULE,
        f"Sure! Here is the environment.\n\n{MODULE}",
        json.dumps({"code": MODULE, "notes": "none"}),
    ],
    ids="fenced prose no-label titled tildes four-ticks doubled indented two-blocks usage "
    "reasoning form-feeds separators cr bare bare-and-prose json".split(),
)
def test_reads_the_module_however_it_is_wrapped(answer):
    assert parse_code(answer) == MODULE


def test_characters_in_a_text_of_the_code_end_no_line_of_it():
    module = MODULE.replace("A task.", "One\u2028two\x1cthree\ffour\x85five.")
    assert parse_code(f"```python\n{module}```") == module
    assert parse_code(f"```python\n{textwrap.indent(module, '  ')}```") != ""


def test_of_two_versions_the_last_counts():
    better = MODULE.replace("A task", "A better task")
    assert parse_code(f"```python\n{MODULE}```\nWait:\n```python\n{better}```") == better


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{MODULE}        x = (",
        f"```python\n{MODULE}```\nBetter:\n```python\n{MODULE}    def reset(se",
    ],
    ids="only second".split(),
)
def test_code_that_was_cut_off_is_said_to_be(answer):
    with pytest.raises(AnswerError, match="cut off"):
        parse_code(answer)


@pytest.mark.parametrize(
    "rest",
    [
        "    # ... rest unchanged",
        "    # (the other methods are the same as before)",
        "    # …",
        "    def reset(self):\n        ...",
    ],
)
def test_code_of_which_parts_are_left_out_is_refused(rest):
    with pytest.raises(AnswerError, match="left out"):
        parse_code(f"```python\n{MODULE}{rest}\n```")


def test_a_class_apart_from_its_imports_is_not_put_together():
    imports, rest = MODULE.split("\n", 1)
    with pytest.raises(AnswerError, match="imports nothing"):
        parse_code(f"```python\n{imports}\n```\n\n```python\n{rest}```")


@pytest.mark.parametrize(
    "rest",
    [
        "    # other boxes are beside it",
        "    # the same box as before",
        "    # therest unchanged",
        "    x = 1  # ... and so on",
    ],
)
def test_comments_that_only_resemble_such_a_gap_are_none(rest):
    assert parse_code(f"```python\n{MODULE}{rest}\n```").endswith(f"{rest}\n")


@pytest.mark.parametrize(
    "code",
    [
        "if 1:\n    pass\n" + "elif 1:\n    pass\n" * 9000 + "x = 1",
        "x = " + "-" * 90_000 + "1",
        "x = " + "not " * 9000 + "1",
        "x = " + "lambda: " * 9000 + "1",
        "x = " + "(" * 150 + "1" + ")" * 150,
        "x = a" + ".a" * 9000,
        "x = 0" + "1" * 9000,
        "x = " + "1" * 9000,
    ],
    ids="elif minus not lambda brackets attributes zeros digits".split(),
)
def test_a_module_that_breaks_the_parser_is_left_to_the_checks(code):
    module = f"{MODULE}\n\n{code}\n"
    assert parse_code(f"```python\n{module}```") == module
    with contextlib.suppress(AnswerError):
        assert parse_code(module) == module


@pytest.mark.parametrize("answer", ["", "No.", "```python\nx = 1\n```", "class Env(:"])
def test_an_answer_without_a_task_class_is_refused(answer):
    with pytest.raises(AnswerError, match="class Env"):
        parse_code(answer)


TITLES = ["Climb the stairs", "Cross the bridge"]


def judged(verdict, closest="2"):
    answer = f"CLOSEST: {closest}\nREASON: It is wider.\nVERDICT: {verdict}"
    return parse_interest(answer, "judge", TITLES)


@pytest.mark.parametrize("interest", list(Interest))
@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "**{}**",
        "**{}**.",
        "{}\n\nHope this helps!",
        "{} (it is a copy)",
        "{}, since it is a copy",
    ],
)
def test_every_permitted_verdict_is_read_as_it_was_meant(interest, form):
    for value in (interest.value, interest.value.lower(), interest.value.replace(" ", "_")):
        judgement = judged(form.format(value))
        assert judgement.positive is (interest is Interest.YES)
        assert judgement.reason == "Most like “Cross the bridge”: It is wider."


@pytest.mark.parametrize(
    "verdict",
    [
        "maybe",
        "yes",
        "INTERESTING or NOT INTERESTING",
        "somewhat INTERESTING",
        "UNINTERESTING",
        "",
        "INTERESTING, but in the end NOT INTERESTING",
        "NOT",
        "NOT INTERESTING / INTERESTING",
        "INTERESTING\nREASON: On second thoughts, no.\nVERDICT: NOT INTERESTING",
    ],
)
def test_an_unclear_verdict_is_never_a_yes(verdict):
    with pytest.raises(AnswerError):
        judged(verdict)


@pytest.mark.parametrize(
    "closest", ["2", "Task 2", "#2 (Cross the bridge)", "“Cross the bridge”", "NO. 2", "٢", "002"]
)
def test_the_closest_task_is_named_by_number_or_by_title(closest):
    assert "Cross the bridge" in judged("INTERESTING", closest).reason


@pytest.mark.parametrize(
    "closest",
    ["0", "3", "none of them", "some", "Build a tower", "2nd", "1" * 5000, "٣", "-" * 5000],
)
def test_a_judge_who_compared_with_nothing_that_was_shown_is_asked_again(closest):
    with pytest.raises(AnswerError, match="CLOSEST"):
        judged("INTERESTING", closest)


def test_an_idea_may_come_with_its_skill_and_older_ones_come_without():
    form = "TITLE: Cross\nDESCRIPTION: A gap.\nSUCCESS: Over.\nREWARDS: Speed.\nTERMINATION: None"
    assert parse_idea(form).skill == ""
    assert parse_idea(form).termination == "None"
    with_skill = f"{form}\n**SKILL:** Jump over\n a gap."
    assert parse_idea(with_skill).skill == "Jump over a gap."
    assert parse_idea(with_skill).termination == "None"
    first, second = parse_ideas(
        f"IDEA 1:\n{with_skill}\nIDEA 2:\n{form.replace('Cross', 'Climb')}", 2
    )
    assert (first.skill, second.skill) == ("Jump over a gap.", "")
    with pytest.raises(AnswerError, match="SKILL has 10001 characters"):
        parse_idea(f"{form}\nSKILL: {'x' * 10_001}")


def compared(news="3", reach="20", closest="2"):
    answer = f"CLOSEST: {closest}\nREASON: It is wider.\nREACH: {reach}\nNEW: {news}"
    return parse_comparison(answer, "judge", TITLES, 2, 0.8)


@pytest.mark.parametrize(
    "form", ["{}", "**{}**", "**{}**.", "{} (it is so)", "{}, since", "{}\n\nBye"]
)
def test_every_number_that_a_judge_may_give_is_read_as_it_was_meant(form):
    for news in range(5):
        judgement = compared(form.format(news))
        assert (judgement.news, judgement.positive) == (news, news >= 2)
        assert (
            compared(form.format(f"{news}/4")) == compared(form.format(f"{news} of 4")) == judgement
        )
    for reach in range(101):
        judgement = compared(reach=form.format(reach))
        assert (judgement.reach, judgement.positive) == (reach / 100, reach < 80)
        assert compared(reach=form.format(f"{reach} %")) == judgement
        assert judgement.reason == (
            f"Most like “Cross the bridge”, whose policy would succeed in {reach} %; 3 of 4 is "
            "new: It is wider."
        )


@pytest.mark.parametrize(
    "number",
    [
        *"5 -1 2.5 2-3 2,3 many 1e1 ٣ 3rd 2/5".split(),
        *("2 or 3", "2, 3", "", "9" * 5000, "3\nREASON: No.\nNEW: 1"),
    ],
)
def test_an_unclear_number_is_never_a_yes(number):
    with pytest.raises(AnswerError):
        compared(number)


def test_numbers_are_read_from_json():
    answer = {"closest": 1, "reason": "It is wider.", "reach": 90, "new": 1}
    judgement = parse_comparison(json.dumps(answer), "judge", TITLES, 1, 0.95)
    assert (judgement.news, judgement.reach, judgement.positive) == (1, 0.9, True)


def test_whoever_compares_with_nothing_that_was_shown_is_asked_again():
    with pytest.raises(AnswerError, match=r"CLOSEST must be .*REACH: …, NEW: …"):
        compared(closest="3")
