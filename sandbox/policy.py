"""The language policy: what task code may say, decided before any of it runs.

RestrictedPython's transformer walks the syntax tree and refuses what could reach out of the
language: underscore attributes, frames, unknown statements. Its rewritten code and its run-time
guards are not used. This subclass admits what ordinary task code says (`self._p`,
`super().__init__()`, augmented assignment to attributes) and closes the doors that numpy and
PyBullet leave open. It keeps tasks honest and finds mistakes early; it is not the security
boundary, which is the process the code runs in.
"""

from __future__ import annotations

import ast
import builtins
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pybullet
from RestrictedPython.transformer import (
    ALLOWED_FUNC_NAMES,
    INSPECT_ATTRIBUTES,
    RestrictingNodeTransformer,
)

from .world.base import BaseEnv
from .world.loading import BASES, ROBOT_MODULES

MAX_SOURCE_CHARACTERS = 100_000

ALLOWED_BUILTINS = frozenset(
    """
    abs all any bool bytes callable chr classmethod complex dict divmod enumerate filter float
    frozenset int isinstance issubclass iter len list map max min next object ord pow print
    property range repr reversed round set slice sorted staticmethod str sum super tuple zip
    True False None NotImplemented Ellipsis
    ArithmeticError AssertionError AttributeError Exception IndexError KeyError LookupError
    NameError NotImplementedError OverflowError RuntimeError StopIteration TypeError ValueError
    ZeroDivisionError
    """.split()
)
# These two are common and harmless where the attribute's name stands in the code.
NAMED_ATTRIBUTE_BUILTINS = frozenset({"getattr", "hasattr"})

ALLOWED_TYPING = frozenset(
    """
    Any Callable ClassVar Dict Final FrozenSet Iterable Iterator List Literal Mapping
    NamedTuple Optional Sequence Set Tuple Type Union
    """.split()
)

ALLOWED_NUMPY_MODULES = frozenset({"linalg", "random"})
# `ndarray` may be called nowhere, as it makes arrays over memory that is not theirs; as a type (see
# `_types_in`) it is harmless.
REFUSED_NUMPY = frozenset(
    """
    DataSource frombuffer fromfile fromiter fromregex genfromtxt load loadtxt memmap ndarray
    save savetxt savez savez_compressed seterrcall
    """.split()
)
REFUSED_ARRAY_ATTRIBUTES = frozenset(
    {"base", "ctypes", "data", "dump", "dumps", "resize", "setflags", "tofile"}
)
REFUSED_STRING_ATTRIBUTES = frozenset({"format", "format_map"})

ALLOWED_BULLET_CALLS = frozenset(
    """
    applyExternalForce applyExternalTorque calculateInverseKinematics
    calculateVelocityQuaternion changeConstraint changeDynamics changeVisualShape
    computeProjectionMatrixFOV createCollisionShape createConstraint createMultiBody
    createVisualShape enableJointForceTorqueSensor getAABB getAxisAngleFromQuaternion
    getAxisDifferenceQuaternion getBasePositionAndOrientation getBaseVelocity getBodyInfo
    getBodyUniqueId getClosestPoints getCollisionShapeData getConstraintInfo
    getConstraintState getContactPoints getDifferenceQuaternion getDynamicsInfo
    getEulerFromQuaternion getJointInfo getJointState getJointStates getJointStateMultiDof
    getLinkState getLinkStates getMatrixFromQuaternion getNumBodies getNumConstraints
    getNumJoints getOverlappingObjects getQuaternionFromAxisAngle getQuaternionFromEuler
    getQuaternionSlerp getVisualShapeData invertTransform multiplyTransforms rayTest
    rayTestBatch removeBody removeConstraint resetBasePositionAndOrientation
    resetBaseVelocity resetJointState rotateVector setCollisionFilterGroupMask
    setCollisionFilterPair setJointMotorControl2 setJointMotorControlArray
    """.split()
)
REFUSED_BULLET = frozenset(
    name
    for name, value in vars(pybullet).items()
    if callable(value) and name not in ALLOWED_BULLET_CALLS and not isinstance(value, type)
)
REFUSED_NUMPY_MODULES = frozenset(
    name
    for name in dir(np)
    if name not in ALLOWED_NUMPY_MODULES and isinstance(vars(np).get(name), types.ModuleType)
) | {"ctypeslib", "f2py", "lib", "testing", "test", "core", "distutils"}
REFUSED_ATTRIBUTES = (
    REFUSED_NUMPY
    | REFUSED_NUMPY_MODULES
    | REFUSED_ARRAY_ATTRIBUTES
    | {"mro", "obj", "with_traceback", "func"}
)

STATE_OF_BASE = frozenset(
    {"_p", "robot", "dt", "np_random", "action_space", "observation_space", "robot_class"}
)
OWNED_BY_BASE = STATE_OF_BASE | {
    name for name in vars(BaseEnv) if callable(getattr(BaseEnv, name)) and name[0] != "_"
}


@dataclass(frozen=True)
class Refusal:
    """One thing that task code may not say."""

    line: int
    what: str
    instead: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.what}"


def parse(source: str) -> ast.Module:
    """The syntax tree of a source. Raises SyntaxError, also for what breaks Python's parser."""
    if len(source) > MAX_SOURCE_CHARACTERS:
        raise SyntaxError(
            f"the source has {len(source)} characters, more than {MAX_SOURCE_CHARACTERS}"
        )
    try:
        return ast.parse(source, "<task>")
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(f"the source cannot be parsed ({str(error) or 'too deep'})") from None


def refusals(source: str) -> list[Refusal]:
    """What the policy refuses in a source, in the order of its lines; empty where it is fine."""
    transformer = _TaskTransformer()
    try:
        transformer.visit(parse(source))
    except RecursionError:
        return [Refusal(1, "the code is nested too deeply", "Split long expressions.")]
    unique = {(r.line, r.what): r for r in transformer.refusals}
    return sorted(unique.values(), key=lambda refusal: refusal.line)


class _TaskTransformer(RestrictingNodeTransformer):
    """Collects refusals; the tree that the base class rewrites is thrown away."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals: list[Refusal] = []
        self._types: set[ast.AST] = set()
        self._methods: set[ast.AST] = set()

    def refuse(self, node: ast.AST, what: str, instead: str) -> None:
        self.refusals.append(Refusal(getattr(node, "lineno", 1), what, instead))

    def error(self, node: ast.AST, info: str) -> None:
        """A refusal by RestrictedPython itself."""
        self.refuse(node, info.rstrip("."), "Write it with plain Python statements.")

    def check_name(self, node: Any, name: str | None, allow_magic_methods: bool = False) -> None:
        if name is None or name == "_" or name == "print":
            return
        magic = allow_magic_methods and name in ALLOWED_FUNC_NAMES and node.col_offset != 0
        # RestrictedPython's own names look like `_name_`.
        reserved = name.startswith("__") or name[0] == name[-1] == "_"
        if reserved and not magic:
            self.refuse(node, f"the name `{name}` is reserved", "Use a name like `goal`.")

    # Names and attributes.

    def visit_Name(self, node: ast.Name) -> Any:
        # Checked before the base class sees it: that one rewrites `print`.
        name = node.id
        if isinstance(node.ctx, ast.Load):
            if hasattr(builtins, name) and name not in ALLOWED_BUILTINS:
                self.refuse(
                    node, f"`{name}` is not available to tasks", _INSTEAD.get(name, _PLAIN_INSTEAD)
                )
        elif name in BASES or name == "self":
            self.refuse(node, f"`{name}` may not be redefined", "Choose another name.")
        self.check_name(node, name)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        self._check_attribute(node, node.attr, on_self=_is_self(node.value))
        if not isinstance(node.ctx, ast.Load):
            self._check_store(node)
        return self.node_contents_visit(node)

    def _check_attribute(self, node: ast.AST, name: str, *, on_self: bool) -> None:
        if name.startswith("_"):
            own = on_self and not name.startswith("__")
            call = isinstance(node, ast.Attribute) and _is_super_call(node.value)
            if not own and not (call and (name == "__init__" or not name.startswith("__"))):
                self.refuse(
                    node,
                    f"the attribute `{name}` is private",
                    "Use `self._p` for PyBullet and public attributes for everything else.",
                )
        elif name in INSPECT_ATTRIBUTES:
            self.refuse(node, f"`.{name}` is refused", "Tasks have no use for frames.")
        elif on_self or node in self._types:
            # `self.load`, `self.data` and the like are the task's own; np.ndarray is a fine type.
            pass
        elif name in REFUSED_STRING_ATTRIBUTES:
            self.refuse(node, f"`.{name}` is refused", 'Use an f-string: f"{value:.2f}".')
        elif name in REFUSED_BULLET:
            self.refuse(
                node, f"`{name}` is not available to tasks", _INSTEAD.get(name, _BODIES_INSTEAD)
            )
        elif name in REFUSED_ATTRIBUTES:
            self.refuse(
                node,
                f"`.{name}` is not available to tasks",
                "Use arithmetic, np.array, np.linalg and np.random.",
            )

    def _check_store(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Del):
            self.refuse(node, "attributes may not be deleted", "Set it to None.")
        elif not _is_self(node.value):
            self.refuse(
                node,
                f"`{ast.unparse(node)}` is set, but attributes may only be set on self",
                "Keep the value in an attribute of self.",
            )
        elif node.attr in OWNED_BY_BASE:
            self._refuse_replacing(node, node.attr)

    def _refuse_replacing(self, node: ast.AST, name: str) -> None:
        self.refuse(
            node,
            f"`{name}` belongs to the base class and may not be replaced",
            f"Choose another name than `{name}`.",
        )

    def visit_Call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name not in NAMED_ATTRIBUTE_BUILTINS:
            return self.node_contents_visit(node)
        attribute = node.args[1] if len(node.args) > 1 else None
        if not isinstance(attribute, ast.Constant) or not isinstance(attribute.value, str):
            self.refuse(
                node,
                f"`{name}` with a computed attribute name is refused",
                f'Write the name out: {name}(self, "distance").',
            )
        else:
            self._check_attribute(node, attribute.value, on_self=_is_self(node.args[0]))
        # The call's own name is fine here; its arguments are looked at as usual.
        node.args = [self.visit(argument) for argument in node.args]
        return node

    # Statements that RestrictedPython refuses or rewrites, but that are fine here.

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        return self.node_contents_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        return self.node_contents_visit(node)

    def visit_Assign(self, node: ast.Assign) -> Any:
        return self.node_contents_visit(node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> Any:
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        return self.node_contents_visit(node)

    def guard_iter(self, node: Any) -> Any:
        return self.node_contents_visit(node)

    # Statements that are narrowed.

    def visit_Import(self, node: ast.Import) -> Any:
        for alias in node.names:
            if alias.name not in ("numpy", "math", "random"):
                self._refuse_import(node, f"import {alias.name}")
            self.check_name(node, alias.asname)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        allowed = set(ROBOT_MODULES.get(node.module or "", ()))
        if node.module == "math":
            allowed = {alias.name for alias in node.names if alias.name[0] not in "_*"}
        elif node.module == "typing":
            allowed = set(ALLOWED_TYPING)
        elif node.module == "__future__":
            allowed = {"annotations"}
        for alias in node.names:
            if node.level or alias.name not in allowed:
                self._refuse_import(node, f"from {node.module} import {alias.name}")
            self.check_name(node, alias.asname)
        return node

    def _refuse_import(self, node: ast.AST, statement: str) -> None:
        self.refuse(
            node,
            f"`{statement}` is refused",
            "Import only `numpy as np`, `math`, `random` and the robot's base: "
            "`from taskwright.sandbox.world import R2D2Env`. PyBullet is `self._p`.",
        )

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        if node.type is None:
            self.refuse(
                node,
                "a bare `except:` is refused, as it would also catch being stopped",
                "Name the exception: `except ValueError:`.",
            )
        self.check_name(node, node.name)
        return self.node_contents_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        self._check_decorators(node, {"property", "staticmethod", "classmethod"})
        self.check_name(node, node.name, allow_magic_methods=True)
        self.check_function_argument_names(node)
        return self.node_contents_visit(node)

    def check_function_argument_names(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    ) -> None:
        super().check_function_argument_names(node)
        # `self._p` is let through because of whose attribute it is: `self` must mean the task.
        names = [argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)]
        if "self" in names and not (node in self._methods and names[0] == "self"):
            self.refuse(
                node,
                "`self` is a parameter of a function that is not a method",
                "Name that parameter otherwise; a function inside a method sees its `self`.",
            )

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        self._check_decorators(node, set())
        if node.keywords:
            self.refuse(node, "class keywords are refused", "Write `class Env(R2D2Env):`.")
        self.check_name(node, node.name)
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef):
                self._methods.add(statement)
                if statement.name in STATE_OF_BASE:
                    self._refuse_replacing(statement, statement.name)
            else:
                self._check_class_variables(statement)
        return self.node_contents_visit(node)

    def _check_class_variables(self, statement: ast.stmt) -> None:
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        for name in names:
            if isinstance(name.ctx, ast.Store) and name.id in OWNED_BY_BASE:
                self._refuse_replacing(name, name.id)

    def visit_Module(self, node: ast.Module) -> Any:
        self._types.update(_types_in(node))
        return self.node_contents_visit(node)

    def _check_decorators(self, node: ast.FunctionDef | ast.ClassDef, allowed: set[str]) -> None:
        for decorator in node.decorator_list:
            if not (isinstance(decorator, ast.Name) and decorator.id in allowed):
                self.refuse(
                    decorator,
                    f"the decorator `@{ast.unparse(decorator)}` is refused",
                    "Only @property, @staticmethod and @classmethod are allowed, on methods.",
                )


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _is_super_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "super"
        and not node.args
    )


def _types_in(tree: ast.AST) -> Iterator[ast.AST]:
    """The expressions that only name types: annotations, and what `isinstance` asks for."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.arg(annotation=ast.expr() as types)
                | ast.AnnAssign(annotation=types)
                | ast.FunctionDef(returns=ast.expr() as types)
                | ast.Call(func=ast.Name(id="isinstance"), args=[_, types])
            ):
                inside = list(ast.walk(types))
                if not any(isinstance(part, ast.Call | ast.NamedExpr) for part in inside):
                    yield from inside


_PLAIN_INSTEAD = "Use arithmetic, math, numpy, random and the attributes of self."
_BODIES_INSTEAD = (
    "Build bodies with self.create_box, self.create_sphere and self.create_cylinder, or with "
    "self._p.createCollisionShape and self._p.createMultiBody."
)
_INSTEAD = {
    "BaseException": "Name the one exception that is expected, or Exception.",
    "SystemExit": "Raise ValueError where something cannot be.",
    "eval": "Write the expression itself.",
    "exec": "Write the statements themselves.",
    "open": "Tasks cannot use files; keep data in the code.",
    "input": "Tasks cannot ask for input.",
    "type": "Use isinstance.",
    "setattr": "Write `self.name = value`.",
    "vars": "Read the attributes by name.",
    "stepSimulation": "Let super().step(action) advance the world, once per step.",
    "setGravity": "Physics settings are the same in every task; leave them as they are.",
    "setTimeStep": "Physics settings are the same in every task; leave them as they are.",
    "setPhysicsEngineParameter": "Physics settings are the same in every task; leave them.",
    "resetSimulation": "The world is built anew for each episode; leave it as it is.",
    "getCameraImage": "The agent's observation is fixed; leave rendering to the tools.",
}
