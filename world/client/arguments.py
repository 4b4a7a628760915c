"""What a PyBullet call may be given: PyBullet itself looks at little of it.

A link that does not exist, a number where a vector belongs or a triangle with a missing corner end
the process; a NaN spreads through the world. Each `Argument` says what it takes and returns a clean
value, which is what PyBullet gets: nothing can change between the look and the call.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pybullet_data

from .bullet import pybullet
from .client import PhysicsClient

MAX_LINKS = 64
MAX_RAYS = 1024
MAX_VERTICES = 4096
MAX_INDICES = 16_384
MAX_HEIGHTS = 65_536
MAX_DISTANCE_M = 10_000.0
MAX_SPEED = 1000.0
"""m/s or rad/s."""
MAX_MASS_KG = 1e6
MAX_FORCE_N = 1e6
"""For a body of the task; what may push the robot is in `task_client`."""


class Bad(Exception):
    """A value that a call may not be given: what is expected, and what to write instead."""

    def __init__(self, expected: str, instead: str) -> None:
        super().__init__(expected)
        self.expected = expected
        self.instead = instead


Values = dict[str, Any]
"""The arguments of one call by name, some of them not looked at yet."""

Argument = Callable[[Any, PhysicsClient, Values], Any]
"""Takes a value, with the world it is for and the other values of the same call."""


RELATED: set[Argument] = set()
"""Those that look at other values of their call, or hold one that does."""


# Numbers.


def number(low: float, high: float, what: str = "a number") -> Argument:
    expected = f"{what} from {low:g} to {high:g}"

    def check(value: Any, client: PhysicsClient, values: Values) -> float:
        try:
            plain = float(value)
        except (TypeError, ValueError, OverflowError):
            raise Bad(expected, "Compute one plain number.") from None
        # NaN is not within any bounds.
        if not low <= plain <= high:
            raise Bad(expected, "Clip it with np.clip, and guard divisions and square roots.")
        return plain

    return check


def integer(low: int, high: int, what: str = "a whole number") -> Argument:
    expected = f"{what} from {low} to {high}"

    def check(value: Any, client: PhysicsClient, values: Values) -> int:
        try:
            plain = operator.index(value)
        except TypeError:
            raise Bad(expected, "Convert it with int.") from None
        if not low <= plain <= high:
            raise Bad(expected, "Use the constants of self._p where there are any.")
        return plain

    return check


def one_of(names: str) -> Argument:
    """One of PyBullet's own constants."""
    expected = " or ".join(f"self._p.{name}" for name in names.split())
    constants = {getattr(pybullet, name) for name in names.split()}

    def check(value: Any, client: PhysicsClient, values: Values) -> int:
        if not isinstance(value, int | np.integer) or value not in constants:
            raise Bad(expected, "Write the constant's name.")
        return int(value)

    return check


# Vectors. `struct` reads what is a number, and nothing that only behaves like one when it is
# compared; what comes out are plain floats.

_TRIPLE, _QUADRUPLE = struct.Struct("3d"), struct.Struct("4d")


def _numbers(value: Any, expected: str) -> tuple[float, ...]:
    try:
        return tuple(map(float, value))
    except (TypeError, ValueError, OverflowError):
        raise Bad(expected, "Write a list of plain numbers.") from None


def vector(limit: float, unit: str = "m", low: float | None = None) -> Argument:
    """Three numbers, each from `low` (by default -limit) to `limit`."""
    least = -limit if low is None else low
    expected = f"3 numbers [x, y, z] ({unit}), each from {least:g} to {limit:g}"

    def check(value: Any, client: PhysicsClient, values: Values) -> tuple[float, ...]:
        try:
            x, y, z = plain = _TRIPLE.unpack(_TRIPLE.pack(*value))
        except (TypeError, ValueError, OverflowError, struct.error):
            raise Bad(expected, "Write a list of three plain numbers.") from None
        # NaN is not within any bounds.
        if not (least <= x <= limit and least <= y <= limit and least <= z <= limit):
            raise Bad(expected, "Guard divisions and square roots, and stay within the bounds.")
        return plain

    return check


def quaternion(value: Any, client: PhysicsClient, values: Values) -> tuple[float, ...]:
    try:
        x, y, z, w = plain = _QUADRUPLE.unpack(_QUADRUPLE.pack(*value))
        if 1e-6 <= x * x + y * y + z * z + w * w <= 1e6:
            return plain
    except (TypeError, ValueError, OverflowError, struct.error):
        pass
    raise Bad(
        "a quaternion [x, y, z, w] of 4 finite numbers that are not all zero",
        "Use [0, 0, 0, 1] for no rotation, or self._p.getQuaternionFromEuler([roll, pitch, yaw]).",
    )


def color(value: Any, client: PhysicsClient, values: Values) -> tuple[float, ...]:
    expected = "a colour [red, green, blue, opacity], each from 0 to 1"
    numbers = _numbers(value, expected)
    if len(numbers) == 3:
        # PyBullet would take three numbers for no colour at all, silently.
        numbers = (*numbers, 1.0)
    # A computed colour may pass its bounds by a little; far more is a mistake.
    if len(numbers) != 4 or not all(-0.01 <= part <= 255.0 for part in numbers):
        raise Bad(expected, "Write for example [0.8, 0.2, 0.2, 1.0].")
    return numbers


def rgb(value: Any, client: PhysicsClient, values: Values) -> tuple[float, ...]:
    numbers = _numbers(value, "3 numbers [red, green, blue], each from 0 to 1")
    if len(numbers) != 3 or not all(0.0 <= part <= 255.0 for part in numbers):
        raise Bad("3 numbers [red, green, blue], each from 0 to 1", "Write [1, 1, 1] for shiny.")
    return numbers


# Lists.


def list_of(argument: Argument, most: int, what: str) -> Argument:
    expected = f"a list of at most {most} {what}"

    def check(value: Any, client: PhysicsClient, values: Values) -> list[Any]:
        try:
            length = len(value)
        except TypeError:
            raise Bad(expected, "Put the values in square brackets.") from None
        if length > most or isinstance(value, str | bytes | dict):
            raise Bad(expected, "Use fewer.")
        return [argument(item, client, values) for item in value]

    if argument in RELATED:
        RELATED.add(check)
    return check


def heights(value: Any, client: PhysicsClient, values: Values) -> list[float]:
    expected = f"a list of at most {MAX_HEIGHTS} finite heights (m)"
    try:
        array = np.asarray(value, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        raise Bad(expected, "Write a flat list of numbers, row by row.") from None
    if array.size > MAX_HEIGHTS or not (np.abs(array) <= MAX_DISTANCE_M).all():
        raise Bad(expected, "Use a coarser grid of finite numbers.")
    plain: list[float] = array.tolist()
    return plain


# What there is in the world.


def body(value: Any, client: PhysicsClient, values: Values) -> int:
    try:
        plain = operator.index(value)
    except TypeError:
        plain = None
    if plain is not None and plain in client.links:
        return plain
    raise Bad(
        "the id of a body that exists",
        "Keep the id that self.create_box or self._p.createMultiBody returned; the robot's is "
        "self.robot.robot_id.",
    )


def body_or_none(value: Any, client: PhysicsClient, values: Values) -> int:
    """-1 stands for the world, or for any body."""
    return -1 if type(value) is int and value == -1 else body(value, client, values)


def link_of(parameter: str, least: int = -1) -> Argument:
    """A link of the body that another parameter names; -1 is its base."""

    def check(value: Any, client: PhysicsClient, values: Values) -> int:
        owner = values.get(parameter, -1)
        count = client.links.get(owner, 0)
        try:
            plain = operator.index(value)
        except TypeError:
            plain = count  # refused below
        if not least <= plain < count:
            if count > max(least, 0):
                found = f"from {least} to {count - 1}"
            else:
                found = "-1 alone, its base" if least else "none: it has no joints"
            raise Bad(
                f"a link of body {owner!r}, which has {found}",
                "Use -1 for a body without links, and self._p.getNumJoints(body) to count them.",
            )
        return plain

    RELATED.add(check)
    return check


def joint_of(parameter: str) -> Argument:
    return link_of(parameter, least=0)


def constraint(value: Any, client: PhysicsClient, values: Values) -> int:
    known = {client.getConstraintUniqueId(n) for n in range(client.getNumConstraints())}
    if not isinstance(value, int | np.integer) or value not in known:
        raise Bad(
            "the id of a constraint that exists",
            "Keep the id that self._p.createConstraint returned.",
        )
    return int(value)


def shape(creating_call: str) -> Argument:
    """The id of a shape that a call has created in this world, or -1 for none: PyBullet takes one
    that it does not know for none, and the body would lack it silently."""

    def check(value: Any, client: PhysicsClient, values: Values) -> int:
        try:
            plain = operator.index(value)
        except TypeError:
            plain = None
        if plain is None or (plain != -1 and plain not in client.shapes[creating_call]):
            raise Bad(
                f"the id of a shape that self._p.{creating_call} returned, or -1 for none",
                f"Keep what self._p.{creating_call} returned.",
            )
        return plain

    return check


def bundled_model(value: Any, client: PhysicsClient, values: Values) -> str:
    """A model that comes with PyBullet, as the full path of its file."""
    path = bundled_model_path(value)
    if path is None:
        raise Bad(
            'the name of a model that comes with PyBullet, such as "plane.urdf"',
            "Build other bodies with self.create_box, self.create_sphere and self.create_cylinder.",
        )
    return path


def bundled_model_path(name: Any) -> str | None:
    """Where a model of PyBullet's data package lies; None where it is not one of them."""
    if type(name) is not str or not name.endswith(".urdf") or "\0" in name or "\\" in name:
        return None
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return None
    root = Path(pybullet_data.getDataPath())
    path = root.joinpath(*parts)
    return str(path) if path.is_file() and path.resolve().is_relative_to(root.resolve()) else None


def nothing(value: Any, client: PhysicsClient, values: Values) -> Any:
    raise Bad("left out: tasks have no use for it", "Leave this argument away.")
