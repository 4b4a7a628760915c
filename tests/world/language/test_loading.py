"""A task's module is run anew for each episode, and its classes stay what they were written as."""

from __future__ import annotations

import textwrap

import pytest

from taskwright.world import LoadedTask, LoadError, TaskEnv
from taskwright.world.language.loading import UnavailableImport

COUNTING = '''
import math
import random

import numpy as np

from taskwright.world import R2D2Env

# MODULE


class Env(R2D2Env):
    """Count."""

    # CLASS

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [9, 9, 0.5], [0, 0, -0.5], [0.5, 0.5, 0.5, 1])

    def reset(self):
        observation = super().reset()
        # RESET
        return observation

    def get_task_rewards(self, action):
        return {"count": float(self.count)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''
KEPT = {
    "a list of the module": ("SEEN = []", "", "SEEN.append(1); self.count = len(SEEN)"),
    "a variable of the module": ("N = 0", "", "global N; N += 1; self.count = N"),
    "a list of the class": ("", "seen = []", "self.seen.append(1); self.count = len(self.seen)"),
    "an array of the class": (
        "",
        "seen = np.zeros(1)",
        "self.seen += 1; self.count = self.seen[0]",
    ),
    "a default argument": (
        "def add(seen=[]):\n    seen.append(1)\n    return len(seen)",
        "",
        "self.count = add()",
    ),
    "a closure": (
        "def counter():\n    n = 0\n    def add():\n        nonlocal n\n        n += 1\n"
        "        return n\n    return add\nADD = counter()",
        "",
        "self.count = ADD()",
    ),
    "a generator": (
        "def counting():\n    n = 0\n    while True:\n        n += 1\n        yield n\n"
        "COUNTING = counting()",
        "",
        "self.count = next(COUNTING)",
    ),
    "an iterator": ("NUMBERS = iter(range(1, 999))", "", "self.count = next(NUMBERS)"),
    "an object of a class of its own": (
        "class Box:\n    def __init__(self):\n        self.n = 0\n    def add(self):\n"
        "        self.n += 1\n        return self.n\nBOX = Box()",
        "",
        "self.count = BOX.add()",
    ),
    "an array that is read-only by mark": (
        "",
        "",
        'place = self.robot.links["base"].position_init; np.add.at(place, 0, 1.0)\n'
        '        self.count = 1.0 + self.robot.links["base"].position_init[0]',
    ),
}


def counting(module: str, in_class: str, reset: str) -> str:
    source = COUNTING.replace("# MODULE", module)
    source = source.replace("# CLASS", textwrap.indent(in_class, "    ").strip())
    return source.replace("# RESET", reset)


@pytest.mark.parametrize("name", KEPT)
def test_nothing_that_a_task_keeps_outlives_an_episode(name: str) -> None:
    env = TaskEnv(counting(*KEPT[name]))
    counts = []
    for _ in range(4):
        env.reset(seed=3)
        counts.append(env.step(0)[4]["reward_terms"]["count"])
    env.close()
    assert counts == [4.0] * 4  # One a physics step, four of them in an action.


def test_random_numbers_of_a_module_are_the_same_in_every_episode() -> None:
    drawn = "RNG = np.random.default_rng(); N = np.random.uniform() + random.random()"
    env = TaskEnv(counting(drawn, "", "self.count = N + RNG.uniform()"))
    counts = set()
    for seed in range(3):
        env.reset(seed=seed)
        counts.add(env.step(0)[4]["reward_terms"]["count"])
    env.close()
    assert len(counts) == 1


def test_a_thousand_episodes_of_modules_take_no_memory_each() -> None:
    env = TaskEnv(counting("TABLE = np.ones(500_000)", "", "self.count = TABLE[0]"))
    for _ in range(1000):
        env.task.new_class()
    env.close()
    # Otherwise 4 GB would have been asked for, which a sandboxed process does not get.
    assert _resident_mb() < 2000


def _resident_mb() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


def test_classes_of_a_task_cannot_be_changed() -> None:
    task = LoadedTask(counting("class Box:\n    n = 0", "", "self.count = 0"))
    with pytest.raises(TypeError, match="was set on a class"):
        task.env_class.dt = 5.0


def test_a_property_is_not_taken_from_its_class() -> None:
    helper = "class H:\n    @property\n    def q(self):\n        self.dt = 1\n        return 5"
    with pytest.raises(TypeError, match="belongs to the objects"):
        LoadedTask(counting(helper, "q = H.q", "self.count = self.q"))


@pytest.mark.parametrize(
    "name", ["dt", "robot", "step", "get_success", "_p", "np_random", "action_space", "create_box"]
)
def test_what_belongs_to_the_base_cannot_be_set_on_an_object(name: str) -> None:
    # As a helper class may have an attribute of any name, the policy would let this through.
    env = TaskEnv(counting("", "", "self.count = 0"))
    env.reset(seed=0)
    with pytest.raises(ValueError, match="left to the base class"):
        setattr(env.env, name, 1)
    env.close()


def test_the_robot_class_is_out_of_reach() -> None:
    env = TaskEnv(counting("", "", "self.count = 0"))
    env.reset(seed=0)
    for thing in (env.env, type(env.env), env.env.robot):
        assert not hasattr(thing, "robot_class")
    env.close()


def test_an_import_that_tasks_do_not_have_is_told_from_one_that_fails() -> None:
    with pytest.raises(UnavailableImport):
        LoadedTask(counting("import os", "", "self.count = 0"))
    with pytest.raises(LoadError):
        LoadedTask("import numpy as np")
