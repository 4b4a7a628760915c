# ruff: noqa: UP006, UP035, UP045 (typing as models write it)
from __future__ import annotations

from typing import Dict, Optional, Tuple

import numpy as np

from taskwright.world import R2D2Env

CIRCLE_RADIUS_M = 0.8


class Env(R2D2Env):
    """Drive into the green circle.

    Description:
    A flat green disc without a collision shape marks a circle somewhere near the robot.

    Success:
    The robot's base is within the circle.

    Rewards:
    Progress towards the centre of the circle.

    Termination:
    The robot has fallen off the ground.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ground = self.create_box(0.0, [15, 15, 0.5], [0, 0, -0.5], [0.6, 0.6, 0.6, 1])
        disc = self._p.createVisualShape(
            self._p.GEOM_CYLINDER, radius=CIRCLE_RADIUS_M, length=0.01, rgbaColor=[0, 0.8, 0, 1]
        )
        self._disc = self._p.createMultiBody(0.0, -1, disc, [3, 2, 0.01])
        self._steps: int = 0

    @property
    def centre(self) -> np.ndarray:
        return self.get_object_position(self._disc)[:2]

    @staticmethod
    def _length(vector: np.ndarray) -> float:
        return float(np.linalg.norm(vector))

    def _gap(self, centre: Optional[np.ndarray] = None) -> float:
        if centre is None:
            centre = self.centre
        return self._length(self.robot.links["base"].position[:2] - centre)

    def reset(self) -> np.ndarray:
        observation = super().reset()
        place: Tuple[float, float] = tuple(self.np_random.uniform(2.0, 5.0, size=2))
        self._p.resetBasePositionAndOrientation(self._disc, [*place, 0.01], [0, 0, 0, 1])
        self._previous_gap = self._gap()
        self._steps = 0
        return observation

    def step(self, action):
        self._steps += 1
        result = super().step(action)
        if not hasattr(self, "_best_gap") or self._gap() < self._best_gap:
            self._best_gap = self._gap()
        print(f"step {self._steps:>4}: {self._gap():.2f} m, best {self._best_gap!r}")
        return result

    def get_task_rewards(self, action) -> Dict[str, float]:
        gap = self._gap()
        progress, self._previous_gap = self._previous_gap - gap, gap
        return {"progress": progress / self.dt, "inside": 1.0 if self.get_success() else 0.0}

    def get_terminated(self, action) -> bool:
        return bool(self.robot.links["base"].position[2] < 0.0)

    def get_success(self) -> bool:
        return self._gap() < CIRCLE_RADIUS_M
