"""Whether a world is still one: bodies where numbers can say, at speeds that mean something.

Bodies that overlap are thrown apart, a task sets a speed that grows without end, PyBullet loses
count: such an episode ends with a diagnosis, and trainer and host notice no more of it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .client.arguments import MAX_DISTANCE_M, MAX_SPEED
from .client.client import PhysicsClient
from .robot import Robot
from .scene import SceneObserver

MAX_SPEED_M_S = 80.0
"""Of any body, sideways and upwards; what rolls off an edge may fall for the rest of the episode.
PyBullet cuts each component at 100 m/s, so that bodies which are thrown apart come near that; a
ball that R2D2 kicks makes up to 30 m/s."""
FARTHEST_M = 2 * MAX_DISTANCE_M
"""From the origin: twice as far as tasks may place anything, and farther than it can fall."""


def looks_sane(state: NDArray[np.float32], robot: Robot, scene: SceneObserver) -> bool:
    """Whether the world is certainly whole, by what has just been observed of it.

    NaN is in no bounds, and nothing is larger than the sum of all: five products tell it of any
    number of bodies.
    """
    position, _, velocity, _ = robot.base_state()
    velocities, centers = scene.velocities.ravel(), scene.centers.ravel()
    return bool(
        state.dot(state) < math.inf
        and math.hypot(*velocity) <= MAX_SPEED_M_S
        and math.hypot(*position) <= FARTHEST_M
        and velocities.dot(velocities) <= MAX_SPEED_M_S**2
        and centers.dot(centers) <= FARTHEST_M**2
    )


def diagnose(client: PhysicsClient, robot: Robot) -> str:
    """What is wrong with a world, in a sentence; empty where nothing is."""
    for body in sorted(client.links, key=lambda body: body != robot.robot_id):
        name = "The robot" if body == robot.robot_id else f"Body {body}"
        states = [(client.getBasePositionAndOrientation(body), client.getBaseVelocity(body)[0])]
        for link in range(client.links[body]):
            state = client.getLinkState(body, link, 1)
            states.append((state[:2], state[6]))
        for (position, orientation), (x, y, z) in states:
            distance = math.hypot(*position)
            if not math.isfinite(distance + math.hypot(*orientation)):
                return f"{name} is nowhere: its pose is not a number."
            if distance > FARTHEST_M:
                return f"{name} is {distance:.4g} m from the origin."
            speed = math.hypot(x, y, 0.0 if z < 0.0 else z)
            if not (speed <= MAX_SPEED_M_S and -z <= MAX_SPEED):
                return f"{name} moves at {math.hypot(x, y, z):.4g} m/s."
    if not np.isfinite(robot.get_observation()).all():
        return "The robot feels what is not a number."
    return ""
