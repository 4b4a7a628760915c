"""What code a model is shown beside the interface."""

from __future__ import annotations

import ast
import textwrap

import pytest

from taskwright.generator.examples import LONGEST_EXCERPT, contrasting, excerpt
from taskwright.generator.seeds import example_tasks
from taskwright.task import ROBOTS

SOURCES = {seed.idea.title: seed.source for seed in example_tasks("r2d2")}


def test_an_excerpt_holds_what_makes_a_task_another_one():
    near, other = SOURCES["Drive to the beacon"], SOURCES["Jump over the sweeping arm"]
    shown = excerpt(other, near)
    methods = [node.name for node in ast.parse(textwrap.dedent(shown)).body]
    assert methods == ["turn_arm", "step", "get_task_rewards", "get_success"]
    assert "import" not in shown
    assert excerpt(near, near) == ""


def test_what_both_share_is_left_out_however_it_is_laid_out():
    task = "class Env(R2D2Env):\n    def step(self, action):\n        return super().step({})\n"
    wider = task.format("\n            action\n        ")
    more = wider + "\n    def get_success(self):\n        return self.done\n"
    assert "get_success" in excerpt(more, task.format("action"))
    assert "def step" in excerpt(more, task.format("0"))


def test_an_excerpt_is_short_and_of_what_is_no_task_empty():
    long = "\n".join(f"        self.n += {n}" for n in range(500))
    success = "    def get_success(self):\n        return 1"
    source = f"class Env(A):\n    def step(self, a):\n{long}\n\n{success}"
    assert excerpt(source, "") == success
    assert all(len(excerpt(source, "")) <= LONGEST_EXCERPT for source in SOURCES.values())
    for text in ("", "def (", "x = 1", "class Other:\n    def step(self): pass"):
        assert excerpt(text, SOURCES["Drive to the beacon"]) == ""


@pytest.mark.parametrize("robot", ROBOTS)
def test_of_several_the_one_least_like_it_is_chosen(robot):
    sources = [seed.source for seed in example_tasks(robot)]
    for source in sources:
        renamed = source.replace("robot", "machine")
        assert contrasting(source, [source, renamed, *sources]) in sources
        assert contrasting(source, [source]) == ""
        assert contrasting(source, [renamed, "print()"]) == "print()"
    assert contrasting("", ["", ""]) == ""
