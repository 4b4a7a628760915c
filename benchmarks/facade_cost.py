"""What does a PyBullet call cost a task?

Measures: microseconds of each call by the `TaskClient` that tasks get, many times in a loop, in a
world with a floor and a box.
Compared with: the raw module with its client id, and `pybullet_utils.bullet_client.BulletClient`.
Duration: about 15 s.

    python benchmarks/facade_cost.py
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pybullet
from harness import Benchmark, in_turn, median, seconds
from pybullet_utils.bullet_client import BulletClient

from taskwright.world.client.client import PhysicsClient
from taskwright.world.client.task_client import TaskClient

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
    bench = Benchmark(__doc__, rounds=15)
    options = bench.start()
    trusted, wrapper = PhysicsClient(), BulletClient(pybullet.DIRECT)
    box = build(trusted)
    assert build(wrapper) == box
    clients = {
        "raw": Raw(trusted.client_id),
        "BulletClient": wrapper,
        "TaskClient": TaskClient(trusted, robot_id=0),
    }

    def cost_us(call: Callable[[Any, int], Any], client: Any) -> float:
        return seconds(lambda: [call(client, box) for _ in range(CALLS)]) / CALLS * 1e6

    def rows() -> Iterator[list[Any]]:
        for name, call in WORK.items():
            works = {kind: functools.partial(cost_us, call, each) for kind, each in clients.items()}
            yield [name, *map(median, in_turn(works, options.rounds).values())]

    bench.table({"call, µs": "", **dict.fromkeys(clients, ".2f")}, rows())


if __name__ == "__main__":
    main()
