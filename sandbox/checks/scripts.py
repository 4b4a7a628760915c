"""What the robot does during the checks: behaviours that need no knowledge of the task.

A script is known by its name, which is also how messages tell of it: "step 12 of an episode with
idle actions". What it does follows from its name, the action space and a seed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

IDLE = "idle actions"
RANDOM = "random actions"
LONGEST_HOLD = 5
"""Actions; held for a while, random actions get the robot somewhere."""
REPLAYED_ACTIONS = 60
"""How much of an episode a replay compares: a quarter of it, where nearly all that can differ
differs, at a quarter of the price."""


def repeated(space: gymnasium.Space[Any]) -> dict[str, Any]:
    """The extreme actions of a space, each to be repeated for ever, by the name of the script."""
    if isinstance(space, Discrete):
        return {f"action {action} repeated": action for action in range(1, int(space.n))}
    assert isinstance(space, Box)
    return {"the lowest actions": space.low, "the highest actions": space.high}


def script_names(space: gymnasium.Space[Any]) -> list[str]:
    """Every script for a robot with this action space."""
    return [IDLE, RANDOM, *repeated(space)]


def actions_of(script: str, space: gymnasium.Space[Any], seed: int) -> Iterator[Any]:
    """The actions of a script, without an end."""
    if script == RANDOM:
        return _random_actions(space, seed)
    if script == IDLE:
        return itertools.repeat(idle_action(space))
    return itertools.repeat(repeated(space)[script])


def idle_action(space: gymnasium.Space[Any]) -> Any:
    """The action that does nothing: 0, or zeros."""
    return 0 if isinstance(space, Discrete) else np.zeros(space.shape or (), dtype=np.float32)


def _random_actions(space: gymnasium.Space[Any], seed: int) -> Iterator[Any]:
    holds = np.random.default_rng(seed)
    space.seed(seed)
    while True:
        action = space.sample()
        yield from itertools.repeat(action, int(holds.integers(1, LONGEST_HOLD + 1)))
