"""The egocentric scene: what the robot perceives of the bodies around it.

Every body becomes an oriented box, every link of a body with joints one of its own. The `SLOTS`
boxes nearest to the robot are told, nearest first, in the robot's yaw frame (x ahead, y to the
left, z up), 18 numbers each. The robot is where its base is; an arm is where its gripper is:

======= ==================================================================================
numbers meaning
======= ==================================================================================
1       1.0 where there is a body, 0.0 in an empty slot (all its numbers are 0.0)
3       nearest point of the body, relative to the robot (m, compressed)
3       centre of the body, relative to the robot (m, compressed)
3       half extents along the yaw frame's axes (m, compressed)
3       velocity of the body in the world (m/s, compressed)
3       colour: red, green, blue
1       1.0 if the body can be moved
1       1.0 if it can be moved but is heavier than the robot
======= ==================================================================================

Bodies that only can be seen (no collision shape) count, unless their opacity is 0: a goal zone is
one of them. A solid but invisible shape is observed as grey, since it stops the robot all the same.
Among bodies as near as each other, to the millimetre, the one that is further ahead comes first,
then further to the left, then higher: ids and the order of creation do not show.

Lengths and speeds are in units of the robot's own, `robot.Robot.unit_m`: metres, unless it works
on a smaller scale. Velocities are those of physics; what a task moves by placing it has the speed
between its places. `compress` keeps near distances precise and far ones bounded. The same world
gives the same numbers, to the last bit. What it looks like, and why it is so: docs/observation.md.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .boxes import Array, Part, look_at, read_parts
from .client.bullet import pybullet
from .client.client import PhysicsClient

SLOTS = 8
NUMBERS_PER_SLOT = 18
BOUND = 5.0
"""Compressed numbers stay within this: it is reached at about 147 m."""
SAME_M = 0.001
"""Distances that differ by less count as the same when bodies are put in order."""


def compress(value: ArrayLike) -> Array:
    """sign(x) ln(1 + |x|), clipped to `BOUND`: 1 cm near by counts as much as 1 m far away."""
    array = np.asarray(value, dtype=np.float64)
    compressed: Array = np.copysign(np.minimum(np.log1p(np.abs(array)), BOUND), array)
    return compressed


def expand(value: ArrayLike) -> Array:
    """The inverse of `compress`, for what was not clipped."""
    array = np.asarray(value, dtype=np.float64)
    expanded: Array = np.copysign(np.expm1(np.abs(array)), array)
    return expanded


def compress_number(value: float) -> float:
    """`compress` for one number, ten times as fast."""
    return math.copysign(min(math.log1p(abs(value)), BOUND), value)


class SceneObserver:
    """Perceives the bodies of one world other than the robot.

    The shapes of a body are read once, its colours and masses after a task has changed them, and
    the place of what physics cannot move after a task has placed it by hand. A world has one
    observer, which clears the client's notes of what has changed.
    """

    size = SLOTS * NUMBERS_PER_SLOT

    def __init__(
        self, client: PhysicsClient, robot_id: int, robot_mass: float, unit_m: float = 1.0
    ) -> None:
        self._p = client
        self._robot_id = robot_id
        self._robot_mass = robot_mass
        self._unit_m = unit_m
        self._bodies: dict[int, list[Part]] = {}
        # One row for each part that is seen: first the free ones, which physics moves, and the
        # round ones in between. Rows lie along the last axis of arrays, where numpy is quickest.
        self._rows: list[Part] = []
        self._rows_of: dict[int, list[int]] = {}
        self._free = 0
        self._round = slice(0, 0)
        self._state = np.zeros((3, 5, 0))
        """Of each world axis: a row of the box's rotation (3), its centre (m), velocity (m/s)."""
        self._placed_before: set[int] = set()
        """Bodies placed by hand between the last two observations."""
        client.replaced.update(client.links)

    @property
    def centers(self) -> Array:
        """Of all parts when they were last observed, in the world frame, m, shape (3, parts)."""
        return self._state[:, 3]

    @property
    def velocities(self) -> Array:
        """The same of their velocities, m/s."""
        return self._state[:, 4]

    def observe(self, place: Array, yaw: float, elapsed_s: float) -> NDArray[np.float32]:
        """The scene as seen from the robot's place, shape (`size`,).

        `elapsed_s` is the time since the previous call, from which the speed of bodies that a
        task moves by hand is told; 0.0 at the start of an episode.
        """
        if self._p.replaced or self._p.altered:
            self._notice_changes()
        scene = np.zeros((SLOTS, NUMBERS_PER_SLOT), dtype=np.float32)
        if not self._rows:
            return scene.reshape(-1)
        self._update_states(elapsed_s)

        cosine, sine = math.cos(yaw), math.sin(yaw)
        to_yaw_frame = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        turned = (to_yaw_frame @ self._state.reshape(3, -1)).reshape(self._state.shape)
        rotations = turned[:, :3]
        if self._round.start < self._round.stop:
            # The boxes of round bodies face where the robot does: how it stands in the world says
            # nothing about them.
            x, y = rotations[:, 0, self._round], rotations[:, 1, self._round]
            x[:], y[:] = cosine * x + sine * y, cosine * y - sine * x

        lengths = np.empty((4, 3, len(self._rows)))
        nearest, centers, extents, velocities = lengths
        np.subtract(turned[:, 3], (to_yaw_frame @ place)[:, None], out=centers)
        # The robot's place along the axes of each box, brought into the box and turned back.
        local = -np.add.reduce(rotations * centers[:, None], axis=0)
        clamped = np.minimum(np.maximum(local, -self._half_extents), self._half_extents)
        np.add.reduce(rotations * clamped, axis=1, out=nearest)
        nearest += centers
        np.add.reduce(np.abs(rotations) * self._half_extents, axis=1, out=extents)
        velocities[:] = turned[:, 4]

        # Nearest first; of those as near as each other the one further ahead, to the left, up.
        distances = np.sqrt(np.add.reduce(nearest * nearest, axis=0))
        keys = np.concatenate([-centers[::-1], distances[None]])
        order = np.lexsort(np.rint(keys / SAME_M))[:SLOTS]
        seen = scene[: len(order)]
        seen[:, 0] = 1.0
        seen[:, 1:13] = compress(lengths.reshape(12, -1).T[order] / self._unit_m)
        seen[:, 13:] = self._looks[order]
        return scene.reshape(-1)

    def _notice_changes(self) -> None:
        """Read what a task has created, removed, recoloured or given another mass."""
        client, bodies = self._p, self._bodies
        replaced, altered = client.replaced, client.altered - client.replaced
        for body in replaced:
            bodies.pop(body, None)
            # Not `getBodyUniqueId`, which knows only the last body that was created in a batch.
            if body in client.links and body != self._robot_id:
                bodies[body] = read_parts(client, body)
        rearranged = bool(replaced)
        for body in altered & bodies.keys():
            before = [(part.look.seen, part.look.free) for part in bodies[body]]
            look_at(client, body, bodies[body])
            if before != [(part.look.seen, part.look.free) for part in bodies[body]]:
                rearranged = True
                # Physics may have moved what it will not move from now on.
                client.placed.add(body)
            elif not rearranged:
                for row in self._rows_of.get(body, ()):
                    self._looks[row] = self._numbers_of(self._rows[row])
        if rearranged:
            self._placed_before -= replaced
            self._arrange()
        client.replaced.clear()
        client.altered.clear()

    def _arrange(self) -> None:
        """Give every part that is seen a row, with its last state where it had one."""
        for part, state in zip(self._rows, self._state.reshape(15, -1).T, strict=True):
            part.state = tuple(state) if part.look.seen else None
        parts = (part for body in sorted(self._bodies) for part in self._bodies[body])
        rows = sorted((part for part in parts if part.look.seen), key=_place_in_rows)
        for part in rows:
            part.state = part.state or self._read(part)
        count = len(rows)
        self._rows = rows
        self._rows_of = {}
        for row, part in enumerate(rows):
            self._rows_of.setdefault(part.body, []).append(row)
        self._free = sum(part.look.free for part in rows)
        plain = sum(part.look.free and not part.symmetry for part in rows)
        self._round = slice(plain, plain + sum(bool(part.symmetry) for part in rows))
        self._state = _in_columns([part.state for part in rows], 15).reshape(3, 5, count)
        self._half_extents = _in_columns([part.half_extents for part in rows], 3)
        self._looks = np.array([self._numbers_of(part) for part in rows]).reshape(count, 5)

    def _numbers_of(self, part: Part) -> tuple[float, ...]:
        look = part.look
        return (*look.color, look.free, look.free and look.mass > self._robot_mass)

    def _update_states(self, elapsed_s: float) -> None:
        """Follow what has moved: by physics, or because a task has placed it."""
        placed, free = self._p.placed, self._free
        states = self._state.reshape(15, -1)
        centers, velocities = self._state[:, 3], self._state[:, 4]
        before = centers.copy()
        if free:
            states[:, :free] = np.array([self._read(part) for part in self._rows[:free]]).T
        for body in self._placed_before - placed:
            for row in self._rows_of.get(body, ()):
                if row >= free:
                    velocities[:, row] = 0.0
        for body in placed:
            for row in self._rows_of.get(body, ()):
                if row >= free:
                    states[:, row] = self._read(self._rows[row])
                # A free body has a velocity by physics, which says nothing of how a task moves it
                # by placing it again and again; placed once, it has merely begun anew.
                if elapsed_s > 0.0 and (row >= free or body in self._placed_before):
                    velocities[:, row] = (centers[:, row] - before[:, row]) / elapsed_s
        self._placed_before = set(placed)
        placed.clear()

    def _read(self, part: Part) -> tuple[float, ...]:
        """The state of a part's box, 15 numbers in the order of `_state`."""
        # PyBullet itself, with the client's id by position: a third less than through the client.
        body, link, client_id = part.body, part.link, self._p.client_id
        vx = vy = vz = 0.0
        if link < 0:
            position, orientation = pybullet.getBasePositionAndOrientation(body, client_id)
            if part.look.free:
                vx, vy, vz = pybullet.getBaseVelocity(body, client_id)[0]
        else:
            state = pybullet.getLinkState(body, link, 1, 0, client_id)
            position, orientation = state[0], state[1]
            if part.look.free:
                vx, vy, vz = state[6]
        matrix, (x, y, z) = part.place(position, pybullet.getMatrixFromQuaternion(orientation))
        return (*matrix[:3], x, vx, *matrix[3:6], y, vy, *matrix[6:], z, vz)


def _place_in_rows(part: Part) -> int:
    """Free, free and round, round, neither."""
    if part.look.free:
        return 1 if part.symmetry else 0
    return 2 if part.symmetry else 3


def _in_columns(rows: list[Any], size: int) -> Array:
    """Rows of `size` numbers each as an array of shape (size, rows)."""
    return np.ascontiguousarray(np.array(rows, dtype=np.float64).reshape(len(rows), size).T)
