"""Finds calls that the world refuses once an episode goes on, before any of them is made.

The world refuses them whenever they come (see `world/client/task_client.py`). One that comes late,
when the robot has reached something, would come in training and not in a check. So what can be seen
in the source is refused here, in the same words: what changes the robot in `step` or in
`get_task_rewards`, and what changes anything in the methods that judge, with whatever functions and
methods of the task these call.

The robot is `self.robot.robot_id`, and every variable, attribute or parameter that is given it.
What cannot be seen, such as which item of a list it is, is left to the world.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ..world.client.calls import CALLS, Effect
from ..world.client.task_client import BODIES_OF, called_in_score, changed_in_step
from .language_policy import Refusal, parse

_ACTING = ("step", "get_task_rewards")
_JUDGING = ("get_terminated", "get_truncated", "get_success")
_HARMLESS = (Effect.READ, Effect.PAINT)
_HELPERS = dict.fromkeys(("create_box", "create_sphere", "create_cylinder"), "createCollisionShape")
"""The call that these methods of the base class begin with."""

Kind = Literal["robot", "tie"]
"""What a value may be: the robot's id, or the id of a constraint that ties the robot."""
_NOTHING: frozenset[Kind] = frozenset()


def forbidden_calls(source: str) -> list[Refusal]:
    """The calls in a source that the world would refuse during an episode.

    Args:
        source: The source of a task, which the language policy lets through.

    Returns:
        A refusal for each, in the order of their lines.
    """
    task = _Task(parse(source))
    errors = [(call, called_in_score(name)) for call, name, _ in task.calls(_JUDGING)]
    errors += [
        (call, changed_in_step(name))
        for call, name, function in task.calls(_ACTING)
        if task.changes_robot(call, name, function)
    ]
    found = {
        call.lineno: Refusal(call.lineno, error.finding.removesuffix("."), error.fix)
        for call, error in reversed(errors)
    }
    return [found[line] for line in sorted(found)]


@dataclass(eq=False)
class _Function:
    """A function of the task, or a method of one of its classes, with what is nested in it."""

    node: ast.FunctionDef
    owner: str = ""
    """The name of its class."""
    variables: dict[str, frozenset[Kind]] = field(default_factory=dict)
    """What its variables and parameters may be."""
    returned: frozenset[Kind] = _NOTHING

    @property
    def parameters(self) -> list[str]:
        arguments = self.node.args
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        return names[1:] if self.owner else names


class _Task:
    """What can be seen of a task: which functions call which, and what in them is the robot."""

    def __init__(self, tree: ast.Module) -> None:
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        self._functions = [
            _Function(node, owner)
            for owner, body in [("", tree.body), *((node.name, node.body) for node in classes)]
            for node in body
            if isinstance(node, ast.FunctionDef)
        ]
        self._named: dict[str, list[_Function]] = {}
        for function in self._functions:
            self._named.setdefault(function.node.name, []).append(function)
            if function.owner and function.node.name == "__init__":
                self._named.setdefault(function.owner, []).append(function)
        self._attributes: dict[str, frozenset[Kind]] = {}
        """What an attribute of this name may be, of whatever object."""
        self._acting = self._reached(_ACTING)
        self._learned = True
        while self._learned:
            self._learned = False
            for function in self._functions:
                for node in ast.walk(function.node):
                    self._follow(node, function)

    def calls(self, members: tuple[str, ...]) -> Iterator[tuple[ast.Call, str, _Function]]:
        """The calls of `self._p` that change the world, in what these methods run."""
        for function in self._reached(members):
            for node in ast.walk(function.node):
                name = _client_call(node)
                if name and CALLS[name].effect not in _HARMLESS:
                    assert isinstance(node, ast.Call)
                    yield node, name, function

    def changes_robot(self, call: ast.Call, name: str, function: _Function) -> bool:
        """Whether a call changes the robot, or what ties it."""
        if CALLS[name].effect is not Effect.CHANGE:
            return False
        given = dict(zip(CALLS[name].parameters, call.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        bodies = {*BODIES_OF[name], "userConstraintUniqueId"}
        return any(self._kinds(given[key], function) for key in bodies & given.keys())

    def _reached(self, members: tuple[str, ...]) -> list[_Function]:
        """The methods of these names, and all that they call."""
        found = [f for name in members for f in self._named.get(name, []) if f.owner]
        reached = dict.fromkeys(found)
        while found:
            function = found.pop()
            for node in ast.walk(function.node):
                for called in self._called(node, function) if isinstance(node, ast.Call) else ():
                    if called not in reached:
                        reached[called] = None
                        found.append(called)
        return list(reached)

    def _called(self, call: ast.Call, caller: _Function) -> list[_Function]:
        """What of the task a call may run."""
        match call.func:
            case ast.Name(id=name):
                found = self._named.get(name, [])
                return [f for f in found if not f.owner or f.owner == name]
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                found = [f for f in self._named.get(name, []) if f.owner]
                return [f for f in found if f.owner == caller.owner] or found
            case ast.Attribute(attr=name):
                found = self._named.get(name, [])
                return [f for f in found if f.owner and f.owner != caller.owner]
        return []

    # What may be the robot.

    def _kinds(self, value: ast.expr | None, function: _Function) -> frozenset[Kind]:
        match value:
            case ast.Attribute(attr="robot_id"):
                return frozenset({"robot"})
            case ast.Attribute(attr=name):
                return self._attributes.get(name, _NOTHING)
            case ast.Name(id=name):
                return function.variables.get(name, _NOTHING)
            case ast.NamedExpr(value=inner):
                return self._kinds(inner, function)
            case ast.IfExp(body=one, orelse=other):
                return self._kinds(one, function) | self._kinds(other, function)
            case ast.BoolOp(values=values):
                return _NOTHING.union(*(self._kinds(each, function) for each in values))
            case ast.Call():
                name = _client_call(value)
                if name == "createConstraint" and self.changes_robot(value, name, function):
                    return frozenset({"tie"})
                return _NOTHING.union(*(f.returned for f in self._called(value, function)))
        return _NOTHING

    def _follow(self, node: ast.AST, function: _Function) -> None:
        """Learn from one statement or expression."""
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._give(target, value, function)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._give(target, value, function)
            case ast.NamedExpr(target=target, value=value):
                self._give(target, value, function)
            case ast.For(target=target, iter=items) | ast.comprehension(target=target, iter=items):
                if isinstance(items, ast.Tuple | ast.List | ast.Set):
                    for item in items.elts:
                        self._give(target, item, function)
            case ast.Return(value=value):
                function.returned = self._with(function.returned, self._kinds(value, function))
            case ast.Call():
                self._pass_on(node, function)

    def _give(self, target: ast.expr, value: ast.expr, function: _Function) -> None:
        match target, value:
            case ((ast.Tuple() | ast.List()), (ast.Tuple() | ast.List())):
                for one, other in zip(target.elts, value.elts, strict=False):
                    self._give(one, other, function)
            case ast.Name(id=name), _:
                self._note(function.variables, name, self._kinds(value, function))
            case ast.Attribute(attr=name), _:
                self._note(self._attributes, name, self._kinds(value, function))

    def _pass_on(self, call: ast.Call, caller: _Function) -> None:
        """A function is given what a call passes on; one that runs during an episode only what it
        is given there, since the same helper may place the robot in `reset`."""
        for called in self._called(call, caller):
            if called in self._acting and caller not in self._acting:
                continue
            pairs = [
                *zip(called.parameters, call.args, strict=False),
                *((keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg),
            ]
            for name, value in pairs:
                self._note(called.variables, name, self._kinds(value, caller))

    def _note(self, known: dict[str, frozenset[Kind]], name: str, kinds: frozenset[Kind]) -> None:
        known[name] = self._with(known.get(name, _NOTHING), kinds)

    def _with(self, known: frozenset[Kind], kinds: frozenset[Kind]) -> frozenset[Kind]:
        self._learned |= not kinds <= known
        return known | kinds


def _client_call(node: ast.AST) -> str:
    """Which call of `self._p` this is; empty where it is none."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name)) if name in CALLS or name in _HELPERS:
            return _HELPERS.get(name, name)
    return ""
