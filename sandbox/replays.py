"""Writes down the poses of an episode, inside the sandboxed process that replays it."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..task import Robot, to_json
from ..world import TaskEnv
from ..world.base import BaseEnv
from ..world.pictures.camera import overview_camera
from .episodes import MAX_TERMS, action_for
from .faults import fault_of
from .recorder import Recorder
from .recording import Agent, Ending, RecordedEpisode, Recording


def record(
    shared: Sequence[int],
    source: str,
    robot: Robot,
    agent: Agent,
    seed: int,
    actions: list[list[float]],
    size_bytes: int,
) -> dict[str, Any]:
    """Replay an episode, a frame after the reset and one after each action.

    Writes JSON of a `Recording` of this one episode into the first of the descriptors `shared`,
    which has room for `size_bytes`, and returns how many `bytes` it takes.
    """
    try:
        recording = _recording(source, robot, agent, seed, actions)
    except Exception as error:
        return {**fault_of(error, "an episode", source)}
    data = to_json(recording).encode()
    if len(data) > size_bytes:
        return {
            "symptom": f"The recording of an episode takes {len(data) / 1e6:.1f} MB.",
            "cause": "Very many bodies move, or meshes are very fine.",
            "fix": f"Use fewer: there is room for {size_bytes / 1e6:.1f} MB.",
        }
    mmap.mmap(shared[0], size_bytes)[: len(data)] = data
    return {"bytes": len(data)}


def _recording(
    source: str, robot: Robot, agent: Agent, seed: int, actions: list[list[float]]
) -> Recording:
    # Without its meshes the robot would look like a pile of small boxes.
    env = TaskEnv(source, render_mode="rgb_array")
    recorder = Recorder(env.client)
    env.reset(seed=seed)
    robot_id = env.robot.robot_id
    recorder.look(robot_id)
    camera = overview_camera(env.client, robot_id)
    depth_m = max(float((env.robot.links["base"].position - camera.eye) @ camera.forward), 1.0)
    terms: list[dict[str, float]] = []
    success_frame: int | None = None
    ended: Ending = "stopped"
    for number, action in enumerate(actions, 1):
        _, _, terminated, truncated, info = env.step(action_for(env, np.array(action)))
        terms.append(info["reward_terms"])
        recorder.look(robot_id)
        if info["is_success"] and success_frame is None:
            success_frame = number
        if terminated or truncated:
            ended = "terminated" if terminated else "time limit"
            if "diagnosis" in info:
                ended = "broken"
            break
    names = list(dict.fromkeys(name for given in terms for name in given))[:MAX_TERMS]
    episode = RecordedEpisode(
        agent=agent,
        seed=seed,
        success=None if agent == "idle" else success_frame is not None,
        success_frame=success_frame,
        ended=ended,
        frames=recorder.frames,
        eye=tuple(camera.eye.tolist()),
        target=tuple((camera.eye + depth_m * camera.forward).tolist()),
        parts=tuple(part.finished() for part in recorder.parts if part.is_ever_seen),
        reward_terms={name: tuple(_short(given.get(name)) for given in terms) for name in names},
    )
    env.close()
    frame_s = round(env.action_repeat * BaseEnv.dt, 4)
    return Recording("", robot, frame_s, (episode,), tuple(recorder.meshes))


def _short(number: float | None) -> float | None:
    """Four digits are enough to draw a curve."""
    return None if number is None else float(f"{number:.4g}")
