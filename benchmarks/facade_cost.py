"""What does a PyBullet call cost a task, against PyBullet alone and `pybullet_utils`' client?

Setup: a world with a floor and a box; each call is made many times in a loop by the raw module
with its client id, by `pybullet_utils.bullet_client.BulletClient` and by the `TaskClient` that
tasks get, in turn with the others. The median of the rounds is shown, since machines are noisy.
Duration: about 15 s.

    python benchmarks/facade_cost.py
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable
from typing import Any

import pybullet
from pybullet_utils.bullet_client import BulletClient

from taskwright.world.client.client import PhysicsClient
from taskwright.world.client.task_client import TaskClient

ROUNDS = 15
CALLS = 2000
PLACE, FACING = [1.0, 2.0, 3.0], [0.0, 0.0, 0.0, 1.0]

WORK: dict[str, Callable[[Any, int], Any]] = {
    "getBasePositionAndOrientation": lambda p, box: p.getBasePositionAndOrientation(box),
    "getBaseVelocity": lambda p, box: p.getBaseVelocity(box),
    "getContactPoints": lambda p, box: p.getContactPoints(0, box),
    "getContactPoints by name": lambda p, box: p.getContactPoints(bodyA=0, bodyB=box),
    "resetBasePositionAndOrientation": lambda p, box: p.resetBasePositionAndOrientation(
        box, PLACE, FACING
    ),
    "resetBaseVelocity by name": lambda p, box: p.resetBaseVelocity(box, linearVelocity=PLACE),
    "getQuaternionFromEuler": lambda p, box: p.getQuaternionFromEuler(PLACE),
    "rayTest": lambda p, box: p.rayTest([0.0, 0.0, 5.0], [0.0, 0.0, -5.0]),
}


class Raw:
    """The module's functions with the client's id as a keyword, bound beforehand."""

    def __init__(self, client_id: int) -> None:
        for name in {name.partition(" ")[0] for name in WORK}:
            bound = functools.partial(getattr(pybullet, name), physicsClientId=client_id)
            setattr(self, name, bound)


def build(client: Any) -> int:
    """A floor and a box above it; returns the box."""
    for mass, half_extents, z in ((0.0, [5.0, 5.0, 0.5], -0.5), (1.0, [0.2, 0.2, 0.2], 1.0)):
        shape = client.createCollisionShape(pybullet.GEOM_BOX, halfExtents=half_extents)
        body = client.createMultiBody(mass, shape, -1, [0.0, 0.0, z])
    return int(body)


def main() -> None:
    trusted, wrapper = PhysicsClient(), BulletClient(pybullet.DIRECT)
    box = build(trusted)
    assert build(wrapper) == box
    clients = {
        "raw": Raw(trusted.client_id),
        "BulletClient": wrapper,
        "TaskClient": TaskClient(trusted, robot_id=0),
    }
    print("| call, µs | " + " | ".join(clients) + " |")
    print("|---|" + "---|" * len(clients))
    for name, call in WORK.items():
        costs: dict[str, list[float]] = {client: [] for client in clients}
        for _ in range(ROUNDS):
            for kind, client in clients.items():
                started = time.perf_counter()
                for _ in range(CALLS):
                    call(client, box)
                costs[kind].append((time.perf_counter() - started) / CALLS * 1e6)
        medians = " | ".join(f"{statistics.median(cost):.2f}" for cost in costs.values())
        print(f"| {name} | {medians} |")


if __name__ == "__main__":
    main()
