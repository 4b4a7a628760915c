"""What the walkers can do, measured: `ant.json` beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.policies import ActorCriticPolicy

from ...sandbox.world.base import BaseEnv
from ...sandbox.world.robots import robot_spaces
from ...sandbox.world.task_env import TaskEnv
from ..policies import load_parameters
from .ground import meadow

DISTANCES_M = (3, 6, 9, 12)


def measure(walkers: dict[str, Path], episodes: int) -> dict[str, dict[str, Any]]:
    """For each walker: its falls, how far it is from its start at the end of an episode (16.5 s),
    and how often it comes to a post so far away, all as in a trial, with sampled actions."""
    sheet: dict[str, dict[str, Any]] = {}
    for walker, path in walkers.items():
        ends = [_episode(path, 0, seed) for seed in range(episodes)]
        stood = [(way, seconds) for way, seconds, fallen, _ in ends if not fallen]
        sheet[walker] = {
            "episodes": episodes,
            "falls": episodes - len(stood),
            "ahead_m": round(float(np.median([way[0] for way, _ in stood])), 2),
            "aside_m": round(float(np.median([abs(way[1]) for way, _ in stood])), 2),
            "speed_m_s": round(float(np.median([np.hypot(*way) / s for way, s in stood])), 2),
        }
    posts = sheet["nearest"]["reaches_post"] = {}
    for distance_m in DISTANCES_M:
        tries = [_episode(walkers["nearest"], distance_m, seed) for seed in range(episodes)]
        posts[f"{distance_m} m"] = f"{sum(success for *_, success in tries)} of {episodes}"
    return sheet


def _episode(path: Path, distance_m: float, seed: int) -> tuple[Any, float, bool, bool]:
    """The way from start to end (m, 2), how long it took (s), whether it fell, and arrived."""
    torch.manual_seed(seed)
    policy = ActorCriticPolicy(*robot_spaces("ant"), lambda _: 0.0, net_arch=[128, 128])
    policy.load_state_dict(load_parameters(path))
    env = TaskEnv(meadow(distance_m))
    observation, info = env.reset(seed=seed)
    ended = False
    while not ended and not info["is_success"]:
        action, _ = policy.predict(observation, deterministic=False)
        observation, _, terminated, truncated, info = env.step(action)
        ended = terminated or truncated
    way = (env.robot.links["base"].position - env.robot.start_position)[:2]
    seconds = env.physics_steps * BaseEnv.dt
    env.close()
    return way, seconds, ended and terminated, info["is_success"]
