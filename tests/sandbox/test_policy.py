"""The language policy: what it refuses, what it lets through, and how it says so."""

from __future__ import annotations

import textwrap

import pytest

from taskwright.sandbox.policy import MAX_SOURCE_CHARACTERS, parse, refusals

TEMPLATE = """\
import math
import random

import numpy as np
from taskwright.sandbox.world import R2D2Env


class Env(R2D2Env):
    \"\"\"Go to the goal.\"\"\"

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], [0.5, 0.6, 0.5, 1])
        self.box = self.create_box(2.0, [0.2, 0.2, 0.2], [2, 2, 0.2], [1, 0, 0, 1])
        self.goal = np.array([5.0, 0.0])
        self.d = 5.0
        {init}

    def dist(self):
        return np.linalg.norm(self.robot.links["base"].position[:2] - self.goal)

    def reset(self):
        observation = super().reset()
        self.d = self.dist()
        {reset}
        return observation

    def step(self, action):
        {prestep}
        observation, reward, terminated, truncated, info = super().step(action)
        {poststep}
        return observation, reward, terminated, truncated, info

    def get_task_rewards(self, action):
        {score}
        before, self.d = self.d, self.dist()
        return {rew}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return {succ}

    {extra}
"""
PLACES = {
    "init": "pass",
    "reset": "pass",
    "prestep": "pass",
    "poststep": "pass",
    "score": "pass",
    "rew": '{"progress": before - self.d}',
    "succ": "self.d < 1.0",
    "extra": "",
}


def spliced(place: str, fragment: str) -> str:
    """A good task with a fragment at one of the `PLACES`."""
    indent = "    " if place == "extra" else "        "
    source = TEMPLATE
    for name, usual in PLACES.items():
        text = fragment if name == place else usual
        source = source.replace("{" + name + "}", textwrap.indent(text, indent).lstrip())
    return source


# Hostile programs, each by the place in the good task and the code that is spliced in there.
HOSTILE = {
    # Ways out of the language.
    "subclasses-walk": ("init", "().__class__.__base__.__subclasses__()"),
    "globals-of-method": ("init", "self.reset.__globals__"),
    "func-closure": ("init", "self.dist.__func__.__code__"),
    "mro": ("init", "Env.mro()"),
    "format-walk": ("init", '"{0.__class__.__init__.__globals__}".format(self)'),
    "format-map": ("init", '"{x.__class__}".format_map({"x": self})'),
    "str-type-format": ("init", 'str.format("{0.__class__}", self)'),
    "getattr-builtin": ("init", 'getattr(self, "__cl" + "ass__")'),
    "eval": ("init", 'eval("1")'),
    "exec-name": ("init", 'e = exec; e("1")'),
    "compile": ("init", 'compile("1", "", "exec")'),
    "builtins-name": ("init", '__builtins__["open"]'),
    "import-os": ("init", "import os"),
    "import-numpy-as": ("init", "import numpy.f2py as f"),
    "from-numpy-ctypeslib": ("init", "from numpy import ctypeslib"),
    "dunder-import": ("init", '__import__("os")'),
    "type-3arg": ("init", 'type("X", (), {})'),
    "lambda-posonly-shadow": ("init", "f = lambda _getattr_, /: 1"),
    "gen-frame": ("init", "g = (i for i in [1]); g.gi_frame"),
    "traceback-frame": (
        "init",
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    e.__traceback__.tb_frame",
    ),
    "attributeerror-obj": ("init", "try:\n    self.nope\nexcept AttributeError as e:\n    e.obj"),
    "name-mangle": ("init", "self.__x = 1"),
    "match-class-attr": ("init", "match self:\n    case object(__class__=k):\n        pass"),
    "except-star": ("init", "try:\n    pass\nexcept* ValueError as e:\n    pass"),
    "unicode-ident": ("init", "x = self.__cl\u0430ss__"),
    "nfkc-ident": ("init", "x = self.__\uff43lass__"),
    "decorator-eval": ("init", "@eval\ndef f():\n    pass"),
    "metaclass": ("init", "class M(metaclass=type):\n    pass"),
    "as-strided": ("init", "np.lib.stride_tricks.as_strided(np.zeros(1), (10**9,), (8,))"),
    "np-facade-missing": ("init", "np.fromiter([1], float)"),
    "ndarray-ctypes": ("init", "self.goal.ctypes.data"),
    "ufunc-reduce-ok-frame": ("init", "self.goal.__array_interface__"),
    "partial-func": ("init", "self._p.getContactPoints.func"),
    "bullet-client-id": ("init", "self._p._client"),
    "exc-with-tb": ("init", "raise ValueError().with_traceback(None)"),
    "super-arg-walk": ("init", "super(Env, self).__init__"),
    "walrus-guard": ("init", "(__builtins__ := {})"),
    "star-import": ("init", "from numpy import *"),
    # Files.
    "open": ("init", 'open("/etc/passwd")'),
    "np-load": ("init", 'np.load("/tmp/x.npy", allow_pickle=True)'),
    "np-fromfile": ("init", 'np.fromfile("/etc/passwd")'),
    "np-memmap": ("init", 'np.memmap("/etc/passwd")'),
    "np-genfromtxt": ("init", 'np.genfromtxt("/etc/passwd")'),
    "nd-tofile": ("init", 'self.goal.tofile("/tmp/x")'),
    "nd-dump": ("init", 'self.goal.dump("/tmp/x")'),
    "p-loadURDF": ("init", 'self._p.loadURDF("/etc/passwd")'),
    "p-saveBullet": ("init", 'self._p.saveBullet("/tmp/x")'),
    "p-startStateLogging": ("init", 'self._p.startStateLogging(0, "/tmp/x")'),
    "p-vhacd": ("init", 'self._p.vhacd("/a", "/b", "/c")'),
    "p-searchpath": ("init", 'self._p.setAdditionalSearchPath("/")'),
    "p-restoreState-file": ("init", 'self._p.restoreState(fileName="/x")'),
    # Network and processes.
    "import-socket": ("init", "import socket"),
    "p-connect-udp": ("init", 'self._p.connect(self._p.UDP, "10.0.0.1", 1234)'),
    "p-connect-shm": ("init", "self._p.connect(2)"),
    "np-datasource": ("init", 'np.lib.npyio.DataSource().open("http://x")'),
    "import-subprocess": ("init", "import subprocess"),
    "p-loadPlugin": ("init", 'self._p.loadPlugin("/tmp/x.so")'),
    "p-execPlugin": ("init", 'self._p.executePluginCommand(0, "x")'),
    "np-f2py": ("init", 'np.f2py.compile("x")'),
    "np-test": ("init", "np.test()"),
    "import-threading": ("init", "import threading"),
    "import-multiprocessing": ("init", "from multiprocessing import Process"),
    # Resources.
    "cpu-swallow-all": ("init", "while True:\n    try:\n        pass\n    except:\n        pass"),
    # Physics.
    "double-step": ("prestep", "self._p.stepSimulation()"),
    "gravity-change": ("init", "self._p.setGravity(0, 0, 0)"),
    # Tampering with the interface.
    "reward-evil-float": ("init", "class W:\n    def __float__(self):\n        return 1e9"),
    "nondeterministic-id": ("init", "self.k = id(self)"),
    "nondeterministic-hash": ("rew", '{"a": hash(object()) % 7}'),
    "mutate-obs-space": ("init", "self.observation_space = (3,)"),
    "mutate-action-space": ("init", "self.robot.action_space = (9,)"),
    "monkeypatch-base": ("extra", "R2D2Env.step = lambda self, a: 1"),
    "instance-override-step": ("init", "self.step = lambda a: (0, 0, False, False, {})"),
    "override-setattr": ("extra", "def __setattr__(self, k, v):\n    pass"),
    "patch-numpy": ("init", "np.sin = lambda x: 1e9"),
    "patch-facade": ("init", "self._p.getContactPoints = lambda *a: []"),
    "del-attr": ("init", "del self.robot"),
    "class-attr-dt": ("extra", "dt = 10.0"),
    "raise-systemexit": ("init", "raise SystemExit(0)"),
    "catch-baseexception": ("init", "try:\n    pass\nexcept BaseException:\n    pass"),
    "np-resize-uaf": ("init", "a = np.zeros(100000); v = a[:]; a.resize(10, refcheck=False)"),
    "robot-private": ("init", "self.robot._id"),
    "class-store": ("init", "Env.get_success = lambda s: True"),
    "setattr-cls": ("init", 'setattr(Env, "x", 1)'),
    "lambda-self": ("init", "(lambda self: self._client)(self._p)"),
    # The same doors, tried with another key.
    "getattr-dunder": ("init", 'getattr(self, "__class__")'),
    "getattr-bullet": ("init", 'getattr(self._p, "loadURDF")("x.urdf")'),
    "hasattr-computed": ("init", "hasattr(self, input())"),
    "alias-p": ("init", 'q = self._p; q.loadURDF("x")'),
    "alias-np": ("init", 'n = np; n.load("x")'),
    "alias-linalg": ("init", "l = np.linalg; l.lapack_lite; l.linalg._umath_linalg"),
    "ndarray-call": ("init", 'np.ndarray((1,), dtype="O", buffer=np.ones(1))'),
    "ndarray-alias": ("init", 'make = np.ndarray; make((1,), dtype="O")'),
    "ndarray-annotation": ("init", 'def f(x: np.ndarray((1,), dtype="O")):\n    pass'),
    "rebind-self": ("init", "self = self._p"),
    "rebind-self-for": ("init", "for self in [self._p]:\n    self._client"),
    "nested-self": ("init", "def f(self):\n    return self._client"),
    "second-self": ("extra", "def helper(env, self):\n    return self._client"),
    "rebind-base": ("init", "R2D2Env = object"),
    "np-save": ("score", 'np.save("/tmp/x.npy", self.goal)'),
    "np-core": ("init", "np.core.multiarray"),
    "typing-eval": ("init", "from typing import get_type_hints"),
    "relative-import": ("init", "from . import checks"),
    "our-own-modules": ("init", "from taskwright.sandbox.world import TaskEnv"),
    "import-pybullet": ("init", "import pybullet as p"),
    "annotated-dt": ("extra", "dt: float = 10.0"),
    "property-dt": ("extra", "@property\ndef dt(self):\n    return 10.0"),
    "unpacked-dt": ("extra", "dt, other = 10.0, 1"),
    "replace-reward": ("reset", "self.get_task_rewards, x = None, 1"),
    "loop-variable-attribute": ("prestep", "for self.dt in [10.0]:\n    pass"),
    "async": ("extra", "async def helper(self):\n    pass"),
    "global-builtins": ("init", "global __builtins__; __builtins__ = {}"),
    "input": ("init", "x = input()"),
    "locals": ("init", "x = locals()"),
    "breakpoint": ("init", "breakpoint()"),
}
UNPARSABLE = {
    "deep-nesting-src": "x = " + "(" * 300 + "1" + ")" * 300,
    "minus-chain-src": "x = " + "-" * 50_000 + "1",
    "huge-src": "x = 1\n" * (MAX_SOURCE_CHARACTERS // 6 + 1),
    "null-byte": "x = 1\x00\n",
    "syntax-error": "class Env(:\n",
    "prose-answer": "Here is the code you asked for:\n```python\nclass Env:\n    pass\n```\n",
}


ORDINARY = {
    "private-attribute": ("init", "self._count = 0; self._count += 1"),
    "private-method": ("extra", "def _helper(self):\n    return self._p.getNumBodies()"),
    "super-private-method": ("init", "super()._create_body(0.0, -1, -1, [0, 0, 1])"),
    "hasattr-self": ("reset", 'if not hasattr(self, "found"):\n    self.found = False'),
    "getattr-default": ("reset", 'x = getattr(self, "previous", None)'),
    "own-name-like-an-array-method": ("init", "self.data, self.load, self.base = [], 1, (0, 0)"),
    "own-name-like-a-bullet-call": ("init", "self.connect = True"),
    "property": ("extra", "@property\ndef height(self):\n    return 1.0"),
    "staticmethod": ("extra", "@staticmethod\ndef clip(x):\n    return max(0, x)"),
    "f-string": ("score", 'print(f"{self.d:.2f} {self.d!r} {self.d:>{10}}")'),
    "percent-format": ("score", 'x = "%.2f" % self.d'),
    "annotated-variable": ("init", "x: float = 1.0"),
    "annotated-attribute": ("init", "self.speed: float = 1.0"),
    "annotated-method": ("extra", "def far(self, x: float, y: int = 2) -> bool:\n    return x > y"),
    "annotated-array": ("extra", "def mid(self, a: np.ndarray) -> np.ndarray:\n    return a / 2"),
    "annotated-optional": (
        "extra",
        "def f(self, a: dict[str, np.ndarray] | None = None):\n    pass",
    ),
    "isinstance-array": ("score", "isinstance(self.goal, np.ndarray)"),
    "isinstance-tuple": ("score", "isinstance(self.goal, (list, np.ndarray))"),
    "typing": ("init", "from typing import Dict, List, Optional, Tuple"),
    "import-in-function": ("init", "import math as m\nfrom math import sqrt, pi"),
    "import-omni-epic": ("init", "from omni_epic.envs.r2d2.base import R2D2Env as Base"),
    "augmented-attribute": ("prestep", "self.d += 1.0; self.d *= 2"),
    "augmented-subscript": ("prestep", "log = [0, 0]; log[0] += 1"),
    "augmented-array": ("prestep", "self.goal[0] += 0.1; self.goal[:2] -= 0.1"),
    "comprehensions": (
        "init",
        "w = {i: [j for j in range(3)] for i in range(2)}; s = {i for i in w}",
    ),
    "generator": ("score", "x = sum(i * i for i in range(3))"),
    "nested-unpacking": ("init", "a, (b, *c) = 1, (2, 3, 4)"),
    "loop-unpacking": ("init", "for i, (x, y) in enumerate([(1, 2)]):\n    z = x + y"),
    "chained-comparison": ("score", "x = 0.0 < self.d <= 5.0 != 3"),
    "conditional-expression": ("score", "x = 1.0 if self.d < 1 else 0.0"),
    "walrus": ("score", "if (gap := self.d) > 1:\n    x = gap"),
    "lambda": ("init", "self.cost = lambda x, k=2: x * k"),
    "local-function": ("init", "def square(x):\n    return x * x\ny = square(2)"),
    "closure": ("init", "n = 0\ndef count():\n    nonlocal n\n    n += 1\ncount()"),
    "recursive-method": ("extra", "def f(self, n):\n    return 1 if n == 0 else self.f(n - 1)"),
    "star-arguments": (
        "extra",
        "def g(self, *points, **options):\n    return self.f(*points, **options)",
    ),
    "try-finally": (
        "score",
        "try:\n    x = 1 / self.d\nexcept (ZeroDivisionError, ValueError) as error:\n    x = 0.0\n"
        "else:\n    x = 1.0\nfinally:\n    pass",
    ),
    "raise": ("init", 'if self.d < 0:\n    raise ValueError("too near")'),
    "assert": ("init", "assert self.d > 0"),
    "while-break": ("init", "while True:\n    break"),
    "for-else": ("init", "for i in range(3):\n    continue\nelse:\n    i = 4"),
    "with-errstate": ("score", 'with np.errstate(divide="ignore"):\n    x = 1'),
    "delete-item": ("reset", "log = {1: 2}; del log[1]; del log"),
    "slices": ("score", "x = self.goal[::-1]; y = np.zeros((2, 2))[..., 0]; z = y[None, :]"),
    "matrix-product": ("score", "x = np.eye(2) @ self.goal"),
    "bit-operations": ("score", "x = (1 << 3) | 5 & ~1 ^ 2"),
    "print": ("poststep", 'print("reward", reward)'),
    "np-random": ("reset", "self.goal = np.random.uniform(4, 6, size=2)"),
    "np-random-generator": ("reset", "x = self.np_random.integers(5); y = np.random.default_rng()"),
    "random-module": ("reset", "x = random.choice([1, 2]); random.shuffle([1, 2])"),
    "np-linalg": ("score", "x = np.linalg.norm(self.goal); y = np.linalg.inv(np.eye(2))"),
    "np-methods": ("score", "a = np.ones((3, 3)); b = a.sum() + a.T.mean() + a.reshape(9).std()"),
    "np-constants": ("score", "x = np.inf, np.pi, np.float32(1), np.bool_(True), np.newaxis"),
    "math": ("score", "x = math.atan2(1, 2) + math.hypot(1, 2) + math.tau"),
    "string-methods": ("init", 'x = ",".join(["a"]).upper().split(",")'),
    "class-constant": ("extra", "GOAL_M = 5.0"),
    "helper-class": ("extra", "class Door:\n    def __init__(self, x):\n        self.x = x"),
    "object-base": ("extra", "class Door(object):\n    pass"),
    "super-with-arguments": ("reset", "x = super(Env, self).get_truncated(None)"),
    "docstring-only": ("extra", 'def note(self):\n    """Nothing."""'),
    "underscore": ("init", "for _ in range(3):\n    pass"),
    "robot-links": ("score", 'x = self.robot.links["base"].position_init[2] + self.dt'),
    "contacts": ("succ", "len(self._p.getContactPoints(self.robot.robot_id, self.box)) > 0"),
    "body-velocity": ("reset", "self._p.resetBaseVelocity(self.box, linearVelocity=[1, 0, 0])"),
    "constants": ("init", "x = self._p.GEOM_BOX, self._p.JOINT_FIXED, self._p.WORLD_FRAME"),
    "recolour": ("poststep", "self._p.changeVisualShape(self.box, -1, rgbaColor=[0, 1, 0, 1])"),
    "remove-body": ("poststep", "self._p.removeBody(self.box)"),
    "ray": ("score", "x = self._p.rayTest([0, 0, 1], [1, 0, 1])[0][0]"),
    "alias-of-p": ("score", "p = self._p; p.getBasePositionAndOrientation(self.box)"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refuses(name: str) -> None:
    place, fragment = HOSTILE[name]
    source = spliced(place, fragment)
    found = refusals(source)
    assert found
    first = 1 + source[: source.index(fragment.splitlines()[0])].count("\n")
    for refusal in found:
        assert first <= refusal.line <= first + fragment.count("\n"), refusal
        assert refusal.what
        assert refusal.instead, f"{refusal} does not say what to write instead"


@pytest.mark.parametrize("name", UNPARSABLE)
def test_refuses_what_python_cannot_parse_with_a_syntax_error(name: str) -> None:
    with pytest.raises(SyntaxError):
        parse(UNPARSABLE[name])


def test_refuses_an_expression_too_long_to_look_at() -> None:
    source = "x = " + "+".join(["1"] * 20_000)
    try:
        found = refusals(source)
    except SyntaxError:
        return
    assert [refusal.what for refusal in found] == ["the code is nested too deeply"]


def test_accepts_the_good_task_itself() -> None:
    place, usual = next(iter(PLACES.items()))
    assert refusals(spliced(place, usual)) == []


@pytest.mark.parametrize("name", ORDINARY)
def test_accepts(name: str) -> None:
    place, fragment = ORDINARY[name]
    source = spliced(place, fragment)
    parse(source)
    assert [str(refusal) for refusal in refusals(source)] == []


def test_names_every_refusal_once_in_the_order_of_lines() -> None:
    found = refusals("import os\nx = open('f')\nimport os\ny = [open, open]\n")
    assert [refusal.line for refusal in found] == [1, 2, 3, 4]
    assert "`import os`" in found[0].what
    assert "files" in found[1].instead


def test_says_what_stands_in_for_an_import_of_pybullet() -> None:
    (refusal,) = refusals("import pybullet as p\n")
    assert "self._p" in refusal.instead
