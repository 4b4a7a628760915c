"""Whether a task's `step` looks at the observation that `super().step` returns.

Nearly none does: it is handed on to whoever called, and trainers get another one, made once for
each action. Where nobody looks, nobody has to make it in every physics step either.
"""

from __future__ import annotations

import ast


def observation_is_seen(source: str) -> bool:
    """Whether some `step` in the source may do anything with the observation but return it."""
    methods = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name == "step"
    ]
    return any(_looks(method) for method in methods)


def _looks(method: ast.FunctionDef) -> bool:
    handed_on: set[ast.expr] = set()
    names: set[str] = set()
    for node in ast.walk(method):
        match node:
            case ast.Return(value=ast.Call() as call) if _is_super_step(call):
                handed_on.add(call)
            case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id=name), *_])], value=call) if (
                _is_super_step(call)
            ):
                handed_on.add(call)
                names.add(name)
            case ast.Return(value=ast.Tuple(elts=[ast.Name() as first, *_])):
                handed_on.add(first)
    for node in ast.walk(method):
        if isinstance(node, ast.Call) and _is_super_step(node) and node not in handed_on:
            return True
        if (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and node.id in names
            and node not in handed_on
        ):
            return True
    return False


def _is_super_step(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="step")):
            return True
    return False
