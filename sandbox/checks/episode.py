"""One scripted episode, and what it leaves behind for the checks to judge."""

from __future__ import annotations

import hashlib
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from ...world import TaskEnv
from .scripts import REPLAYED_ACTIONS, actions_of


@dataclass
class CheckedEpisode:
    """What is known of an episode so far."""

    script: str
    seed: int
    physics_steps: int = 0
    cpu_s: float = 0.0
    """Computing time of its steps."""
    terminated: bool = False
    truncated: bool = False
    succeeded: bool = False
    diagnosis: str = ""
    """How the world broke, where it did."""
    trace: list[str] = field(default_factory=list)
    """A digest of what the agent saw after the reset and after each of the first actions."""


def play(env: TaskEnv, script: str, seed: int, actions: int) -> Iterator[CheckedEpisode]:
    """Play an episode until it ends, for `actions` actions at most.

    Gives the same growing `CheckedEpisode` after the reset and after each action.
    """
    observation, _ = env.reset(seed=seed)
    episode = CheckedEpisode(script, seed, trace=[_digest(observation.tobytes(), 0.0, 0)])
    yield episode
    for action in islice(actions_of(script, env.action_space, seed), actions):
        started = time.process_time()
        observation, reward, terminated, truncated, info = env.step(action)
        episode.cpu_s += time.process_time() - started
        episode.physics_steps = env.physics_steps
        episode.terminated, episode.truncated = terminated, truncated
        episode.succeeded = info["is_success"]
        episode.diagnosis = info.get("diagnosis", "")
        if len(episode.trace) <= REPLAYED_ACTIONS:
            flags = terminated + 2 * truncated + 4 * episode.succeeded
            episode.trace.append(_digest(observation.tobytes(), reward, flags))
        yield episode
        if terminated or truncated:
            return


def _digest(observation: bytes, reward: float, flags: int) -> str:
    data = observation + struct.pack("<dB", reward, flags)
    return hashlib.blake2b(data, digest_size=8).hexdigest()
