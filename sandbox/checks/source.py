"""Checks of a task's source that run none of it."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator

import numpy as np

from ..forbidden_calls import forbidden_calls
from ..language_policy import parse, refusals
from .rejection import Rejection

_SEEDED = frozenset({"seed", "default_rng", "RandomState", "Random"})
"""The calls that fix a random stream when they are given a constant."""
_DRAWING = frozenset(
    name
    for stream in (np.random.Generator, np.random.RandomState, random.Random)
    for name in dir(stream)
    if not name.startswith("_")
) - {"seed", "bit_generator", "spawn"}


def check_syntax(source: str) -> None:
    try:
        parse(source)
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        text = f" (`{error.text.strip()[:120]}`)" if error.text else ""
        if "```" in source:
            cause, fix = "The source holds Markdown fences.", "Keep only the code inside them."
        else:
            cause, fix = (
                "The source is not valid Python: it is cut off, or holds prose.",
                "Write one complete Python module and nothing else.",
            )
        raise Rejection(f"SyntaxError, {where}{error.msg}{text}.", cause, fix) from None


def check_policy(source: str) -> None:
    found = refusals(source) or forbidden_calls(source)
    if found:
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        raise Rejection(
            "; ".join(map(str, found[:3])) + more + ".",
            "Tasks are restricted to what a simulated world needs.",
            " ".join(dict.fromkeys(refusal.instead for refusal in found[:3])),
        )


def draws_random_numbers(source: str) -> bool:
    """Whether any method with the name of a random draw is called."""
    return any(
        isinstance(call.func, ast.Attribute) and call.func.attr in _DRAWING
        for call in _calls_in(parse(source))
    )


def fixed_seeds(source: str) -> list[tuple[ast.Call, bool]]:
    """The calls that give a random stream a constant seed, and whether each is in `__init__`."""
    tree = parse(source)
    constants = {
        name.id
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for name in statement.targets
        if isinstance(name, ast.Name)
    }
    in_init = {
        id(call)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name == "__init__"
        for call in _calls_in(function)
    }
    return [
        (call, id(call) in in_init)
        for call in _calls_in(tree)
        if _seeds_a_stream(call) and _is_constant(call, constants)
    ]


def _calls_in(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _seeds_a_stream(call: ast.Call) -> bool:
    function = call.func
    # `self.seed(...)` would be the task's own method.
    return (
        isinstance(function, ast.Attribute)
        and function.attr in _SEEDED
        and not (isinstance(function.value, ast.Name) and function.value.id == "self")
    )


def _is_constant(call: ast.Call, constants: set[str]) -> bool:
    """Whether a call has arguments, and they come from constants alone. None is no seed."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    parts = [part for argument in arguments for part in ast.walk(argument)]
    return bool(parts) and all(
        (isinstance(part, ast.Name) and part.id in constants)
        or (isinstance(part, ast.Constant) and part.value is not None)
        or isinstance(part, ast.operator | ast.unaryop | ast.BinOp | ast.UnaryOp | ast.expr_context)
        for part in parts
    )
