"""Whether a task's `step` looks at the observation that `super().step` returns.

Nearly none does: it is handed on to whoever called, and trainers get another one, made once for
each action. Where nobody looks, nobody has to make it in every physics step either.
"""

from __future__ import annotations

import ast


def observation_is_seen(source: str) -> bool:
    """Whether the source may do anything with such an observation but return it from `step`. So it
    may for all we know where Python's parser is out of its depth."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError, SystemError):
        return True
    handed_on = {
        call.func
        for method in ast.walk(tree)
        if isinstance(method, ast.FunctionDef) and method.name == "step"
        for call in _handed_on(method)
    }
    # Wherever else `step` is spoken of, the observation may go anywhere.
    return any(
        (isinstance(node, ast.Attribute) and node.attr == "step" and node not in handed_on)
        or (isinstance(node, ast.Constant) and node.value == "step")
        for node in ast.walk(tree)
    )


def _handed_on(method: ast.FunctionDef) -> set[ast.Call]:
    """The calls of `super().step` in a method whose observation is returned and not looked at."""
    returned: set[ast.Call] = set()
    named: dict[str, set[ast.Call]] = {}
    first_returned: set[ast.expr] = set()
    for node in ast.walk(method):
        match node:
            case ast.Return(value=ast.Call() as call) if _is_super_step(call):
                returned.add(call)
            case ast.Assign(
                targets=[ast.Tuple(elts=[ast.Name(id=name), *_])], value=ast.Call() as call
            ) if _is_super_step(call):
                named.setdefault(name, set()).add(call)
            case ast.Return(value=ast.Tuple(elts=[ast.Name() as first, *_])):
                first_returned.add(first)
    for node in ast.walk(method):
        if isinstance(node, ast.FunctionDef) and node is not method:
            return set()  # What it returns, it returns to somebody within.
        match node:
            case ast.Name(id=name, ctx=ast.Load()) if node not in first_returned:
                named.pop(name, None)
    return returned.union(*named.values())


def _is_super_step(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="step"):
            return True
    return False
