"""Reading what a model says: tolerant of wrapping, strict about content.

Real answers come with extra prose, reasoning tags, bold or numbered labels, wrong fence labels, or
as JSON. All that is looked past; but where the content itself is missing, cut off or ambiguous,
nothing is guessed: `AnswerError` says what was expected, and the model is asked once more with that
sentence.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from ..task import Idea, Judgement, Sighting


class AnswerError(ValueError):
    """The answer cannot be used; the message tells the model what to send instead."""


class Interest(StrEnum):
    """The permitted verdicts of the interestingness judge, as its prompt names them."""

    NO = "NOT INTERESTING"
    YES = "INTERESTING"


class Sight(StrEnum):
    """The permitted verdicts of who looks at pictures of an episode, as its prompt names them."""

    NO = "NOT ACCOMPLISHED"
    YES = "ACCOMPLISHED"
    UNCLEAR = "CANNOT TELL"


IDEA_FIELDS = ("TITLE", "DESCRIPTION", "SUCCESS", "REWARDS", "TERMINATION")
JUDGEMENT_FIELDS = ("CLOSEST", "REASON", "VERDICT")
SIGHTING_FIELDS = ("SEEN", "VERDICT")

_TAG = r"(think|thinking|thought|thoughts|reasoning|analysis|scratchpad)"
_THOUGHTS = (
    (rf"<{_TAG}>", rf"</{_TAG}>"),
    (r"\[THINK\]", r"\[/THINK\]"),  # Mistral
    ("◁think▷", "◁/think▷"),  # Kimi
)
_FINAL_CHANNEL = re.compile(r"<\|channel\|>\s*final\s*(?:<\|[a-z]+\|>[^<]*)?<\|message\|>")
_CONTROL_TOKEN = re.compile(r"<\|[a-z_]+\|>")


def without_reasoning(answer: str) -> str:
    """The answer without the thoughts that some models send before it.

    Thoughts that never end leave nothing: the answer was cut off before it began.
    """
    text = answer
    if "<|message|>" in text:  # gpt-oss behind a server that does not read its channels
        text = _CONTROL_TOKEN.sub("", _FINAL_CHANNEL.split(text)[-1])
    for begin, end in _THOUGHTS:
        text = re.sub(f"{begin}.*?{end}", "", text, flags=re.DOTALL | re.IGNORECASE)
        # A closing tag alone: the server had put the opening one into its prompt template.
        closed = list(re.finditer(end, text, re.IGNORECASE))
        text = text[closed[-1].end() :] if closed else text
        # Only at the start: further on the words may be part of the answer.
        text = re.sub(rf"\A\s*{begin}.*\Z", "", text, flags=re.DOTALL | re.IGNORECASE)
    return text


# Labelled fields.


def parse_fields(answer: str, names: Sequence[str]) -> dict[str, str]:
    """The text of each field, by labels at the beginning of lines or as one JSON object.

    Models that think aloud come to their answer at the end: the last complete set counts. A set
    that has begun anew and is not complete is not filled up from an earlier one.
    """
    text = without_reasoning(answer)
    found = _labelled(text, names) or _from_json(text, names)
    missing = [name for name in names if not found.get(name)]
    if missing:
        raise AnswerError(
            f"The answer has no text for {', '.join(missing)}. Send all of these, each once and on "
            f"a line of its own: {', '.join(name + ': …' for name in names)}"
        )
    return found


def _labelled(text: str, names: Sequence[str]) -> dict[str, str]:
    """The last set of labelled fields: a label that comes again begins another one."""
    found: dict[str, str] = {}
    for name, content in labels(text, names):
        if name in found:
            found = {}
        found[name] = _bare(content)
    return found


def labels(
    text: str, names: Sequence[str], *, outside: re.Pattern[str] | None = None
) -> list[tuple[str, str]]:
    """Each label with the text up to the next one, in their order; labels in what matches
    `outside` are none."""
    label = "|".join(map(re.escape, names))
    pattern = re.compile(
        # Quotes, headings, lists and bold before it; a colon, or a heading of its own, after it.
        rf"^[ \t#>*_`-]*(?:\(?\d+[.)][ \t*_`]*)?(?:"
        rf"({label})[ \t*_`]*[:：][ \t*_]*"
        rf"|(?<=[#*_ ])({label})[*_ \t]*$)",
        re.MULTILINE | re.IGNORECASE,
    )
    seen = text if outside is None else outside.sub(lambda found: _blank(found[0]), text)
    matches = list(pattern.finditer(seen))
    ends = [*(match.start() for match in matches), len(text)][1:]
    return [
        ((match[1] or match[2]).upper(), text[match.end() : end])
        for match, end in zip(matches, ends, strict=True)
    ]


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", "~", text)


def _bare(text: str) -> str:
    """Without the fence that the fields are wrapped in, and what comes after it."""
    return re.split(r"^[ \t]*(?:```|~~~)", text, maxsplit=1, flags=re.MULTILINE)[0].strip(
        " \t\r\n`"
    )


def _from_json(text: str, names: Sequence[str]) -> dict[str, str]:
    """The fields in the last JSON object that has any of them, else none."""
    for value in reversed(list(_json_objects(text))):
        by_name = {str(key).strip().upper(): content for key, content in value.items()}
        found = {name: _plain(by_name.get(name)) for name in names}
        if any(found.values()):
            return found
    return {}


def _json_objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object in a text, an outer one before those in it."""
    decoder = json.JSONDecoder(strict=False)
    for brace in re.finditer(r"\{", text):
        try:
            value, _ = decoder.raw_decode(text, brace.start())
        except (ValueError, RecursionError):
            continue
        yield value


def _plain(value: object) -> str:
    """Text, or a list of texts as lines. Anything else is no text, and is not made into one."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "\n".join(value).strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def parse_idea(answer: str) -> Idea:
    """An idea from its labelled fields."""
    fields = parse_fields(answer, IDEA_FIELDS)
    title = " ".join(fields["TITLE"].split()).strip("\"'“”*_ ").rstrip(".")
    if not title or len(title) > 200:
        raise AnswerError("The TITLE must be a few words, at most 200 characters.")
    return Idea(
        title=title,
        description=fields["DESCRIPTION"],
        success=fields["SUCCESS"],
        rewards=fields["REWARDS"],
        termination=fields["TERMINATION"],
    )


# Code.


@dataclass(frozen=True)
class Block:
    """A fenced code block."""

    code: str
    closed: bool


_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([^`]*?)[ \t]*$")
_CLASS = re.compile(r"^class Env\b", re.MULTILINE)
_LEFT_OUT = re.compile(
    r"^\s*#\s*(?:\.\.\.|…|\(?(?:the )?(?:rest|remaining|other|existing)\b.*"
    r"\b(?:unchanged|same|before|above|omitted|here)\b)",
    re.MULTILINE | re.IGNORECASE,
)

WHOLE_MODULE = "Send one complete module in one ```python block."


def code_blocks(text: str) -> list[Block]:
    """The fenced blocks of a text in their order; empty ones are left out."""
    blocks: list[Block] = []
    fence, lines = "", [""]
    for line in text.splitlines():
        match = _FENCE.match(line)
        if match is None:
            lines.append(line)
        elif not fence:
            fence, lines = match[1], []
        elif match[1].startswith(fence) and not match[2]:
            blocks.append(Block(_dedented(lines), closed=True))
            fence = ""
        elif match[1].startswith(fence):
            # Another block begins before this one has ended.
            blocks.append(Block(_dedented(lines), closed=False))
            lines = []
        else:
            lines.append(line)
    if fence:
        blocks.append(Block(_dedented(lines), closed=False))
    return [block for block in blocks if block.code.strip()]


def _dedented(lines: list[str]) -> str:
    return textwrap.dedent("\n".join(lines)).strip("\n") + "\n"


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
    """The module, where nothing of it was left out. Whether it works, the checks will say."""
    if not re.search(r"^(?:from|import)\s", module, re.MULTILINE):
        raise AnswerError(
            f"The block with `class Env` imports nothing, so it is not all. {WHOLE_MODULE}"
        )
    if _LEFT_OUT.search(module) or _has_ellipsis_body(module):
        raise AnswerError(f"Parts of the module are left out. {WHOLE_MODULE}")
    return module


def _has_ellipsis_body(module: str) -> bool:
    """Whether a function is only `...`. Code that is not Python is left to the checks."""
    try:
        tree = ast.parse(module)
    except (SyntaxError, ValueError, RecursionError):
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
    start = re.search(r'^(?:from|import|"""|#)', text, re.MULTILINE)
    for module in (text, text[start.start() :] if start else ""):
        try:
            tree = ast.parse(module)
        except (SyntaxError, ValueError, RecursionError):
            continue
        if any(isinstance(node, ast.ClassDef) and node.name == "Env" for node in tree.body):
            return module.strip() + "\n"
    return ""


def _module_in_json(text: str) -> str:
    """The module in the only text of a JSON object that defines one; empty where there is none."""
    modules = {
        value.strip() + "\n"
        for found in _json_objects(text)
        for value in found.values()
        if isinstance(value, str) and _CLASS.search(value)
    }
    return modules.pop() if len(modules) == 1 else ""


# Verdicts.


def parse_interest(answer: str, judge: str, titles: Sequence[str]) -> Judgement:
    """A verdict of the interestingness judge, who was shown tasks with these titles, numbered.

    Raises AnswerError for a verdict that was not offered, for two verdicts that differ, and where
    the task named as the closest was not shown: such a judge has not compared anything.
    """
    fields = parse_fields(answer, JUDGEMENT_FIELDS)
    verdict = _one_verdict(answer, fields["VERDICT"], Interest)
    closest = _closest(fields["CLOSEST"], titles)
    if closest is None:
        raise AnswerError(
            f"CLOSEST must be the number of one of the tasks that were listed, 1 to {len(titles)}. "
            f"Send all of these: {', '.join(name + ': …' for name in JUDGEMENT_FIELDS)}"
        )
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
    """The title that is meant, by its number or by its words; None where that is unclear."""
    number = re.match(r"\W*(?:(?:task|no|number)\W*)?(\d+)\b", text, re.IGNORECASE)
    if number:
        return titles[int(number[1]) - 1] if 1 <= int(number[1]) <= len(titles) else None
    named = {title for title in titles if title.casefold() in text.casefold()}
    return named.pop() if len(named) == 1 else None


def _verdict(text: str, options: type[V]) -> V | None:
    """The verdict a field begins with; None where it is none, or goes on to weigh another."""
    # The first line alone: some models go on to explain themselves after the verdict.
    line = text.strip().splitlines()[0] if text.strip() else ""
    head, _, tail = re.sub(r"[*_`\"“”]", " ", line).partition("(")
    parts = re.split(r"[.,;:(–—]| - ", head, maxsplit=1)
    tail += parts[1] if len(parts) > 1 else ""
    if any(option.value.split()[-1] in tail.upper() for option in options):
        return None
    words = tuple(re.sub(r"[^A-Z]+", " ", parts[0].upper()).split())
    return {tuple(option.value.split()): option for option in options}.get(words)
