"""A small world to look at, shared by the tests of what is seen in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskwright.world.client.client import PhysicsClient
from taskwright.world.scene import NUMBERS_PER_SLOT, SLOTS, SceneObserver

ROBOT_MASS = 60.0
DT = 0.0165
RED, GREEN = (1.0, 0.0, 0.0, 1.0), (0.0, 1.0, 0.0, 1.0)


@dataclass
class Seen:
    """One slot of the scene, in metres again."""

    present: float
    nearest: NDArray[np.float64]
    centre: NDArray[np.float64]
    half_extents: NDArray[np.float64]
    velocity: NDArray[np.float64]
    color: tuple[float, ...]
    movable: float
    heavy: float


def metres(compressed: NDArray[np.float32]) -> NDArray[np.float64]:
    """The inverse of `compress`, within its bound."""
    values = compressed.astype(np.float64)
    return np.sign(values) * np.expm1(np.abs(values))


class World:
    """A world with a robot (a plain box here) and an observer in it."""

    def __init__(self) -> None:
        self.client = PhysicsClient()
        self.client.setPhysicsEngineParameter(fixedTimeStep=DT)
        self.robot = self.box((0, 0, 0.5), (0.1, 0.1, 0.1), mass=ROBOT_MASS)
        self.observer = SceneObserver(self.client, self.robot, ROBOT_MASS)

    def box(
        self,
        position: Sequence[float],
        half_extents: Sequence[float] = (0.5, 0.5, 0.5),
        *,
        mass: float = 0.0,
        color: Sequence[float] = RED,
        solid: bool = True,
        yaw: float = 0.0,
    ) -> int:
        client = self.client
        shape = client.GEOM_BOX
        collision = client.createCollisionShape(shape, halfExtents=half_extents) if solid else -1
        visual = client.createVisualShape(shape, halfExtents=half_extents, rgbaColor=color)
        facing = client.getQuaternionFromEuler([0, 0, yaw])
        return int(client.createMultiBody(mass, collision, visual, position, facing))

    def numbers(
        self, at: Sequence[float] = (0, 0, 0.5), yaw: float = 0.0, elapsed_s: float = DT
    ) -> NDArray[np.float32]:
        scene = self.observer.observe(np.array(at, dtype=float), yaw, elapsed_s)
        assert scene.shape == (SceneObserver.size,)
        assert scene.dtype == np.float32
        return scene.reshape(SLOTS, NUMBERS_PER_SLOT)

    def look(
        self, at: Sequence[float] = (0, 0, 0.5), yaw: float = 0.0, elapsed_s: float = DT
    ) -> list[Seen]:
        """The bodies in the scene, in the order of the slots."""
        return [
            Seen(
                row[0],
                *(metres(row[n : n + 3]) for n in (1, 4, 7, 10)),
                tuple(row[13:16].tolist()),
                row[16],
                row[17],
            )
            for row in self.numbers(at, yaw, elapsed_s)
            if row.any()
        ]
