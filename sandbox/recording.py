"""An episode as the poses of its bodies: what a replay is drawn from, in a browser say, without
PyBullet. The nouns here are the file format, which docs/replay.md describes.

A recording is small because what does not move has one pose, and what moves has the differences
from frame to frame of whole numbers, most of which are zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..task import Noun, Robot

POSITION_UNIT_M = 0.001
ORIENTATION_UNIT = 0.0001
"""The unit of the whole numbers in the poses of a part."""
MAX_NUMBER = 2**40
"""Beyond this, the sums of pose differences would not be exact in every reader."""
MAX_FRAMES = 10_000
"""The most frames of an episode; the longest has 1,000 physics steps."""
MAX_POSES = 5_000_000
"""The most poses of all parts of an episode: a reader keeps seven numbers in memory for each."""
MAX_EPISODES = 10

Kind = Literal["box", "sphere", "cylinder", "capsule", "plane", "mesh"]
Agent = Literal["trained", "random", "idle"]
Ending = Literal["terminated", "time limit", "broken", "stopped"]
"""Why an episode has no further frame: by the task, by the clock, because its world broke, or
because whoever acted had seen enough: success, mostly."""
Triple = tuple[float, float, float]
Quadruple = tuple[float, float, float, float]


@dataclass(frozen=True)
class Mesh(Noun):
    """Triangles, in units that a shape's `size` scales."""

    vertices: tuple[float, ...]
    """x, y, z of each vertex in turn."""
    triangles: tuple[int, ...] = ()
    """Three numbers of vertices for each, counted from 0. Without any: the hull of the vertices."""


@dataclass(frozen=True)
class Shape(Noun):
    """A visible shape, in the frame of its part."""

    kind: Kind
    size: Triple
    """m. Box: its lengths; sphere: its radius; cylinder and capsule: length without caps (along z)
    and radius; plane: its normal; mesh: the scale of its vertices."""
    position: Triple
    orientation: Quadruple
    color: Quadruple
    """Red, green, blue, opacity, each from 0 to 1; invisible at opacity 0."""
    mesh: int | None = None
    """Which of the recording's meshes."""


@dataclass(frozen=True)
class Part(Noun):
    """A rigid piece: the base of a body or one of its links, while it exists."""

    body: int
    link: int
    """-1 for the base."""
    robot: bool
    """Whether it belongs to the robot."""
    first: int
    """The frame in which it appears."""
    shapes: tuple[Shape, ...]
    poses: tuple[tuple[int, ...], ...]
    """Seven columns: position x, y, z in mm and quaternion x, y, z, w in ten-thousandths. Each has
    its value in frame `first` and then the differences from frame to frame; one number alone says
    that it never changes."""
    frames: int
    """In how many frames it exists."""
    colors: tuple[tuple[int, int, Quadruple], ...] = ()
    """Changes of colour: frame, number of the shape, new colour."""


@dataclass(frozen=True)
class RecordedEpisode(Noun):
    """One episode: a frame after the reset and one after each action."""

    agent: Agent
    seed: int
    """What `TaskEnv.reset(seed=…)` was given."""
    success: bool | None
    """Whether the task was accomplished; None where nobody acted."""
    success_frame: int | None
    """The first frame in which the task is accomplished."""
    ended: Ending
    frames: int
    eye: Triple
    target: Triple
    """The position of the camera for the picture of the task, and the point that it looks at, m."""
    parts: tuple[Part, ...]
    reward_terms: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    """Of each term what each action earned: one number fewer than frames, None where the task did
    not name it."""


@dataclass(frozen=True)
class Recording(Noun):
    """Episodes of one task, the first being the one to look at."""

    task_id: str
    robot: Robot
    frame_s: float
    """Seconds from one frame to the next."""
    episodes: tuple[RecordedEpisode, ...]
    meshes: tuple[Mesh, ...] = ()
    format: Literal["taskwright-replay-1"] = "taskwright-replay-1"


def problem(episode: RecordedEpisode, meshes: tuple[Mesh, ...]) -> str:
    """What is wrong with an episode that has the right types; empty where nothing is. A process
    that runs task code may say anything."""
    vectors: list[Sequence[float]] = [episode.eye, episode.target]
    if not 1 <= episode.frames <= MAX_FRAMES:
        return f"an episode of {episode.frames} frames"
    if episode.success_frame is not None and not 0 <= episode.success_frame < episode.frames:
        return "a success outside its episode"
    if sum(part.frames for part in episode.parts) > MAX_POSES:
        return "more poses than a reader can hold"
    for part in episode.parts:
        last = part.first + part.frames
        if part.first < 0 or part.frames < 1 or last > episode.frames:
            return "a part outside its episode"
        if len(part.poses) != 7 or any(len(c) not in (1, part.frames) for c in part.poses):
            return "poses that do not fill their part"
        if any(abs(number) > MAX_NUMBER for column in part.poses for number in column):
            return "a pose too far away"
        for frame, shape, color in part.colors:
            if not (part.first <= frame < last and 0 <= shape < len(part.shapes)):
                return "a colour of nothing"
            vectors.append(color)
        for each in part.shapes:
            vectors += [each.size, each.position, each.orientation, each.color]
            if (each.kind == "mesh") != (each.mesh is not None):
                return "a mesh that is missing"
            if each.mesh is not None and not 0 <= each.mesh < len(meshes):
                return "a mesh that is missing"
    for mesh in meshes:
        vectors.append(mesh.vertices)
        count = len(mesh.vertices) // 3
        if len(mesh.vertices) % 3 or len(mesh.triangles) % 3:
            return "half a vertex or triangle"
        if any(not 0 <= index < count for index in mesh.triangles):
            return "a triangle of no vertex"
    for term in episode.reward_terms.values():
        if len(term) != episode.frames - 1:
            return "a reward term that does not fill its episode"
        vectors.append([number for number in term if number is not None])
    if not all(math.isfinite(number) for vector in vectors for number in vector):
        return "a number that is not finite"
    return ""


def problem_of_all(recording: Recording) -> str:
    """As `problem`, of all episodes of a recording that was read from a file."""
    if not 1 <= len(recording.episodes) <= MAX_EPISODES:
        return "no episode, or too many"
    if not 0.0 < recording.frame_s < 10.0:
        return "frames that are not told apart by some seconds"
    found = (problem(episode, recording.meshes) for episode in recording.episodes)
    return next(filter(None, found), "")
