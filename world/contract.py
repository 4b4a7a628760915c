"""The messages for a task that breaks the rules of its world."""

from __future__ import annotations

from typing import Any

import numpy as np


class ContractError(ValueError):
    """A task does something that its interface does not allow.

    Args:
        member: The method or attribute of the task that is at fault.
        problem: What it did, as the end of a sentence that begins with it.
        expected: What it must do.
        fix: What to change, in a sentence; a general one unless given.
    """

    def __init__(self, member: str, problem: str, expected: str, fix: str = "") -> None:
        self.finding = f"`{member}` {problem}; it must {expected}."
        self.member = member
        self.fix = fix or f"Change `{member}` so that it does."
        super().__init__(f"{self.finding} {fix}".rstrip())


class CallError(ContractError):
    """A call of `self._p` that may not be made like this, or not now.

    Args:
        call: The call's name.
        problem: What it was given or did, as the end of a sentence that begins with it.
        expected: What it must be or do.
        fix: What to do instead, in a sentence.
    """

    def __init__(self, call: str, problem: str, expected: str, fix: str) -> None:
        super().__init__(f"self._p.{call}", problem, expected, fix)


class UnavailableError(AttributeError):
    """A name that tasks do not have.

    Args:
        name: The name.
        fix: What they have instead, in a sentence.
    """

    def __init__(self, name: str, fix: str) -> None:
        super().__init__(f"`{name}` is not available to tasks. {fix}")
        self.finding = f"`{name}` is not available to tasks"
        self.fix = fix


def describe(value: Any) -> str:
    """A value for an error message.

    Args:
        value: Anything.

    Returns:
        Its type, and the value itself where that is short; of an array, its shape.
    """
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    text = repr(value)
    return f"{type(value).__name__} {text}" if len(text) <= 40 else f"a {type(value).__name__}"
