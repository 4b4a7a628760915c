"""Pictures of a world, by PyBullet's CPU renderer: no display, no EGL, no GPU."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .client import PhysicsClient

Image = NDArray[np.uint8]
"""Shape (height, width, 3)."""

FIELD_OF_VIEW_DEG = 45.0
# Bodies larger than this are floors and backdrops: framing them would make the rest a speck.
BACKDROP_M = 25.0
MARGIN = 1.06
SKY_TOP, SKY_BOTTOM = (214, 226, 240), (250, 251, 253)


@dataclass(frozen=True)
class Camera:
    """Where to look from: `target` (m), `distance` (m), `yaw` and `pitch` (degrees)."""

    target: tuple[float, float, float]
    distance: float
    yaw: float
    pitch: float


def overview_camera(client: PhysicsClient, robot_id: int, aspect: float = 4 / 3) -> Camera:
    """A camera that frames the robot and every body that is not a backdrop, as near as it can."""
    boxes = []
    for index in range(client.getNumBodies()):
        body = client.getBodyUniqueId(index)
        parts = [client.getAABB(body, link) for link in range(-1, client.getNumJoints(body))]
        low = np.min([part[0] for part in parts], axis=0)
        high = np.max([part[1] for part in parts], axis=0)
        if body == robot_id or np.linalg.norm(high[:2] - low[:2]) <= BACKDROP_M:
            boxes.append((low, high))
    low = np.min([box[0] for box in boxes], axis=0)
    high = np.max([box[1] for box in boxes], axis=0)
    # The long side of the scene lies across the picture, seen a little from behind the robot.
    yaw, pitch = (-35.0 if high[0] - low[0] >= high[1] - low[1] else -60.0), -32.0
    center = (low + high) / 2
    corners = (
        np.array(
            [
                [x, y, z]
                for b in boxes
                for x in _ends(b, 0)
                for y in _ends(b, 1)
                for z in _ends(b, 2)
            ]
        )
        - center
    )
    right, up, forward = _axes(yaw, pitch)
    tangent = math.tan(math.radians(FIELD_OF_VIEW_DEG) / 2)
    # A corner is in the picture where its offset is at most its depth times the tangent.
    needed = np.maximum(
        np.abs(corners @ right) / (tangent * aspect), np.abs(corners @ up) / tangent
    )
    distance = float(np.max(needed * MARGIN - corners @ forward))
    x, y, z = center.tolist()
    return Camera((x, y, z), max(distance, 3.0), yaw, pitch)


def _ends(box: tuple[NDArray[np.float64], NDArray[np.float64]], axis: int) -> tuple[float, float]:
    return float(box[0][axis]), float(box[1][axis])


def _axes(yaw_deg: float, pitch_deg: float) -> tuple[NDArray[np.float64], ...]:
    """The camera's right, up and forward directions in the world frame. At yaw 0 it looks along
    +y, as PyBullet has it."""
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    forward = np.array(
        [-math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), math.sin(pitch)]
    )
    right = np.array([math.cos(yaw), math.sin(yaw), 0.0])
    return right, np.cross(right, forward), forward


def chase_camera(position: NDArray[np.float64], yaw_rad: float) -> Camera:
    """A camera behind and above the robot at `position` (3,), looking where it is heading."""
    x, y, z = position.tolist()
    return Camera((x, y, z + 0.3), 4.0, math.degrees(yaw_rad) - 90.0, -25.0)


def render(client: PhysicsClient, camera: Camera, width: int, height: int) -> Image:
    """Draw the world before a plain sky. Fails where the width or height is not positive."""
    view = client.computeViewMatrixFromYawPitchRoll(
        camera.target, camera.distance, camera.yaw, camera.pitch, 0.0, 2
    )
    projection = client.computeProjectionMatrixFOV(
        FIELD_OF_VIEW_DEG, width / height, 0.05, 4 * camera.distance + 60.0
    )
    _, _, pixels, depth, _ = client.getCameraImage(
        width,
        height,
        view,
        projection,
        lightDirection=[-4.0, -7.0, 12.0],
        # The CPU renderer's shadows leave stripes on large floors.
        shadow=0,
        renderer=client.ER_TINY_RENDERER,
        flags=client.ER_NO_SEGMENTATION_MASK,
    )
    image = np.array(pixels, dtype=np.uint8).reshape(height, width, 4)[..., :3]
    rows = np.linspace(SKY_TOP, SKY_BOTTOM, height).astype(np.uint8)
    sky = np.broadcast_to(rows[:, None, :], image.shape)
    # Not quite 1.0: the renderer clears its depth with a rounding error.
    empty = np.asarray(depth).reshape(height, width) > 0.99999
    image[empty] = sky[empty]
    return image
