"""Large boxes, painted with numpy: floors and walls, most of most pictures.

PyBullet's CPU renderer takes a quarter of a microsecond for each pixel of a shape, some 20 ms for a
floor that fills a picture of 320 by 240. A face of a box is a flat polygon of one shade, which
numpy fills in less than a millisecond, with the same colour. So the boxes that would cover much of
the picture are hidden while PyBullet draws the rest, and then painted where nothing is before them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..client.bullet import pybullet
from ..client.client import PhysicsClient
from .camera import Array, Camera

LIGHT_DIRECTION = (-4.0, -7.0, 12.0)
# How PyBullet's CPU renderer weighs its three kinds of light.
AMBIENT, DIFFUSE, SPECULAR = 0.6, 0.35, 0.05
WORTHWHILE_PIXELS = 1500.0
"""A box that covers less is left to PyBullet, since painting has a price of its own."""
# By how much, as a share of the depth's range, a face lies behind what coincides with it.
COINCIDENCE = 5e-7
SLACK_PIXELS = 1e-3

_FACES = [(axis, side) for axis in range(3) for side in (-1.0, 1.0)]
_NORMALS = np.array([side * np.eye(3)[axis] for axis, side in _FACES])
_SQUARE = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
# The corners of each face, in order around it, in half extents: shape (6, 4, 3).
_CORNERS = np.array(
    [[np.insert(corner, axis, side) for corner in _SQUARE] for axis, side in _FACES]
)


@dataclass(frozen=True, eq=False)
class Canvas:
    """A picture while it is drawn. Both have the shape (height, width)."""

    colors: NDArray[np.uint32]
    """Red, green, blue and opacity of a pixel, a byte each, as one number."""
    depth: NDArray[np.float32]
    """0.0 at the camera's near limit, 1.0 at its far one, and linear in 1 / distance between."""


@dataclass(frozen=True)
class _Box:
    body: int
    half_extents: tuple[float, ...]
    color: tuple[float, float, float, float]
    offset: tuple[tuple[float, ...], tuple[float, ...]]
    """Position and orientation in the frame of the body's centre of mass."""


@dataclass(frozen=True, eq=False)
class Face:
    """A side of a box as a camera sees it."""

    body: int
    polygon: Array
    """Its corners as columns and rows of the picture, shape (corners, 2), clipped to it."""
    depth: tuple[float, float, float]
    """Its depth is the sum of these times column, row and 1."""
    color: np.uint32

    @property
    def area(self) -> float:
        """In pixels; positive where the corners run clockwise as one sees the picture."""
        x, y = self.polygon.T
        return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2

    def paint(self, canvas: Canvas) -> None:
        """Fill the face where nothing is before it."""
        height, width = canvas.depth.shape
        polygon = self.polygon if self.area > 0 else self.polygon[::-1]
        (left, top), (right, bottom) = polygon.min(axis=0), polygon.max(axis=0)
        columns = np.arange(max(0, int(left)), min(width, int(right) + 2))
        first_row, last_row = math.ceil(top - SLACK_PIXELS), math.floor(bottom + SLACK_PIXELS)
        rows = np.arange(max(0, first_row), min(height, last_row + 1))
        if not len(columns) or not len(rows):
            return
        first = np.full(len(rows), -np.inf)
        last = np.full(len(rows), np.inf)
        for (x, y), (next_x, next_y) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            if abs(next_y - y) > 1e-9:
                crossing = x + (rows - y) * ((next_x - x) / (next_y - y))
                if next_y > y:
                    np.minimum(last, crossing, out=last)
                else:
                    np.maximum(first, crossing, out=first)
        a, b, c = self.depth
        window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        depth = (b * rows + c)[:, None].astype(np.float32) + (a * columns).astype(np.float32)
        mask = depth < canvas.depth[window] - np.float32(COINCIDENCE)
        mask &= columns >= first[:, None] - SLACK_PIXELS
        mask &= columns <= last[:, None] + SLACK_PIXELS
        np.copyto(canvas.depth[window], depth, where=mask)
        np.copyto(canvas.colors[window], self.color, where=mask)


class BoxPainter:
    """Knows which bodies of a world are single boxes, and finds those worth painting."""

    def __init__(self, client: PhysicsClient) -> None:
        self._p = client
        self._edits_seen = -1

    def faces(self, camera: Camera, width: int, height: int) -> list[Face]:
        """What there is to paint, in the order in which to do it; empty where nothing is worth it.

        Where two faces coincide, the one of the later body is seen.
        """
        if self._edits_seen != self._p.edits:
            bodies = list(self._p.links)
            # The latest first.
            self._boxes = [box for body in bodies[::-1] if (box := _read_box(self._p, body))]
            self._half_extents = np.array([box.half_extents for box in self._boxes]).reshape(-1, 3)
            self._radii = np.linalg.norm(self._half_extents, axis=1)
            self._edits_seen = self._p.edits
        if not self._boxes:
            return []
        centers, rotations = self._poses()
        tall = camera.tangent
        large = _reach((centers - camera.eye) @ camera.forward, self._radii, camera.near_m)
        chosen = np.flatnonzero(large * (height / (2 * tall)) ** 2 > WORTHWHILE_PIXELS)
        centers, rotations = centers[chosen], rotations[chosen]
        normals = np.einsum("nij,fj->nfi", rotations, _NORMALS)
        scaled = _CORNERS * self._half_extents[chosen, None, None]
        corners = np.einsum("nij,nfcj->nfci", rotations, scaled)
        offsets = corners + (centers - camera.eye)[:, None, None]
        seen = np.einsum("nfi,nfi->nf", offsets[:, :, 0], normals) < 0.0
        # In the camera's frame, x and y in halves of the picture at a depth of 1.
        scale = np.array([tall * width / height, tall, 1.0])
        view = offsets @ camera.axes.T / scale
        view_normals = normals @ camera.axes.T * scale
        faces: list[Face] = []
        for n, box in enumerate(self._boxes[index] for index in chosen):
            sides = []
            for f in np.flatnonzero(seen[n]):
                polygon = _in_picture(view[n, f], camera.near_m, width, height)
                if polygon is not None:
                    plane = _depth(view[n, f, 0], view_normals[n, f], camera, width, height)
                    sides.append(Face(box.body, polygon, plane, _shade(box.color, normals[n, f])))
            if sum(abs(side.area) for side in sides) > WORTHWHILE_PIXELS:
                faces += sides
        return faces

    def _poses(self) -> tuple[Array, Array]:
        """Centres (n, 3) and rotations (n, 3, 3) of the boxes."""
        client = self._p
        poses = []
        for box in self._boxes:
            position, orientation = client.getBasePositionAndOrientation(box.body)
            poses.append(client.multiplyTransforms(position, orientation, *box.offset))
        rotations = [client.getMatrixFromQuaternion(orientation) for _, orientation in poses]
        return np.array([p for p, _ in poses]), np.array(rotations).reshape(-1, 3, 3)


@contextmanager
def hidden(client: PhysicsClient, faces: list[Face]) -> Iterator[None]:
    """Keep PyBullet from drawing the bodies of these faces. Nobody else sees a difference."""
    bodies = {face.body for face in faces}
    colors = {body: client.getVisualShapeData(body)[0][7] for body in bodies}
    # Not through the client's own method, which would tell readers of colours to read again.
    change, world = pybullet.changeVisualShape, client.client_id
    try:
        for body, color in colors.items():
            # The CPU renderer leaves out what has no opacity, and else takes no notice of it.
            change(body, -1, rgbaColor=[*color[:3], 0.0], physicsClientId=world)
        yield
    finally:
        for body, color in colors.items():
            change(body, -1, rgbaColor=color, physicsClientId=world)


def _read_box(client: PhysicsClient, body: int) -> _Box | None:
    """A body that is one box and nothing else; None for the others, and for what is not drawn."""
    shapes = client.getVisualShapeData(body)
    if client.getNumJoints(body) or len(shapes) != 1:
        return None
    _, _, kind, size, _, position, orientation, color = shapes[0]
    if kind != client.GEOM_BOX or color[3] == 0.0:
        return None
    # PyBullet gives shapes relative to the body's own frame, and poses of its centre of mass.
    inertial = client.getDynamicsInfo(body, -1)[3:5]
    offset = client.multiplyTransforms(*client.invertTransform(*inertial), position, orientation)
    return _Box(body, tuple(length / 2 for length in size), color, offset)


def _reach(depths: Array, radii: Array, near_m: float) -> Array:
    """Upper bounds of the areas that balls cover at a depth of 1 m, m²; infinite where the camera
    may be inside. Depths and radii have the shape (n,)."""
    nearest = depths - radii
    spans = np.where(nearest > near_m, 2 * radii / np.maximum(nearest, near_m), np.inf)
    areas: Array = np.where(depths + radii > near_m, spans**2, 0.0)
    return areas


def _in_picture(view: Array, near_m: float, width: int, height: int) -> Array | None:
    """The part of a polygon that is in the picture, its corners as columns and rows; None where
    there is none. Clipped edge by edge, after Sutherland and Hodgman (1974)."""
    corners: list[list[float]] = view.tolist()
    for a, b, c, limit in (
        (0.0, 0.0, 1.0, near_m),
        (1.0, 0.0, 1.0, 0.0),
        (-1.0, 0.0, 1.0, 0.0),
        (0.0, 1.0, 1.0, 0.0),
        (0.0, -1.0, 1.0, 0.0),
    ):
        inside = [a * x + b * y + c * z - limit for x, y, z in corners]
        kept: list[list[float]] = []
        for here, at, before, at_before in zip(
            corners, inside, corners[-1:] + corners[:-1], inside[-1:] + inside[:-1], strict=True
        ):
            if (at >= 0) != (at_before >= 0):
                t = at_before / (at_before - at)
                kept.append([p + t * (q - p) for p, q in zip(before, here, strict=True)])
            if at >= 0:
                kept.append(here)
        if len(kept) < 3:
            return None
        corners = kept
    x, y, z = np.array(corners).T
    # Whole numbers are the middles of pixels.
    return np.stack([(1 + x / z) * width / 2 - 0.5, (1 - y / z) * height / 2 - 0.5], axis=1)


def _depth(
    point: Array, normal: Array, camera: Camera, width: int, height: int
) -> tuple[float, float, float]:
    """The depth of a plane as a sum of multiples of column, row and 1: 1 / distance is linear in
    the picture. `point` and `normal` are in the frame of `view`, shape (3,)."""
    a, b, c = (normal / (normal @ point)).tolist()
    near, far = camera.near_m, camera.far_m
    per_inverse = -far * near / (far - near)
    # The middle of column 0 and row 0 is half a pixel off the upper left corner.
    corner = a * (1 / width - 1) + b * (1 - 1 / height) + c
    return (
        per_inverse * 2 * a / width,
        -per_inverse * 2 * b / height,
        per_inverse * corner + far / (far - near),
    )


@lru_cache(maxsize=1)
def _light() -> Array:
    light: Array = np.array(LIGHT_DIRECTION) / np.linalg.norm(LIGHT_DIRECTION)
    return light


def _shade(color: tuple[float, float, float, float], normal: Array) -> np.uint32:
    """The colour of a flat surface, as PyBullet's CPU renderer finds it."""
    light = _light()
    facing = float(normal @ light)
    mirrored = 2 * facing * normal - light
    specular = max(0.0, float(mirrored[2]) / float(np.linalg.norm(mirrored))) ** 2
    brightness = AMBIENT + DIFFUSE * max(0.0, facing) + SPECULAR * specular
    full = [int(np.float32(255 * part)) for part in color[:3]]
    pixel = np.array([*(min(255, int(brightness * part)) for part in full), 255], np.uint8)
    return np.uint32(pixel.view(np.uint32)[0])
