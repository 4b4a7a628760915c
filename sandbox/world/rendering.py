"""Pictures of a world, by PyBullet's CPU renderer: no display, no EGL, no GPU."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .client import PhysicsClient

Image = NDArray[np.uint8]
"""Shape (height, width, 3)."""

FIELD_OF_VIEW_DEG = 50.0
# Bodies larger than this are floors and backdrops: framing them would make the rest a speck.
BACKDROP_M = 25.0


@dataclass(frozen=True)
class Camera:
    """Where to look from: `target` (m), `distance` (m), `yaw` and `pitch` (degrees)."""

    target: tuple[float, float, float]
    distance: float
    yaw: float
    pitch: float


def overview_camera(client: PhysicsClient, robot_id: int, aspect: float = 4 / 3) -> Camera:
    """A camera that frames the robot and every body that is not a backdrop."""
    lows, highs = [], []
    for index in range(client.getNumBodies()):
        body = client.getBodyUniqueId(index)
        boxes = [client.getAABB(body, link) for link in range(-1, client.getNumJoints(body))]
        low = np.min([box[0] for box in boxes], axis=0)
        high = np.max([box[1] for box in boxes], axis=0)
        if body == robot_id or np.linalg.norm(high[:2] - low[:2]) <= BACKDROP_M:
            lows.append(low)
            highs.append(high)
    low, high = np.min(lows, axis=0), np.max(highs, axis=0)
    # Fit the sphere around the box into the narrower angle of view.
    radius = max(float(np.linalg.norm(high - low)) / 2, 1.0)
    half_angle = math.radians(FIELD_OF_VIEW_DEG) / 2 * min(aspect, 1.0)
    x, y, z = ((low + high) / 2).tolist()
    # The long side of the scene lies across the picture, seen a little from behind the robot.
    yaw = -35.0 if high[0] - low[0] >= high[1] - low[1] else -60.0
    return Camera((x, y, z), 0.8 * radius / math.sin(half_angle), yaw, -35.0)


def chase_camera(position: NDArray[np.float64], yaw_rad: float) -> Camera:
    """A camera behind and above the robot at `position` (3,), looking where it is heading."""
    x, y, z = position.tolist()
    return Camera((x, y, z + 0.3), 3.5, math.degrees(yaw_rad) - 90.0, -25.0)


def render(client: PhysicsClient, camera: Camera, width: int, height: int) -> Image:
    """Draw the world. Fails where the width or height is not positive."""
    view = client.computeViewMatrixFromYawPitchRoll(
        camera.target, camera.distance, camera.yaw, camera.pitch, 0.0, 2
    )
    projection = client.computeProjectionMatrixFOV(
        FIELD_OF_VIEW_DEG, width / height, 0.05, 4 * camera.distance + 60.0
    )
    pixels = client.getCameraImage(
        width,
        height,
        view,
        projection,
        lightDirection=[-4.0, -6.0, 12.0],
        shadow=1,
        renderer=client.ER_TINY_RENDERER,
        flags=client.ER_NO_SEGMENTATION_MASK,
    )[2]
    return np.asarray(pixels, dtype=np.uint8).reshape(height, width, 4)[..., :3]
