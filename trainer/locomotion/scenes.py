"""What walkers see, and where to go in it: random scenes and the commands that follow from them.

Nothing moves here. A gait knows how to walk; to follow what it sees, a walker needs many scenes but
no physics, so a world is furnished once and looked at from many places.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...sandbox.world.ant import AntEnv
from ...sandbox.world.base import build_env
from ...sandbox.world.client import PhysicsClient
from ...sandbox.world.scene import NUMBERS_PER_SLOT, SLOTS, SceneObserver
from .body import Array, decompress

VIEWS_PER_WORLD = 40
BESIDE_M = 0.3
"""A body whose nearest point is no further away horizontally is what the robot stands on."""
HEIGHTS_M = 0.3, 1.0
"""Of the torso over the ground: from crouching to being on a step."""


def toward_nearest(scenes: Array) -> Array:
    """The way to the nearest body that the robot does not stand on: from scenes of shape
    (n, `SceneObserver.size`) to commands (n, 2), unit vectors in the yaw frame, or (0, 0) where
    there is none."""
    slots = scenes.reshape(-1, SLOTS, NUMBERS_PER_SLOT)
    ways = decompress(slots[:, :, 1:3])
    distances: Array = np.hypot(ways[..., 0], ways[..., 1])
    beside = np.asarray(distances > BESIDE_M)
    rows, first = np.arange(len(slots)), beside.argmax(axis=1)
    command = ways[rows, first] / np.maximum(distances[rows, first], BESIDE_M)[:, None]
    return np.asarray(command * np.any(beside, axis=1, keepdims=True), dtype=np.float32)


def look_around(count: int, random: np.random.Generator) -> Array:
    """So many random scenes, shape (`count`, `SceneObserver.size`)."""
    client = PhysicsClient(draws=False)
    views: list[NDArray[np.float32]] = []
    while len(views) < count:
        world: Any = build_env(AntEnv, client, random, observes=False)
        _furnish(world, random)
        observer = SceneObserver(client, world.robot.robot_id, world.robot.mass)
        for _ in range(VIEWS_PER_WORLD):
            # Near places are looked at as often as far ones.
            away = math.expm1(random.uniform(0.0, math.log1p(25.0)))
            angle = random.uniform(-math.pi, math.pi)
            place = [away * math.cos(angle), away * math.sin(angle), random.uniform(*HEIGHTS_M)]
            yaw = random.uniform(-math.pi, math.pi)
            views.append(observer.observe(np.array(place), yaw, 0.0))
    client.disconnect()
    return np.array(views[:count])


def _furnish(world: Any, random: np.random.Generator) -> None:
    """Lay a floor whose top is at 0 m, and put one to four bodies on or above it, the first at the
    origin."""
    size = math.exp(random.uniform(math.log(20.0), math.log(1000.0)))
    thick = random.choice([0.1, 1.0, 10.0])
    world.create_box(0.0, [size / 2, size / 2, thick / 2], [0.0, 0.0, -thick / 2], _color(random))
    for number in range(random.choice([1, 2, 3, 4], p=[0.55, 0.2, 0.15, 0.1])):
        spread = 12.0 if number else 0.0
        x, y = random.uniform(-spread, spread, 2)
        a, b, c = np.exp(random.uniform(math.log(0.1), math.log(1.2), 3))
        place = [x, y, random.choice([c, c, c, random.uniform(0.0, 2.0)])]
        mass = random.choice([0.0, math.exp(random.uniform(0.0, 6.0))])
        kind = random.choice(["box", "sphere", "cylinder", "zone"])
        if kind == "box":
            world.create_box(mass, [a, b, c], place, _color(random))
        elif kind == "sphere":
            world.create_sphere(mass, c, place, _color(random))
        elif kind == "cylinder":
            world.create_cylinder(mass, a, 2.0 * c, place, _color(random))
        else:  # a mark on the ground that can only be seen
            look = world._p.createVisualShape(
                world._p.GEOM_CYLINDER, radius=a, length=0.02, rgbaColor=_color(random)
            )
            world._p.createMultiBody(baseVisualShapeIndex=look, basePosition=[x, y, 0.01])


def _color(random: np.random.Generator) -> list[float]:
    return [*random.uniform(0.0, 1.0, 3), 1.0]
