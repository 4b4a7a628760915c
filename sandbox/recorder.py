"""Follows what can be seen in a world, frame by frame: the poses of its bodies, and which shapes
they have. Bodies may appear, vanish and change their colours on the way.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..world.client.calls import CALLS
from ..world.client.client import PhysicsClient
from .recording import ORIENTATION_UNIT, POSITION_UNIT_M, Kind, Mesh, Part, Quadruple, Shape, Triple

PLANE_NORMAL = (0.0, 0.0, 1.0)
MAX_MESH_NUMBERS = 200_000
"""The most coordinates of a mesh from a file; a finer mesh is drawn as its box."""

FAR_M = 1e6
NOWHERE = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)

Pose = tuple[float, ...]
"""Position (3, m) and quaternion (4)."""
_Frame = tuple[Triple, Quadruple]
_Request = dict[str, Any]
"""The arguments of a call by name."""

_PARAMETERS = {
    name: tuple(CALLS[name].parameters)
    for name in ("createCollisionShape", "createVisualShape", "createMultiBody", "loadURDF")
}
_NUMBER = "number of its mesh"


@dataclass
class LivePart:
    """A part as it is followed."""

    body: int
    link: int
    robot: bool
    first: int
    shapes: list[Shape]
    to_link_frame: _Frame
    """From the frame of the centre of mass, of which PyBullet tells the pose, to that of the
    part."""
    poses: list[Pose] = field(default_factory=list)
    colors: list[tuple[int, int, Quadruple]] = field(default_factory=list)

    def finished(self) -> Part:
        columns = zip(*(_whole_numbers(pose) for pose in self._continuous()), strict=True)
        return Part(
            body=self.body,
            link=self.link,
            robot=self.robot,
            first=self.first,
            shapes=tuple(self.shapes),
            poses=tuple(_differences(column) for column in columns),
            frames=len(self.poses),
            colors=tuple(self.colors),
        )

    def _continuous(self) -> list[Pose]:
        """A quaternion and its negative are one rotation: gives the one nearer to the last."""
        poses: list[Pose] = []
        for pose in self.poses:
            if poses and sum(a * b for a, b in zip(pose[3:], poses[-1][3:], strict=True)) < 0:
                pose = (*pose[:3], *(-number for number in pose[3:]))
            poses.append(pose)
        return poses

    @property
    def is_ever_seen(self) -> bool:
        seen = (shape.color for shape in self.shapes)
        return any(color[3] > 0 for color in (*seen, *(color for _, _, color in self.colors)))


def _whole_numbers(pose: Pose) -> list[int]:
    positions = [round(number / POSITION_UNIT_M) for number in pose[:3]]
    return positions + [round(number / ORIENTATION_UNIT) for number in pose[3:]]


def _differences(column: Sequence[int]) -> tuple[int, ...]:
    changes = [b - a for a, b in pairwise(column)]
    return (column[0], *changes) if any(changes) else (column[0],)


class Recorder:
    """Make it before the world is built, since PyBullet does not tell afterwards what a mesh or a
    height field looks like; then call `look` for each frame."""

    def __init__(self, client: PhysicsClient) -> None:
        self._p = client
        self.meshes: list[Mesh] = []
        self.parts: list[LivePart] = []
        """All parts so far, including those that have vanished."""
        self.frames = 0
        self._alive: dict[tuple[int, int], LivePart] = {}
        self._edits_seen = -1
        self._shapes: dict[str, dict[int, _Request]] = {name: {} for name in _PARAMETERS}
        """The arguments with which each shape was created, by the call and by its id."""
        self._bodies: dict[int, dict[str, list[_Request]]] = {}
        """The same for the shapes of each body's base and links; bodies from files have none."""
        self._files: dict[bytes, _Request] = {}
        for name in _PARAMETERS:
            setattr(client, name, self._listening(name, getattr(client, name)))

    def _listening(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **keywords: Any) -> Any:
            made = call(*arguments, **keywords)
            request = dict(zip(_PARAMETERS[name], arguments, strict=False)) | keywords
            if name in ("createMultiBody", "loadURDF"):
                # Bodies keep the arguments themselves, because PyBullet reuses the ids of shapes.
                shapes = self._shapes_of(request) if name == "createMultiBody" else {}
                for body in (made,) if isinstance(made, int) else made:
                    self._bodies[body] = shapes
            else:
                self._shapes[name][made] = request
            return made

        return wrapper

    def _shapes_of(self, request: _Request) -> dict[str, list[_Request]]:
        shapes = {}
        for call, of in (("createVisualShape", "Visual"), ("createCollisionShape", "Collision")):
            links = request.get(f"link{of}ShapeIndices", ())
            ids = (request.get(f"base{of}ShapeIndex", -1), *links)
            shapes[of] = [self._shapes[call].get(shape, {}) for shape in ids]
        return shapes

    def look(self, robot_id: int) -> list[LivePart]:
        """Take in a frame; returns the parts there are now, each with its pose at the end of its
        `poses`."""
        if self._p.edits != self._edits_seen:
            self._read_bodies(robot_id)
            self._edits_seen = self._p.edits
        parts = list(self._alive.values())
        for part in parts:
            pose = self._pose(part)
            if not all(abs(number) < FAR_M for number in pose):
                # In a broken world positions are absurd, so bodies are shown where they were last.
                pose = part.poses[-1] if part.poses else NOWHERE
            part.poses.append(pose)
        self.frames += 1
        return parts

    def _pose(self, part: LivePart) -> Pose:
        if part.link < 0:
            pose = self._p.getBasePositionAndOrientation(part.body)
            position, orientation = self._p.multiplyTransforms(*pose, *part.to_link_frame)
        else:
            position, orientation = self._p.getLinkState(part.body, part.link, 0, 1)[4:6]
        return (*position, *orientation)

    def _read_bodies(self, robot_id: int) -> None:
        """Find what has appeared, vanished or changed since the frame before."""
        before, self._alive = self._alive, {}
        for body in self._p.links:
            shapes: dict[int, list[Shape]] = {}
            for visual in self._p.getVisualShapeData(body):
                shapes.setdefault(visual[1], []).append(self._shape(body, visual))
            for link, seen in shapes.items():
                part = before.get((body, link))
                if part is None or not self._recolored(part, seen):
                    inertial = self._p.getDynamicsInfo(body, link)[3:5]
                    frame = self._p.invertTransform(*inertial)
                    part = LivePart(body, link, body == robot_id, self.frames, seen, frame)
                    self.parts.append(part)
                self._alive[body, link] = part

    def _recolored(self, part: LivePart, seen: list[Shape]) -> bool:
        """Note which shapes have changed their colour; False where the shapes themselves differ."""
        if [_form(shape) for shape in part.shapes] != [_form(shape) for shape in seen]:
            return False
        colors = {number: shape.color for number, shape in enumerate(part.shapes)}
        colors.update((number, color) for _, number, color in part.colors)
        for number, shape in enumerate(seen):
            if shape.color != colors[number]:
                part.colors.append((self.frames, number, shape.color))
        return True

    def _shape(self, body: int, visual: Sequence[Any]) -> Shape:
        """A shape, from `getVisualShapeData` and from the arguments that it was created with."""
        link, number, dimensions, file = visual[1], visual[2], visual[3], visual[4]
        asked = self._bodies.get(body, {})
        drawn, solid = ((asked.get(of) or [{}] * (link + 2))[link + 1] for of in _LOOKS)
        kind, size = _KINDS.get(number, "box"), dimensions
        mesh = None
        if kind == "plane":
            size = (drawn or solid).get("planeNormal", PLANE_NORMAL)
        elif kind == "mesh" and drawn.get("shapeType") == self._p.GEOM_CYLINDER:
            # See `PhysicsClient`: cylinders with flat caps are meshes.
            kind, size = "cylinder", (dimensions[2], dimensions[0] / 2, 0.0)
        elif kind == "mesh" and file:
            mesh = self._mesh(self._files.setdefault(file, {"file": file}), _read_mesh)
        elif kind == "mesh":
            mesh = self._mesh(drawn or solid, _filling_unit_cube if drawn else _asked_for)
        elif number == self._p.GEOM_HEIGHTFIELD:
            kind, size = "mesh", solid.get("meshScale", (1.0, 1.0, 1.0))
            mesh = self._mesh(solid, _height_field)
        if kind == "mesh" and mesh is None:
            kind = "box"
        color = [min(max(number, 0.0), 1.0) for number in visual[7]]
        return Shape(
            kind, _rounded(size), _rounded(visual[5]), _rounded(visual[6]), _rounded(color), mesh
        )

    def _mesh(self, request: _Request, make: Callable[[_Request], Mesh | None]) -> int | None:
        if _NUMBER not in request:
            mesh = make(request) if request else None
            request[_NUMBER] = None if mesh is None else len(self.meshes)
            if mesh is not None:
                self.meshes.append(mesh)
        number: int | None = request[_NUMBER]
        return number


_LOOKS = ("Visual", "Collision")
_KINDS: dict[int, Kind] = {
    2: "sphere",
    3: "box",
    4: "cylinder",
    5: "mesh",
    6: "plane",
    7: "capsule",
}
"""By PyBullet's GEOM_ constants."""


def _form(shape: Shape) -> tuple[object, ...]:
    return shape.kind, shape.size, shape.position, shape.orientation, shape.mesh


def _rounded(numbers: Sequence[float]) -> Any:
    return tuple(round(float(number), 5) for number in numbers)


def _flat(vertices: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(round(float(number), 5) for vertex in vertices for number in vertex)


def _asked_for(request: _Request) -> Mesh:
    return Mesh(_flat(request["vertices"]), tuple(map(int, request.get("indices", ()))))


def _filling_unit_cube(request: _Request) -> Mesh:
    """As `PhysicsClient` has changed it, so that the scale PyBullet tells is its size."""
    mesh = _asked_for(request)
    axes = [mesh.vertices[axis::3] for axis in range(3)]
    lows, highs = [min(axis) for axis in axes], [max(axis) for axis in axes]
    scaled = [
        [(number - (low + high) / 2) / (high - low or 1.0) for number in axis]
        for axis, low, high in zip(axes, lows, highs, strict=True)
    ]
    return Mesh(_flat(list(zip(*scaled, strict=True))), mesh.triangles)


def _height_field(request: _Request) -> Mesh:
    """A grid of heights: along x by rows, around the middle of its own box, as Bullet has it."""
    heights = [float(height) for height in request["heightfieldData"]]
    rows, columns = request["numHeightfieldRows"], request["numHeightfieldColumns"]
    middle = (min(heights) + max(heights)) / 2
    vertices = [
        (n % rows - (rows - 1) / 2, n // rows - (columns - 1) / 2, height - middle)
        for n, height in enumerate(heights)
    ]
    triangles: list[int] = []
    for column in range(columns - 1):
        for row in range(rows - 1):
            a = column * rows + row
            triangles += (a, a + 1, a + rows, a + 1, a + rows + 1, a + rows)
    return Mesh(_flat(vertices), tuple(triangles))


def _read_mesh(request: _Request) -> Mesh | None:
    """A model file of PyBullet's data package; None where it is of another kind or too fine."""
    path = Path(request["file"].decode())
    readers = {".obj": _read_obj, ".stl": _read_stl}
    read = readers.get(path.suffix.lower())
    mesh = read(path.read_bytes()) if read else None
    return mesh if mesh and 0 < len(mesh.vertices) <= MAX_MESH_NUMBERS else None


def _read_obj(data: bytes) -> Mesh:
    vertices: list[list[float]] = []
    triangles: list[int] = []
    for line in data.decode(errors="replace").splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            vertices.append([float(number) for number in rest[:3]])
        elif word == "f":
            # Corners are vertex/texture/normal, from 1, or from the end where negative.
            corners = [int(corner.split("/")[0]) for corner in rest]
            corners = [c - 1 if c > 0 else len(vertices) + c for c in corners]
            for b, c in pairwise(corners[1:]):
                triangles += (corners[0], b, c)
    return Mesh(_flat(vertices), tuple(triangles))


def _read_stl(data: bytes) -> Mesh | None:
    """Binary only: a header, a count, and per triangle a normal, three corners and two bytes."""
    if len(data) < 84 or len(data) != 84 + 50 * struct.unpack_from("<I", data, 80)[0]:
        return None
    corners = [
        struct.unpack_from("<3f", data, start + 12 * corner)
        for start in range(84 + 12, len(data), 50)
        for corner in range(3)
    ]
    return Mesh(_flat(corners), tuple(range(len(corners))))
