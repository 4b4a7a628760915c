"""A gait that takes minutes to find: legs that swing to a clock.

Each joint follows a sine by a spring and a damper. The legs on the left are half a period ahead of
those on the right; front and hind legs have numbers of their own, and the command turns the hips:
21 numbers in all, which CMA-ES (Hansen 2016, arXiv 1604.00772) chooses. Its walk is slow, but it
does not fall, and whoever learns from it begins with legs that carry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...world.base import BaseEnv
from ...world.robots.gait import JOINTS, LEGS, POSITIONS, SPEEDS, WAY, Array
from ...world.task_env import ACTION_REPEAT
from .ground import Ground

Numbers = NDArray[np.float64]

# name: where the search begins, and how far it looks at first. Positions are shares of a joint's
# range (-1 to 1), phases radians, gains torque shares per position or per speed in 10 rad/s.
_OF_LEGS = {
    "hip_middle": (0.2, 0.4),
    "hip_swing": (0.6, 0.4),
    "hip_phase": (0.0, 0.4),
    "ankle_middle": (-0.2, 0.4),
    "ankle_swing": (0.4, 0.4),
    "ankle_phase": (1.5, 1.5),
    "hip_turn": (0.0, 0.5),
    "swing_turn": (0.3, 0.5),
}
_OF_ALL = {
    "frequency_hz": (1.7, 0.5),
    "hip_spring": (1.2, 0.6),
    "hip_damper": (0.3, 0.3),
    "ankle_spring": (1.2, 0.6),
    "ankle_damper": (0.3, 0.3),
}
NAMES = [f"{leg}_{name}" for leg in ("front", "hind") for name in _OF_LEGS] + list(_OF_ALL)
_RANGES = [*_OF_LEGS.values(), *_OF_LEGS.values(), *_OF_ALL.values()]
MIDDLES, SPREADS = np.array(_RANGES).T
MIDDLES[NAMES.index("hind_hip_phase")] = math.pi
SPREADS[NAMES.index("hind_hip_phase")] = 1.5

SECONDS = 2.7
"""How long a gait is tried for."""
WIDEST_RAD = 0.7
"""Ways lie in the quarter ahead; see `world.robots.gait`."""


class Oscillator:
    """The gait that `numbers`, in the order of `NAMES`, describe; call `start` in every episode."""

    def __init__(self, numbers: Numbers) -> None:
        value = dict(zip(NAMES, numbers.tolist(), strict=True))
        legs = ["front", "hind", "hind", "front"]

        def of_legs(name: str) -> Numbers:
            return np.array([value[f"{leg}_{name}"] for leg in legs])

        self._side = np.array([1.0, 1.0, -1.0, -1.0])
        self._lag = np.where(self._side > 0, 0.0, math.pi) + of_legs("hip_phase")
        self._hip = of_legs("hip_middle"), of_legs("hip_swing")
        self._hip_turn, self._swing_turn = of_legs("hip_turn"), of_legs("swing_turn")
        self._ankle = of_legs("ankle_middle"), of_legs("ankle_swing"), of_legs("ankle_phase")
        self._spring = np.array([value["hip_spring"], value["ankle_spring"]])
        self._damper = np.array([value["hip_damper"], value["ankle_damper"]])
        self._step_rad = math.tau * value["frequency_hz"] * ACTION_REPEAT * BaseEnv.dt
        self.start()

    def start(self) -> None:
        self._phase = 0.0

    def act(self, feeling: Array) -> Array:
        """The action for one feeling of shape (`GAIT_SIZE`,)."""
        x, y = feeling[WAY].tolist()
        targets = np.zeros((LEGS, 2))
        if x or y:
            self._phase += self._step_rad
            turn, phase = math.atan2(y, x), self._phase + self._lag
            swing = self._hip[1] * (1.0 - self._side * self._swing_turn * turn)
            targets[:, 0] = self._side * (self._hip[0] + swing * np.sin(phase))
            targets[:, 0] += self._hip_turn * turn
            targets[:, 1] = self._ankle[0] + self._ankle[1] * np.sin(phase + self._ankle[2])
        else:
            targets[:, 1] = self._ankle[0].mean()
        away = targets - feeling[POSITIONS].reshape(LEGS, 2)
        shares = self._spring * away - self._damper * feeling[SPEEDS].reshape(LEGS, 2)
        return shares.reshape(JOINTS).clip(-1.0, 1.0).astype(np.float32)


def tried(ground: Ground, oscillator: Oscillator, seed: int) -> float:
    """Mean reward per agent step of one attempt; nothing is earned after a fall."""
    steps = round(SECONDS / (ACTION_REPEAT * BaseEnv.dt))
    angle = np.random.default_rng(seed).uniform(-WIDEST_RAD, WIDEST_RAD)
    feeling, _ = ground.reset(seed=seed, options={"command_rad": angle})
    oscillator.start()
    earned = 0.0
    for _ in range(steps):
        feeling, reward, fallen, _, _ = ground.step(oscillator.act(feeling))
        earned += reward
        if fallen:
            break
    return earned / steps


def search(generations: int, seed: int, tell: Callable[[str], None]) -> Numbers:
    """The best numbers found, in the order of `NAMES`."""
    import cma  # only this search needs it

    ground = Ground()
    settings: dict[str, Any] = {"seed": seed + 1, "popsize": 14, "verbose": -9}
    strategy = cma.CMAEvolutionStrategy(np.zeros(len(NAMES)), 0.5, settings)
    for generation in range(1, generations + 1):
        candidates = strategy.ask()
        # All candidates of a generation are tried in the same direction.
        scores = [
            tried(ground, Oscillator(MIDDLES + SPREADS * candidate), generation)
            for candidate in candidates
        ]
        strategy.tell(candidates, [-score for score in scores])
        if generation % 10 == 0:
            tell(f"generation {generation}: median {np.median(scores):.2f} per step")
    ground.close()
    numbers: Numbers = MIDDLES + SPREADS * strategy.result.xfavorite
    return numbers
