"""Policy and world together: they run what models write, and stop what slips past one of them.

A false refusal costs a repair, and a task that a model gives up on. To add an idiom, give it a line
in `ORDINARY`: the place in the good task, and the code that is spliced in there.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from taskwright.sandbox.language_policy import refusals
from taskwright.world import TaskEnv

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
    "own-helper-names-like-the-base": (
        "init",
        "class Door:\n    def __init__(self, robot):\n        self.robot, self.step = robot, 0\n"
        "Door(self.robot).step",
    ),
    "helper-with-methods": (
        "init",
        "class Timer:\n    def __init__(self):\n        self._left = 3\n"
        "    def tick(self):\n        self._left -= 1\n        return self._left\n"
        "timer = Timer(); assert timer.tick() == 2 == Timer.tick(timer) + 1",
    ),
    "helper-with-comparison": (
        "init",
        "class A:\n    def __init__(self, x):\n        self.x = x\n"
        "    def __lt__(self, other):\n        return self.x < other.x\n"
        "assert sorted([A(2), A(1)])[0].x == 1",
    ),
    "own-exception": (
        "init",
        "class Missing(ValueError):\n    pass\ntry:\n    raise Missing('x')\n"
        "except Missing as e:\n    message = str(e)",
    ),
    "inherited-helper": ("init", "class A:\n    k = 2\nclass B(A):\n    pass\nassert B().k == 2"),
    "local-name-of-a-builtin": ("init", "id = 3; type = 'box'; input = [id, type]; x = input[0]"),
    "hasattr-of-own-state": ("reset", 'assert hasattr(self, "goal") and not hasattr(self, "no")'),
    "hasattr-private": ("init", 'self._n = 1; assert hasattr(self, "_n"); getattr(self, "_n")'),
    "getattr-link": ("score", 'x = getattr(self.robot.links["base"], "position")[0]'),
    "main-guard": ("init", 'if __name__ == "__main__":\n    print("never")'),
    "future-annotations": ("init", "from typing import Any, Callable\nx: Any = None"),
    "typing-optional-array": (
        "extra",
        "from typing import Optional\n    \n"
        "def g(self, a: Optional[np.ndarray] = None) -> 'list[np.ndarray]':\n    return [a]",
    ),
    "union-with-array": (
        "extra",
        "def g(self, a: np.ndarray | None = None) -> float | None:\n    pass",
    ),
    "numpy-typing": ("init", "from numpy.typing import NDArray\nx: NDArray[np.float64] = None"),
    "from-numpy": ("init", "from numpy import array, pi\nx = array([pi])"),
    "from-numpy-linalg": ("init", "from numpy.linalg import norm\nx = norm([3, 4])"),
    "import-numpy-random": ("init", "import numpy.random as nr\nx = nr.uniform(0, 1)"),
    "isinstance-many": (
        "score",
        "assert isinstance(self.goal, np.ndarray) and isinstance(1.0, (int, float, np.floating))\n"
        "assert not isinstance(3, np.ndarray)",
    ),
    "np-reductions": (
        "score",
        "a = np.arange(6.0).reshape(2, 3)\n"
        "x = a.sum(), a.mean(axis=0), a.std(), a.min(), a.max(), a.argmax(), a.var(), a.any()\n"
        "y = np.median(a), np.percentile(a, 50), np.average(a), a.cumsum(), "
        "a.clip(0, 1), a.round()",
    ),
    "np-shapes": (
        "init",
        "a = np.zeros((2, 3)); b = np.concatenate([a, a]); c = np.stack([a, a]); d "
        "= np.vstack([a, a])\n"
        "e = a.flatten().tolist(); f = a.copy(); g = np.tile(a, 2); h = "
        "a.astype(np.float32); i = a.T",
    ),
    "np-empty": ("init", "assert np.empty((2, 2)).sum() == 0.0"),
    "np-random-many": (
        "reset",
        "x = np.random.rand(3), np.random.randn(2), np.random.randint(0, 5), "
        "np.random.choice([1, 2])\n"
        "y = np.random.normal(0, 1, size=(2, 2)), np.random.permutation(4), np.random.random()\n"
        "np.random.shuffle([1, 2]); np.random.seed(3); z = np.random.RandomState(1).uniform(0, 1)",
    ),
    "random-many": (
        "reset",
        "x = random.uniform(0, 1), random.randint(1, 6), random.sample([1, 2, 3], "
        "2), random.random()\n"
        "y = random.Random(3).gauss(0, 1)",
    ),
    "np-linalg-error": (
        "init",
        "try:\n    np.linalg.inv(np.zeros((2, 2)))\nexcept np.linalg.LinAlgError:\n    pass",
    ),
    "np-in-place": (
        "init",
        "a = np.zeros(3); a[1:] = 2; a += 1; a[a > 2] *= 2; np.add(a, 1, out=a)",
    ),
    "np-apply": (
        "init",
        "x = np.where(np.arange(3) > 1, 1.0, 0.0); y = np.interp(0.5, [0, 1], [0, 2])",
    ),
    "np-eps": ("score", "x = 1 / max(self.d, np.finfo(float).eps)"),
    "math-many": (
        "score",
        "x = math.sqrt(2) + math.sin(1) + math.radians(90) + math.dist([0], [1]) + math.exp(-1)\n"
        "assert math.isclose(math.pi, np.pi) and math.factorial(5) == 120 and math.inf > 1",
    ),
    "sorting": (
        "init",
        "pairs = sorted(zip([2, 1], 'ab'), key=lambda p: p[0], reverse=True)\n"
        "first, *rest = map(str, range(3)); low = min((3, 2), default=0); total = "
        "sum([[1], [2]], [])",
    ),
    "any-all": (
        "score",
        "x = any(c > 0 for c in self.goal) and all(isinstance(c, float) for c in [1.0])",
    ),
    "dictionary-methods": (
        "init",
        "d = {'a': 1, **{'b': 2}}; d.update(c=3); x = [k for k, v in d.items() if v "
        "> 1]; d.get('z', 0)",
    ),
    "set-methods": ("init", "s = set(); s.add(1); s |= {2}; s.discard(1); frozenset(s)"),
    "string-formatting": ("init", 'x = f"{1.5:.1f} {2:>5} {3!r}" + "%d" % 4 + format(1.5, ".1f")'),
    "multiple-assignment": ("init", "self.a = self.b = 0; self.a, self.b = self.b, self.a"),
    "nested-attributes": ("score", 'x, y, z = self.robot.links["base"].linear_velocity'),
    "all-links": (
        "score",
        "x = [(name, link.index, link.mass) for name, link in self.robot.links.items()]",
    ),
    "all-joints": (
        "score",
        "x = {name: joint.position[0] for name, joint in self.robot.joints.items()}",
    ),
    "robot-orientation": (
        "score",
        'q = self.robot.links["base"].orientation; r, p, yaw = self._p.getEulerFromQuaternion(q)\n'
        "m = np.array(self._p.getMatrixFromQuaternion(q)).reshape(3, 3)",
    ),
    "hinged-door": (
        "init",
        "s = self._p.createCollisionShape(self._p.GEOM_BOX, halfExtents=[0.05, 0.5, 0.5])\n"
        "door = self._p.createMultiBody(0, -1, -1, [4, 0, 0.5], linkMasses=[1.0],\n"
        "    linkCollisionShapeIndices=[s], linkVisualShapeIndices=[-1], "
        "linkPositions=[[0, 0, 0]],\n"
        "    linkOrientations=[[0, 0, 0, 1]], linkInertialFramePositions=[[0, 0.5, 0]],\n"
        "    linkInertialFrameOrientations=[[0, 0, 0, 1]], linkParentIndices=[0],\n"
        "    linkJointTypes=[self._p.JOINT_REVOLUTE], linkJointAxis=[[0, 0, 1]])\n"
        "self._p.setJointMotorControl2(door, 0, self._p.VELOCITY_CONTROL, force=0)\n"
        "x = self._p.getJointState(door, 0)[0] + self._p.getLinkState(door, 0)[0][0]",
    ),
    "wind": (
        "prestep",
        "at = self.robot.links['base'].position\n"
        "self._p.applyExternalForce(self.robot.robot_id, -1, [40, 0, 0], at, self._p.WORLD_FRAME)",
    ),
    "moving-platform": (
        "prestep",
        "self._p.resetBasePositionAndOrientation(self.box, [2, 2 + 0.1, 0.2], [0, 0, 0, 1])\n"
        "self._p.resetBaseVelocity(objectUniqueId=self.box, linearVelocity=np.array([0, 1.0, 0]))",
    ),
    "numpy-positions": (
        "reset",
        "self._p.resetBasePositionAndOrientation(self.box, self.goal.tolist() + "
        "[1], (0, 0, 0, 1))\n"
        "self._p.resetBasePositionAndOrientation(self.box, np.append(self.goal, 1), np.eye(4)[3])",
    ),
    "plane": ("init", 'plane = self._p.loadURDF("plane.urdf", [0, 0, -0.01])'),
    "friction": (
        "init",
        "self._p.changeDynamics(self.box, -1, lateralFriction=0.1, restitution=0.5)",
    ),
    "constraint": (
        "init",
        "c = self._p.createConstraint(self.box, -1, -1, -1, self._p.JOINT_POINT2POINT, [0, 0, 1],\n"
        "    [0, 0, 0], [2, 2, 1]); self._p.changeConstraint(c, maxForce=10); "
        "self._p.removeConstraint(c)",
    ),
    "ray-batch": ("score", "x = self._p.rayTestBatch([[0, 0, 1]] * 5, [[5, 0, 1]] * 5)"),
    "closest": (
        "score",
        "x = self._p.getClosestPoints(self.robot.robot_id, self.box, distance=9.0)",
    ),
    "pybullet-error": ("init", "try:\n    x = 1\nexcept self._p.error:\n    pass"),
    "three-part-colour": (
        "poststep",
        "self._p.changeVisualShape(self.box, -1, rgbaColor=[1, 0, 0])",
    ),
    "overridden-helper": (
        "extra",
        "def create_box(self, mass, half_extents, position, color):\n"
        "    body = super().create_box(mass, half_extents, position, color)\n"
        "    self._p.changeDynamics(body, -1, lateralFriction=0.8)\n    return body",
    ),
    "generator-method": ("score", "x = list(filter(None, map(abs, reversed([1, 0, -1]))))"),
    "star-unpack-call": ("score", "x = max(*[1, 2], *(3, 4)); y = [*range(3), *{5}]"),
    "string-checks": (
        "init",
        'assert "box_1".startswith("box") and "1".isdigit() and not "".strip()',
    ),
    "docstring-only": ("extra", 'def note(self):\n    """Nothing."""'),
    "underscore": ("init", "for _ in range(3):\n    pass"),
    "robot-links": ("score", 'x = self.robot.links["base"].position_init[2] + self.dt'),
    "contacts": ("succ", "len(self._p.getContactPoints(self.robot.robot_id, self.box)) > 0"),
    "body-velocity": ("reset", "self._p.resetBaseVelocity(self.box, linearVelocity=[1, 0, 0])"),
    "constants": ("init", "x = self._p.GEOM_BOX, self._p.JOINT_FIXED, self._p.WORLD_FRAME"),
    "recolour": ("poststep", "self._p.changeVisualShape(self.box, -1, rgbaColor=[0, 1, 0, 1])"),
    "remove-body": ("init", "self._p.removeBody(self.box)"),
    "ray": ("score", "x = self._p.rayTest([0, 0, 1], [1, 0, 1])[0][0]"),
    "alias-of-p": ("score", "p = self._p; p.getBasePositionAndOrientation(self.box)"),
}

# What the policy lets through, or might one day, and the world itself stops; with what it says.
STOPPED = {
    "alias-p": ("init", 'q = self._p; q.loadPlugin("x")', "not available"),
    "alias-p-client": ("init", "q = self._p; q.client_id", "not available"),
    "alias-np": ("init", 'n = np; n.load("x")', "not available"),
    "alias-linalg": ("init", "x = np.linalg; x.lapack_lite", "not available"),
    "alias-random": ("init", "r = [random][0]; r.SystemRandom", "not available"),
    "ndarray-alias": ("init", 'make = np.ndarray; make((1,), dtype="O")', "np.array"),
    "generic-alias": ("init", 'make = np.ndarray[int]; make((1,), dtype="O")', "np.array"),
    "urdf-alias": ("init", 'q = self._p; q.loadURDF("/etc/passwd")', "comes with PyBullet"),
    "urdf-computed": ("init", 'self._p.loadURDF("plane" + ".urdf/../../x.urdf")', "comes with"),
    "urdf-getattr": ("init", 'getattr(self._p, "loadURDF")("x.urdf")', "comes with PyBullet"),
    "mesh-file": ("init", 'self._p.createCollisionShape(5, fileName="/etc/passwd")', "left out"),
    "mesh-file-by-position": (
        "init",
        'self._p.createCollisionShape(5, 1.0, [1, 1, 1], 1.0, "/etc/passwd")',
        "left out",
    ),
    "mesh-file-in-keywords": (
        "init",
        'self._p.createVisualShape(**{"shapeType": 5, "file" + "Name": "/etc/passwd"})',
        "left out",
    ),
    "other-world": ("init", "self._p.getNumBodies(physicsClientId=1)", "physicsClientId"),
    "getattr-alias": ("init", 'g = [getattr][0]; g(self, "__cl" + "ass__")', "not available"),
    "hasattr-alias": ("init", 'h = [hasattr][0]; 1 / h(self, "__dict__")', "division by zero"),
    "getattr-format": ("init", 'g = [getattr][0]; g("{0}", "form" + "at")', "f-string"),
    "getattr-mangled": (
        "init",
        'g = [getattr][0]; g(self, "_Base" "Env__client")',
        "not available",
    ),
    "helper-method-on-the-client": (
        "init",
        "class H:\n    def f(self):\n        return self._client\nH.f(self._p)",
        "without an object of H",
    ),
    "helper-method-on-an-array": (
        "init",
        'class H:\n    def f(self):\n        self.tofile("x")\nH.f(np.ones(3))',
        "without an object of H",
    ),
    "helper-method-on-the-robot": (
        "init",
        "class H:\n    def f(self):\n        self.robot_id = 7\nH.f(self.robot)",
        "without an object of H",
    ),
    "class-of-an-array": ("init", "class A(np.float64):\n    pass", "derive from nothing"),
    "class-of-a-number": ("init", "class A(float):\n    pass", "derive from nothing"),
    "two-bases": ("init", "class A:\n    pass\nclass B(A, Env):\n    pass", "has 2 bases"),
    "links-are-read-only": ("init", 'self.robot.links["base"] = None', "does not support item"),
    "links-behind-the-proxy": (
        "init",
        "class H:\n    def __eq__(self, other):\n        other.clear()\n        return True\n"
        'self.robot.links == H()\nself.robot.links["base"]',
        "'base'",
    ),
    "position-is-read-only": ("reset", 'self.robot.links["base"].position[0] = 5', "read-only"),
    "read-only-array-opened": (
        "init",
        'g = [getattr][0]; g(self.robot.links["base"].position, "fla" + "gs")["WRITEABLE"] = True',
        "not available",
    ),
    "reset-during-a-step": ("prestep", "super().reset()", "in the step phase"),
    "step-while-scoring": ("score", "super().step(action)", "in the reward phase"),
    "built-anew-during-a-step": ("prestep", "super().__init__()", "in the step phase"),
    "world-closed": ("reset", "self.close()", "in the reset phase"),
    "no-step": ("poststep", "super().step(action)", "advanced the world 2 times"),
    "huge-factorial": ("init", "math.factorial(10**7)", "numbers up to 1000"),
    "huge-binomial": ("init", "math.comb(10**7, 10**6)", "numbers up to 1000"),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_accepts_and_runs(name: str, spliced: Callable[[str, str], str]) -> None:
    place, fragment = ORDINARY[name]
    source = spliced(place, fragment)
    assert [str(refusal) for refusal in refusals(source)] == []
    play(source)


def test_knows_at_least_a_hundred_idioms() -> None:
    assert len(ORDINARY) >= 100


@pytest.mark.parametrize("name", STOPPED)
def test_world_stops(name: str, spliced: Callable[[str, str], str]) -> None:
    place, fragment, said = STOPPED[name]
    with pytest.raises(Exception, match=re.escape(said)):
        play(spliced(place, fragment))


def play(source: str) -> None:
    """A short episode of a task."""
    env = TaskEnv(source)
    try:
        env.reset(seed=0)
        for action in (1, 3, 0):
            env.step(action)
    finally:
        env.close()
