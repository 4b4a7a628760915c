"""Where pictures are taken from: an overview of the scene, a chase behind the robot, its own eye.

Nothing here draws. A camera is found from what stands in the world and from the robot's own size,
never from numbers made for one robot.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .client import PhysicsClient

Array = NDArray[np.float64]
Box = tuple[Array, Array]
"""The lowest and the highest corner of a body, world frame, m."""
_CORNERS = tuple(itertools.product((0, 1), repeat=3))

FIELD_OF_VIEW_DEG = 45.0

# Of the overview. Framing a floor as wide as this would make the rest a speck.
BACKDROP_M = 25.0
# Further than this from all else: put away by the task, or fallen off the world.
ASIDE_M = 40.0
OVERVIEW_PITCH_DEG, STEEPER_DEG = -32.0, -58.0
OVERVIEW_NEAREST_M = 3.0
# What is framed around a robot that stands alone.
ROOM_M = 4.0
MARGIN = 1.08

# Of the chase, distances in sizes of the robot.
CHASE_SIZES = 4.2
CHASE_NEAREST_SIZES = 1.1
LOOK_UP_SIZES = 0.3
MAX_BODIES_BETWEEN = 16
# Steeper and steeper, for a robot with its back to a wall.
CHASE_PITCHES_DEG = (-20.0, -50.0, -75.0, -88.0)
TARGET_LAG_S = 0.1
YAW_LAG_S = 0.35
RETREAT_LAG_S = 0.5

# Of the eye.
EYE_FIELD_OF_VIEW_DEG = 90.0
EYE_NEAR_M = 0.01
EYE_FAR_M = 100.0


@dataclass(frozen=True, eq=False)
class Camera:
    """A place to look from: `eye` (m) and three unit vectors of the world frame, each (3,)."""

    eye: Array
    right: Array
    up: Array
    forward: Array
    near_m: float
    far_m: float
    field_of_view_deg: float = FIELD_OF_VIEW_DEG
    """Across the height of the picture."""

    @classmethod
    def around(cls, target: Array, distance_m: float, yaw_deg: float, pitch_deg: float) -> Camera:
        """A camera that looks at `target` (3,). At yaw 0 it looks along +y, as PyBullet has it."""
        yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
        right = np.array([math.cos(yaw), math.sin(yaw), 0.0])
        forward = np.array(
            [-math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), math.sin(pitch)]
        )
        up = np.cross(right, forward)
        eye = target - distance_m * forward
        return cls(eye, right, up, forward, 0.02 * distance_m, 4 * distance_m + 60.0)

    @property
    def axes(self) -> Array:
        """Right, up and forward as the rows of a matrix: world offsets into the camera's frame."""
        return np.array([self.right, self.up, self.forward])

    @property
    def tangent(self) -> float:
        """Of half the field of view: how far up the picture reaches at a depth of 1 m."""
        return math.tan(math.radians(self.field_of_view_deg) / 2)


def _box_of(client: PhysicsClient, body: int) -> Box:
    parts = [client.getAABB(body, link) for link in range(-1, client.getNumJoints(body))]
    return np.min([low for low, _ in parts], axis=0), np.max([high for _, high in parts], axis=0)


# The overview.


def overview_camera(client: PhysicsClient, robot_id: int, aspect: float = 4 / 3) -> Camera:
    """A camera that frames the robot and the scene around it, as near as it can.

    Left out are backdrops (floors wider than 25 m, walls longer than that) and whatever is more
    than 40 m away from all else. Where the robot is all there is, the 4 m around it are framed. Of
    a few directions it takes the one in which the least is hidden, above all not the robot.
    """
    bodies = sorted(client.links)
    boxes = {body: _box_of(client, body) for body in bodies}
    framed = _together(robot_id, {b: box for b, box in boxes.items() if not _is_backdrop(box)})
    ends = [boxes[body] for body in framed]
    if len(framed) == 1:
        room = np.array([ROOM_M, ROOM_M, 0.0])
        ends.append((ends[0][0] - room, ends[0][1] + room))
    low = np.min([end[0] for end in ends], axis=0)
    high = np.max([end[1] for end in ends], axis=0)
    # The long side of the scene lies across the picture, seen a little from behind the robot.
    yaw = -35.0 if high[0] - low[0] >= high[1] - low[1] else -60.0
    places = [[end[i][axis] for axis, i in enumerate(ijk)] for end in ends for ijk in _CORNERS]
    cameras = [
        _framing(np.array(places), yaw_deg, pitch, aspect)
        for pitch in (OVERVIEW_PITCH_DEG, STEEPER_DEG)
        for yaw_deg in (yaw, -180.0 - yaw, -yaw, 180.0 + yaw)
    ]
    # Of those that show as much, the first.
    return max(cameras, key=lambda camera: _shown(client, camera, framed, boxes))


def _shown(
    client: PhysicsClient, camera: Camera, bodies: list[int], boxes: dict[int, Box]
) -> tuple[bool, int]:
    """Whether the first of some bodies is in sight, and how many of all are, by their middle."""
    middles = [((boxes[body][0] + boxes[body][1]) / 2).tolist() for body in bodies]
    hits = client.rayTestBatch([camera.eye.tolist()] * len(bodies), middles)
    # What has no collision shape is hit by no ray.
    seen = [hit[0] in (body, -1) for body, hit in zip(bodies, hits, strict=True)]
    return seen[0], sum(seen)


def _is_backdrop(box: Box) -> bool:
    width, length = sorted((box[1] - box[0])[:2].tolist())
    height = float(box[1][2] - box[0][2])
    # A long body is a course to drive on unless it stands upright.
    return bool(length > BACKDROP_M and (width > BACKDROP_M or height > width))


def _together(robot_id: int, boxes: dict[int, Box]) -> list[int]:
    """The robot, and the bodies that are near to it or to another one that is."""
    together, waiting = [robot_id], [body for body in boxes if body != robot_id]
    for body in together:  # It grows on the way.
        low, high = boxes[body]
        gaps = [np.maximum(boxes[b][0] - high, low - boxes[b][1]).clip(0.0) for b in waiting]
        near = [np.linalg.norm(gap) <= ASIDE_M for gap in gaps]
        together += [b for b, is_near in zip(waiting, near, strict=True) if is_near]
        waiting = [b for b, is_near in zip(waiting, near, strict=True) if not is_near]
    return together


def _framing(corners: Array, yaw_deg: float, pitch_deg: float, aspect: float) -> Camera:
    """The nearest camera of that direction whose picture holds all corners, shape (n, 3)."""
    camera = Camera.around(np.zeros(3), 1.0, yaw_deg, pitch_deg)
    across, upward, depth = camera.axes @ corners.T
    tangent = camera.tangent / MARGIN
    # In the picture is what is off the axis by at most its depth times the tangent. The corners
    # that are outermost to either side fix both how far back the eye stands and where in between.
    wide, tall = tangent * aspect, tangent
    left, right = np.min(across + depth * wide), np.max(across - depth * wide)
    low, high = np.min(upward + depth * tall), np.max(upward - depth * tall)
    back = max((right - left) / (2 * wide), (high - low) / (2 * tall))
    eye = np.array([(left + right) / 2, (low + high) / 2, -back]) @ camera.axes
    distance = max(float(np.mean(depth)) + back, OVERVIEW_NEAREST_M)
    target = eye + (float(np.mean(depth)) + back) * camera.forward
    return Camera.around(target, distance, yaw_deg, pitch_deg)


# The chase.


class ChaseCamera:
    """A camera behind and above the robot that follows it smoothly, once per step of the agent.

    Made when an episode begins. It takes its distance from the robot's size, turns after the
    robot's heading with a lag, comes nearer and looks down more steeply where something larger than
    the robot would stand in between, and goes back to its distance at leisure.
    """

    def __init__(
        self, client: PhysicsClient, robot_id: int, position: Array, forward: Array
    ) -> None:
        self._p, self._robot_id = client, robot_id
        low, high = _box_of(client, robot_id)
        self._size = float(np.max(high - low))
        # The camera looks at the upper half: what is ahead is then in the picture too.
        middle = float(high[2] + low[2]) / 2 - position[2]
        self._lift = np.array([0.0, 0.0, middle + LOOK_UP_SIZES * self._size])
        self._target = position + self._lift
        self._yaw = math.atan2(forward[1], forward[0])
        self._pitch = self._best_pitch()
        self._distance = self._free_distance(self._pitch)

    def follow(self, position: Array, forward: Array, elapsed_s: float) -> None:
        """Move on with the robot: where its base is (3,), the direction it faces (3,)."""
        self._target += _share(elapsed_s, TARGET_LAG_S) * (position + self._lift - self._target)
        # Lying on its back, a robot faces nowhere.
        level = math.hypot(forward[0], forward[1])
        turn = math.atan2(forward[1], forward[0]) - self._yaw
        turn = math.atan2(math.sin(turn), math.cos(turn))
        self._yaw += level * _share(elapsed_s, YAW_LAG_S) * turn
        ease = _share(elapsed_s, RETREAT_LAG_S)
        self._pitch += ease * (self._best_pitch() - self._pitch)
        free = self._free_distance(self._pitch)
        self._distance = min(free, self._distance + ease * (free - self._distance))

    @property
    def camera(self) -> Camera:
        """Where it is now."""
        return self._camera(self._distance, self._pitch)

    def _camera(self, distance_m: float, pitch_deg: float) -> Camera:
        yaw_deg = math.degrees(self._yaw) - 90.0
        return Camera.around(self._target.copy(), distance_m, yaw_deg, pitch_deg)

    def _best_pitch(self) -> float:
        """The flattest that has half the wanted distance free; otherwise the freest."""
        wanted = CHASE_SIZES * self._size
        free = {}
        for pitch in CHASE_PITCHES_DEG:
            free[pitch] = self._free_distance(pitch)
            if free[pitch] >= wanted / 2:
                return pitch
        return max(free, key=lambda pitch: free[pitch])

    def _free_distance(self, pitch_deg: float) -> float:
        """How far the camera can stand off before something hides the robot."""
        wanted = CHASE_SIZES * self._size
        eye = self._camera(wanted, pitch_deg).eye
        # Seen must be what the camera looks at, and the robot's middle.
        places = (self._target, self._target - np.array([0.0, 0.0, LOOK_UP_SIZES * self._size]))
        free = wanted * min(self._free_share(place, eye) for place in places) - 0.1 * self._size
        return max(free, CHASE_NEAREST_SIZES * self._size)

    def _free_share(self, start: Array, eye: Array) -> float:
        """How much of the way from the robot to the eye is free, at most 1.0."""
        client, way = self._p, eye - start
        share = 0.0
        # From body to body, past those that do not count: the robot, and what is smaller.
        for _ in range(MAX_BODIES_BETWEEN):
            hit = client.rayTest((start + share * way).tolist(), eye.tolist())[0]
            body, fraction = int(hit[0]), float(hit[2])
            if body < 0:
                break
            share += fraction * (1.0 - share)
            if body != self._robot_id:
                low, high = _box_of(client, body)
                if np.max(high - low) > self._size:
                    return share
            share += 0.003
        return 1.0


def _share(elapsed_s: float, lag_s: float) -> float:
    """How much of the way to its goal something that lags has gone after a time."""
    return 1.0 - math.exp(-elapsed_s / lag_s)


# The eye.


def eye_camera(
    position: Array, rotation: Array, offset_m: tuple[float, float, float], aspect: float
) -> Camera:
    """The robot's own view along its x axis, from `offset_m` in its base's frame.

    `position` (3,) and `rotation` (3, 3) are those of the base. The longer side of the picture
    spans 90 degrees.
    """
    forward, left, up = rotation.T
    tangent = math.tan(math.radians(EYE_FIELD_OF_VIEW_DEG) / 2) / max(aspect, 1.0)
    field_of_view_deg = math.degrees(2 * math.atan(tangent))
    eye = position + rotation @ np.array(offset_m)
    return Camera(eye, -left, up, forward, EYE_NEAR_M, EYE_FAR_M, field_of_view_deg)
