"""The Ant's body as its gait feels it: the same from four sides, and the same in a mirror.

A gait knows nothing of any task. It feels the body in its own frame and is told a command: the
direction to go in, a unit vector in the yaw frame (x ahead, y to the left), or (0, 0) to stand.
Since the Ant looks the same from four sides, whatever lies in another quarter than ahead is seen as
if the robot's front were there: a gait that walks ahead walks everywhere, and learns four times as
fast.

It feels `GAIT_SIZE` numbers, in the units of `sandbox.world.articulated`: velocity of the torso
(3), angular velocity (3), up vector (3), all in the yaw frame; position of hip and ankle of each
leg (8), their speeds (8), whether each foot touches something (4); the command (2). Legs run to the
left, beginning ahead on the left; all ankles bend the same way. A gait's action has the order of
the legs.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...sandbox.world.articulated import TORSO_SIZE
from ...sandbox.world.scene import compress

Array = NDArray[np.float32]
"""Of shape (n, numbers); every function here takes and gives one row for each of n moments."""

LEGS = 4
JOINTS = 2 * LEGS
STATE_SIZE = TORSO_SIZE + 2 * JOINTS + LEGS
"""Numbers of the Ant's own state, with which each of its observations begins."""
TORSO = slice(0, 9)
POSITIONS = slice(9, 17)
SPEEDS = slice(17, 25)
FEET = slice(25, 29)
COMMAND = slice(29, 31)
GAIT_SIZE = 31

_BENDS = np.array([1, 1, 1, -1, 1, -1, 1, 1], np.float32)
"""Makes the ankles of all legs bend the same way."""

_MIRRORED_LEGS = [3, 2, 1, 0]
_MIRRORED_JOINTS = np.array([2 * leg + joint for leg in _MIRRORED_LEGS for joint in (0, 1)])
_HIPS_TURN = np.array([-1, 1] * LEGS, np.float32)
_ORDER = np.concatenate(
    [
        np.arange(9),
        9 + _MIRRORED_JOINTS,
        17 + _MIRRORED_JOINTS,
        25 + np.array(_MIRRORED_LEGS),
        np.arange(29, 31),
    ]
)
_TORSO_TURNS = [1, -1, 1, -1, 1, -1, 1, -1, 1]
_SIGNS = np.array([*_TORSO_TURNS, *_HIPS_TURN, *_HIPS_TURN, *[1] * LEGS, 1, -1], np.float32)


def quarter(commands: Array) -> NDArray[np.int64]:
    """In which quarter each command (n, 2) lies: 0 ahead, 1 to the left, 2 behind, 3 right."""
    angles = np.arctan2(commands[:, 1], commands[:, 0])
    return np.rint(angles / (math.pi / 2)).astype(np.int64) % 4


def felt(states: Array, commands: Array, quarters: NDArray[np.int64]) -> Array:
    """The Ant's own state (n, `STATE_SIZE`) and the commands (n, 2) as its gait feels them when the
    given quarter is its front: (n, `GAIT_SIZE`)."""
    n = len(states)
    up_x, up_y, up_z, cosine, sine = states[:, 6:11].T
    up = [cosine * up_x + sine * up_y, cosine * up_y - sine * up_x]
    x, y, z, roll, pitch, turn = states[:, :6].T
    to_x = np.array([1, 0, -1, 0], np.float32)[quarters]
    to_y = np.array([0, 1, 0, -1], np.float32)[quarters]

    def seen(ahead: Array, left: Array) -> list[Array]:
        return [to_x * ahead + to_y * left, to_x * left - to_y * ahead]

    torso = [*seen(x, y), z, *seen(roll, pitch), turn, *seen(up[0], up[1]), up_z]
    joints = states[:, TORSO_SIZE : TORSO_SIZE + 2 * JOINTS].reshape(n, 2, JOINTS) * _BENDS
    feet = states[:, TORSO_SIZE + 2 * JOINTS :]
    legs = np.concatenate([joints.reshape(n, 2, LEGS, 2), np.zeros((n, 1, LEGS, 2))], axis=1)
    legs[:, 2, :, 0] = feet
    order = (np.arange(LEGS) + quarters[:, None]) % LEGS
    legs = np.take_along_axis(legs, order[:, None, :, None], axis=2)
    return np.concatenate(
        [
            np.stack(torso, axis=1),
            legs[:, :2].reshape(n, 2 * JOINTS),
            legs[:, 2, :, 0],
            np.stack(seen(commands[:, 0], commands[:, 1]), axis=1),
        ],
        axis=1,
    ).astype(np.float32)


def torques(actions: Array, quarters: NDArray[np.int64]) -> Array:
    """The Ant's actions (n, 8) from those of a gait whose front was the given quarter."""
    legs = actions.clip(-1.0, 1.0).reshape(-1, LEGS, 2)
    order = (np.arange(LEGS) - quarters[:, None]) % LEGS
    turned = np.take_along_axis(legs, order[:, :, None], axis=1)
    return np.asarray(turned.reshape(-1, JOINTS) * _BENDS, dtype=np.float32)


def mirrored(feelings: Array, actions: Array) -> tuple[Array, Array]:
    """The same gait in a mirror: left is right."""
    return feelings[:, _ORDER] * _SIGNS, actions[:, _MIRRORED_JOINTS] * _HIPS_TURN


def in_yaw_frame(states: Array, ways: Array) -> Array:
    """Directions in the world (n, 2) as seen by the robot."""
    cosine, sine = states[:, 9:11].T
    x, y = ways.T
    return np.stack([cosine * x + sine * y, cosine * y - sine * x], axis=1).astype(np.float32)


def state_of(feelings: Array, quarters: NDArray[np.int64]) -> Array:
    """The inverse of `felt`: the Ant's own states, facing along the world's x axis, where its
    episode began."""
    n = len(feelings)
    to_x = np.array([1, 0, -1, 0], np.float32)[quarters]
    to_y = np.array([0, 1, 0, -1], np.float32)[quarters]
    x, y, z, roll, pitch, turn, up_x, up_y, up_z = feelings[:, TORSO].T

    def unseen(ahead: Array, left: Array) -> list[Array]:
        return [to_x * ahead - to_y * left, to_x * left + to_y * ahead]

    torso = [*unseen(x, y), z, *unseen(roll, pitch), turn, *unseen(up_x, up_y), up_z]
    nowhere = [np.ones(n), *[np.zeros(n)] * 4]
    order = (np.arange(LEGS) - quarters[:, None]) % LEGS
    legs = feelings[:, 9:25].reshape(n, 2, LEGS, 2)
    joints = np.take_along_axis(legs, order[:, None, :, None], axis=2).reshape(n, 2, JOINTS)
    feet = np.take_along_axis(feelings[:, FEET], order, axis=1)
    state = [np.stack([*torso, *nowhere], axis=1), (joints * _BENDS).reshape(n, 2 * JOINTS), feet]
    return np.concatenate(state, axis=1).astype(np.float32)


def placed(states: Array, places: Array) -> Array:
    """States of `state_of` at other places (n, 3): yaw (rad), x and y from the start (m)."""
    moved = states.copy()
    yaw, x, y = places.T
    cosine, sine = np.cos(yaw), np.sin(yaw)
    up_x, up_y = states[:, 6:8].T
    moved[:, 6:8] = np.stack([cosine * up_x - sine * up_y, cosine * up_y + sine * up_x], axis=1)
    moved[:, 9:11] = np.stack([cosine, sine], axis=1)
    moved[:, 11:13] = np.stack([compress(x), compress(y)], axis=1)
    return moved


def anywhere(count: int, random: np.random.Generator) -> Array:
    """Chance places for `placed`: any yaw, within 30 m of the start, half of them near the line
    that `ahead` follows."""
    yaw, angle = random.uniform(-math.pi, math.pi, (2, count))
    away = np.expm1(random.uniform(0.0, math.log1p(30.0), count))
    near_line = random.random(count) < 0.5
    y = np.where(near_line, random.normal(0.0, 1.5, count), away * np.sin(angle))
    return np.stack([yaw, away * np.cos(angle), y], axis=1).astype(np.float32)


def ahead(states: Array) -> Array:
    """The command to follow the line from where the episode began along the world's x axis, which
    is where the robot looks at first in nearly every task."""
    left = decompress(states[:, 12])
    ways = np.stack([np.ones_like(left), (-left / 2.0).clip(-1.0, 1.0)], axis=1)
    return in_yaw_frame(states, ways / np.linalg.norm(ways, axis=1, keepdims=True))


def decompress(numbers: Array) -> Array:
    """The inverse of `scene.compress`, m."""
    return np.asarray(np.copysign(np.expm1(np.abs(numbers)), numbers), dtype=np.float32)
