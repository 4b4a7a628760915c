"""What a gait can do, measured."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...world.base import BaseEnv
from ...world.robots.gait import Gait
from ...world.task_env import ACTION_REPEAT
from .ground import Ground

ACTION_S = ACTION_REPEAT * BaseEnv.dt
UNSURE_RAD = math.pi / 4


def measure(gait: Gait, episodes: int) -> dict[str, Any]:
    """Episodes of 16.5 s on flat ground, each in another direction around the robot: falls, and
    the speed along the way to go, m/s, lowest, median and highest; with one command for all of the
    episode, and with one that changes by up to 45 degrees to either side in every agent step. And
    how far it gets, m, when it is told to stand."""
    ground = Ground()
    steady = [_walk(ground, gait, seed, episodes, 0.0) for seed in range(episodes)]
    unsure = [_walk(ground, gait, seed, episodes, UNSURE_RAD) for seed in range(episodes)]
    stood = [_stand(ground, gait, seed) for seed in range(episodes)]
    ground.close()
    return {
        "episodes": episodes,
        "steady": _summary(steady),
        "unsure": _summary(unsure),
        "standing": {
            "falls": sum(fallen for _, fallen in stood),
            "metres": round(float(np.median([metres for metres, _ in stood])), 2),
        },
    }


def _summary(walks: list[tuple[float, bool]]) -> dict[str, Any]:
    speeds = sorted(speed for speed, _ in walks)
    return {
        "falls": sum(fallen for _, fallen in walks),
        "speed_m_s": [round(speeds[n], 2) for n in (0, len(speeds) // 2, -1)],
    }


def _walk(ground: Ground, gait: Gait, seed: int, of: int, unsure_rad: float) -> tuple[float, bool]:
    """The speed along the way, and whether it fell."""
    angle = seed * math.tau / of
    ground.reset(seed=seed, options={"command_rad": angle})
    way, begun = ground.way, np.array(ground.robot.base_state()[0][:2])
    heading = math.atan2(way[1], way[0])
    random = np.random.default_rng(seed)
    fallen = over = False
    while not (fallen or over):
        ground.command(heading + unsure_rad * float(random.integers(-1, 2)), 1_000)
        _, _, fallen, over, _ = ground.step(gait.walk(ground.feel()))
    gone = np.array(ground.robot.base_state()[0][:2]) - begun
    return float(gone @ way) / (ground.steps * ACTION_S), fallen


def _stand(ground: Ground, gait: Gait, seed: int) -> tuple[float, bool]:
    """How far it gets, and whether it fell."""
    ground.reset(seed=seed, options={"command_rad": 0.0})
    begun = np.array(ground.robot.base_state()[0][:2])
    fallen = over = False
    while not (fallen or over):
        ground.way = np.zeros(2)
        _, _, fallen, over, _ = ground.step(gait.walk(ground.feel()))
    return float(np.hypot(*(np.array(ground.robot.base_state()[0][:2]) - begun))), fallen
