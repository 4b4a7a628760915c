"""Reading what a model says: tolerant of wrapping, strict about content.

Real answers come with extra prose, reasoning tags, bold or numbered labels, wrong fence labels, or
as JSON. All of that is ignored. But where the content itself is missing, cut off or ambiguous,
nothing is guessed: `AnswerError` says what was expected, and the model is asked once more with that
sentence.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeVar

from ..sandbox.syntax import parsed
from ..task import Idea, Judgement, Sighting
from .markup import (
    BLANKS,
    before_fence,
    code_blocks,
    json_objects,
    labels,
    plain,
    without_reasoning,
)


class AnswerError(ValueError):
    """The answer cannot be used; the message tells the model what to send instead."""


class Interest(StrEnum):
    """The permitted verdicts of a judge whose prompt, a user's own, asks for one."""

    NO = "NOT INTERESTING"
    YES = "INTERESTING"


class Sight(StrEnum):
    """The permitted verdicts of who looks at pictures of an episode, as its prompt names them."""

    NO = "NOT ACCOMPLISHED"
    YES = "ACCOMPLISHED"
    UNCLEAR = "CANNOT TELL"


IDEA_FIELDS = ("TITLE", "DESCRIPTION", "SUCCESS", "REWARDS", "TERMINATION")
SKILL = "SKILL"
"""A further field of an idea, which is asked for and may be missing: others can do without it."""
COMPARISON_FIELDS = ("CLOSEST", "REASON", "REACH", "NEW")
MOST_NEWS = 4
MOST_REACH = 100
"""The ends of the scales on which a judge compares; both begin at 0."""
JUDGEMENT_FIELDS = ("CLOSEST", "REASON", "VERDICT")
SIGHTING_FIELDS = ("SEEN", "VERDICT")
LONGEST_TITLE = 200
LONGEST_FIELD = 10_000
"""The most characters of a field, which later prompts and every page repeat. Good ones have
hundreds."""

# Labelled fields.


def parse_fields(answer: str, names: Sequence[str], optional: Sequence[str] = ()) -> dict[str, str]:
    """The text of each field, by labels at the beginning of lines or as one JSON object, and of
    those that are `optional` where they are there.

    Models that think aloud come to their answer at the end: the last complete set counts. A set
    that has begun anew and is not complete is not filled up from an earlier one.
    """
    text = without_reasoning(answer)
    known = (*names, *optional)
    return _complete(_labelled(text, known) or _from_json(text, known), names)


def _complete(found: dict[str, str], names: Sequence[str]) -> dict[str, str]:
    """The fields, if all are there and none is far too long."""
    missing = [name for name in names if not found.get(name)]
    if missing:
        raise AnswerError(
            f"The answer has no text for {', '.join(missing)}. Send all of these, each once and on "
            f"a line of its own: {', '.join(name + ': …' for name in names)}"
        )
    for name in found:
        if len(found[name]) > LONGEST_FIELD:
            raise AnswerError(
                f"The text for {name} has {len(found[name])} characters. Send at most "
                f"{LONGEST_FIELD} for each of {', '.join(names)}."
            )
    return found


def _labelled(text: str, names: Sequence[str]) -> dict[str, str]:
    """The last set of labelled fields: a label that comes again begins another one."""
    found: dict[str, str] = {}
    for name, content in labels(text, names):
        if name in found:
            found = {}
        found[name] = _content(content)
    return found


def _content(text: str) -> str:
    """The text of a field. The fence that may be around the fields, and the text after it, are not
    part of one."""
    return before_fence(text).strip(f"{BLANKS}`")


def _from_json(text: str, names: Sequence[str]) -> dict[str, str]:
    """The fields in the last JSON object that has any of them, else none."""
    for value in reversed(list(json_objects(text))):
        if any((found := _fields_in(value, names)).values()):
            return found
    return {}


def _fields_in(value: dict[str, Any], names: Sequence[str]) -> dict[str, str]:
    """The fields in a JSON object; empty those that it does not have."""
    by_name = {str(key).strip().upper(): content for key, content in value.items()}
    return {name: _text(by_name.get(name)) for name in names}


def _text(value: object) -> str:
    """A text, or a list of texts joined as lines; empty for anything else."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = "\n".join(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    # Characters that JSON writes as escapes were not checked before.
    return plain(value).strip() if isinstance(value, str) else ""


def parse_idea(answer: str) -> Idea:
    """An idea from its labelled fields."""
    return _idea(parse_fields(answer, IDEA_FIELDS, (SKILL,)))


def parse_ideas(answer: str, count: int) -> tuple[Idea | None, ...]:
    """`count` ideas, each from labelled fields below a label with its number, `IDEA 1:`.

    None stands for an idea that is missing, incomplete, or has the title of one before it: each of
    the others is as good as if it had come alone. An idea that comes again counts as it was last.

    Raises AnswerError where no idea can be used.
    """
    text = without_reasoning(answer)
    sets = _numbered(text, count) or _numbered_json(text, count)
    ideas: list[Idea | None] = []
    wrong: list[str] = []
    for number in range(1, count + 1):
        idea = None
        try:
            idea = _idea(_complete(sets.get(number, {}), IDEA_FIELDS))
        except AnswerError as error:
            wrong.append(f"IDEA {number}: {error}")
        titles = {other.title.casefold() for other in ideas if other}
        ideas.append(idea if idea and idea.title.casefold() not in titles else None)
    if not any(ideas):
        raise AnswerError(
            f"The answer has none of the {count} ideas. Send them one below the other, each below "
            f"a line with its number, `IDEA 1:` to `IDEA {count}:`. {wrong[0]}"
        )
    return tuple(ideas)


def _numbered(text: str, count: int) -> dict[int, dict[str, str]]:
    """By number, the last set of labelled fields below that number."""
    # Also those that nobody has asked for: what is below them belongs to none of the others.
    numbers = {f"IDEA {number}": number for number in range(100)}
    sets: dict[int, dict[str, str]] = {}
    number = None
    for name, content in labels(text, ("IDEA", *numbers, *IDEA_FIELDS, SKILL)):
        if name in IDEA_FIELDS or name == SKILL:
            if number is None:
                continue
            if name in sets[number]:
                sets[number] = {}
            sets[number][name] = _content(content)
        else:
            number = numbers.get(name, numbers.get(f"IDEA {content.strip()[:9]}"))
            if number is not None:
                sets[number] = {}
    return {number: found for number, found in sets.items() if 1 <= number <= count}


def _numbered_json(text: str, count: int) -> dict[int, dict[str, str]]:
    """By number, the fields of the last JSON object with that number."""
    sets = {}
    for value in json_objects(text):
        fields = _fields_in(value, ("IDEA", *IDEA_FIELDS, SKILL))
        number = fields.pop("IDEA")
        if number.isascii() and number.isdecimal() and len(number) < 10 and any(fields.values()):
            sets[int(number)] = fields
    return {number: fields for number, fields in sets.items() if 1 <= number <= count}


def _idea(fields: dict[str, str]) -> Idea:
    title = " ".join(fields["TITLE"].split()).strip("\"'“”*_ ").rstrip(".")
    if not title or len(title) > LONGEST_TITLE:
        raise AnswerError(f"The TITLE must be a few words, at most {LONGEST_TITLE} characters.")
    return Idea(
        title=title,
        description=fields["DESCRIPTION"],
        success=fields["SUCCESS"],
        rewards=fields["REWARDS"],
        termination=fields["TERMINATION"],
        skill=" ".join(fields.get(SKILL, "").split()),
    )


# Code.


_CLASS = re.compile(r"^class Env\b", re.MULTILINE)
_IMPORT = re.compile(r"^(?:from|import)\s", re.MULTILINE)
_BEGINNING = re.compile(r'^(?:from|import|"""|#)', re.MULTILINE)
_WORD = re.compile(r"\w++")
_OTHERS = frozenset(("rest", "remaining", "other", "existing"))
_AS_BEFORE = frozenset(("unchanged", "same", "before", "above", "omitted", "here"))
WHOLE_MODULE = "Send one complete module in one ```python block."


def parse_code(answer: str) -> str:
    """The one Python module in an answer: the last block that defines `class Env`."""
    text = without_reasoning(answer)
    blocks = code_blocks(text)
    modules = [block for block in blocks if _CLASS.search(block.code)]
    if blocks and not blocks[-1].closed and (not modules or blocks[-1] is modules[-1]):
        raise AnswerError(
            "The code block is not closed, so the answer was probably cut off. Send the whole "
            "module again, shorter, in one ```python block."
        )
    if modules:
        return _whole(modules[-1].code)
    if not blocks and (module := _unfenced(text) or _module_in_json(text)):
        return _whole(module)
    raise AnswerError(f"The answer has no code block that defines `class Env`. {WHOLE_MODULE}")


def _whole(module: str) -> str:
    """The module, if it is complete. Whether it works is for the checks to find."""
    if not _IMPORT.search(module):
        raise AnswerError(
            f"The block with `class Env` imports nothing, so it is not all. {WHOLE_MODULE}"
        )
    if any(map(_tells_of_a_gap, module.split("\n"))) or _has_ellipsis_body(module):
        raise AnswerError(f"Parts of the module are left out. {WHOLE_MODULE}")
    return module


def _tells_of_a_gap(line: str) -> bool:
    """Whether a line is a comment in the place of code: `# ...` or `# (the rest is unchanged)`."""
    sign, comment = line.strip()[:1], line.strip()[1:].lstrip()
    if sign != "#":
        return False
    if comment.startswith(("...", "…")):
        return True
    if not comment.removeprefix("(")[:1].isalpha():
        return False
    words = _WORD.findall(comment.lower())
    if words[0] == "the":
        words.pop(0)
    return not _OTHERS.isdisjoint(words[:1]) and not _AS_BEFORE.isdisjoint(words[1:])


def _has_ellipsis_body(module: str) -> bool:
    """Whether a function is only `...`. Code that is not Python is left to the checks."""
    try:
        tree = parsed(module)
    except SyntaxError:
        return False
    return any(
        isinstance(last := node.body[-1], ast.Expr)
        and isinstance(last.value, ast.Constant)
        and last.value.value is Ellipsis
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    )


def _unfenced(text: str) -> str:
    """A module without a fence, also below some words; empty where there is none."""
    start = _BEGINNING.search(text)
    for module in dict.fromkeys((text, text[start.start() :] if start else "")):
        try:
            tree = parsed(module)
        except SyntaxError:
            continue
        if any(isinstance(node, ast.ClassDef) and node.name == "Env" for node in tree.body):
            return module.strip() + "\n"
    return ""


def _module_in_json(text: str) -> str:
    """The module in the only text of a JSON object that defines one; empty where there is none."""
    modules = {
        module.strip() + "\n"
        for found in json_objects(text)
        for value in found.values()
        if isinstance(value, str) and _CLASS.search(module := plain(value))
    }
    return modules.pop() if len(modules) == 1 else ""


# Verdicts.


def parse_comparison(
    answer: str, judge: str, titles: Sequence[str], least_news: int, solved: float
) -> Judgement:
    """What the interestingness judge says, who was shown tasks with these titles, numbered.

    A task is interesting where at least `least_news` of it is new, on a scale of 0 to 4, and the
    policy of the closest task would accomplish less than the share `solved` of its episodes: more,
    and its screening would find it too easy.

    Raises AnswerError for a number that was not offered, for two that differ, and where the task
    named as the closest was not shown: such a judge has not compared anything.
    """
    fields = parse_fields(answer, COMPARISON_FIELDS)
    reach = _on_scale(answer, "REACH", MOST_REACH)
    news = _on_scale(answer, "NEW", MOST_NEWS)
    closest = _shown(fields["CLOSEST"], titles, COMPARISON_FIELDS)
    reason = (
        f"Most like “{closest}”, whose policy would succeed in {reach} %; {news} of {MOST_NEWS} "
        f"is new: {fields['REASON']}"
    )
    positive = news >= least_news and reach < 100 * solved
    return Judgement("interestingness", positive, reason, judge, news, reach / 100)


def _on_scale(answer: str, name: str, most: int) -> int:
    """The one whole number that a field gives. Raises AnswerError where it is unclear."""
    text = without_reasoning(answer)
    texts = [content for _, content in labels(text, (name,))]
    texts = texts or [_from_json(text, (name,)).get(name, "")]
    said = {_whole_number(text, most) for text in texts}
    number = said.pop() if len(said) == 1 else None
    if number is None:
        raise AnswerError(f"{name} is unclear. Send it as one whole number from 0 to {most}.")
    return number


def _whole_number(text: str, most: int) -> int | None:
    """The number at the beginning of a field; None where there is none, or another beside it."""
    line = _MARKS.sub("", text.strip().split("\n")[0]).strip()
    found = _SCALED.match(line)
    if not found or len(found[1]) > 9 or int(found[1]) > most:
        return None
    if found[2] and found[2] != str(most):
        return None
    return int(found[1])


def _shown(text: str, titles: Sequence[str], fields: Sequence[str]) -> str:
    """The title of the task that a judge names as the closest. Raises AnswerError where it was not
    shown."""
    closest = _closest(text, titles)
    if closest is None:
        raise AnswerError(
            f"CLOSEST must be the number of one of the tasks that were listed, 1 to {len(titles)}. "
            f"Send all of these: {', '.join(name + ': …' for name in fields)}"
        )
    return closest


def parse_interest(answer: str, judge: str, titles: Sequence[str]) -> Judgement:
    """A verdict of a judge whose prompt asks for one, and who was shown tasks with these titles,
    numbered.

    Raises AnswerError for a verdict that was not offered, for two verdicts that differ, and where
    the task named as the closest was not shown: such a judge has not compared anything.
    """
    fields = parse_fields(answer, JUDGEMENT_FIELDS)
    verdict = _one_verdict(answer, fields["VERDICT"], Interest)
    closest = _shown(fields["CLOSEST"], titles, JUDGEMENT_FIELDS)
    reason = f"Most like “{closest}”: {fields['REASON']}"
    return Judgement("interestingness", verdict is Interest.YES, reason, judge)


def parse_sighting(answer: str, judge: str, code_success: bool) -> Sighting:
    """What a judge saw in pictures of an episode of which the code says `code_success`.

    Raises AnswerError for a verdict that was not offered, and for two verdicts that differ.
    """
    fields = parse_fields(answer, SIGHTING_FIELDS)
    verdict = _one_verdict(answer, fields["VERDICT"], Sight)
    sees = {Sight.YES: True, Sight.NO: False, Sight.UNCLEAR: None}[verdict]
    return Sighting(sees, code_success, fields["SEEN"], judge)


V = TypeVar("V", bound=StrEnum)

_NUMBER = re.compile(r"\W*+(?:(?:task|no|number)\W*+)?(\d++)\b", re.IGNORECASE)
_SCALED = re.compile(
    r"(\d++)\s*%?(?:\s*(?:/|out of|of)\s*(\d++))?\s*(?:$|[.,;:(–—](?!\s*\d)| - )", re.ASCII
)
"""A number, and what it is out of, where nothing follows but an explanation."""
_MARKS = re.compile(r"[*_`\"“”]")
_CLAUSE = re.compile("[.,;:(–—]| - ")
_OTHER_THAN_LETTERS = re.compile("[^A-Z]++")


def _one_verdict(answer: str, text: str, options: type[V]) -> V:
    """The one verdict that an answer gives. Raises AnswerError where it is unclear."""
    verdict = _verdict(text, options)
    said = labels(without_reasoning(answer), ("VERDICT",))
    verdicts = {_verdict(other, options) for _, other in said}
    if verdict is None or len(verdicts - {None}) > 1:
        offered = " or ".join(f"VERDICT: {option.value}" for option in options)
        raise AnswerError(f"The verdict is unclear. End with exactly {offered}.")
    return verdict


def _closest(text: str, titles: Sequence[str]) -> str | None:
    """The title that the judge refers to by its number or its words; None where that is unclear."""
    if found := _NUMBER.match(text):
        # Python converts no number with thousands of digits.
        number = int(found[1]) if len(found[1]) < 10 else 0
        return titles[number - 1] if 1 <= number <= len(titles) else None
    said = text.casefold()
    named = {title for title in titles if title.casefold() in said}
    return named.pop() if len(named) == 1 else None


def _verdict(text: str, options: type[V]) -> V | None:
    """The verdict at the beginning of a field; None where none is there or another one follows."""
    # The first line alone: some models go on to explain themselves after the verdict.
    line = text.strip().splitlines()[0] if text.strip() else ""
    head, _, tail = _MARKS.sub(" ", line).partition("(")
    parts = _CLAUSE.split(head, maxsplit=1)
    tail += parts[1] if len(parts) > 1 else ""
    if any(option.value.split()[-1] in tail.upper() for option in options):
        return None
    words = tuple(_OTHER_THAN_LETTERS.sub(" ", parts[0].upper()).split())
    return {tuple(option.value.split()): option for option in options}.get(words)
