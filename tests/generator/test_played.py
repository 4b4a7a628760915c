"""From an answer to a task that passes the checks, for each way of asking for code."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskwright.generator.answers import parse_code
from taskwright.generator.skeleton import RULES, SCENE, assemble, parse_parts
from taskwright.sandbox.checker import check_task
from taskwright.task import Idea, Task

PLAYED = Path(__file__).parent / "played"


def answer(name: str) -> str:
    return (PLAYED / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "robot"),
    [
        ("free_the_ball", "r2d2"),
        ("ant_walk_to_flag", "ant"),
        pytest.param("ant_push_ball", "ant", marks=pytest.mark.slow),
    ],
)
def test_a_module_that_was_played_passes_the_checks(name, robot):
    outcome = check_task(Task(parse_code(answer(name)), robot))
    assert outcome.passed, outcome.report


def test_parts_that_were_played_make_a_module_that_passes_the_checks():
    parts = parse_parts(answer("dominoes_scene"), SCENE)
    parts |= parse_parts(answer("dominoes_rules"), RULES)
    idea = Idea("Shove the dominoes down", "Five slabs in a row.", "All lie.", "Progress.", "None")
    outcome = check_task(Task(assemble(idea, "r2d2", parts)))
    assert outcome.passed, outcome.report
