"""The idea in a file that somebody wrote: found without running it, whatever else is in there."""

from __future__ import annotations

import pytest

from taskwright.errors import UsageError
from taskwright.generator.seeds import idea_from_docstring, idea_of_source, read_idea
from taskwright.task import Idea, from_json, to_json

DOCSTRING = """
    Cross the bridge.

    It is narrow.

    Description:
    A bridge of 5 m.
        Success:
    Being across.

    Rewards:
    Speed: metres per second.
    Termination:
    """


def test_sections_are_found_by_their_headings():
    idea = idea_from_docstring(DOCSTRING)
    assert idea.title == "Cross the bridge"
    assert idea.description == "It is narrow.\nA bridge of 5 m."
    assert (idea.success, idea.termination) == ("Being across.", "")
    assert idea.rewards == "Speed: metres per second."


def test_a_docstring_without_headings_is_title_and_description():
    idea = idea_from_docstring("Drive\nSuccess is near.\nrewards:\nnone")
    assert (idea.title, idea.description) == ("Drive", "Success is near.\nrewards:\nnone")
    assert (idea.success, idea.rewards) == ("", "")


def test_of_a_section_that_comes_twice_the_last_counts():
    assert idea_from_docstring("T\nSuccess:\nNo.\nSuccess:\nYes.").success == "Yes."


def test_a_first_line_that_is_no_title_is_cut_and_kept_as_description():
    idea = idea_from_docstring(f"{'Drive on ' * 100}\nto the end\nDescription:\nA road.")
    assert len(idea.title) == 200
    assert idea.title.endswith("on D…")
    assert idea.description == f"{'Drive on ' * 100}\nto the end\nA road."


@pytest.mark.parametrize(
    "source",
    [
        "if 1:\n pass\n" + "elif 1:\n pass\n" * 9000,
        "x = " + "-" * 90_000 + "1",
        "x = a" + ".a" * 4000,
        "x = '\0'",
        "x = '\ud800'",
        "x = " + "1" * 5000,
        "class Env(",
        "class Env: pass",
    ],
    ids="elif minus attributes null surrogate digits cut-off undocumented".split(),
)
def test_a_source_without_a_readable_docstring_has_the_title_it_is_given(source):
    assert idea_of_source(source, "some file").title == "some file"


def test_escapes_in_a_docstring_that_are_no_text_are_replaced():
    idea = idea_of_source('class Env:\n    """A \\ud83d\\x00 b\\r\\nc"""', "a file")
    assert (idea.title, idea.description) == ("A \ufffd\ufffd b", "c")
    assert from_json(Idea, to_json(idea)) == idea


@pytest.mark.parametrize("content", [b"x = '\xff'", b"x = " + b"-" * 90_000 + b"1", b"x = ("])
def test_a_file_that_cannot_be_parsed_is_one_clear_sentence(content, tmp_path):
    path = tmp_path / "task.py"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"task\.py is not valid Python"):
        read_idea(path)
