"""The egocentric scene: what the robot perceives of the bodies around it.

Every body becomes an oriented box. The `SLOTS` boxes nearest to the robot's base are told, nearest
first, in the robot's yaw frame (x ahead, y to the left, z up), 18 numbers each:

======= ==================================================================================
numbers meaning
======= ==================================================================================
1       1.0 where there is a body, 0.0 in an empty slot (all its numbers are 0.0)
3       nearest point of the body, relative to the robot's base (m, compressed)
3       centre of the body, relative to the robot's base (m, compressed)
3       half extents along the yaw frame's axes (m, compressed)
3       velocity of the body (m/s, compressed)
3       colour: red, green, blue
1       1.0 if the body can be moved (mass above 0 kg)
1       1.0 if it can be moved but is heavier than the robot
======= ==================================================================================

Bodies that only can be seen (no collision shape) count: a goal zone is one of them. `compress`
keeps near distances precise and far ones bounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .client import PhysicsClient

Array = NDArray[np.float64]

SLOTS = 8
NUMBERS_PER_SLOT = 18
BOUND = 5.0
"""Compressed numbers stay within this: it is reached at about 147 m."""


def compress(value: ArrayLike) -> Array:
    """sign(x) ln(1 + |x|), clipped to `BOUND`: 1 cm near by counts as much as 1 m far away."""
    array = np.asarray(value, dtype=np.float64)
    compressed: Array = np.clip(np.sign(array) * np.log1p(np.abs(array)), -BOUND, BOUND)
    return compressed


def compress_number(value: float) -> float:
    """`compress` for one number, ten times as fast."""
    return math.copysign(min(math.log1p(abs(value)), BOUND), value)


@dataclass(frozen=True)
class Part:
    """One rigid piece of a body: its base (link -1) or one of its links."""

    body: int
    link: int
    fixed: bool
    half_extents: tuple[float, float, float]
    """Along its own axes, m."""
    offset: tuple[float, float, float]
    """From its centre of mass to the centre of its shape, along its own axes, m."""
    color: tuple[float, float, float]
    mass: float


class SceneObserver:
    """Perceives the bodies of a world other than the robot.

    Fixed bodies are read once and again only after a task has placed them by hand; the list of
    bodies is read again after one was created, removed or recoloured.

    `centers` (m) and `velocities` (m/s) are those of all parts of bodies when they were last
    observed, in the world frame, shape (parts, 3).
    """

    size = SLOTS * NUMBERS_PER_SLOT

    def __init__(self, client: PhysicsClient, robot_id: int, robot_mass: float) -> None:
        self._p = client
        self._robot_id = robot_id
        self._robot_mass = robot_mass
        self._edits_seen = -1
        self._parts: list[Part] = []
        self.centers = self.velocities = np.zeros((0, 3))

    def observe(self, base_position: Array, yaw: float, elapsed_s: float) -> NDArray[np.float32]:
        """The scene as seen from the robot's base, shape (`size`,).

        `elapsed_s` is the time since the previous call, from which the speed of bodies that a
        task moves by hand is told; 0.0 at the start of an episode.
        """
        if self._edits_seen != self._p.edits:
            self._list_parts()
            elapsed_s = 0.0
        scene = np.zeros((SLOTS, NUMBERS_PER_SLOT), dtype=np.float32)
        if not self._parts:
            return scene.ravel()
        self._update_states(elapsed_s)

        # Nearest point of each box: into the box's axes, clamp to the box, and back.
        to_robot = base_position - self.centers
        local = np.einsum("nji,nj->ni", self._rotations, to_robot)
        clamped = np.clip(local, -self._half_extents, self._half_extents)
        nearest = np.einsum("nij,nj->ni", self._rotations, clamped) - to_robot
        order = np.argsort(np.einsum("ni,ni->n", nearest, nearest), kind="stable")[:SLOTS]

        cosine, sine = math.cos(yaw), math.sin(yaw)
        to_yaw_frame = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        extents = np.einsum(
            "nij,nj->ni",
            np.abs(to_yaw_frame @ self._rotations[order]),
            self._half_extents[order],
        )
        seen = scene[: len(order)]
        seen[:, 0] = 1.0
        lengths = np.concatenate(
            [
                nearest[order] @ to_yaw_frame.T,
                -to_robot[order] @ to_yaw_frame.T,
                extents,
                self.velocities[order] @ to_yaw_frame.T,
            ],
            axis=1,
        )
        seen[:, 1:13] = compress(lengths)
        seen[:, 13:18] = self._looks[order]
        return scene.ravel()

    def _list_parts(self) -> None:
        client = self._p
        self._parts = []
        for index in range(client.getNumBodies()):
            body = client.getBodyUniqueId(index)
            if body != self._robot_id:
                links = range(-1, client.getNumJoints(body))
                self._parts += [part for link in links if (part := _read_part(client, body, link))]
        count = len(self._parts)
        self._half_extents = np.array([part.half_extents for part in self._parts]).reshape(count, 3)
        self._looks = np.array(
            [
                (*part.color, not part.fixed, not part.fixed and part.mass > self._robot_mass)
                for part in self._parts
            ],
            dtype=np.float64,
        ).reshape(count, 5)
        self.centers = np.zeros((count, 3))
        self._rotations = np.zeros((count, 3, 3))
        self.velocities = np.zeros((count, 3))
        self._moving = [n for n, part in enumerate(self._parts) if not part.fixed]
        self._rows_of_fixed = {part.body: n for n, part in enumerate(self._parts) if part.fixed}
        for row, part in enumerate(self._parts):
            if part.fixed:
                self._read_pose(row, part)
        client.placed.clear()
        self._coasting: set[int] = set()
        self._edits_seen = client.edits

    def _update_states(self, elapsed_s: float) -> None:
        client = self._p
        for row in self._moving:
            part = self._parts[row]
            self._read_pose(row, part)
            if part.link < 0:
                self.velocities[row] = client.getBaseVelocity(part.body)[0]
            else:
                self.velocities[row] = client.getLinkState(part.body, part.link, 1)[6]
        for row in self._coasting:
            self.velocities[row] = 0.0
        self._coasting = {
            self._rows_of_fixed[body] for body in client.placed if body in self._rows_of_fixed
        }
        client.placed.clear()
        for row in self._coasting:
            before = self.centers[row].copy()
            self._read_pose(row, self._parts[row])
            if elapsed_s > 0.0:
                self.velocities[row] = (self.centers[row] - before) / elapsed_s

    def _read_pose(self, row: int, part: Part) -> None:
        client = self._p
        if part.link < 0:
            position, orientation = client.getBasePositionAndOrientation(part.body)
        else:
            position, orientation = client.getLinkState(part.body, part.link)[:2]
        rotation = np.array(client.getMatrixFromQuaternion(orientation)).reshape(3, 3)
        self._rotations[row] = rotation
        self.centers[row] = rotation @ part.offset + position if any(part.offset) else position


def _read_part(client: PhysicsClient, body: int, link: int) -> Part | None:
    """One part of a body, or None where it has neither a collision nor a visual shape."""
    visual = next((v for v in client.getVisualShapeData(body) if v[1] == link), None)
    collision = client.getCollisionShapeData(body, link)
    if collision:
        boxes = [_shape_box(client, c[2], c[3], c[5], c[6]) for c in collision]
    elif visual:
        boxes = [_shape_box(client, visual[2], visual[3], visual[5], visual[6])]
    else:
        return None
    low = np.min([center - half for center, half in boxes], axis=0)
    high = np.max([center + half for center, half in boxes], axis=0)
    mass = client.getDynamicsInfo(body, link)[0]
    return Part(
        body=body,
        link=link,
        fixed=mass == 0.0 and link < 0,
        half_extents=tuple(((high - low) / 2).tolist()),
        offset=tuple(((high + low) / 2).tolist()),
        color=visual[7][:3] if visual else (0.5, 0.5, 0.5),
        mass=mass,
    )


def _shape_box(
    client: PhysicsClient,
    kind: int,
    dimensions: tuple[float, float, float],
    position: tuple[float, float, float],
    orientation: tuple[float, float, float, float],
) -> tuple[Array, Array]:
    """Centre and half extents of the box around one shape, along the axes of its part, m."""
    if kind == client.GEOM_BOX:
        half = np.array(dimensions) / 2
    elif kind == client.GEOM_SPHERE:
        return np.array(position), np.full(3, dimensions[0])
    elif kind in (client.GEOM_CYLINDER, client.GEOM_CAPSULE):
        length, radius = dimensions[0], dimensions[1]
        cap = radius if kind == client.GEOM_CAPSULE else 0.0
        half = np.array([radius, radius, length / 2 + cap])
    elif kind == client.GEOM_PLANE:
        half = np.array([1000.0, 1000.0, 0.0])
    else:
        # A mesh: PyBullet tells its scale, not its size.
        half = np.array(dimensions) / 2
    rotation = np.array(client.getMatrixFromQuaternion(orientation)).reshape(3, 3)
    return np.array(position), np.abs(rotation) @ half
