"""Gaits: legs that carry a robot where it is told to go.

A robot that has to learn to walk before anything else learns no task in minutes. So a robot may
bring a gait, a small network that moves its joints, and then it can be *steered*: its action is one
of a few commands, as a driving robot's is, and what is left to learn is where to go.

The Ant has one (`trainer/locomotion` makes it). Its body looks the same from four sides, so
whatever lies in another quarter than ahead is seen as if the robot's front were there: a gait that
walks ahead walks everywhere. It never has to turn.

What a gait feels, `GAIT_SIZE` numbers in the units of `articulated`: velocity of the torso (3),
angular velocity (3), up vector (3), all in the yaw frame; position of hip and ankle of each leg
(8), their speeds (8), whether each foot touches something (4); the way to go (2), a unit vector in
the yaw frame (x ahead, y to the left), or (0, 0) to stand. Legs run to the left, beginning ahead on
the left; all ankles bend the same way. What it does, 8 numbers, has the order of the legs.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete
from numpy.typing import NDArray

from ..robot import Robot
from .articulated import TORSO_SIZE

Array = NDArray[np.float32]

LEGS = 4
JOINTS = 2 * LEGS
STATE_SIZE = TORSO_SIZE + 2 * JOINTS + LEGS
"""Numbers of the Ant's own state, with which each of its observations begins."""
POSITIONS, SPEEDS, FEET, WAY = slice(9, 17), slice(17, 25), slice(25, 29), slice(29, 31)
GAIT_SIZE = 31
QUARTERS = 4

_ANGLES = np.arange(8) * (math.tau / 8)
WAYS: Array = np.concatenate(
    [np.zeros((1, 2)), np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)]
).astype(np.float32)
"""By command: 0 to stand, 1 to walk ahead, and so on to the left, in steps of 45 degrees."""

_BENDS = np.array([1, 1, 1, -1, 1, -1, 1, 1], np.float32)
"""Makes the ankles of all legs bend the same way."""
_BENDS_FELT = np.concatenate([np.ones(9), _BENDS, _BENDS, np.ones(LEGS)]).astype(np.float32)

WEIGHTS = Path(__file__).parent / "assets" / "ant_gait.npz"
"""Of the gait that comes with the package."""


def _turned(quarter: int) -> tuple[NDArray[np.int64], Array]:
    """Which of the 29 numbers that are felt of the body stand where, and with which sign, when a
    quarter is the front."""
    to_x, to_y = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarter]
    order, signs = np.arange(29), np.ones(29, np.float32)
    for first in (0, 3, 6):  # velocity, angular velocity, up vector: x and y of each
        if to_y:
            order[first], order[first + 1] = first + 1, first
        signs[first], signs[first + 1] = to_x + to_y, to_x - to_y
    legs = (np.arange(LEGS) + quarter) % LEGS
    for first in (9, 17):  # positions, speeds
        order[first : first + JOINTS] = first + np.arange(JOINTS).reshape(LEGS, 2)[legs].ravel()
    order[25:29] = 25 + legs
    return order, signs


_TURNED = [_turned(quarter) for quarter in range(QUARTERS)]
_TURNED_BACK = [
    np.arange(JOINTS).reshape(LEGS, 2)[(np.arange(LEGS) - quarter) % LEGS].ravel()
    for quarter in range(QUARTERS)
]


def quarter_of(way: Any) -> int:
    """In which quarter a way (2,) lies: 0 ahead, 1 to the left, 2 behind, 3 right."""
    return round(math.atan2(way[1], way[0]) / (math.pi / 2)) % QUARTERS


def felt(state: Array, way: Any) -> Array:
    """The Ant's own state (`STATE_SIZE`,) and the way to go (2,) as its gait feels them when the
    quarter of the way is its front: (`GAIT_SIZE`,)."""
    up_x, up_y, up_z, cosine, sine = state[6:11].tolist()
    body = np.empty(29, np.float32)
    body[:6] = state[:6]
    body[6:9] = cosine * up_x + sine * up_y, cosine * up_y - sine * up_x, up_z
    body[9:] = state[TORSO_SIZE:STATE_SIZE]
    body *= _BENDS_FELT
    quarter = quarter_of(way)
    order, signs = _TURNED[quarter]
    x, y = float(way[0]), float(way[1])
    # The way turns as the velocity does.
    ahead = ((x, y), (y, -x), (-x, -y), (-y, x))[quarter]
    feeling = np.empty(GAIT_SIZE, np.float32)
    feeling[:29] = body[order] * signs
    feeling[WAY] = ahead
    return feeling


def torques(action: Array, way: Any) -> Array:
    """The Ant's action (8,) from that of a gait whose front was the quarter of the way."""
    turned: Array = action[_TURNED_BACK[quarter_of(way)]] * _BENDS
    return turned


class Gait:
    """Walks where it is told. `arrays` are weights and biases in the order of the layers: rectified
    linear units, and tanh in the end."""

    commands = Discrete(len(WAYS))

    def __init__(self, arrays: list[Array]) -> None:
        self._layers = list(zip(arrays[::2], arrays[1::2], strict=True))

    def require(self) -> None:
        """Nothing can be missing: the weights come with the package."""

    def follow(self, robot: Robot, state: Array, command: int) -> Callable[[], Array]:
        """Hold the same torques for the whole agent step (see `robot.Gait`)."""
        way = WAYS[command]
        action = torques(self.walk(felt(state, way)), way)
        return lambda: action

    def walk(self, feeling: Array) -> Array:
        """What the gait does, (8,), for what it feels."""
        numbers = feeling
        for weight, bias in self._layers[:-1]:
            numbers = np.maximum(weight @ numbers + bias, 0.0)
        weight, bias = self._layers[-1]
        done: Array = np.tanh(weight @ numbers + bias)
        return done


@functools.cache
def ant_gait() -> Gait:
    """The one that comes with the package."""
    return read_gait(WEIGHTS)


def read_gait(path: Path) -> Gait:
    """The gait that `write_gait` has written."""
    with np.load(path, allow_pickle=False) as arrays:
        return Gait([arrays[name].astype(np.float32) for name in arrays.files])


def write_gait(path: Path, arrays: list[Array]) -> None:
    """Write the weights and biases of a gait, in half precision: a small file without pickles."""
    named: Any = {f"{number:02}": array.astype(np.float16) for number, array in enumerate(arrays)}
    np.savez_compressed(path, **named)
