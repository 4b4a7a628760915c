"""What does one look at the scene cost, with few and many bodies, still, moving and changing?

Setup: a world of boxes, spheres and cylinders, a third each, looked at from a base that turns; one
body is changed before each look where the table says so. The lower quartile of the looks of a
round is taken, then the least of the rounds, since other work on a machine only ever adds.
Duration: about 20 s.

    python benchmarks/observation_cost.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from taskwright.world.client.client import PhysicsClient
from taskwright.world.scene import SceneObserver

BODIES = (1, 8, 30, 100)
LOOKS, ROUNDS = 60, 11
COLORS = ([1, 0, 0, 1], [0, 1, 0, 1])

Change = Callable[[PhysicsClient, list[int], int], None]


def nothing(client: PhysicsClient, bodies: list[int], look: int) -> None:
    pass


def placed(client: PhysicsClient, bodies: list[int], look: int) -> None:
    client.resetBasePositionAndOrientation(bodies[-1], [3, 0.001 * look, 0.5], [0, 0, 0, 1])


def recoloured(client: PhysicsClient, bodies: list[int], look: int) -> None:
    client.changeVisualShape(bodies[-1], -1, rgbaColor=COLORS[look % 2])


def replaced(client: PhysicsClient, bodies: list[int], look: int) -> None:
    client.removeBody(bodies[-1])
    shape = client.createVisualShape(client.GEOM_SPHERE, radius=0.3)
    bodies[-1] = client.createMultiBody(0.0, -1, shape, [3, 0, 0.5])


CASES: dict[str, tuple[float, Change]] = {
    "all fixed": (0.0, nothing),
    "half of them free to move": (0.5, nothing),
    "a fifth free, one placed by hand": (0.2, placed),
    "a fifth free, one recoloured": (0.2, recoloured),
    "a fifth free, one removed and one created": (0.2, replaced),
}


def build(client: PhysicsClient, count: int, free: float) -> tuple[int, list[int]]:
    """The robot, a box of 60 kg, and the bodies."""
    random = np.random.default_rng(0)
    box = client.createCollisionShape(client.GEOM_BOX, halfExtents=[0.3, 0.3, 0.3])
    robot = client.createMultiBody(60.0, box, -1, [0, 0, 0.5])
    kinds = [
        (client.GEOM_BOX, {"halfExtents": [0.3, 0.2, 0.4]}, {"halfExtents": [0.3, 0.2, 0.4]}),
        (client.GEOM_SPHERE, {"radius": 0.3}, {"radius": 0.3}),
        (client.GEOM_CYLINDER, {"radius": 0.2, "height": 1.0}, {"radius": 0.2, "length": 1.0}),
    ]
    bodies = []
    for number in range(count):
        kind, solid, seen = kinds[number % 3]
        collision = client.createCollisionShape(kind, **solid)
        visual = client.createVisualShape(kind, **seen, rgbaColor=COLORS[0])
        mass = 1.0 if number < free * count else 0.0
        place = [*random.uniform(-10, 10, 2), 0.5]
        facing = client.getQuaternionFromEuler([0, 0, random.uniform(0, 3)])
        bodies.append(client.createMultiBody(mass, collision, visual, place, facing))
    return robot, bodies


def cost_us(count: int, free: float, change: Change) -> float:
    """The lower quartile of some looks, microseconds."""
    client = PhysicsClient()
    robot, bodies = build(client, count, free)
    observer = SceneObserver(client, robot, 60.0)
    base = np.array([0.0, 0.0, 0.5])
    observer.observe(base, 0.0, 0.0)
    spent = []
    for look in range(LOOKS):
        change(client, bodies, look)
        started = time.perf_counter()
        observer.observe(base, 0.01 * look, 0.066)
        spent.append(time.perf_counter() - started)
    client.disconnect()
    return float(np.quantile(spent, 0.25)) * 1e6


def main() -> None:
    print("| one look, µs | " + " | ".join(f"{count} bodies" for count in BODIES) + " |")
    print("|---|" + "---|" * len(BODIES))
    for name, (free, change) in CASES.items():
        costs = [min(cost_us(count, free, change) for _ in range(ROUNDS)) for count in BODIES]
        print(f"| {name} | " + " | ".join(f"{cost:.0f}" for cost in costs) + " |")


if __name__ == "__main__":
    main()
