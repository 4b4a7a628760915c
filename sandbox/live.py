"""What a person who drives a robot is shown: the changing world, in a frame for each action.

Data classes only, built from the shapes of `recording`. They go from the sandboxed process to its
parent, which checks each with `Stage.take` before using it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..task import Noun
from .recording import Mesh, Quadruple, Shape, Triple

Pose = tuple[float, float, float, float, float, float, float]
"""Position (x, y, z, m) and quaternion (x, y, z, w), in the world."""

MAX_TERMS = 32
"""The most reward terms that are reported by name."""


@dataclass(frozen=True)
class Piece(Noun):
    """A rigid piece that has appeared: the base of a body or one of its links."""

    number: int
    """The number by which later frames refer to it; never reused in an episode."""
    robot: bool
    shapes: tuple[Shape, ...]
    pose: Pose


@dataclass(frozen=True)
class Frame(Noun):
    """What one action has changed; the first frame of an episode has everything."""

    appeared: tuple[Piece, ...] = ()
    meshes: tuple[Mesh, ...] = ()
    """Meshes that `appeared` needs and that no earlier frame has sent; their numbers continue."""
    vanished: tuple[int, ...] = ()
    colors: tuple[tuple[int, int, Quadruple], ...] = ()
    """Changes of colour: piece, number of its shape, new colour."""
    moving: tuple[int, ...] = ()
    """The pieces that have moved."""
    poses: tuple[tuple[Pose, ...], ...] = ()
    """After each physics step of the action, the pose of each moving piece."""
    reward_terms: dict[str, float] = field(default_factory=dict)
    """What the action has earned, by name."""
    physics_steps: int = 0
    success: bool = False
    terminated: bool = False
    truncated: bool = False
    diagnosis: str = ""
    """Why the world broke; empty where it did not."""
    speed_m_s: float = 0.0
    """Of the robot along its heading, negative backwards."""
    turn_rad_s: float = 0.0
    """Of the robot about the world's vertical axis, positive to the left."""
    eye: Triple | None = None
    target: Triple | None = None
    """In the first frame: a viewpoint from which the whole scene is seen, m."""

    @property
    def ended(self) -> bool:
        return self.terminated or self.truncated


@dataclass(frozen=True)
class Walkthrough(Noun):
    """An episode gone through again, as a trainer would have seen it."""

    observations: tuple[tuple[float, ...], ...]
    """One more than there are rewards."""
    rewards: tuple[float, ...]
    terminated: bool
    truncated: bool
    success: bool


class Stage:
    """What a viewer knows of an episode so far, to detect a frame that does not fit."""

    def __init__(self) -> None:
        self._shapes: dict[int, int] = {}
        """How many shapes each piece has that is there."""
        self._meshes = 0
        self._last = -1

    def take(self, frame: Frame) -> str:
        """Take a frame in; returns what is wrong with it, or an empty text."""
        self._meshes += len(frame.meshes)
        numbers: list[Sequence[float]] = [
            [frame.speed_m_s, frame.turn_rad_s],
            list(frame.reward_terms.values()),
            *(view for view in (frame.eye, frame.target) if view),
        ]
        for mesh in frame.meshes:
            if len(mesh.vertices) % 3 or len(mesh.triangles) % 3:
                return "half a vertex or triangle"
            if any(not 0 <= index < len(mesh.vertices) // 3 for index in mesh.triangles):
                return "a triangle of no vertex"
            numbers.append(mesh.vertices)
        for piece in frame.appeared:
            if piece.number <= self._last:
                return "a piece that appears twice"
            self._last = piece.number
            self._shapes[piece.number] = len(piece.shapes)
            numbers.append(piece.pose)
            for shape in piece.shapes:
                if (shape.kind == "mesh") != (shape.mesh is not None):
                    return "a mesh that is missing"
                if shape.mesh is not None and not 0 <= shape.mesh < self._meshes:
                    return "a mesh that is missing"
                numbers += [shape.size, shape.position, shape.orientation, shape.color]
        for piece_number, shape_number, color in frame.colors:
            if not 0 <= shape_number < self._shapes.get(piece_number, 0):
                return "a colour of nothing"
            numbers.append(color)
        if any(number not in self._shapes for number in (*frame.moving, *frame.vanished)):
            return "a move of nothing"
        for number in frame.vanished:
            self._shapes.pop(number, None)
        for moment in frame.poses:
            if len(moment) != len(frame.moving):
                return "poses that are not those of what moves"
            numbers += moment
        if len(frame.reward_terms) > MAX_TERMS:
            return f"more than {MAX_TERMS} reward terms"
        if not all(math.isfinite(number) for vector in numbers for number in vector):
            return "a number that is not finite"
        return ""
