"""The boxes around the pieces of a body, as `scene` tells them.

What is read here does not change while a body exists, apart from its colours and masses; where the
boxes are is `scene`'s business.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .client.client import PhysicsClient

Array = NDArray[np.float64]
Matrix = tuple[float, ...]
"""A rotation, 9 numbers, row by row: what PyBullet's `getMatrixFromQuaternion` gives."""
Vector = tuple[float, ...]

UNTURNED: Matrix = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
_STRAIGHT = np.eye(3)
_CORNERS = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
PLANE_HALF_EXTENT_M = 1000.0
GREY = (0.5, 0.5, 0.5)


class Symmetry(IntEnum):
    """Which turns of a piece change nothing: its box must not turn with it."""

    NONE = 0
    AXIS = 1
    """A cylinder or capsule, about its own z axis."""
    SPHERE = 2


@dataclass(frozen=True)
class Look:
    """What a task may change of a part."""

    color: tuple[float, float, float]
    mass: float
    """kg."""
    seen: bool
    """False where there is nothing to bump into and nothing to be seen (opacity 0)."""
    free: bool
    """Whether physics can move it: for its mass, or a joint between it and what is fixed."""


@dataclass
class Part:
    """One rigid part of a body, its base (link -1) or a link, as a box."""

    body: int
    link: int
    half_extents: tuple[float, float, float]
    """Along the box's own axes, m."""
    offset: tuple[float, float, float]
    """From the part's centre of mass to the centre of the box, along the part's axes, m."""
    turn: Array | None
    """How the box is turned in the part, shape (3, 3); None where it is not."""
    symmetry: Symmetry
    look: Look
    state: tuple[float, ...] | None = None
    """Where an observer keeps what it last knew of the box."""

    def __post_init__(self) -> None:
        self._plain = not any(self.offset) and self.turn is None and not self.symmetry

    def place(self, position: Vector, matrix: Matrix) -> tuple[Matrix, Vector]:
        """The box's rotation and centre in the world, given where the part's centre of mass is
        and how the part is turned."""
        if self._plain:
            return matrix, position
        if any(self.offset):
            x, y, z = self.offset
            position = (
                position[0] + matrix[0] * x + matrix[1] * y + matrix[2] * z,
                position[1] + matrix[3] * x + matrix[4] * y + matrix[5] * z,
                position[2] + matrix[6] * x + matrix[7] * y + matrix[8] * z,
            )
        if self.turn is not None:
            matrix = tuple((np.array(matrix).reshape(3, 3) @ self.turn).ravel().tolist())
        if self.symmetry is Symmetry.AXIS:
            matrix = upright(matrix[2], matrix[5], matrix[8])
        elif self.symmetry is Symmetry.SPHERE:
            matrix = UNTURNED
        return matrix, position


@dataclass(frozen=True)
class _Box:
    center: Array
    half_extents: Array
    turn: Array
    symmetry: Symmetry = Symmetry.NONE


def upright(axis_x: float, axis_y: float, axis_z: float) -> Matrix:
    """The shortest turn that lays the z axis along a unit vector, or along its opposite."""
    if axis_z < 0.0:
        axis_x, axis_y, axis_z = -axis_x, -axis_y, -axis_z
    scale = 1.0 / (1.0 + axis_z)
    mixed = -axis_x * axis_y * scale
    return (
        1.0 - axis_x * axis_x * scale,
        mixed,
        axis_x,
        mixed,
        1.0 - axis_y * axis_y * scale,
        axis_y,
        -axis_x,
        -axis_y,
        axis_z,
    )


def read_parts(client: PhysicsClient, body: int) -> list[Part]:
    """The parts of a body that have a shape, solid or not. What is solid counts where there is
    any; several shapes of one part share a box.
    """
    shapes = client.getVisualShapeData(body)
    parts = []
    for link in range(-1, client.getNumJoints(body)):
        if _is_solid(client, body, link):
            boxes = _solid_boxes(client, body, link)
        else:
            frame = client.getDynamicsInfo(body, link)[3:5]
            boxes = [_seen_box(client, shape, frame) for shape in shapes if shape[1] == link]
        if boxes:
            box = _around(boxes)
            parts.append(
                Part(
                    body=body,
                    link=link,
                    half_extents=tuple(box.half_extents.tolist()),
                    offset=tuple(box.center.tolist()),
                    turn=None if (box.turn == _STRAIGHT).all() else box.turn,
                    symmetry=box.symmetry,
                    look=Look(GREY, 0.0, seen=False, free=False),
                )
            )
    look_at(client, body, parts)
    return parts


def drawn_corners(client: PhysicsClient, body: int) -> Array:
    """The corners, in the world, of boxes around all that is drawn of a body: shape (n, 3), m.

    Empty where nothing is: it has no shape, or opacity 0.
    """
    corners: list[Array] = []
    for shape in client.getVisualShapeData(body):
        link, is_from_file, opacity = shape[1], bool(shape[4]), shape[7][3]
        if opacity <= 0.0:
            continue
        if is_from_file or _is_solid_mesh(client, body, link):
            # Of these PyBullet tells no size. What is solid of them fills the same box.
            low, high = np.array(client.getAABB(body, link))
            corners.append(np.where(_CORNERS > 0.0, high, low))
            continue
        box = _seen_box(client, shape, client.getDynamicsInfo(body, link)[3:5])
        if link < 0:
            position, orientation = client.getBasePositionAndOrientation(body)
        else:
            position, orientation = client.getLinkState(body, link, 0, 1)[:2]
        turn = np.array(client.getMatrixFromQuaternion(orientation)).reshape(3, 3)
        own = box.center + (_CORNERS * box.half_extents) @ box.turn.T
        corners.append(position + own @ turn.T)
    return np.concatenate(corners) if corners else np.empty((0, 3))


def _is_solid_mesh(client: PhysicsClient, body: int, link: int) -> bool:
    if body in client.height_fields:
        return True
    shapes = client.getCollisionShapeData(body, link)
    return any(shape[2] == client.GEOM_MESH for shape in shapes)


def look_at(client: PhysicsClient, body: int, parts: list[Part]) -> None:
    """Read the looks of all parts of a body anew."""
    shapes = client.getVisualShapeData(body)
    masses, free = {}, {}
    for link in range(-1, client.getNumJoints(body)):
        masses[link] = client.getDynamicsInfo(body, link)[0]
        free[link] = masses[link] > 0.0
        if link >= 0:
            joint = client.getJointInfo(body, link)
            held = joint[2] == client.JOINT_FIXED or not free[link]
            free[link] = free[joint[16]] or not held
    for part in parts:
        link = part.link
        colors = [shape[7][:3] for shape in shapes if shape[1] == link and shape[7][3] > 0.0]
        part.look = Look(
            color=colors[0] if colors else GREY,
            mass=masses[link],
            seen=bool(colors) or _is_solid(client, body, link),
            free=free[link],
        )


def _is_solid(client: PhysicsClient, body: int, link: int) -> bool:
    """Whether a part has a collision shape: without one, its bounds are a point.

    `getCollisionShapeData` would not do, since it knows nothing of height fields.
    """
    low, high = client.getAABB(body, link)
    return bool(low != high)


def _around(boxes: list[_Box]) -> _Box:
    """The box around some boxes, along the axes of their part."""
    if len(boxes) == 1:
        return boxes[0]
    reach = [np.abs(box.turn) @ box.half_extents for box in boxes]
    low = np.min([box.center - far for box, far in zip(boxes, reach, strict=True)], axis=0)
    high = np.max([box.center + far for box, far in zip(boxes, reach, strict=True)], axis=0)
    return _Box((low + high) / 2, (high - low) / 2, _STRAIGHT)


def _solid_boxes(client: PhysicsClient, body: int, link: int) -> list[_Box]:
    """The boxes of what is solid, in the frame of its centre of mass."""
    # Asked for the shape of a height field, PyBullet prints a warning each time.
    shapes = () if body in client.height_fields else client.getCollisionShapeData(body, link)
    if shapes and all(shape[2] != client.GEOM_MESH for shape in shapes):
        return [_shape_box(client, shape[2], shape[3], shape[5], shape[6]) for shape in shapes]
    # Of meshes PyBullet tells the scale and not the size, of height fields nothing. The box
    # around either in the world is exact where it stands upright, and never too small.
    if link < 0:
        position, orientation = client.getBasePositionAndOrientation(body)
    else:
        position, orientation = client.getLinkState(body, link)[:2]
    back = np.array(client.getMatrixFromQuaternion(orientation)).reshape(3, 3).T
    low, high = np.array(client.getAABB(body, link))
    return [_Box(back @ ((low + high) / 2 - position), (high - low) / 2, back)]


def _seen_box(client: PhysicsClient, shape: tuple[Any, ...], frame: Any) -> _Box:
    """The box of what can only be seen, in the frame of its centre of mass, which is `frame` in
    that of the link."""
    inverse = client.invertTransform(*frame)
    position, orientation = client.multiplyTransforms(*inverse, shape[5], shape[6])
    return _shape_box(client, shape[2], shape[3], position, orientation)


def _shape_box(
    client: PhysicsClient, kind: int, dimensions: Any, position: Any, orientation: Any
) -> _Box:
    center = np.array(position)
    if kind == client.GEOM_SPHERE:
        return _Box(center, np.full(3, dimensions[0]), _STRAIGHT, Symmetry.SPHERE)
    turn = np.array(client.getMatrixFromQuaternion(orientation)).reshape(3, 3)
    if kind in (client.GEOM_CYLINDER, client.GEOM_CAPSULE):
        length, radius = dimensions[0], dimensions[1]
        cap = radius if kind == client.GEOM_CAPSULE else 0.0
        return _Box(center, np.array([radius, radius, length / 2 + cap]), turn, Symmetry.AXIS)
    if kind == client.GEOM_PLANE:
        # Its dimensions are its normal, or nothing where it only is seen.
        normal = np.array(dimensions) / (np.linalg.norm(dimensions) or 1.0)
        level = np.array(upright(*normal.tolist()) if normal.any() else UNTURNED).reshape(3, 3)
        half_extents = np.array([PLANE_HALF_EXTENT_M, PLANE_HALF_EXTENT_M, 0.0])
        return _Box(center, half_extents, turn @ level)
    # A box; or a mesh that only is seen, which `PhysicsClient` makes fill a unit cube, so that
    # its scale is its size.
    return _Box(center, np.abs(dimensions) / 2, turn)
