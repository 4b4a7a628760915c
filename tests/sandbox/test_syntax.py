"""Whatever is wrong with a source, whoever parses it has one exception to reckon with."""

from __future__ import annotations

import ast
import subprocess
import sys
import threading

import pytest

from taskwright.sandbox.language_policy import parse
from taskwright.sandbox.syntax import parsed

BROKEN = {
    "not Python": "class Env(",
    "null": "x = '\0'",
    "surrogate": "x = '\ud800'",
    "elif": "if 1:\n pass\n" + "elif 1:\n pass\n" * 9000,
    "elif, fewer": "if 1:\n pass\n" + "elif 1:\n pass\n" * 4000,
    "minus": "x = " + "-" * 90_000 + "1",
    "lambda": "x = " + "lambda: " * 9000 + "1",
    "attributes": "x = a" + ".a" * 9000,
    "brackets": "x = " + "(" * 9000,
    "digits": "x = " + "1" * 5000,
    "indentation": "\n".join(" " * n + "if 1:" for n in range(200)),
    "f-strings": "x = " + "f'{" * 9000,
}


@pytest.mark.parametrize("what", BROKEN)
def test_whatever_breaks_the_parser_is_a_syntax_error_with_a_reason(what):
    for parser in (parsed, parse):
        with pytest.raises(SyntaxError) as caught:
            parser(BROKEN[what])
        assert caught.value.msg


def test_the_line_of_a_mistake_is_told():
    with pytest.raises(SyntaxError) as caught:
        parsed("x = 1\ny = (\n")
    assert caught.value.lineno == 2


def test_deep_sources_are_refused_in_a_thread_too():
    """The journeys of a run read in threads, whose stacks may be smaller."""
    said = []

    def read(source):
        try:
            parsed(source)
        except SyntaxError as error:
            said.append(error.msg)

    threads = [threading.Thread(target=read, args=(source,)) for source in BROKEN.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == len(BROKEN)


def test_what_python_finds_odd_is_not_told_on_standard_error():
    """Nor does it count as a mistake where somebody has warnings raised."""
    program = """
import warnings
from taskwright.sandbox.syntax import parsed
parsed("x = [0x1for x in '\\\\d']\\n" * 1000)
warnings.warn("from elsewhere", SyntaxWarning)
"""
    for options in ([], ["-W", "error::DeprecationWarning"], ["-W", "default"]):
        command = [sys.executable, *options, "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr.count("Warning") == done.stderr.count("from elsewhere") == 1


def test_a_source_that_is_sound_is_its_tree():
    assert ast.unparse(parsed("x = 1\n")) == "x = 1"
    assert parsed("").body == []
