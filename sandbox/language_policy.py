"""The language policy: what task code may say, decided before any of it runs.

RestrictedPython's transformer walks the syntax tree and refuses what could reach out of the
language: underscore attributes, frames, unknown statements. Its rewritten code and its run-time
guards are not used. This subclass admits what ordinary task code says (`self._p`,
`super().__init__()`, augmented assignment to attributes), and refuses early, with the line, what
the running world would refuse as well: both read `world/allowed.py` and `world/calls.py`.

A method may read private attributes of its `self` and set any, which it may do with no other
object. So everything that could slip another object in as `self` is refused here, and
`world/loading.TaskType` looks at those that are called through their class.

It keeps tasks honest and finds mistakes early; it is not the security boundary, which is the
process the code runs in.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard

from RestrictedPython.transformer import ALLOWED_FUNC_NAMES, RestrictingNodeTransformer

from ..world.base import OWNED_BY_BASE, STATE_OF_BASE
from ..world.client.arguments import bundled_model_path
from ..world.client.calls import CLIENT_NAMES
from ..world.language.allowed import (
    BUILTINS,
    MODULES,
    NAMED_ATTRIBUTE_BUILTINS,
    NUMPY_RANDOM_TYPES,
    NUMPY_TYPES,
    refused_attribute,
)
from ..world.language.loading import BASES, ROBOT_MODULES
from .syntax import parsed

MAX_SOURCE_CHARACTERS = 100_000

# These attributes decide which object a method gets as its `self`.
MAKERS_OF_SELF = frozenset({"super", "property", "staticmethod", "classmethod"})


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
    return parsed(source)


def refusals(source: str) -> list[Refusal]:
    """What the policy refuses in a source, in the order of its lines; empty where it is fine."""
    tree = parse(source)
    try:
        transformer = _TaskTransformer(tree)
        transformer.visit(tree)
    except RecursionError:
        return [Refusal(1, "the code is nested too deeply", "Split long expressions.")]
    unique = {(r.line, r.what): r for r in transformer.refusals}
    return sorted(unique.values(), key=lambda refusal: refusal.line)


class _TaskTransformer(RestrictingNodeTransformer):
    """Collects refusals; the tree that the base class rewrites is thrown away."""

    def __init__(self, tree: ast.Module) -> None:
        super().__init__()
        self.refusals: list[Refusal] = []
        self._bound = set(_names_bound_in(tree))
        self._modules = _modules_in(tree, self._bound)
        self._methods: set[ast.AST] = set()
        self._classes: list[ast.ClassDef] = []
        self._functions: list[ast.AST] = []
        self._cleaning_up: list[ast.AST | None] = []
        """The functions of the `try` and `with` statements around what is visited."""

    def refuse(self, node: ast.AST, what: str, instead: str) -> None:
        self.refusals.append(Refusal(getattr(node, "lineno", 1), what, instead))

    def error(self, node: ast.AST, info: str) -> None:
        """A refusal by RestrictedPython itself."""
        self.refuse(node, info.rstrip("."), "Write it with plain Python statements.")

    # Names.

    def check_name(self, node: Any, name: str | None, allow_magic_methods: bool = False) -> None:
        if name is None or name == "_" or name == "print":
            return
        magic = allow_magic_methods and name in ALLOWED_FUNC_NAMES and node.col_offset != 0
        # RestrictedPython's own names look like `_name_`, those of trusted classes `_Class__name`.
        reserved = name[0] == "_" and (name[-1] == "_" or "__" in name)
        if reserved and not magic:
            self.refuse(node, f"the name `{name}` is reserved", "Use a name like `goal`.")
        if name in MAKERS_OF_SELF:
            self.refuse(node, f"`{name}` may not be redefined", "Choose another name.")

    def _check_bound(self, node: ast.AST, name: str | None, magic: bool = False) -> None:
        """Check a name that a statement binds."""
        if name in BASES or name == "self":
            self.refuse(node, f"`{name}` may not be redefined", "Choose another name.")
        self.check_name(node, name, allow_magic_methods=magic)

    def visit_Name(self, node: ast.Name) -> Any:
        # Checked before the base class sees it: that one rewrites `print`.
        name = node.id
        if not isinstance(node.ctx, ast.Load):
            self._check_bound(node, name)
        elif name == "super":
            self.refuse(node, "`super` is used for something else than a call", _SUPER_INSTEAD)
        elif name not in MAKERS_OF_SELF and name != "__name__":
            unknown = name not in BUILTINS and name not in NAMED_ATTRIBUTE_BUILTINS
            if unknown and hasattr(builtins, name) and name not in self._bound:
                instead = _INSTEAD.get(name, _PLAIN_INSTEAD)
                self.refuse(node, f"`{name}` is not available to tasks", instead)
            self.check_name(node, name)
        return node

    # Attributes.

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        module = self._module(node.value)
        if module is not None:
            if node.attr not in MODULES[module]:
                self._refuse_member(node, ast.unparse(node), node.attr)
        elif _is_client(node.value):
            if node.attr not in CLIENT_NAMES:
                self._refuse_member(node, node.attr, node.attr)
        else:
            self._check_attribute(node, node.attr, node.value)
        if not isinstance(node.ctx, ast.Load):
            self._check_store(node)
        return self.node_contents_visit(node)

    def _module(self, node: ast.AST) -> str | None:
        """The module that an expression refers to, as far as its names show."""
        if isinstance(node, ast.Name):
            return self._modules.get(node.id)
        if isinstance(node, ast.Attribute) and (parent := self._module(node.value)):
            return name if (name := f"{parent}.{node.attr}") in MODULES else None
        return None

    def _refuse_member(self, node: ast.AST, shown: str, name: str) -> None:
        usual = _BODIES_INSTEAD if shown == name else _NUMPY_INSTEAD
        self.refuse(node, f"`{shown}` is not available to tasks", _INSTEAD.get(name, usual))

    def _check_attribute(self, node: ast.AST, name: str, owner: ast.AST) -> None:
        if _is_self(owner) and not name.startswith("_"):
            return
        if name.startswith("_"):
            own = _is_self(owner) or _is_super_call(owner)
            if own and "__" not in name:
                return
            if _is_super_call(owner) and name == "__init__":
                return
        instead = refused_attribute(name)
        if instead:
            what = "is private" if name.startswith("_") else "is not available to tasks"
            self.refuse(node, f"the attribute `.{name}` {what}", instead)

    def _check_store(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Del):
            self.refuse(node, "attributes may not be deleted", "Set it to None.")
        elif not _is_self(node.value):
            self.refuse(
                node,
                f"`{ast.unparse(node)}` is set, but attributes may only be set on self",
                "Keep the value in an attribute of self. An object of your own class sets it in a "
                f"method of that class, which you call: `def set_{node.attr}(self, value): "
                f"self.{node.attr} = value`.",
            )
        elif node.attr in OWNED_BY_BASE and self._may_be_an_environment():
            self._refuse_replacing(node, node.attr)

    def _may_be_an_environment(self) -> bool:
        return bool(self._classes) and _has_bases(self._classes[-1])

    def _refuse_replacing(self, node: ast.AST, name: str) -> None:
        self.refuse(
            node,
            f"`{name}` belongs to the base class and may not be replaced",
            f"Choose another name than `{name}`.",
        )

    # Calls.

    def visit_Call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name == "super":
            self._check_super(node)
            return node
        if name in NAMED_ATTRIBUTE_BUILTINS and name not in self._bound:
            self._check_named_attribute(node, name)
        elif isinstance(node.func, ast.Attribute):
            self._check_call_of(node, node.func)
        return self.node_contents_visit(node)

    def _check_super(self, node: ast.Call) -> None:
        second = node.args[1] if len(node.args) == 2 and not node.keywords else None
        # Without arguments, `super` takes the first argument of the function around it.
        implicit = not node.args and bool(self._functions) and self._functions[-1] in self._methods
        if not (implicit or (second is not None and _is_self(second))):
            self.refuse(node, "`super` is called outside a method's own code", _SUPER_INSTEAD)

    def _check_named_attribute(self, node: ast.Call, name: str) -> None:
        attribute = node.args[1] if len(node.args) > 1 else None
        if not isinstance(attribute, ast.Constant) or not isinstance(attribute.value, str):
            self.refuse(
                node,
                f"`{name}` with a computed attribute name is refused",
                f'Write the name out: {name}(self, "distance").',
            )
        else:
            self._check_attribute(node, attribute.value, node.args[0])

    def _check_call_of(self, node: ast.Call, function: ast.Attribute) -> None:
        module, name = self._module(function.value), function.attr
        if (module == "numpy" and name in NUMPY_TYPES) or (
            module == "numpy.random" and name in NUMPY_RANDOM_TYPES
        ):
            self.refuse(
                node,
                f"`{ast.unparse(function)}` is called, but it is a type for annotations",
                "Use np.array, np.zeros or np.random.default_rng.",
            )
        if _is_client(function.value) and name == "loadURDF" and node.args:
            model = node.args[0]
            if isinstance(model, ast.Constant) and bundled_model_path(model.value) is None:
                self.refuse(
                    node,
                    f"`loadURDF({ast.unparse(model)})` is no model that comes with PyBullet",
                    _BODIES_INSTEAD,
                )

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
            if alias.name not in MODULES:
                self._refuse_import(node, f"import {alias.name}")
            self._check_bound(node, alias.asname)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        name = node.module or ""
        allowed = MODULES.get(name) or set(ROBOT_MODULES.get(name, ()))
        for alias in node.names:
            if node.level or alias.name not in allowed:
                self._refuse_import(node, f"from {'.' * node.level}{name} import {alias.name}")
            self._check_bound(node, alias.asname)
        return node

    def _refuse_import(self, node: ast.AST, statement: str) -> None:
        self.refuse(
            node,
            f"`{statement}` is refused",
            "Import only `numpy as np`, `math`, `random` and the robot's base: "
            "`from taskwright.world import R2D2Env`. PyBullet is `self._p`.",
        )

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        if node.type is None:
            self.refuse(
                node,
                "a bare `except:` is refused, as it would also catch being stopped",
                "Name the exception: `except ValueError:`.",
            )
        self._check_bound(node, node.name)
        return self.node_contents_visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        self.check_function_argument_names(node)
        return self._visit_inside(self._functions, node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        self._check_decorators(node, {"property", "staticmethod", "classmethod"})
        self._check_bound(node, node.name, magic=True)
        self.check_function_argument_names(node)
        return self._visit_inside(self._functions, node)

    def visit_Yield(self, node: ast.Yield | ast.YieldFrom) -> Any:
        if self._functions and self._functions[-1] in self._cleaning_up:
            # The cleaning up would run when the generator is collected: perhaps in another
            # episode, and while trusted code runs.
            self.refuse(
                node,
                "`yield` inside `try` or `with` is refused",
                "Move the `yield` out of it, or return a list.",
            )
        return self.node_contents_visit(node)

    visit_YieldFrom = visit_Yield  # noqa: N815 (Python's name)

    def visit_Try(self, node: ast.Try | ast.With) -> Any:
        function = self._functions[-1] if self._functions else None
        return self._visit_inside(self._cleaning_up, node, function)

    visit_With = visit_Try  # noqa: N815 (Python's name)

    def _visit_inside(self, stack: list[Any], node: Any, noted: Any = None) -> Any:
        stack.append(noted or node)
        try:
            return self.node_contents_visit(node)
        finally:
            stack.pop()

    def check_function_argument_names(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    ) -> None:
        super().check_function_argument_names(node)
        names = [argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)]
        if "self" in names and not (node in self._methods and names.count("self") == 1):
            self.refuse(
                node,
                "`self` is a parameter of a function that is not a method",
                "Name that parameter otherwise; a function inside a method sees its `self`.",
            )

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        self._check_decorators(node, set())
        if node.keywords:
            self.refuse(node, "class keywords are refused", "Write `class Env(R2D2Env):`.")
        self._check_bound(node, node.name)
        methods = {statement for statement in node.body if _is_method(statement)}
        self._methods |= methods
        names = {method.name for method in methods if isinstance(method, ast.FunctionDef)}
        for part in _class_level(node):
            if isinstance(part, ast.Global | ast.Nonlocal):
                self.refuse(part, "`global` in a class is refused", "Write it in a method.")
            elif _is_read(part) and part.id in names:
                self.refuse(
                    part,
                    f"the method `{part.id}` is used where its class is defined",
                    f"Call it in a method: `self.{part.id}()`.",
                )
        if _has_bases(node):
            self._check_class_variables(node)
        return self._visit_inside(self._classes, node)

    def _check_class_variables(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef) and statement.name in STATE_OF_BASE:
                self._refuse_replacing(statement, statement.name)
        for part in _class_level(node):
            for name in _names_bound_by(part):
                if name in OWNED_BY_BASE and not isinstance(part, ast.FunctionDef):
                    self._refuse_replacing(part, name)

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


def _is_read(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def _is_client(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "_p" and _is_self(node.value)


def _is_super_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
    )


def _is_method(node: ast.AST) -> bool:
    """Whether a statement of a class makes a method that gets an object as its `self`."""
    if not isinstance(node, ast.FunctionDef):
        return False
    makers = {getattr(decorator, "id", "") for decorator in node.decorator_list}
    arguments = [*node.args.posonlyargs, *node.args.args]
    return (
        bool(arguments)
        and arguments[0].arg == "self"
        and not makers & {"staticmethod", "classmethod"}
    )


def _has_bases(node: ast.ClassDef) -> bool:
    return any(getattr(base, "id", "") != "object" for base in node.bases)


def _class_level(node: ast.ClassDef) -> Iterator[ast.AST]:
    """The statements that run while the class is created: all but the bodies of its functions."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        part = waiting.pop()
        yield part
        inside = set(part.body) if isinstance(part, ast.FunctionDef) else set()
        waiting += [child for child in ast.iter_child_nodes(part) if child not in inside]


def _names_bound_by(node: ast.AST) -> Iterator[str]:
    """The names that one node of a tree binds."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
            yield name
        case ast.ExceptHandler(name=str(name)):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)


def _names_bound_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            yield from _names_bound_by(node)


def _modules_in(tree: ast.AST, bound: set[str]) -> dict[str, str]:
    """The names that refer to a module throughout a source."""
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                modules[alias.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return {name: of for name, of in modules.items() if of in MODULES and name not in bound}


_SUPER_INSTEAD = "Write super().reset() and the like, directly in a method of the class."
_NUMPY_INSTEAD = "Use arithmetic, math, np.array, np.linalg and np.random."
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
    "setattr": "Write `self.name = value`, in a method of the object's own class.",
    "vars": "Read the attributes by name.",
    "stepSimulation": "Let super().step(action) advance the world, once per step.",
    "setGravity": "Physics settings are the same in every task; leave them as they are.",
    "setTimeStep": "Physics settings are the same in every task; leave them as they are.",
    "setPhysicsEngineParameter": "Physics settings are the same in every task; leave them.",
    "resetSimulation": "The world is built anew for each episode; leave it as it is.",
    "getCameraImage": "The agent's observation is fixed; leave rendering to the tools.",
}
