"""Whatever a text is, reading it takes time in proportion to its length, and ends in an answer.

While one answer is read nothing else of a run goes on, and it comes again from the answer cache
when the run does: so a single text that takes hours would be the end of that run.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from adversarial_texts import SHAPES, assert_linear

from taskwright.generator.answers import (
    AnswerError,
    parse_code,
    parse_comparison,
    parse_fields,
    parse_idea,
    parse_interest,
    parse_sighting,
)
from taskwright.generator.seeds import idea_from_docstring, idea_of_source
from taskwright.generator.skeleton import RULES, SCENE, assemble, parse_parts, parts_of
from taskwright.task import Idea, robot_named_in

TITLES = ["Climb the stairs", "Cross the bridge"]


READERS: dict[str, Callable[[str], object]] = {
    "idea": parse_idea,
    "code": parse_code,
    "interest": lambda text: parse_interest(text, "judge", TITLES),
    "comparison": lambda text: parse_comparison(text, "judge", TITLES, 2, 0.8),
    "sighting": lambda text: parse_sighting(text, "eyes", True),
    "fields": lambda text: parse_fields(text, ("TITLE",)),
    "parts": lambda text: parse_parts(text, (*SCENE, *RULES), all_of_them=False),
    "robot": robot_named_in,
    "source": lambda text: idea_of_source(text, "a file"),
    "docstring": idea_from_docstring,
    "parts of a module": lambda text: parts_of(module_of(text)),
}
"""All that reads what models and makers of files have written."""


def module_of(text: str) -> str:
    """A module out of parts, the text in the middle of it and all about."""
    idea = Idea("Title", "Description", "Success", "Rewards", "Termination")
    return assemble(idea, "r2d2", {"BODIES": text[: len(text) // 2]}) + text[len(text) // 2 :]


@pytest.mark.parametrize("reader", READERS)
def test_no_text_takes_longer_than_its_length_explains(reader):
    for name in SHAPES:
        assert_linear(READERS[reader], name, ignoring=AnswerError)
