"""Where pictures are taken from: an overview of the scene, a chase behind the robot, its own eye.

Nothing here draws. A camera is found from what stands in the world and from the robot's own size,
never from numbers made for one robot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..client.client import PhysicsClient
from .subjects import Subject, subjects_of

Array = NDArray[np.float64]
Box = tuple[Array, Array]
"""The lowest and the highest corner of a body, world frame, m."""

FIELD_OF_VIEW_DEG = 45.0

# Of the overview: the directions it may look in. The first pitch is the usual one.
OVERVIEW_PITCHES_DEG = (-32.0, -20.0, -58.0)
OVERVIEW_YAW_STEP_DEG = 45.0
# It keeps so far off, in sizes of the robot, which is then at most a third as high as the picture.
OVERVIEW_NEAREST_SIZES = 5.0
# A robot that is fixed works within its own reach, so it may fill the picture.
OVERVIEW_NEAREST_SIZES_IF_FIXED = 1.5
# What is framed around a robot that stands alone.
ROOM_M = 4.0
MARGIN = 1.1
AMID_ROUNDS = 20
# What a direction is worth, in logarithms of how large things are in the picture. Beyond this share
# of its height, larger is not better.
ENOUGH_SHARE = 0.08
# Neither should the robot stand large before all else, nor something else so many times nearer.
TOO_LARGE_SHARE, TOO_FAR = 0.33, 2.0
PRICE_OF_EXTREMES = 4.0
WORTH_OF_SIGHT = 4.0
MAX_IN_SIGHT = 32  # bodies that are looked for
WORTH_OF_USUAL_PITCH, WORTH_OF_USUAL_YAW = 0.3, 0.3

# Of the chase, distances in sizes of the robot.
CHASE_SIZES = 4.2
CHASE_NEAREST_SIZES = 1.1
# Around one that is fixed it goes nearer and to the side, where the robot hides less of its work.
CHASE_SIZES_IF_FIXED, CHASE_YAW_DEG_IF_FIXED = 2.0, 50.0
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
        across, ahead, level, steep = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
        right = np.array([across, ahead, 0.0])
        forward = np.array([-ahead * level, across * level, steep])
        up = np.array([ahead * steep, -across * steep, level])
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


def is_fixed(client: PhysicsClient, body: int) -> bool:
    """Whether a body with joints stays where it is, as an arm does."""
    return bool(client.getNumJoints(body) and client.getDynamicsInfo(body, -1)[0] == 0.0)


# The overview.


def overview_camera(client: PhysicsClient, robot_id: int, aspect: float = 4 / 3) -> Camera:
    """A camera that frames the robot and the scene around it, as near as it can.

    What belongs to the scene, `subjects` says. Where the robot is all there is, the 4 m around it
    are framed. Of several directions it takes the one in which the most is in sight, above all the
    robot, and things are largest.
    """
    subjects = subjects_of(client, robot_id)
    robot = subjects[0]
    corners = np.concatenate([subject.corners for subject in subjects])
    if len(subjects) == 1:
        room = [[x, y, 0.0] for x in (-ROOM_M, ROOM_M) for y in (-ROOM_M, ROOM_M)]
        corners = (corners[:, None] + np.array(room)).reshape(-1, 3)
    size = np.ptp(corners, axis=0)
    # The long side of the scene lies across the picture, seen a little from behind the robot.
    usual_yaw = -35.0 if size[0] >= size[1] else -60.0
    moves = not is_fixed(client, robot_id)
    nearest_sizes = OVERVIEW_NEAREST_SIZES if moves else OVERVIEW_NEAREST_SIZES_IF_FIXED
    views: list[tuple[float, Camera]] = []
    for pitch in OVERVIEW_PITCHES_DEG:
        for turn in range(round(360.0 / OVERVIEW_YAW_STEP_DEG)):
            yaw = usual_yaw + turn * OVERVIEW_YAW_STEP_DEG
            camera = _framing(corners, robot, yaw, pitch, aspect, nearest_sizes)
            usual = WORTH_OF_USUAL_PITCH * (pitch == OVERVIEW_PITCHES_DEG[0])
            usual += WORTH_OF_USUAL_YAW * (turn == 0)
            views.append((usual + _size_worth(camera, subjects, moves), camera))
    # Whether something is in sight takes the longest to find out: not asked where all would do.
    views.sort(key=lambda view: -view[0])
    best, chosen = -math.inf, views[0][1]
    for worth, camera in views:
        if worth + WORTH_OF_SIGHT <= best:
            break
        worth += WORTH_OF_SIGHT * _sight(client, camera, subjects)
        if worth > best:
            best, chosen = worth, camera
    return chosen


def _size_worth(camera: Camera, subjects: list[Subject], moves: bool) -> float:
    """How large a camera shows the first of some subjects, the robot, and all of them; and that it
    is not too large, unless it stays where it is."""
    depths = (np.array([each.middle for each in subjects]) - camera.eye) @ camera.forward
    sizes = np.array([each.size_m for each in subjects])
    shares = sizes / (2 * camera.tangent * depths)
    worths = np.log(np.minimum(shares, ENOUGH_SHARE))
    too_large = math.log(max(float(shares[0]) / TOO_LARGE_SHARE, 1.0))
    too_far = math.log(max(float(depths[0] / np.min(depths)) / TOO_FAR, 1.0))
    return float(worths[0] + np.mean(worths)) - PRICE_OF_EXTREMES * moves * (too_large + too_far)


def _sight(client: PhysicsClient, camera: Camera, subjects: list[Subject]) -> float:
    """The share of them that a camera has in sight, from 0 to 1, of which the robot makes half."""
    some = subjects[:: math.ceil(len(subjects) / MAX_IN_SIGHT)]
    robot = subjects[0]
    # Of the robot, more than a spot should be in sight.
    around = [(robot.middle + end) / 2 for end in (robot.low, robot.high)]
    places = [*(each.middle for each in some), *around]
    bodies = [*(each.body for each in some), robot.body, robot.body]
    eye = camera.eye.tolist()
    hits = client.rayTestBatch([eye] * len(places), [place.tolist() for place in places])
    # What has no collision shape is hit by no ray.
    seen = [hit[0] in (body, -1) for body, hit in zip(bodies, hits, strict=True)]
    return float(np.mean([seen[0], *seen[-2:]]) + np.mean(seen[: len(some)])) / 2


def _framing(
    corners: Array,
    robot: Subject,
    yaw_deg: float,
    pitch_deg: float,
    aspect: float,
    nearest_sizes: float,
) -> Camera:
    """The nearest camera of that direction whose picture holds all corners, shape (n, 3), in its
    middle, and the robot not too large."""
    camera = Camera.around(np.zeros(3), 1.0, yaw_deg, pitch_deg)
    across, upward, depth = camera.axes @ corners.T
    tangent = camera.tangent / MARGIN
    # In the picture is what is off the axis by at most its depth times the tangent. The corners
    # that are outermost to either side fix how far back the eye stands.
    wide, tall = tangent * aspect, tangent
    width = np.max(across - depth * wide) - np.min(across + depth * wide)
    height = np.max(upward - depth * tall) - np.min(upward + depth * tall)
    back = max(
        float(width) / (2 * wide),
        float(height) / (2 * tall),
        nearest_sizes * robot.size_m - float(np.mean(depth)),
        robot.size_m - float(np.min(depth)),
    )
    depths = depth + back
    eye = np.array([_amid(across, depths, wide), _amid(upward, depths, tall), -back]) @ camera.axes
    distance = float(np.mean(depths))
    return Camera.around(eye + distance * camera.forward, distance, yaw_deg, pitch_deg)


def _amid(offsets: Array, depths: Array, tangent: float) -> float:
    """Where to stand so that the outermost of some points, each so far off an axis and so deep, are
    as far from the middle of the picture on one side as on the other; and where all of them are
    within that tangent."""
    place = float(np.mean(offsets))
    for _ in range(AMID_ROUNDS):
        angles = (offsets - place) / depths
        least, most = int(np.argmin(angles)), int(np.argmax(angles))
        if math.isclose(-angles[least], angles[most], rel_tol=1e-3):
            break
        # Between these two; then others may be outermost.
        crossed = offsets[least] * depths[most] + offsets[most] * depths[least]
        place = float(crossed / (depths[least] + depths[most]))
    first, last = np.max(offsets - tangent * depths), np.min(offsets + tangent * depths)
    return min(max(place, float(first)), float(last))


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
        fixed = is_fixed(client, robot_id)
        self._sizes = CHASE_SIZES_IF_FIXED if fixed else CHASE_SIZES
        self._aside_deg = CHASE_YAW_DEG_IF_FIXED if fixed else 0.0
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
        yaw_deg = math.degrees(self._yaw) - 90.0 + self._aside_deg
        return Camera.around(self._target.copy(), distance_m, yaw_deg, pitch_deg)

    def _best_pitch(self) -> float:
        """The flattest that has half the wanted distance free; otherwise the freest."""
        wanted = self._sizes * self._size
        free = {}
        for pitch in CHASE_PITCHES_DEG:
            free[pitch] = self._free_distance(pitch)
            if free[pitch] >= wanted / 2:
                return pitch
        return max(free, key=lambda pitch: free[pitch])

    def _free_distance(self, pitch_deg: float) -> float:
        """How far the camera can stand off before something hides the robot."""
        wanted = self._sizes * self._size
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
    position: Array,
    rotation: Array,
    offset_m: tuple[float, float, float],
    aspect: float,
    pitch_deg: float = 0.0,
) -> Camera:
    """The robot's own view along its x axis, or up from there by `pitch_deg`, from `offset_m` in
    its base's frame.

    `position` (3,) and `rotation` (3, 3) are those of the base. The longer side of the picture
    spans 90 degrees.
    """
    forward, left, up = rotation.T
    level, steep = math.cos(math.radians(pitch_deg)), math.sin(math.radians(pitch_deg))
    forward, up = level * forward + steep * up, level * up - steep * forward
    tangent = math.tan(math.radians(EYE_FIELD_OF_VIEW_DEG) / 2) / max(aspect, 1.0)
    field_of_view_deg = math.degrees(2 * math.atan(tangent))
    eye = position + rotation @ np.array(offset_m)
    return Camera(eye, -left, up, forward, EYE_NEAR_M, EYE_FAR_M, field_of_view_deg)
