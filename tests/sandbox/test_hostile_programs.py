"""Every program of `hostile/` gets the verdict that stands there, in time, and leaves nothing.

A conformance suite: it looks at the sandbox from outside, through `check_task` alone, so that any
other sandbox could be put to it. `hostile/README.md` tells how the programs are written down.
"""

from __future__ import annotations

import re
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from taskwright.sandbox.checker import check_task
from taskwright.task import Outcome, Task

FOLDER = Path(__file__).parent / "hostile"
TEMPLATE = (FOLDER / "template.py").read_text(encoding="utf-8")

HANG_TIMEOUT_S = 0.5
"""For programs that may be stopped at the deadline; they make most of this suite's time."""
TIMEOUT_S = 60.0
GRACE_S = 1.0
"""From the deadline to the verdict."""


@dataclass(frozen=True)
class Program:
    """One program and the verdicts it may get: see `hostile/README.md`."""

    name: str
    verdicts: frozenset[str]
    source: str
    lines: range
    """Where the fragments stand in the source: what is refused must be found there."""

    @property
    def timeout_s(self) -> float:
        return HANG_TIMEOUT_S if "timeout" in self.verdicts else TIMEOUT_S


def splice(fragments: dict[str, str]) -> tuple[str, range]:
    """The template with fragments in place of its comments, and the lines from first to last."""
    source, touched = [], []
    left = dict(fragments)
    for line in TEMPLATE.splitlines():
        place = line.strip().removeprefix("# ")
        if line.strip().startswith("# ") and place in left:
            indent = line[: len(line) - len(line.lstrip())]
            fragment = textwrap.indent(left.pop(place).strip("\n"), indent).split("\n")
            touched += [len(source) + 1, len(source) + len(fragment)]
            source += fragment
        else:
            source.append(line)
    assert not left, f"the template has no place called {left}"
    lines = range(min(touched), max(touched) + 1) if touched else range(0)
    return "\n".join(source) + "\n", lines


def _written() -> Iterator[Program]:
    for path in sorted(FOLDER.glob("*.toml")):
        for verdicts, programs in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for name, fragments in programs.items():
                if "source" in fragments:
                    (source,) = fragments.values()
                    lines = range(1, len(source.splitlines()) + 1)
                else:
                    source, lines = splice(fragments)
                yield Program(
                    f"{path.stem}-{name}", frozenset(verdicts.split(" or ")), source, lines
                )


# Sources that are too long, or too odd, to be written down.
COMPUTED = {
    "nested-parentheses": "x = " + "(" * 500 + "1" + ")" * 500,
    "nested-lists": "x = " + "[" * 300 + "]" * 300,
    "minus-chain": "x = " + "-" * 90_000 + "1",
    "not-chain": "x = " + "not " * 20_000 + "1",
    "plus-chain": "x = " + "1+" * 45_000 + "1",
    "attribute-chain": "x = a" + ".b" * 20_000,
    "call-chain": "x = a" + "()" * 20_000,
    "lambda-chain": "x = " + "lambda: " * 10_000 + "1",
    "conditional-chain": "x = " + "1 if 0 else " * 8_000 + "1",
    "elif-chain": "if 0:\n    pass\n" + "elif 0:\n    pass\n" * 4_000,
    "power-chain": "x = " + "9**" * 30_000 + "9",
    "nested-blocks": "".join(" " * depth + "if 1:\n" for depth in range(150)) + " " * 150 + "x = 1",
    "million-lines": "x = 1\n" * 1_000_000,
    "giant-number": "x = " + "9" * 50_000,
    "null-byte": "x = 1\0\n",
    "lone-surrogate": 'x = "\ud800"\n',
    "surrogate-identifier": "\udc80x = 1\n",
    "giant-class-name": TEMPLATE + f"\n\nclass {'A' * 20_000}(ValueError):\n    pass\n\n\n"
    f"raise {'A' * 20_000}({'A' * 20_000})\n",
}

PROGRAMS = {program.name: program for program in _written()} | {
    f"source-{name}": Program(
        f"source-{name}",
        frozenset({"refused"} if name == "giant-class-name" else {"static"}),
        source,
        range(1, source.count("\n") + 2),
    )
    for name, source in COMPUTED.items()
}


def verdict_of(outcome: Outcome) -> str:
    """An outcome in the words of `hostile/README.md`."""
    if outcome.verdict != "rejected":
        return "accept" if outcome.passed else outcome.verdict
    if outcome.stage in ("syntax", "policy"):
        return "static"
    for verdict, words in {
        "timeout": "did not finish within",
        "crash": "The process that ran the task died",
        "lie": "sent a malformed answer",
        "memory": "MemoryError",
    }.items():
        if words in outcome.symptom:
            return verdict
    return "refused"


@pytest.fixture(scope="module")
def check(remains: Any) -> Iterator[Callable[[Program], Outcome]]:
    """Checks a program. In the end, nothing that any of them started or wrote may be left."""

    def go(program: Program) -> Outcome:
        source = program.source.replace("@FOLDER@", str(remains.folder))
        return check_task(Task(source), program.timeout_s)

    # What the sandbox starts once and keeps is there from now on.
    assert check_task(Task(TEMPLATE)).passed
    remains.remember()
    yield go
    remains.assert_none()


def test_programs_are_many_and_none_is_there_twice() -> None:
    assert len(PROGRAMS) > 400
    sources = [program.source for program in PROGRAMS.values()]
    assert len(set(sources)) == len(sources)
    known = {"accept", "static", "refused", "memory", "timeout", "crash"}
    for program in PROGRAMS.values():
        assert program.verdicts <= known, program
        assert "accept" not in program.verdicts or len(program.verdicts) == 1, program


@pytest.mark.parametrize("name", PROGRAMS)
def test_gets_its_verdict(name: str, check: Callable[[Program], Outcome]) -> None:
    program = PROGRAMS[name]
    outcome = check(program)
    assert verdict_of(outcome) in program.verdicts, outcome.report
    assert outcome.seconds < program.timeout_s + GRACE_S
    if not outcome.passed:
        _assert_tells_how_to_mend_it(program, outcome)


def _assert_tells_how_to_mend_it(program: Program, outcome: Outcome) -> None:
    assert outcome.symptom
    assert outcome.cause
    assert len(outcome.fix.split()) >= 2, outcome
    # The task chose part of these words; a person's terminal and a model's prompt show them.
    assert len(outcome.report) < 5000
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e]", outcome.report)
    assert "site-packages" not in outcome.report
    assert sys.prefix not in outcome.report
    if outcome.stage == "policy":
        named = [int(number) for number in re.findall(r"[Ll]ine (\d+)", outcome.symptom)]
        assert named, outcome.report
        assert set(named) <= set(program.lines), outcome.report
