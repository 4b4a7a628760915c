"""Replays as files: who acts in them, and what a task that lies or fails makes of them."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import pytest

from taskwright.errors import BrokenError
from taskwright.sandbox.recording import Mesh, Part, RecordedEpisode, Recording, Shape, problem
from taskwright.task import Task, Trial, from_json
from taskwright.trainer.media.replay import _with_triangles, make_replay
from taskwright.trainer.requests import ReplayRequest

FALLING_WEDGE = """
        points = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.1, 0.1, 0.1]]
        shape = self._p.createCollisionShape(self._p.GEOM_MESH, vertices=points)
        self._p.createMultiBody(1.0, shape, basePosition=[5.0, 5.0, 3.0])

    def reset(self):"""


def replay(source: str, *agents: str) -> Recording:
    made, file = make_replay(ReplayRequest(source, "r2d2", agents))  # type: ignore[arg-type]
    recording = from_json(Recording, gzip.decompress(file))
    assert made.frames == sum(episode.frames for episode in recording.episodes)
    assert made.size_bytes == len(file)
    return recording


def test_episodes_that_are_compared_begin_alike(easy_source: str) -> None:
    recording = replay(easy_source, "random", "idle")
    random, idle = recording.episodes
    assert recording.task_id == Task(easy_source).task_id
    assert random.seed == idle.seed
    starts = [[part.poses[0][0] for part in episode.parts] for episode in (random, idle)]
    assert starts[0] == starts[1]
    assert (random.success, random.success_frame) == (True, random.frames - 1)
    assert (idle.success, idle.success_frame, idle.frames) == (None, None, 46)
    assert (random.ended, idle.ended) == ("stopped", "stopped")
    assert {len(term) for term in random.reward_terms.values()} == {random.frames - 1}
    assert set(random.reward_terms) == {"ahead", "energy_penalty"}
    # It drove ahead for 2 m and was paid for that; the reward is per step of 0.0165 s.
    paid = sum(number or 0.0 for number in random.reward_terms["ahead"])
    assert paid * 0.0165 == pytest.approx(2.0, abs=0.7)
    (base,) = [part for part in random.parts if part.robot and part.link < 0]
    assert sum(base.poses[0]) > 2000


def test_the_same_plan_gives_the_same_file(easy_source: str) -> None:
    request = ReplayRequest(easy_source, "r2d2", ("random",))
    assert make_replay(request) == make_replay(request)


def test_a_solid_of_points_is_drawn_as_its_hull(easy_source: str) -> None:
    source = easy_source.replace("\n    def reset(self):", FALLING_WEDGE, 1)
    recording = replay(source, "random", "idle")
    (mesh,) = recording.meshes
    # The point within is no corner of it.
    assert len(mesh.triangles) == 12
    assert 4 not in mesh.triangles
    for episode in recording.episodes:
        assert [s.mesh for p in episode.parts for s in p.shapes if s.kind == "mesh"] == [0]


def test_triangles_of_a_hull_look_outwards() -> None:
    cube = tuple(float(n >> axis & 1) for n in range(8) for axis in range(3))
    mesh = _with_triangles(Mesh(cube))
    volume = 0.0
    for start in range(0, len(mesh.triangles), 3):
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = (
            cube[3 * n : 3 * n + 3] for n in mesh.triangles[start : start + 3]
        )
        volume += ax * (by * cz - bz * cy) - ay * (bx * cz - bz * cx) + az * (bx * cy - by * cx)
    assert volume / 6 == pytest.approx(1.0)


def test_points_in_a_plane_are_drawn_though_they_have_no_hull() -> None:
    square = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0)
    assert _with_triangles(Mesh(square)).triangles == (0, 1, 2, 0, 2, 3)


def test_a_task_that_fails_while_it_is_recorded_is_told(easy_source: str) -> None:
    source = easy_source.replace("self.x = x", "self.x = x + 0 / int(x < 0.5)")
    with pytest.raises(BrokenError, match=r"recorded: .*ZeroDivisionError"):
        make_replay(ReplayRequest(source, "r2d2", ("random",)))


SHAPE = Shape("box", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 1.0))
PART = Part(1, -1, False, 0, (SHAPE,), ((0,),) * 7, 2)
EPISODE = RecordedEpisode(
    "random", 0, False, None, "stopped", 2, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (PART,), {"r": (1.0,)}
)
NAN = float("nan")
LIES = {
    "longer than its episode": {"frames": 3},
    "before its episode": {"first": -1},
    "no frames": {"frames": 0},
    "half a pose": {"poses": ((0,),) * 6},
    "poses for more frames": {"poses": ((0, 1, 2),) * 7},
    "out of this world": {"poses": ((2**60,),) * 7},
    "colour of no shape": {"colors": ((0, 1, (0.0, 0.0, 0.0, 0.0)),)},
    "colour of no frame": {"colors": ((2, 0, (0.0, 0.0, 0.0, 0.0)),)},
    "colour that is none": {"colors": ((0, 0, (0.0, NAN, 0.0, 0.0)),)},
    "mesh that is missing": {"shapes": (dataclasses.replace(SHAPE, kind="mesh", mesh=0),)},
    "box that is a mesh": {"shapes": (dataclasses.replace(SHAPE, mesh=0),)},
    "nowhere": {"shapes": (dataclasses.replace(SHAPE, position=(NAN, 0.0, 0.0)),)},
}


@pytest.mark.parametrize("lie", LIES)
def test_what_a_process_tells_is_looked_at(lie: str) -> None:
    assert problem(EPISODE, ()) == ""
    part = dataclasses.replace(PART, **LIES[lie])
    assert problem(dataclasses.replace(EPISODE, parts=(part,)), ())


def test_lies_about_meshes_and_rewards_are_seen_too() -> None:
    assert problem(dataclasses.replace(EPISODE, reward_terms={"r": ()}), ())
    assert problem(dataclasses.replace(EPISODE, reward_terms={"r": (NAN,)}), ())
    for mesh in (Mesh((0.0,) * 4), Mesh((0.0,) * 9, (0, 1)), Mesh((0.0,) * 9, (0, 1, 3))):
        assert problem(EPISODE, (mesh,))


def test_who_acts_depends_on_what_the_trial_has_left(tmp_path: Path, easy_source: str) -> None:
    from taskwright.generator.job_client import who_is_recorded

    task, trial = Task(easy_source), Trial("too_hard", "")
    assert who_is_recorded(tmp_path, task, None) == ("idle",)
    assert who_is_recorded(tmp_path, task, trial) == ("random",)
    policy = tmp_path / "policies" / f"{task.task_id}.zip"
    policy.parent.mkdir()
    policy.touch()
    assert who_is_recorded(tmp_path, task, trial) == ("trained", "random")
    # The source was proposed again: no second trial, and still there is more to see than nothing.
    assert who_is_recorded(tmp_path, task, None) == ("trained", "random")
