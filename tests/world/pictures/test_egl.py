"""Drawing with EGL, where it is there; and what is said where it is not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskwright.world import TaskEnv
from taskwright.world.pictures import egl

SOURCE = (Path(__file__).parents[3] / "examples/tasks/r2d2/kick_ball_into_goal.py").read_text()

# In a process of its own: the plugin writes to standard output, and Mesa starts threads.
TRIAL = """
import json
import sys

import numpy as np

from taskwright.world import TaskEnv

source = sys.stdin.read()


def make(renderer):
    return TaskEnv(source, vision=(64, 64), render_mode="rgb_array", renderer=renderer)


def play(env, seed):
    seen = [env.reset(seed=seed)[0]]
    pictures = [env.render()]
    for action in (1, 1, 4, 1, 5, 1):
        seen.append(env.step(action)[0])
        pictures.append(env.render())
    return seen, pictures


def same(one, other):
    frames = [a[key] == b[key] for a, b in zip(one[0], other[0]) for key in a]
    frames += [a == b for a, b in zip(one[1], other[1])]
    return all(bool(frame.all()) for frame in frames)


env = make("egl")
first = play(env, 3)
play(env, 4)
again = play(env, 3)
try:
    make("egl")
    second = ""
except ValueError as error:
    second = str(error)
env.close()
fresh_env = make("egl")
fresh = play(fresh_env, 3)
fresh_env.close()
cpu = play(make("cpu"), 3)
depths = [np.abs(a["depth"] - b["depth"]) for a, b in zip(first[0], cpu[0])]
report = {
    "again": same(first, again),
    "fresh": same(first, fresh),
    "second": second,
    "states": all(bool((a["state"] == b["state"]).all()) for a, b in zip(first[0], cpu[0])),
    "near_in_depth": min(float((depth < 0.1).mean()) for depth in depths),
    "near_in_color": min(
        float((np.abs(a.astype(int) - b).max(axis=2) < 90).mean())
        for a, b in zip(first[1], cpu[1])
    ),
}
print("\\n" + json.dumps(report))
"""


def needs_egl() -> None:
    found = egl.find()
    if not found.device:
        pytest.skip(f"no EGL here: {found.fault}")


def test_egl_shows_what_the_cpu_shows_and_the_same_every_time() -> None:
    needs_egl()
    trial = subprocess.run(
        [sys.executable, "-c", TRIAL], input=SOURCE, capture_output=True, text=True, timeout=120
    )
    assert trial.returncode == 0, trial.stderr
    report = json.loads(trial.stdout[trial.stdout.rindex('\n{"again"') :].splitlines()[1])

    assert report["again"]
    assert report["fresh"]
    assert report["states"]
    # All but the rims of things.
    assert report["near_in_depth"] > 0.97
    assert report["near_in_color"] > 0.97
    assert (
        'Close that one first, give each a process of its own, or use renderer="cpu"'
        in (report["second"])
    )


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine on which EGL knows of no driver."""
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_FILENAMES", "/nonexistent.json")
    egl.find.cache_clear()
    yield
    egl.find.cache_clear()


@pytest.mark.usefixtures("nowhere")
def test_says_what_to_do_where_there_is_no_egl() -> None:
    with pytest.raises(ValueError, match=r'does not work here: .+ Remedy: use renderer="cpu"'):
        TaskEnv(SOURCE, render_mode="rgb_array", renderer="egl")


@pytest.mark.usefixtures("nowhere")
def test_auto_draws_on_the_cpu_where_there_is_no_egl() -> None:
    env = TaskEnv(SOURCE, render_mode="rgb_array", renderer="auto")
    plain = TaskEnv(SOURCE, render_mode="rgb_array")
    env.reset(seed=0)
    plain.reset(seed=0)
    assert (env.render() == plain.render()).all()  # type: ignore[union-attr]
    env.close()
    plain.close()


def test_software_is_no_reason_for_auto_to_leave_pybullets_renderer() -> None:
    assert not egl.Egl("llvmpipe (LLVM 15.0.6, 256 bits)", "").with_gpu
    assert egl.Egl("NVIDIA H100/PCIe/SSE2", "").with_gpu


def test_says_which_renderers_there_are() -> None:
    with pytest.raises(ValueError, match="renderer is 'gpu'; it must be one of cpu, egl, auto"):
        TaskEnv(SOURCE, renderer="gpu")


def test_says_which_cameras_there_are() -> None:
    with pytest.raises(ValueError, match='camera is \'top\'; it must be "overview" or "chase"'):
        TaskEnv(SOURCE, camera="top")
