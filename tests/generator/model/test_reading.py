"""Reading an answer, whatever it holds."""

from __future__ import annotations

import re

import pytest

from taskwright.errors import BrokenError
from taskwright.generator.answers import AnswerError


def too_deep(answer: str) -> str:
    return too_deep(answer)


def out_of_memory(answer: str) -> str:
    raise MemoryError


def of_its_own_fault(answer: str) -> str:
    return answer[len(answer)]


@pytest.mark.parametrize(
    ("parse", "named"),
    [
        (too_deep, "RecursionError"),
        (out_of_memory, "MemoryError"),
        (of_its_own_fault, "IndexError"),
        (lambda answer: re.compile(answer), "error"),
        (lambda answer: answer.encode("ascii"), "UnicodeEncodeError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_a_parser_raises_is_an_answer_that_cannot_be_read(
    model, meter, model_server, reply, parse, named
):
    model_server.answer = lambda prompt: "(é"
    asked = model()
    with pytest.raises(BrokenError, match=rf"twice: The answer could not be read \({named}\)"):
        asked.ask("idea", "?", parse, meter)
    second = model_server.requests[1]
    assert "could not be read" in second["messages"][2]["content"]
    # It concerns that journey alone.
    assert asked.ask("idea", "another", str, meter) == "(é"


def test_a_parser_that_quotes_the_whole_answer_does_not_have_it_sent_back(
    model, meter, model_server, reply
):
    def quoting(answer: str) -> str:
        raise AnswerError(f"This is no good: {answer}")

    model_server.answer = lambda prompt: "x" * 150_000
    with pytest.raises(BrokenError) as caught:
        model().ask("idea", "?", quoting, meter)
    assert len(model_server.requests[1]["messages"][2]["content"]) <= 2_000
    assert len(str(caught.value)) < 3_000
