"""What the robot sees: a picture with depth from its own eye, beside the numbers of its state.

An option of `TaskEnv`. The observation is then a dict:

====== ======= ================== ===========================================================
key    type    shape              meaning
====== ======= ================== ===========================================================
state  float32 (n,)               what `TaskEnv` observes without vision
rgb    uint8   (height, width, 3) the view along the robot's x axis, 90 degrees on its longer
                                  side
depth  float32 (height, width, 1) distance along the axis of view, m, at most 20; the sky has 20
====== ======= ================== ===========================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict
from numpy.typing import NDArray

from ..client.client import PhysicsClient
from ..robot import Robot
from .camera import eye_camera
from .rendering import Renderer

SMALLEST, LARGEST = 32, 128
"""Of height and width, px."""
DEPTH_LIMIT_M = 20.0


class Vision:
    """The robot's eye, with a picture of `size` (height, width) px.

    Raises ValueError where that is no such pair between 32 and 128.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        if not (
            isinstance(size, tuple | list)
            and len(size) == 2
            and all(isinstance(n, int | np.integer) for n in size)
            and all(SMALLEST <= n <= LARGEST for n in size)
        ):
            raise ValueError(
                f"vision is {size!r}; it must be (height, width) in pixels, "
                f"each from {SMALLEST} to {LARGEST}, such as (64, 64)."
            )
        self.height, self.width = int(size[0]), int(size[1])

    def space(self, state: Box[np.float32]) -> Dict:
        """The observation space, given that of the state."""
        shape = (self.height, self.width)
        return Dict(
            state=state,
            rgb=Box(0, 255, (*shape, 3), np.uint8),
            depth=Box(0.0, DEPTH_LIMIT_M, (*shape, 1), np.float32),
        )

    def look(
        self, client: PhysicsClient, renderer: Renderer, robot: Robot
    ) -> dict[str, NDArray[Any]]:
        """`rgb` and `depth` as the robot sees the world now."""
        base = robot.links["base"]
        rotation = np.array(client.getMatrixFromQuaternion(base.orientation)).reshape(3, 3)
        aspect = self.width / self.height
        camera = eye_camera(
            base.position, rotation, robot.eye_offset_m, aspect, robot.eye_pitch_deg
        )
        rgb, depth = renderer.picture_and_depth(camera, self.width, self.height, DEPTH_LIMIT_M)
        return {"rgb": rgb, "depth": depth}
