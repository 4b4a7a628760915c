"""A PyBullet client bound to one physics world, for trusted code.

Every function of the `pybullet` module with `physicsClientId` filled in, and every constant
(`client.GEOM_BOX`). Bound functions are made once and kept, because looking them up again at each
call costs more than most of the calls themselves. Tasks get a `TaskClient` instead.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .bullet import pybullet, without_words

# Calls after which cached states of bodies are stale.
_MOVING = ("resetBasePositionAndOrientation", "resetBaseVelocity", "resetJointState")
# Calls after which the cached list of bodies, their shapes, masses and colours is stale.
_EDITING = (
    "createMultiBody",
    "removeBody",
    "loadURDF",
    "loadMJCF",
    "changeDynamics",
    "changeVisualShape",
    "resetSimulation",
)

_ADDING = ("createMultiBody", "loadURDF", "loadMJCF")

_SHAPING = ("createCollisionShape", "createVisualShape")

CYLINDER_SIDES, SLIM_CYLINDER_SIDES = 32, 16
SLIM_M = 0.3
"""Cylinders of a smaller radius have fewer sides: drawing one costs a microsecond for each."""


def _body_of(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> int:
    """Which body a call was about, once PyBullet has accepted it."""
    if arguments:
        return int(arguments[0])
    return int(keywords["bodyUniqueId" if "bodyUniqueId" in keywords else "objectUniqueId"])


class Phase(enum.IntEnum):
    """Whose turn it is in a world; each phase lets a task do less than the one before."""

    OUTSIDE = 0
    """An environment is used alone, in a notebook say."""
    BUILD = 1
    RESET = 2
    STEP = 3
    REWARD = 4
    """Rewards are computed, once in each physics step: the world may still be changed."""
    SCORE = 5
    """Termination and success are computed: the world may only be read."""
    IDLE = 6
    """Trusted code is at work. Task code that runs now all the same may only read the world."""


class _During:
    """Sets a world's phase for the length of a `with` block, however that ends."""

    __slots__ = ("client", "phase")

    def __init__(self, client: PhysicsClient, phase: Phase) -> None:
        self.client = client
        self.phase = phase

    def __enter__(self) -> None:
        self.client.phase, self.phase = self.phase, self.client.phase

    def __exit__(self, *_: object) -> None:
        self.client.phase = self.phase


@functools.cache
def cylinder_mesh(sides: int) -> dict[str, list[Any]]:
    """An upright cylinder with flat caps that fills a unit cube, for `createVisualShape`."""
    vertices, normals, indices = [], [], []
    for side in range(sides):
        angle = 2 * math.pi * side / sides
        x, y = math.cos(angle), math.sin(angle)
        vertices += [[x / 2, y / 2, -0.5], [x / 2, y / 2, 0.5]] * 2
        normals += [[x, y, 0.0]] * 2 + [[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]]
        a, b = 4 * side, 4 * ((side + 1) % sides)
        indices += [a, b, b + 1, a, b + 1, a + 1]  # the wall
        indices += [2, b + 2, a + 2, 3, a + 3, b + 3]  # a slice of each cap, from the first corner
    return {"vertices": vertices, "normals": normals, "indices": indices}


def _filling_unit_cube(mesh: dict[str, Any]) -> dict[str, Any]:
    """The same mesh for `createVisualShape` with its size as scale and its middle as position."""
    vertices = np.array(mesh["vertices"], dtype=np.float64)
    scale = np.array(mesh.get("meshScale", (1.0, 1.0, 1.0)))
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    size, middle = high - low, (low + high) / 2
    position, _ = pybullet.multiplyTransforms(
        mesh.get("visualFramePosition", (0.0, 0.0, 0.0)),
        mesh.get("visualFrameOrientation", (0.0, 0.0, 0.0, 1.0)),
        (middle * scale).tolist(),
        (0.0, 0.0, 0.0, 1.0),
    )
    return {
        **mesh,
        "vertices": ((vertices - middle) / np.where(size > 0.0, size, 1.0)).tolist(),
        "meshScale": (size * scale).tolist(),
        "visualFramePosition": position,
    }


class PhysicsClient:
    """One DIRECT connection to PyBullet.

    `motion` grows whenever a body may have moved and `edits` whenever a body appeared, vanished or
    changed its looks or mass, so that others can cache what they read. `placed` holds the bodies
    that were put somewhere by hand, the only way a fixed body moves, `replaced` those that appeared
    or vanished and `altered` those whose looks or mass changed, until a reader clears them.
    `steps` counts physics steps and `worlds` how often the world was emptied. `links` tells of each
    body how many links it has besides its base, and `shapes` which ones each of the calls that
    create shapes has created. `height_fields` are the bodies of which PyBullet cannot tell the
    collision shape. `for_tasks` keeps what `task_client` makes of it. `draws` is whether pictures
    will be made of the world, `flat_caps` whether cylinders in them are meshes with flat caps,
    `with_egl` whether PyBullet's EGL plugin draws them.
    """

    def __init__(self, draws: bool = True) -> None:
        self.client_id: int = pybullet.connect(pybullet.DIRECT)
        self.draws = draws
        self.phase = Phase.OUTSIDE
        self.steps = 0
        self.worlds = 0
        self.motion = 0
        self.edits = 0
        self.placed: set[int] = set()
        self.replaced: set[int] = set()
        self.altered: set[int] = set()
        self.links: dict[int, int] = {}
        self.shapes: dict[str, set[int]] = {name: set() for name in _SHAPING}
        self.height_fields: set[int] = set()
        self._height_field_shapes: set[int] = set()
        self.for_tasks: dict[int, Any] = {}
        self.flat_caps = True
        self.with_egl = False

    def __getattr__(self, name: str) -> Any:
        """Bind a PyBullet name on first use; later uses find it on the instance."""
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(pybullet, name)
        if callable(value) and not isinstance(value, type):
            value = functools.partial(value, physicsClientId=self.client_id)
            if name == "stepSimulation":
                value = self._counting_steps(value)
            elif name in _MOVING:
                value = self._noting_body(getattr(pybullet, name))
            elif name in _EDITING:
                value = self._counting_edits(name, value)
            elif name in _SHAPING:
                if name == "createVisualShape":
                    value = self._with_known_meshes(value)
                value = self._noting_shape(name, value)
        setattr(self, name, value)
        return value

    def during(self, phase: Phase) -> _During:
        """`with client.during(Phase.STEP):` before task code is run."""
        return _During(self, phase)

    def _counting_steps(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper() -> None:
            self.steps += 1
            self.motion += 1
            call()

        return wrapper

    def _noting_body(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **keywords: Any) -> None:
            self.motion += 1
            try:
                call(*arguments, **keywords, physicsClientId=self.client_id)
            finally:
                # Also where it raises: PyBullet may have acted before it did.
                self.placed.add(_body_of(arguments, keywords))

        return wrapper

    def _counting_edits(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **keywords: Any) -> Any:
            self.motion += 1
            self.edits += 1
            solid = arguments[1] if len(arguments) > 1 else keywords.get("baseCollisionShapeIndex")
            is_height_field = name == "createMultiBody" and solid in self._height_field_shapes
            if is_height_field and not self.draws and len(arguments) <= 2:
                # Otherwise PyBullet makes a picture of the whole field, for nobody.
                keywords.setdefault("baseVisualShapeIndex", self._speck())
            try:
                result = call(*arguments, **keywords)
            except Exception:
                # PyBullet may have acted before it raised.
                self._note_unknown_bodies()
                raise
            if name in _ADDING:
                bodies = [result] if isinstance(result, int) else result
                self._count_links(bodies)
                if is_height_field:
                    self.height_fields.update(bodies)
                self.replaced.update(bodies)
            elif name == "resetSimulation":
                self.worlds += 1
                self.replaced.update(self.links)
                self.links.clear()
                self.height_fields.clear()
                self._height_field_shapes.clear()
                for created in self.shapes.values():
                    created.clear()
            else:
                body = _body_of(arguments, keywords)
                if name == "removeBody":
                    self.links.pop(body, None)
                    self.replaced.add(body)
                else:
                    self.altered.add(body)
            return result

        return wrapper

    def _speck(self) -> int:
        """A visual shape that costs nothing, white as PyBullet's own."""
        return int(self.createVisualShape(pybullet.GEOM_BOX, halfExtents=[0.01] * 3))

    def _count_links(self, bodies: Iterable[int]) -> None:
        for body in bodies:
            self.links[body] = self.getNumJoints(body)

    def _note_unknown_bodies(self) -> None:
        """Take in the bodies that exist and that no observed call has created."""
        there = {self.getBodyUniqueId(number) for number in range(self.getNumBodies())}
        # Of a batch, PyBullet lists the last one only; the others come right before it.
        for body in range(max(there, default=-1) + 1):
            if body not in self.links and (body in there or self._exists(body)):
                self._count_links([body])
                self.replaced.add(body)

    def _exists(self, body: int) -> bool:
        try:
            self.getBasePositionAndOrientation(body)
        except pybullet.error:
            return False
        return True

    def _noting_shape(self, name: str, call: Callable[..., int]) -> Callable[..., int]:
        def wrapper(*arguments: Any, **keywords: Any) -> int:
            shape = call(*arguments, **keywords)
            self.shapes[name].add(shape)
            kind = arguments[0] if arguments else keywords.get("shapeType")
            if kind == pybullet.GEOM_HEIGHTFIELD:
                self._height_field_shapes.add(shape)
            return shape

        return wrapper

    def _with_known_meshes(self, call: Callable[..., int]) -> Callable[..., int]:
        """PyBullet shades its own cylinder as if the caps bulged: a disc looks like a bowl. And of
        a mesh it tells the scale alone, which is the size of one that fills a unit cube."""

        def wrapper(shapeType: int, *arguments: Any, **keywords: Any) -> int:  # noqa: N803
            if self.flat_caps and shapeType == pybullet.GEOM_CYLINDER and not arguments:
                width, length = 2 * keywords.pop("radius", 0.5), keywords.pop("length", 1.0)
                sides = SLIM_CYLINDER_SIDES if width < 2 * SLIM_M else CYLINDER_SIDES
                keywords.update(meshScale=[width, width, length], **cylinder_mesh(sides))
                shapeType = pybullet.GEOM_MESH  # noqa: N806
            elif shapeType == pybullet.GEOM_MESH and keywords.get("vertices"):
                keywords = _filling_unit_cube(keywords)
            return call(shapeType, *arguments, **keywords)

        return wrapper

    def quiet(self) -> contextlib.AbstractContextManager[None]:
        """What keeps the EGL plugin from talking of the graphics card, where it is used."""
        return without_words() if self.with_egl else contextlib.nullcontext()

    def disconnect(self) -> None:
        """Give the world's memory back. Calling it twice is harmless."""
        if self.client_id >= 0:
            with self.quiet():
                pybullet.disconnect(physicsClientId=self.client_id)
            self.client_id = -1
