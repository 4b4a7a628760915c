"""Reading what a model says: tolerant of wrapping, strict about content.

Real answers come with extra prose, reasoning tags, bold labels and wrong fence labels. All that is
looked past; but where the content itself is missing or ambiguous, nothing is guessed: `AnswerError`
says what was expected, and the model is asked once more with that sentence.
"""

from __future__ import annotations

import ast
import re
from enum import StrEnum

from ..task import Idea, Judgement


class AnswerError(ValueError):
    """The answer cannot be used; the message tells the model what to send instead."""


class Interest(StrEnum):
    """The permitted verdicts of the interestingness judge, as its prompt names them."""

    YES = "INTERESTING"
    NO = "NOT INTERESTING"


IDEA_FIELDS = ("TITLE", "DESCRIPTION", "SUCCESS", "REWARDS", "TERMINATION")
JUDGEMENT_FIELDS = ("REASON", "VERDICT")


def parse_fields(answer: str, names: tuple[str, ...]) -> dict[str, str]:
    """Labelled fields, each label at the beginning of a line. The last use of a label counts, as
    models that think aloud come to their answer at the end."""
    labels = "|".join(names)
    pattern = rf"^[ \t#>*_-]*({labels})[ \t*_]*:[ \t*_]*"
    parts = re.split(pattern, without_reasoning(answer), flags=re.MULTILINE | re.IGNORECASE)
    found = {
        name.upper(): text.strip().rstrip("`").strip()
        for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    missing = [name for name in names if not found.get(name)]
    if missing:
        raise AnswerError(
            f"The answer has no text for {', '.join(missing)}. Send all of these, each on a line "
            f"of its own: {', '.join(name + ': …' for name in names)}"
        )
    return found


def parse_idea(answer: str) -> Idea:
    """An idea from its labelled fields."""
    fields = parse_fields(answer, IDEA_FIELDS)
    title = " ".join(fields["TITLE"].split()).rstrip(".")
    if len(title) > 200:
        raise AnswerError("The TITLE is longer than 200 characters. Send a title of a few words.")
    return Idea(
        title=title,
        description=fields["DESCRIPTION"],
        success=fields["SUCCESS"],
        rewards=fields["REWARDS"],
        termination=fields["TERMINATION"],
    )


def parse_code(answer: str) -> str:
    """The one Python module in an answer: the last fenced block that defines `class Env`."""
    text = without_reasoning(answer)
    blocks: list[str] = re.findall(
        r"^[ \t]*```[^\n`]*\n(.*?)^[ \t]*```[ \t]*$", text, re.MULTILINE | re.DOTALL
    )
    modules = [block for block in blocks if re.search(r"^class Env\b", block, re.MULTILINE)]
    if modules:
        return modules[-1].strip("\n") + "\n"
    if "```" not in text and _is_module(text):
        return text.strip() + "\n"
    if len(re.findall(r"^[ \t]*```", text, re.MULTILINE)) % 2:
        raise AnswerError(
            "The code block is not closed, so the answer was probably cut off. Send the whole "
            "module again, shorter, in one ```python block."
        )
    raise AnswerError(
        "The answer has no code block that defines `class Env`. Send one complete module in one "
        "```python block."
    )


def _is_module(text: str) -> bool:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.ClassDef) and node.name == "Env" for node in tree.body)


def parse_interest(answer: str, judge: str) -> Judgement:
    """A verdict of the interestingness judge."""
    fields = parse_fields(answer, JUDGEMENT_FIELDS)
    # The first line alone: some models go on to explain themselves after the verdict.
    words = re.sub(r"[^A-Z ]+", " ", fields["VERDICT"].splitlines()[0].upper()).split()
    verdicts = {tuple(interest.value.split()): interest for interest in Interest}
    verdict = verdicts.get(tuple(words))
    if verdict is None:
        options = " or ".join(f"VERDICT: {interest.value}" for interest in Interest)
        raise AnswerError(f"The verdict is unclear. End with exactly {options}.")
    return Judgement("interestingness", verdict is Interest.YES, fields["REASON"], judge)


def without_reasoning(answer: str) -> str:
    """The answer without the thoughts that some models send before it."""
    text = re.sub(r"<(think|thinking|reasoning)>.*?</\1>", "", answer, flags=re.DOTALL)
    # A closing tag alone: the server had put the opening one into its prompt template.
    return re.split(r"</(?:think|thinking|reasoning)>", text)[-1]
