"""Directions of a rotated body in the world frame, from its quaternion (x, y, z, w)."""

from __future__ import annotations

import math
from collections.abc import Sequence


def up_vector(orientation: Sequence[float]) -> tuple[float, float, float]:
    """The body's z axis."""
    x, y, z, w = orientation
    return 2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)


def forward_vector(orientation: Sequence[float]) -> tuple[float, float, float]:
    """The body's x axis."""
    x, y, z, w = orientation
    return 1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)


def yaw_of(orientation: Sequence[float]) -> float:
    """Heading, rad: 0 along +x, counted anticlockwise from above."""
    forward = forward_vector(orientation)
    return math.atan2(forward[1], forward[0])
