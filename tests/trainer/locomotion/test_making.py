"""The script that makes the walkers, in small: each of its steps, and that it goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from taskwright.sandbox.world.scene import SceneObserver, compress
from taskwright.trainer.locomotion.__main__ import main
from taskwright.trainer.locomotion.ground import Ground
from taskwright.trainer.locomotion.oscillator import MIDDLES, NAMES, Oscillator, tried
from taskwright.trainer.locomotion.scenes import look_around, toward_nearest
from taskwright.trainer.policies import load_parameters


@pytest.mark.slow
def test_walkers_are_made_step_by_step(tmp_path: Path) -> None:
    small = ["--generations", "1", "--copied", "300", "--practice", "2048", "--felt", "120"]
    small += ["--scenes", "80", "--lessons", "3", "--episodes", "1", "--out", str(tmp_path)]
    work = str(tmp_path / "work")
    made = CliRunner().invoke(main, [work, *small], catch_exceptions=False)
    assert made.exit_code == 0
    sheet = json.loads((tmp_path / "ant.json").read_text())
    assert sheet.keys() == {"ahead", "nearest", "stand"}
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.np*")}
    assert len(written) == 5
    assert all(load_parameters(path) for path in written if path.suffix == ".npz")
    CliRunner().invoke(main, [work, *small], catch_exceptions=False)
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_the_search_begins_with_an_oscillator_that_keeps_the_ant_on_its_feet() -> None:
    ground = Ground()
    limp = Oscillator(MIDDLES * (np.array(NAMES) == "frequency_hz"))
    guess = [tried(ground, Oscillator(MIDDLES), seed) for seed in range(2)]
    assert min(guess) > 0.5
    assert tried(ground, limp, 0) < 0.25
    ground.close()


def test_the_nearest_body_is_one_beside_the_robot_and_not_its_floor() -> None:
    scenes = np.zeros((2, SceneObserver.size), np.float32)
    slots = scenes.reshape(2, -1, 18)
    slots[:, 0, :4] = [1.0, 0.0, 0.0, compress(-0.5)]  # the floor, straight below
    slots[0, 1, :4] = [1.0, 0.0, compress(3.0), 0.0]
    slots[0, 2, :4] = [1.0, compress(4.0), 0.0, 0.0]
    np.testing.assert_allclose(toward_nearest(scenes), [[0.0, 1.0], [0.0, 0.0]], atol=1e-6)


def test_scenes_are_what_is_asked_for_and_mostly_hold_something_to_go_to() -> None:
    scenes = look_around(200, np.random.default_rng(0))
    assert scenes.shape == (200, SceneObserver.size)
    commands = toward_nearest(scenes)
    lengths = np.linalg.norm(commands, axis=1)
    assert ((lengths < 1e-6) | (np.abs(lengths - 1.0) < 1e-5)).all()
    assert (lengths > 0.5).mean() > 0.7
