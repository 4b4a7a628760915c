"""Replays of a task: the poses of all bodies in an episode of the trained agent, and in one of an
untrained agent that begins alike. What a browser draws, from whatever side one likes.

Like a film, an episode is played while its actions are written down, and then replayed and recorded
in the sandbox. What the sandboxed process tells is looked at before it is passed on.
"""

from __future__ import annotations

import dataclasses
import gzip

import numpy as np

from ...errors import BrokenError
from ...sandbox.episodes import episode_seed
from ...sandbox.processes.channel import ChildFault, ChildProtocolError, fault_in, plain_text
from ...sandbox.processes.memory import shared_memory
from ...sandbox.processes.process import Child
from ...sandbox.recording import Mesh, RecordedEpisode, Recording, problem
from ...sandbox.vector import SandboxedEpisodes
from ...task import Task, from_json, to_json
from ..requests import NO_INPUTS, Inputs, Replay, ReplayRequest
from .playing import Played, play_from, play_until_success, who_acts

RECORD_TIMEOUT_S = 60.0
EPISODES = 5
"""Of how many the first that succeeds is recorded; of none, the last."""
IDLE_STEPS = 45
"""Three seconds of a task in which nobody acts: things fall, roll and come to rest."""
ROOM_BYTES = 32_000_000
"""For one episode, before it is compressed: some fifty times what most take."""


def make_replay(request: ReplayRequest, inputs: Inputs = NO_INPUTS) -> tuple[Replay, bytes]:
    """Record the episodes. Returns what was recorded, and the file. Raises BrokenError where that
    fails."""
    policy = None if request.policy is None else inputs[request.policy]
    try:
        played = _play(request, policy)
        recordings = [
            _record(request, agent, each)
            for agent, each in zip(request.agents, played, strict=True)
        ]
    except ChildFault as fault:
        raise BrokenError(f"The task failed while it was recorded: {fault}", fault.fix) from None
    recording = _together(request, recordings)
    data = gzip.compress(to_json(recording).encode(), 9, mtime=0)
    frames = sum(episode.frames for episode in recording.episodes)
    return Replay(frames, len(data)), data


def _play(request: ReplayRequest, policy: bytes | None) -> list[Played]:
    with SandboxedEpisodes(request.source, request.robot, count=1, processes=1) as episodes:
        played: list[Played] = []
        for agent in request.agents:
            if agent == "idle":
                size = int(np.prod(episodes.action_space.shape or ())) or 1
                actions = [np.zeros(size, np.float32)] * IDLE_STEPS
                seed = played[0].seed if played else episode_seed(request.seed, 0, 0)
                played.append(Played(seed, actions))
                continue
            who = who_acts(episodes, policy if agent == "trained" else None, request.seed)
            if played:
                played.append(play_from(episodes, who, played[0].seed))
            else:
                played.append(play_until_success(episodes, who, request.seed, EPISODES))
    return played


def _record(request: ReplayRequest, agent: str, played: Played) -> Recording:
    with shared_memory(ROOM_BYTES) as (descriptor, memory), Child([descriptor]) as child:
        reply = child.request(
            {
                "op": "record",
                "source": request.source,
                "robot": request.robot,
                "agent": agent,
                "seed": played.seed,
                "actions": [action.tolist() for action in played.actions],
                "size_bytes": ROOM_BYTES,
            },
            RECORD_TIMEOUT_S,
        )
    size = reply.get("bytes")
    if reply.keys() != {"bytes"}:
        raise fault_in(reply)
    if not isinstance(size, int) or not 0 < size <= ROOM_BYTES:
        raise ChildProtocolError("a recording of no size")
    try:
        recording = from_json(Recording, memory[:size])
        (episode,) = recording.episodes
    except ValueError:
        raise ChildProtocolError("not a recording of one episode") from None
    if wrong := problem(episode, recording.meshes):
        raise ChildProtocolError(wrong)
    if played.success is not None and episode.success != played.success:
        raise BrokenError(
            f"An episode with seed {played.seed} went otherwise when it was replayed.",
            "The task behaves differently from one process to the next: make it depend on "
            "self.np_random alone.",
        )
    return recording


def _together(request: ReplayRequest, recordings: list[Recording]) -> Recording:
    """One recording of all episodes, which share their meshes."""
    meshes: list[Mesh] = []
    episodes = []
    for recording in recordings:
        numbers = []
        for mesh in map(_with_triangles, recording.meshes):
            if mesh not in meshes:
                meshes.append(mesh)
            numbers.append(meshes.index(mesh))
        episodes.append(_renumbered(recording.episodes[0], numbers))
    return dataclasses.replace(
        recordings[0],
        task_id=Task(request.source, request.robot).task_id,
        episodes=tuple(episodes),
        meshes=tuple(meshes),
    )


def _renumbered(episode: RecordedEpisode, numbers: list[int]) -> RecordedEpisode:
    parts = []
    for part in episode.parts:
        shapes = (
            shape if shape.mesh is None else dataclasses.replace(shape, mesh=numbers[shape.mesh])
            for shape in part.shapes
        )
        parts.append(dataclasses.replace(part, shapes=tuple(shapes)))
    terms = {plain_text(name): values for name, values in episode.reward_terms.items()}
    return dataclasses.replace(episode, parts=tuple(parts), reward_terms=terms)


def _with_triangles(mesh: Mesh) -> Mesh:
    """A cloud of points as its hull, which is what PyBullet lets others bump into."""
    if mesh.triangles:
        return mesh
    # Needed for few tasks, and it takes a while to load.
    from scipy.spatial import ConvexHull, QhullError

    points = np.array(mesh.vertices).reshape(-1, 3)
    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError):
        # Flat, or hardly a point: thin enough for one to see what there is.
        return Mesh(mesh.vertices, tuple(n for i in range(2, len(points)) for n in (0, i - 1, i)))
    # Qhull does not order corners; seen from outside they run anticlockwise.
    corners = points[hull.simplices]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.einsum("ni,ni->n", normals, hull.equations[:, :3]) < 0
    triangles = np.where(inward[:, None], hull.simplices[:, ::-1], hull.simplices)
    return Mesh(mesh.vertices, tuple(int(n) for n in triangles.ravel()))
