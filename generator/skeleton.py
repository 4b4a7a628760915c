"""A module with six parts to fill in, for models that cannot be relied on to write all of it.

The model writes a few lines at a time, first of the scene, then of the rules. Imports, methods,
returns and the arithmetic of progress are ours, so what is left to get wrong is the task itself.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping, Sequence

from ..sandbox.syntax import parsed
from ..task import ROBOT_BASES, Idea, Robot
from .answers import AnswerError
from .markup import code_blocks, dedented, indented, labels, without_fences, without_reasoning

SCENE = ("BODIES", "PLACES", "MOTION")
RULES = ("REWARDS", "TERMINATION", "SUCCESS")
MAY_BE_EMPTY = ("MOTION", "TERMINATION")

MODULE = '''import math

import numpy as np

from taskwright.world import {base}


class Env({base}):
    """
{docstring}
    """

    def __init__(self):
        super().__init__()
        # BODIES
{BODIES}

    def reset(self):
        observation = super().reset()
        self.time = 0.0
        self.distances = {{}}
        # PLACES
{PLACES}
        return observation

    def step(self, action):
        self.time += self.dt
        # MOTION
{MOTION}
        return super().step(action)

    def create_marker(self, radius, height, color):
        shape = self._p.createVisualShape(
            self._p.GEOM_CYLINDER, radius=radius, length=height, rgbaColor=color
        )
        return self._p.createMultiBody(baseVisualShapeIndex=shape)

    def progress(self, name, distance):
        before = self.distances.get(name, distance)
        self.distances[name] = distance
        return float(np.clip((before - distance) / self.dt, -10.0, 10.0))

    def get_task_rewards(self, action):
        position = self.robot.links["base"].position
        rewards = {{}}
        # REWARDS
{REWARDS}
        return rewards

    def get_terminated(self, action):
        position = self.robot.links["base"].position
        terminated = False
        # TERMINATION
{TERMINATION}
        return bool(terminated)

    def get_success(self):
        position = self.robot.links["base"].position
        success = False
        # SUCCESS
{SUCCESS}
        return bool(success)
'''

_PIECES = MODULE.format(
    **{name: f"\0{name}\0" for name in ("base", "docstring", *SCENE, *RULES)}
).split("\0")
"""The text of the module, and after each piece of it the name of what is filled in there."""
WIDTH = 100
_BODY = " " * 8
_SETS = {"REWARDS": "rewards", "TERMINATION": "terminated", "SUCCESS": "success"}
_FOREIGN = {
    ast.Return: "`return`",
    ast.FunctionDef: "`def`",
    ast.ClassDef: "`class`",
    ast.Import: "`import`",
    ast.ImportFrom: "`import`",
}


def assemble(idea: Idea, robot: Robot, parts: Mapping[str, str]) -> str:
    """The module with its parts filled in; parts that are missing are left empty."""
    text = idea.docstring.replace("\\", "/").replace('"""', "'''")
    # Words are broken neither inside nor at hyphens: with huge words either would take hours.
    lines = [
        textwrap.fill(line, WIDTH - 4, break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    ]
    docstring = indented("\n".join(lines), " " * 4)
    filled = {
        name: indented(parts.get(name, "").strip("\n") or "pass", _BODY)
        for name in (*SCENE, *RULES)
    }
    return MODULE.format(base=ROBOT_BASES[robot], docstring=docstring, **filled)


def parts_of(source: str) -> dict[str, str] | None:
    """The parts that a module was assembled from; None for one that was not."""
    *texts, end = _PIECES[::2]
    if not source.endswith(end):
        return None
    parts, name, rest = {"": ""}, "", source.removesuffix(end)
    for text, next_name in zip(texts, _PIECES[1::2], strict=True):
        content, found, rest = rest.partition(text)
        # The name of the base class occurs twice.
        if not found or parts.setdefault(name, content) != content:
            return None
        name = next_name
    parts[name] = rest
    return {name: dedented(parts[name]) for name in (*SCENE, *RULES)}


def parse_parts(answer: str, names: Sequence[str], *, all_of_them: bool = True) -> dict[str, str]:
    """The labelled parts of an answer, each a few lines of Python.

    Without `all_of_them`, any of the parts will do, but at least one. Raises AnswerError, naming
    the part that is missing or wrong; nothing is mended but a bare condition, which is assigned.
    """
    text = without_reasoning(answer)
    blocks = code_blocks(text)
    if any(not block.closed for block in blocks):
        raise AnswerError("A code block is not closed. Send all parts again, shorter.")
    # Labels are sought outside code blocks first; but some models put all parts into one block.
    parts = labels(text, names, outside_blocks=True)
    if not parts and len(blocks) == 1:
        parts = labels(blocks[0].code, names)
    found = {name: _code(name, content) for name, content in parts}
    missing = [name for name in names if name not in found]
    if (all_of_them and missing) or not found:
        raise AnswerError(
            f"The answer has no part {', '.join(missing)}. Send each part as its name and a colon "
            f"on a line of its own, and below it a ```python block."
        )
    return found


def _code(name: str, content: str) -> str:
    blocks = code_blocks(content)
    if len(blocks) > 1:
        raise AnswerError(f"The part {name} has {len(blocks)} code blocks. Send one.")
    # Where there is no block, or an empty one, the text without its fences is the code.
    code = blocks[0].code if blocks else dedented(without_fences(content))
    code = code.strip("\n").rstrip()
    if code.strip(" `.").casefold() in ("", "none", "pass", "empty", "nothing"):
        code = ""
    try:
        tree = parsed(code)
    except SyntaxError as error:
        raise AnswerError(
            f"The part {name} is not valid Python ({error.msg}). Send it again."
        ) from None
    for node in ast.walk(tree):
        if what := _FOREIGN.get(type(node)):
            raise AnswerError(
                f"The part {name} has a {what}. Send only the lines that stand inside its method."
            )
    if not tree.body and name not in MAY_BE_EMPTY:
        raise AnswerError(f"The part {name} is empty. Send the lines for it.")
    return _assigned(name, code, tree)


def _assigned(name: str, code: str, tree: ast.Module) -> str:
    """The code with its result assigned; a lone condition can only be the result."""
    target = _SETS.get(name)
    if target is None or not tree.body:
        return code
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) and target != "rewards":
        return f"{target} = (\n{indented(code, '    ')}\n)"
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if target not in named:
        raise AnswerError(f"The part {name} must set `{target}`. Send it again.")
    return code
