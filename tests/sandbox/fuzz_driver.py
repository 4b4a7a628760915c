"""Programs nobody would write, run where every way out rings a bell; see
test_language_policy_fuzz.py.

Fragments of task code are drawn by hypothesis: chains of attributes, calls and subscripts over what
tasks hold, with the names of the real modules as vocabulary, so that the dangerous ones are tried.
What the policy accepts is run in a world, with an audit hook on files, processes, sockets, imports,
code and frames, and with a look at every object that a fragment got hold of.

Run as `python fuzz_driver.py EXAMPLES SCRATCH_FILE`; prints what was tried as JSON. The scratch
file holds the fragment at work, for the case that the process dies of it.
"""

from __future__ import annotations

import json
import math
import os
import random
import signal
import sys
import types
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pybullet
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from taskwright.sandbox.language_policy import refusals
from taskwright.world import LoadedTask
from taskwright.world.base import build_env
from taskwright.world.client.calls import CALLS
from taskwright.world.client.client import PhysicsClient
from taskwright.world.language import loading
from taskwright.world.language.allowed import BUILTINS, refused_attribute
from taskwright.world.robot import Robot

FRAGMENTS = 12
"""Fragments in one example; each stands in a method of its own."""
HANG_S = 5.0

TASK = '''
import math
import random
import numpy as np
from taskwright.world import R2D2Env
class Helper:
    def __init__(self, value=None):
        self.value = value
    def __eq__(self, other):
        SEEN.append(other)
        return True
    def __lt__(self, other):
        SEEN.append(other)
        return True
SEEN = []
class Env(R2D2Env):
    """Fuzz."""
    def __init__(self):
        super().__init__()
        self.box = self.create_box(1.0, [0.2, 0.2, 0.2], [2, 0, 1], [1, 0, 0, 1])
    @property
    def height(self):
        return 1.0
'''
METHOD = "    def f{n}(self):\n        got = []\n{body}        return got\n"
HELPED = "    def m{n}(self):\n        return {expression}\n"

AUDITED = ("os.", "subprocess.", "socket.", "ctypes.", "shutil.", "tempfile.", "mmap.", "pty.")
EXACTLY = {"open", "exec", "compile", "import", "sys._getframe", "object.__getattr__"} | {
    "code.__new__", "gc.get_objects", "gc.get_referrers", "sys.addaudithook", "marshal.loads",
    "pickle.find_class", "sys.setprofile", "sys.settrace", "builtins.input", "function.__new__",
}  # fmt: skip


class Escape(AssertionError):
    """A fragment got where no task may get."""


class Bells:
    """An audit hook that rings while a fragment runs."""

    def __init__(self) -> None:
        self.armed = False
        self.rung: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.armed or not (event in EXACTLY or event.startswith(AUDITED)):
            return
        # numpy's C code imports parts of itself when it first needs them.
        if event == "import" and str(arguments[0]).startswith("numpy."):
            return
        self.armed = False
        by = sys._getframe(1).f_code.co_filename
        self.armed = True
        # `TaskType` looks at the code of a method that is taken from its class.
        if not (event == "object.__getattr__" and by == loading.__file__):
            self.rung.append(f"{event} {str(arguments)[:200]}")


FORBIDDEN = (
    types.ModuleType,
    types.FrameType,
    types.CodeType,
    types.TracebackType,
    types.CellType,
    PhysicsClient,
    Robot,
    np.random.BitGenerator,
    np.memmap,
)
REAL = {
    id(thing)
    for thing in (
        type, np.ndarray, eval, exec, open, compile, __import__, getattr, setattr, globals, vars,
        vars(sys.modules["builtins"]), vars(np), vars(pybullet), sys.modules, os.environ,
        *(value for value in vars(pybullet).values() if isinstance(value, types.BuiltinMethodType)),
    )
}  # fmt: skip


def look_at(value: Any, depth: int = 2) -> None:
    """Raise where an object, what it holds or what may be read of it is none of a task's."""
    if isinstance(value, FORBIDDEN) or id(value) in REAL:
        raise Escape(f"a task got hold of {value!r:.200}")
    if depth == 0:
        return
    if isinstance(value, dict):
        inside: Any = [*value, *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        inside = list(value)
    else:
        inside = [read for _, read in readable(value)]
    for item in inside[:200]:
        look_at(item, depth - 1)


def readable(value: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of an object that the policy lets a task read."""
    for name in dir(value):
        if refused_attribute(name) is None:
            try:
                yield name, getattr(value, name)
            except Exception:
                continue


# What fragments are made of.


def vocabulary() -> list[str]:
    """Attribute names of everything that lies near a task, the dangerous ones among them."""

    def generator() -> Iterator[int]:
        yield 1

    running = generator()
    error = ValueError()
    near = [
        np, np.linalg, np.random, np.zeros(1), np.float64(1), np.sin, np.sum, np.dtype(float),
        np.random.RandomState(0), np.random.default_rng(0), math, random, random.Random(0),
        pybullet, PhysicsClient, Robot, running, running.gi_code, sys._getframe(), error, type,
        object, property, vocabulary, [].append, "", {}, sys, os, sys.modules["builtins"],
    ]  # fmt: skip
    names = {name for thing in near for name in dir(thing)}
    names |= {
        f"_{of}__{what}"
        for of in ("BaseEnv", "RobotView", "Link", "Joint", "Hint", "Env")
        for what in ("client", "robot", "kind", "state", "reading")
    }
    return sorted(names | {"_p", "_client", "_robot", "_streams", "tb_frame", "obj", "f_back"})


ROOTS = """
np np.linalg np.random math random self self._p self.robot self.robot.links self.np_random Env
self.action_space self.dt self.box R2D2Env Helper Helper() object Env.height super() self.height
self.robot.links["base"] self.robot.links["base"].position np.array([1.0,2.0]) np.zeros((2,2))
np.float64(1) np.random.default_rng(0) random.Random(0) np.ndarray np.errstate() (i for i in [1])
[] {} () "" "{0.__class__}" 1 1.5 None True print [getattr][0] [super][0] lambda:0 self._create_body
self._p.getContactPoints self._p.GEOM_BOX np.sum np.add np.linalg.LinAlgError np.ndindex(2)
self._p.getVisualShapeData(self.box) self._p.error np.finfo(float) np.iinfo(int) np.mgrid
""".split()
NUMBERS = "0 1 2 -1 -2 500 2**31 -2**31 2**70 1.5 1e308 -1e-9 float('nan') math.inf True".split()
OTHERS = """
None "x" "/etc/passwd" "O" "plane.urdf" "__class__" "{0.__class__}" [] [0,0] [0,0,0] [0,0,0,1]
[0,0,0,0] [float('nan'),0,0] [[0,0,0],[1,0,0],[0,1,0]] [[0,0,0]]*4 [0,1,9] {} self Env Helper()
self.box self.robot.robot_id np.zeros(3) np.zeros((2,2)) np.array([None]) (lambda*a:a) np self._p
print object [1e9,0,0] [1]*70 (i\u0020for\u0020i\u0020in\u0020[1,2,3]) b"x" {1:2} range(3)
""".split()
KEYWORDS = """
flags fileName physicsClientId dtype out key axis file like linkIndex bodyUniqueId objectUniqueId
posObj forceObj shapeType radius vertices indices buffer order where default seed meshScale mass
""".split()


names = st.sampled_from(vocabulary())
calls = st.sampled_from(sorted(name for name in vars(pybullet) if name[0] != "_"))
arguments = st.sampled_from(NUMBERS + OTHERS)
argument_lists = st.builds(
    lambda places, named: ", ".join([*places, *(f"{key}={value}" for key, value in named.items())]),
    st.lists(arguments, max_size=5),
    st.dictionaries(st.sampled_from(KEYWORDS), arguments, max_size=2),
)
steps = st.one_of(
    names.map(lambda name: f".{name}"),
    names.map(lambda name: f".{name}"),
    argument_lists.map(lambda text: f"({text})"),
    argument_lists.map(lambda text: f"({text})"),
    st.sampled_from(["[0]", '["base"]', "[:1]", "[-1]", "[()]", "[0, 0]"]),
)
chains = st.builds(
    lambda root, tail: f"{'(' + root + ')' if root.startswith(('lambda', '(i')) else root}{tail}",
    st.sampled_from(ROOTS),
    st.lists(steps, max_size=4).map("".join),
)
physics = st.builds(lambda name, given: f"self._p.{name}({given})", calls, argument_lists)
EDGES = """
0 1 2 -1 3 7 0.0 1e-9 1e-3 1e3 1e4 -1e4 1e6 1000.0 0.5 255 64 [0,0,0] [1e4,-1e4,1e4] [0.1,0.1,0.1]
[0,0,1] [1e-9,0,0] [1000,0,0] [0,0,0,1] [0,0,0,1e-3] [1000,1000,1,1] [1,0,0,1] [] [0] [0,1] [1,0,0]
[[0,0,0],[1,0,0],[0,1,0],[0,0,1]] [[0,0,0]]*3 [[1e4,0,0]]*3 [0,1,2] [0,0,0,1,1,1] [1.0] [-1]
[[0,0,1]] [[0,0,0,1]] [[0,0,0]] [0.0]*16 [1e4]*4 4 2 5 6 "plane.urdf" "cube.urdf" self._p.GEOM_MESH
self._p.JOINT_FIXED [self._p.JOINT_PRISMATIC] [self._p.JOINT_SPHERICAL] self._p.WORLD_FRAME
""".split()


def edge_cases() -> dict[str, dict[str, list[str]]]:
    """For each call and parameter, the values among `EDGES` that it may be given."""
    client = PhysicsClient()
    shape = client.createCollisionShape(client.GEOM_SPHERE, radius=1.0)
    for _ in range(3):
        client.createMultiBody(1.0, shape)
    given = {text: eval(text, {"self": types.SimpleNamespace(_p=pybullet)}) for text in EDGES}

    def passes(check: Any, value: Any) -> bool:
        try:
            check(value, client, {})
        except Exception:
            return False
        return True

    found = {
        name: {
            # A link stands or falls with its body; without one, every number is worth a try.
            key: [text for text in EDGES if passes(check, given[text])] or ["-1", "0"]
            for key, check in call.parameters.items()
        }
        for name, call in CALLS.items()
    }
    client.disconnect()
    return found


EDGE_CASES = edge_cases()


@st.composite
def at_the_edge(draw: st.DrawFn) -> str:
    """A call that passes most looks, with values at the edge of what they let through."""
    name = draw(st.sampled_from(sorted(EDGE_CASES)))
    parameters = EDGE_CASES[name]
    keys = draw(st.sets(st.sampled_from(sorted(parameters)))) if parameters else set()
    # The first ones are those that PyBullet needs.
    keys |= set(list(parameters)[: draw(st.integers(1, 8))])
    texts = [f"{key}={draw(st.sampled_from(parameters[key]))}" for key in parameters if key in keys]
    return f"self._p.{name}({', '.join(texts)})"


numeric = st.builds(
    lambda name, given: f"np.{name}({given})",
    st.sampled_from(sorted(name for name in dir(np) if name[0] != "_")),
    argument_lists,
)
expressions = st.one_of(chains, chains, physics, numeric)
edges = at_the_edge().map(lambda call: f"got.append({call})")
quoted = names.map(lambda name: f'"{name[:2]}" "{name[2:]}"')
statements = st.one_of(
    edges,
    edges,
    edges,
    expressions.map(lambda e: f"got.append({e})"),
    st.builds(lambda e, n: f"x = {e}; got.append(x.{n})", expressions, names),
    st.builds(lambda e, n: f"got.append(getattr({e}, {n}, None))", expressions, quoted),
    st.builds(lambda e, n: f"g = [getattr][0]; got.append(g({e}, {n}))", expressions, quoted),
    st.builds(lambda e, n: f"h = [hasattr][0]; got.append(h({e}, {n}))", expressions, quoted),
    st.builds(lambda e, n: f"got.append([v.{n} for v in [{e}]])", expressions, names),
    st.builds(lambda e, n: f"self.{n} = {e}; got.append(self.{n})", expressions, names),
    st.builds(lambda a, b: f"a, b = {a}, {b}; got.append(a == b)", chains, chains),
    st.builds(lambda a, b: f"got.append(max({a}, {b}))", chains, chains),
    st.builds(lambda a: f"got.append({a} == Helper())", chains),
    st.builds(lambda e: f'got.append(f"{{{e}}}")', chains.filter(lambda e: '"' not in e)),
    st.builds(
        lambda e, n: f"try:\n    got.append({e})\nexcept Exception as e:\n    got.append(e.{n})",
        expressions,
        names,
    ),
    st.builds(
        lambda e, n: f"class H:\n    def m(self):\n        return self.{n}\ngot.append(H.m({e}))",
        expressions,
        names,
    ),
    st.builds(
        lambda e, n: f"class H({n}):\n    pass\ngot.append(H({e}))",
        arguments,
        st.sampled_from([*ROOTS, *sorted(BUILTINS)]),
    ),
    st.builds(lambda n, m: f"from {n} import {m}\ngot.append({m})", names, names),
    st.builds(lambda n: f"import numpy.{n} as m\ngot.append(m)", names),
    st.builds(lambda n: f"from numpy import {n} as m\ngot.append(m)", names),
    st.builds(lambda b, a: f"got.append({b}({a}))", st.sampled_from(sorted(BUILTINS)), arguments),
    st.builds(
        lambda b, a: f"got.append({b}({a}))",
        st.sampled_from(sorted(vars(sys.modules["builtins"]))),
        argument_lists,
    ),
)


# Running them.


def accepted(fragment: str) -> bool:
    try:
        return not refusals(TASK + method(0, fragment))
    except SyntaxError:
        return False


def method(number: int, fragment: str) -> str:
    body = "".join(f"        {line}\n" for line in fragment.split("\n"))
    return METHOD.format(n=number, body=body)


class Fuzz:
    def __init__(self, scratch: str) -> None:
        self.scratch = os.open(scratch, os.O_RDWR | os.O_CREAT)
        self.bells = Bells()
        self.counts: Counter[str] = Counter()
        self.client = PhysicsClient()

    def run(self, fragments: list[str]) -> None:
        self.counts["tried"] += len(fragments)
        good = [fragment for fragment in fragments if accepted(fragment)]
        self.counts["accepted"] += len(good)
        source = TASK + "".join(method(n, fragment) for n, fragment in enumerate(good))
        if not good:
            return
        task = LoadedTask(source)
        # A `print` in a fragment is not ours to show.
        env: Any = build_env(task.env_class, self.client, task.seed(0))
        for number, fragment in enumerate(good):
            os.pwrite(self.scratch, fragment.encode().ljust(4096), 0)
            self.counts[self._outcome(getattr(env, f"f{number}"), fragment)] += 1
        seen = vars(task.env_class)["__init__"].__globals__["SEEN"]
        look_at(list(seen))
        # What was done to the world may only tell when it moves.
        for _ in range(3):
            self.client.stepSimulation()
            for body in list(self.client.links):
                place = self.client.getBasePositionAndOrientation(body)
                if not all(map(math.isfinite, (*place[0], *place[1]))):
                    self.counts["left NaN in the world"] += 1

    def _outcome(self, attempt: Any, fragment: str) -> str:
        signal.setitimer(signal.ITIMER_REAL, HANG_S)
        self.bells.armed = True
        got, outcome = [], "ran"
        try:
            got = attempt()
        except Exception:
            outcome = "raised"
        except TimeoutError_:
            outcome = "hung"
        finally:
            self.bells.armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
        if self.bells.rung:
            raise Escape(f"{self.bells.rung[:3]} by:\n{fragment}")
        try:
            look_at(got, depth=3)
        except Escape as escape:
            raise Escape(f"{escape} by:\n{fragment}") from None
        return outcome


class TimeoutError_(BaseException):  # noqa: N801
    """A fragment takes too long: a matter of the process's limits, not of the policy."""


def main(examples: int, scratch: str) -> None:
    fuzz = Fuzz(scratch)

    def stop(*_: object) -> None:
        raise TimeoutError_

    signal.signal(signal.SIGALRM, stop)
    # Python remarks on `"x"(1)` and the like.
    warnings.simplefilter("ignore")

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(statements, min_size=FRAGMENTS, max_size=FRAGMENTS))
    def play(fragments: list[str]) -> None:
        fuzz.run(fragments)

    play()
    print(json.dumps(fuzz.counts), file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
