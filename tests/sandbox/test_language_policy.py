"""The language policy: what it refuses, and how it says so. What it lets through is beside."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taskwright.sandbox.language_policy import MAX_SOURCE_CHARACTERS, parse, refusals

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
    "bullet-client-id": ("init", "self._p._client"),
    "exc-with-tb": ("init", "raise ValueError().with_traceback(None)"),
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
    "hasattr-computed": ("init", "hasattr(self, input())"),
    "alias-linalg": ("init", "l = np.linalg; l.lapack_lite; l.linalg._umath_linalg"),
    "ndarray-call": ("init", 'np.ndarray((1,), dtype="O", buffer=np.ones(1))'),
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
    "our-own-modules": ("init", "from taskwright.world import TaskEnv"),
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
    "numpy-typing-submodule": ("init", "import numpy.ma as ma"),
    "numpy-submodule-by-from": ("init", "from numpy.lib import stride_tricks"),
    "linalg-by-its-own-name": ("init", "import numpy.linalg as la; la.lapack_lite"),
    "random-bit-generator": ("init", "self.np_random.bit_generator"),
    "mangled-client": ("init", "self._BaseEnv__client"),
    "mangled-class-variable": ("extra", "_BaseEnv__client = None"),
    "mangled-by-getattr": ("init", 'getattr(self, "_BaseEnv__client")'),
    # Ways to make something else out of `self`, which may have private attributes.
    "self-in-a-staticmethod": ("extra", "@staticmethod\ndef f(self):\n    return self._client"),
    "self-in-a-classmethod": ("extra", "@classmethod\ndef f(self):\n    self.dt = 1"),
    "method-taken-in-its-class": ("extra", "def f(self):\n    pass\ng = [f]"),
    "method-as-a-default": ("extra", "def f(self):\n    pass\ndef g(self, h=f):\n    pass"),
    "method-made-global": ("extra", "global f\ndef f(self):\n    pass"),
    "property-of-my-own": ("extra", "def property(f):\n    return f"),
    "super-of-a-class": ("init", "super(Env, Env).reset"),
    "super-by-another-name": ("init", "s = super"),
    "super-in-a-lambda": ("init", "f = lambda x: super().reset"),
    "super-in-a-local-function": ("init", "def f(x):\n    return super().reset"),
    "getter-of-a-property": ("init", "Env.height.fget"),
    "getter-by-getattr": ("init", 'getattr(Env.height, "fget")'),
}
UNPARSABLE = {
    "deep-nesting-src": "x = " + "(" * 300 + "1" + ")" * 300,
    "minus-chain-src": "x = " + "-" * 50_000 + "1",
    "huge-src": "x = 1\n" * (MAX_SOURCE_CHARACTERS // 6 + 1),
    "null-byte": "x = 1\x00\n",
    "syntax-error": "class Env(:\n",
    "prose-answer": "Here is the code you asked for:\n```python\nclass Env:\n    pass\n```\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refuses(name: str, spliced: Callable[[str, str], str]) -> None:
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


def test_names_every_refusal_once_in_the_order_of_lines() -> None:
    found = refusals("import os\nx = open('f')\nimport os\ny = [open, open]\n")
    assert [refusal.line for refusal in found] == [1, 2, 3, 4]
    assert "`import os`" in found[0].what
    assert "files" in found[1].instead


def test_says_what_stands_in_for_an_import_of_pybullet() -> None:
    (refusal,) = refusals("import pybullet as p\n")
    assert "self._p" in refusal.instead


@pytest.mark.parametrize(
    "setting",
    [
        "duckling.position = [1, 2, 3]",
        "duckling.position += 1",
        "body, duckling.position = 1, 2",
        "self.ducklings[0].position = 3",
        "Duckling.position = 4",
        "for duckling.position in [1]:\n    pass",
    ],
)
def test_says_how_an_object_of_an_own_class_is_changed(
    setting: str, spliced: Callable[[str, str], str]
) -> None:
    (refusal,) = refusals(spliced("init", setting))
    assert "attributes may only be set on self" in refusal.what
    way_out = "def set_position(self, value): self.position = value"
    assert f"which you call: `{way_out}`" in refusal.instead
    body = (
        f"class Duckling:\n    {way_out}\nduckling = Duckling()\nduckling.set_position([1, 2, 3])"
    )
    assert refusals(spliced("init", body)) == []
