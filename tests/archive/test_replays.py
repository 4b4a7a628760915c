"""Replays that somebody has made to harm are not shown, and the reason is told."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import time
from pathlib import Path

import pytest

from taskwright.archive.replays import MAX_BYTES, replay_problem
from taskwright.sandbox.recording import Mesh, Part, RecordedEpisode, Recording, Shape
from taskwright.task import to_json

SHAPE = Shape("box", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 1.0))
PART = Part(1, -1, False, 0, (SHAPE,), ((0,),) * 7, 2)
EPISODE = RecordedEpisode(
    "random", 0, False, None, "stopped", 2, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (PART,), {"r": (1.0,)}
)
SOUND = Recording("0123456789ab", "r2d2", 0.066, (EPISODE,))


def raw(**changes: object) -> bytes:
    return json.dumps({**dataclasses.asdict(SOUND), **changes}).encode()


def episode(**changes: object) -> bytes:
    return to_json(
        dataclasses.replace(SOUND, episodes=(dataclasses.replace(EPISODE, **changes),))
    ).encode()


HARMFUL = {
    "a billion frames": episode(frames=10**9),
    "a billion frames of a part": episode(
        frames=10**9, parts=(dataclasses.replace(PART, frames=10**9),), reward_terms={}
    ),
    "no frames": episode(frames=0),
    "very many parts": episode(
        frames=10_000,
        parts=(dataclasses.replace(PART, frames=10_000),) * 600,
        reward_terms={},
    ),
    "success after its end": episode(success_frame=7),
    "no episode": raw(episodes=[]),
    "very many episodes": raw(episodes=[dataclasses.asdict(EPISODE)] * 11),
    "frames without time": raw(frame_s=0.0),
    "not a number": raw(frame_s=float("nan")),
    "a vertex that is missing": raw(meshes=[{"vertices": [0.0] * 9, "triangles": [0, 1, 9]}]),
    "half a vertex": raw(meshes=[dataclasses.asdict(Mesh((0.0,) * 4))]),
    "another format": raw(format="taskwright-replay-2"),
    "a field of its own": raw(evil=1),
    "nested without end": b"[" * 1_000_000,
    "ten million lists": b"[" + b"[]," * 8_000_000 + b"1]",
    "very many names": b"{" + b'"name":1,' * 2_100_000 + b'"last":1}',
    "a bomb": bytes(MAX_BYTES + 1),
    "nothing": b"",
    "a page": b"<script>alert(1)</script>",
}


@pytest.mark.parametrize("what", HARMFUL)
def test_a_replay_that_a_page_could_not_play_is_told(what: str, tmp_path: Path) -> None:
    path = tmp_path / "task.replay.json.gz"
    path.write_bytes(gzip.compress(HARMFUL[what], 1))
    started = time.monotonic()
    problem = replay_problem(path)
    assert 0 < len(problem) < 100
    assert problem.isprintable()
    assert time.monotonic() - started < 5.0


def test_a_sound_replay_is_looked_at_once_and_anew_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "task.replay.json.gz"
    path.write_bytes(gzip.compress(to_json(SOUND).encode()))
    assert replay_problem(path) == ""
    path.write_bytes(b"no replay at all")
    assert "gzip" in replay_problem(path)


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "task.replay.json.gz"
    assert replay_problem(path) == "it is not there"
    os.mkfifo(path)
    assert "pipe" in replay_problem(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "link" in replay_problem(path)
