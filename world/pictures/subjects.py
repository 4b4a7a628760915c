"""What a picture of a task is about: the bodies without which it would not be understood.

Nothing is known of a task here but its bodies: where what is drawn of them is, and how large.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ..boxes import Array, drawn_corners
from ..client.client import PhysicsClient

WIDE_M = 16.0
"""A body wider than this in both directions is ground to stand on: framing it would make all else
small."""
LONG_WALL_M = 25.0
"""What stands upright and is longer than this is a backdrop."""
LONG_M = 80.0
"""So long a course may be, or so high a tower, to be shown whole."""
ASIDE_M = 40.0
"""Further than this from all else: put away by the task, or fallen off the world."""
IN_REACH_M = 150.0
"""What stands on the ground is that far away at most: a robot drives no further in an episode."""
GROUND_M = 0.1
"""How far above the ground something may be that stands on it."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A body that the picture is to show."""

    body: int
    corners: Array
    """Of boxes around what is drawn of it, world frame, m, shape (n, 3)."""

    @functools.cached_property
    def low(self) -> Array:
        low: Array = self.corners.min(axis=0)
        return low

    @functools.cached_property
    def high(self) -> Array:
        high: Array = self.corners.max(axis=0)
        return high

    @functools.cached_property
    def middle(self) -> Array:
        return (self.low + self.high) / 2

    @functools.cached_property
    def size_m(self) -> float:
        """The longest side."""
        return float(np.max(self.high - self.low))


def subjects_of(client: PhysicsClient, robot_id: int) -> list[Subject]:
    """The robot, and all bodies that matter.

    Left out are bodies of which nothing is drawn, wide floors and long walls, what is hidden below
    the ground that the robot stands on, and what is far away from all else without standing on
    anything.
    """
    drawn = [
        Subject(body, corners)
        for body in sorted(client.links)
        if len(corners := drawn_corners(client, body))
    ]
    robot = next((each for each in drawn if each.body == robot_id), None)
    if robot is None:
        robot = Subject(robot_id, np.array(client.getAABB(robot_id)))
    others = [each for each in drawn if each.body != robot_id]
    grounds = [each for each in others if each.high[2] <= robot.low[2] + GROUND_M]
    waiting = [
        each
        for each in others
        if not _is_backdrop(each) and not any(_hides(ground, each) for ground in grounds)
    ]
    together = [robot]
    for subject in together:  # It grows on the way.
        near = [_gap_m(subject, each) <= ASIDE_M for each in waiting]
        together += [each for each, is_near in zip(waiting, near, strict=True) if is_near]
        waiting = [each for each, is_near in zip(waiting, near, strict=True) if not is_near]
    far = [each for each in waiting if _gap_m(robot, each) <= IN_REACH_M]
    return together + [each for each in far if any(_carries(ground, each) for ground in grounds)]


def _is_backdrop(subject: Subject) -> bool:
    width, length = sorted((subject.high - subject.low)[:2].tolist())
    height = float(subject.high[2] - subject.low[2])
    # A long body is a course to drive on unless it stands upright.
    is_wall = length > LONG_WALL_M and height > width
    return bool(width > WIDE_M or is_wall or max(length, height) > LONG_M)


def _hides(ground: Subject, other: Subject) -> bool:
    """Whether something lies below a ground and within its bounds."""
    is_below = other.high[2] <= ground.low[2] + GROUND_M and ground.body != other.body
    return bool(is_below and _covers(ground, other))


def _carries(ground: Subject, other: Subject) -> bool:
    """Whether something stands on a ground, or not far above it."""
    height_m = float(other.low[2] - ground.high[2])
    return abs(height_m) <= 1.0 and ground.body != other.body and _covers(ground, other)


def _covers(ground: Subject, other: Subject) -> bool:
    is_inside = (ground.low <= other.low) & (other.high <= ground.high)
    return bool(is_inside[:2].all())


def _gap_m(one: Subject, other: Subject) -> float:
    """How far apart two bodies are, by the boxes around them."""
    gap = np.maximum(other.low - one.high, one.low - other.high).clip(0.0)
    return float(np.linalg.norm(gap))
