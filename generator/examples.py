"""Which code a model is shown when it writes a task: one task near by, and of another what differs.

Two whole modules were half of a prompt, and shared most of their lines.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from ..sandbox.syntax import parsed

EVERY_TASK_HAS = ("__init__", "reset", "get_terminated")
"""Methods that are much alike everywhere: what makes a task another one is how it moves, rewards
and decides."""
LONGEST_EXCERPT = 1_200
"""Characters of an excerpt: some 300 tokens."""
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)


def contrasting(source: str, others: Sequence[str]) -> str:
    """Of other sources the one that has the fewest words in common with a source, as a share of
    those of both; empty where there are none. The first of several that do."""
    words = set(_WORD.findall(source))

    def shared(other: str) -> float:
        theirs = set(_WORD.findall(other))
        return len(words & theirs) / max(len(words | theirs), 1)

    return min((other for other in others if other != source), key=shared, default="")


def excerpt(source: str, beside: str) -> str:
    """The methods of a task's `Env` that make it another one than the task it is shown beside, as
    many of them as there is room for; empty where there are none, or the source is no Python."""
    shown = {_plain(method) for method in _methods(beside).values()}
    found, room = [], LONGEST_EXCERPT
    for name, method in _methods(source).items():
        if name in EVERY_TASK_HAS or _plain(method) in shown or len(method) > room:
            continue
        room -= len(method)
        found.append(method)
    return "\n\n".join(found)


def _methods(source: str) -> dict[str, str]:
    """The text of each method of `Env`, by its name."""
    try:
        body = parsed(source).body
    except SyntaxError:
        return {}
    lines = source.split("\n")
    return {
        node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for found in body
        if isinstance(found, ast.ClassDef) and found.name == "Env"
        for node in found.body
        if isinstance(node, ast.FunctionDef)
    }


def _plain(code: str) -> str:
    return " ".join(code.split())
