"""Actions as whoever acts gives them: what of them is taken, and what is said of the rest.

An action that a robot does not have is a mistake of whoever acts and none of the task's. So it is
refused before any of the task's code sees it, with an error of its own. (What a task passes on to
`super().step` is another matter: the robot looks at that, and raises `ContractError`.)

For a `Discrete` space, what is taken is a whole number in its range, from Python or NumPy or
anything that Python counts as one (`__index__`): alone, or in an array of shape () or (1,), as
stable-baselines3 predicts it. Bools, fractions, whole numbers as floats and texts are refused.

For a `Box`, what is taken are as many finite real numbers as it has, in an array or a list. Where
they are beyond its bounds they count as the bounds: policies draw from Gaussians, which have none.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from gymnasium.error import InvalidAction
from gymnasium.spaces import Box, Discrete, Space
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

FEW_NUMBERS = 8
"""An array of at most so many numbers is written out in messages."""
TEXT_LIMIT = 60


class ActionError(InvalidAction, ValueError):
    """An action that the environment does not have; the message says what it would take."""


def read_action(action: Any, space: Space[Any], commands: Discrete | None = None) -> Any:
    """An action as a task is given it.

    Args:
        action: What whoever acts gives.
        space: The action space, a `Discrete` or a `Box`.
        commands: Those of a robot's gait; they are taken beside the actions of a `Box`.

    Returns:
        An int for a `Discrete` or a command, else an array of its own, within the bounds of the
        `Box`, of its shape and type.

    Raises:
        ActionError: It is no such action.
    """
    counted = space if isinstance(space, Discrete) else commands
    if counted is not None:
        number = _whole_number(action)
        if number is not None and counted.start <= number < counted.start + counted.n:
            return number
    if isinstance(space, Box):
        numbers = _real_numbers(action)
        if numbers is not None and numbers.shape == space.shape:
            numbers = _within(numbers, space)
            if numbers is not None:
                return numbers
    raise ActionError(
        f"The action is {_described(action)}, which does not fit {space}: it must be "
        f"{_expected(space, commands)}."
    )


def read_actions(
    actions: Any, space: Space[Any], count: int, *, floats_count: bool = False
) -> NDArray[Any]:
    """The actions of several environments, each taken as `read_action` takes it.

    Args:
        actions: What whoever acts gives.
        space: The action space of each environment, a `Discrete` or a `Box`.
        count: How many environments there are.
        floats_count: Whether a whole number may also be a float.

    Returns:
        An array of shape (count, *space.shape).

    Raises:
        ActionError: One is no such action, or their number is wrong.
    """
    numbers = _real_numbers(actions)
    if numbers is not None and numbers.shape == (count, *(space.shape or ())):
        if isinstance(space, Box):
            fitting = _within(numbers, space)
        else:
            fitting = _counted(numbers, space, floats_count)
        if fitting is not None:
            return fitting
    raise ActionError(
        f"`actions` is {_described(actions)}, which does not fit "
        f"{_short(batch_space(space, count))}: give an array of one action for each of {count} "
        f"environments, {_expected(space, None)}."
    )


def _whole_number(action: Any) -> int | None:
    """The whole number that an action is; None where it is none."""
    if type(action) is int:
        return action
    if isinstance(action, np.ndarray | np.generic):
        is_one = action.dtype.kind in "iu" and action.shape in ((), (1,))
        return int(action.item()) if is_one else None
    # Python, and PyTorch for its tensors, would count True as 1.
    if isinstance(action, bool) or "bool" in str(getattr(action, "dtype", "")):
        return None
    try:
        return operator.index(action)
    except Exception:  # whatever a foreign type says
        return None


def _real_numbers(action: Any) -> NDArray[Any] | None:
    """The numbers that an action consists of; None where it does not consist of real numbers."""
    try:
        numbers: NDArray[Any] = np.asarray(action)
    except Exception:  # ragged lists, tensors that are elsewhere or need a gradient
        return None
    return numbers if numbers.dtype.kind in "fiu" else None


def _counted(numbers: NDArray[Any], space: Any, floats_count: bool) -> NDArray[Any] | None:
    """Whole numbers of a `Discrete` space; None where some are not."""
    is_whole = numbers.dtype.kind in "iu"
    if not is_whole and not (floats_count and (numbers == np.floor(numbers)).all()):
        return None
    is_inside = ((space.start <= numbers) & (numbers < space.start + space.n)).all()
    return numbers if is_inside else None


def _within(numbers: NDArray[Any], space: Box[Any]) -> NDArray[Any] | None:
    """Finite numbers within the bounds of a space, a copy of its type; None where some are not
    finite."""
    if ((space.low <= numbers) & (numbers <= space.high)).all():  # most are
        return numbers.astype(space.dtype)
    if not np.isfinite(numbers).all():
        return None
    # Clipped before the type changes: what is finite here need not be so there.
    return numbers.clip(space.low, space.high).astype(space.dtype)


def _expected(space: Space[Any], commands: Discrete | None) -> str:
    if isinstance(space, Discrete):
        return f"a whole number from {space.start} to {space.start + space.n - 1}"
    size = " x ".join(map(str, space.shape or ()))
    steered = f", or {_expected(commands, None)} to steer by" if commands is not None else ""
    return f"{size} finite numbers{steered}"


def _described(action: Any) -> str:
    """An action for a message, on one line."""
    if isinstance(action, np.generic):
        action = action.item()
    if isinstance(action, np.ndarray) and action.size > FEW_NUMBERS:
        odd = action.dtype.kind == "f" and not np.isfinite(action).all()
        holds = " with NaN or infinity in it" if odd else ""
        return f"an array of shape {action.shape} and type {action.dtype}{holds}"
    return _short(action)


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}… ({type(value).__name__})"
