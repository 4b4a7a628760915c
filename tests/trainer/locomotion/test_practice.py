"""How the Ant's gait is made, in small."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from taskwright.trainer.locomotion import __main__ as command
from taskwright.trainer.locomotion import practice
from taskwright.trainer.locomotion.ground import Ground
from taskwright.trainer.locomotion.oscillator import MIDDLES, NAMES, Oscillator, tried
from taskwright.trainer.locomotion.practice import mirrored
from taskwright.world.robots.gait import GAIT_SIZE, JOINTS, Array, read_gait

STEPS_IN_THE_AIR = 2


def walk(mirror: bool) -> Array:
    """What an Ant feels that is told to go a little to one side of ahead, while it moves its joints
    by chance; or its mirror image."""
    ground = Ground()
    ground.reset(seed=1, options={"command_rad": -0.3 if mirror else 0.3})
    for index in ground.robot._joint_indices:  # without the chance in how it begins
        ground.client.resetJointState(ground.robot.robot_id, index, 0.0, 0.0)
    rows = [ground.feel()]
    random = np.random.default_rng(0)
    for _ in range(STEPS_IN_THE_AIR):
        action = random.uniform(-1.0, 1.0, JOINTS).astype(np.float32)
        if mirror:
            action = mirrored(rows[-1][None], action[None])[1][0]
        rows.append(ground.step(action)[0])
    ground.close()
    feelings = np.array(rows)
    return mirrored(feelings, np.zeros((len(rows), JOINTS), np.float32))[0] if mirror else feelings


def test_a_gait_in_a_mirror_moves_like_its_mirror_image() -> None:
    np.testing.assert_allclose(walk(mirror=True), walk(mirror=False), atol=5e-3)


def test_a_mirror_in_a_mirror_shows_what_there_is() -> None:
    random = np.random.default_rng(0)
    feelings = random.normal(size=(5, GAIT_SIZE)).astype(np.float32)
    actions = random.normal(size=(5, JOINTS)).astype(np.float32)
    twice = mirrored(*mirrored(feelings, actions))
    np.testing.assert_array_equal(twice[0], feelings)
    np.testing.assert_array_equal(twice[1], actions)


def test_going_where_it_is_told_is_what_is_rewarded() -> None:
    ground = Ground()
    ground.reset(seed=0, options={"command_rad": 0.0})
    rewards = []
    for speed in (2.0, -2.0):
        velocity = [*(speed * ground.way), 0.0]
        ground.client.resetBaseVelocity(ground.robot.robot_id, velocity, [0.0] * 3)
        rewards.append(ground.step(np.zeros(JOINTS, np.float32))[1])
    ground.close()
    assert rewards[0] > rewards[1] + 1.0


@pytest.mark.slow
def test_a_gait_is_practised_written_and_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gait, sheet = tmp_path / "gait.npz", tmp_path / "sheet.json"
    monkeypatch.setattr(practice, "SHOWN_STEPS", 400)
    small = ["--generations", "1", "--episodes", "1", "--gait", str(gait), "--sheet", str(sheet)]
    small += [str(tmp_path / "work")]
    run = CliRunner().invoke
    made = run(command.main, ["--steps", "1600", *small], catch_exceptions=False)
    assert made.exit_code == 0
    assert json.loads(sheet.read_text()).keys() == {"episodes", "steady", "unsure", "standing"}
    assert read_gait(gait).walk(np.zeros(GAIT_SIZE, np.float32)).shape == (JOINTS,)
    # With nothing to practise, what there is is measured.
    written = gait.stat().st_mtime_ns
    run(command.main, ["--steps", "0", *small], catch_exceptions=False)
    assert gait.stat().st_mtime_ns == written


def test_the_data_sheet_of_the_gait_is_kept_beside_it() -> None:
    sheet = json.loads(command.SHEET.read_text())
    assert sheet["steady"]["falls"] == 0
    assert sheet["steady"]["speed_m_s"][1] > 1.5


def test_the_search_begins_with_an_oscillator_that_keeps_the_ant_on_its_feet() -> None:
    ground = Ground()
    limp = Oscillator(MIDDLES * (np.array(NAMES) == "frequency_hz"))
    guess = [tried(ground, Oscillator(MIDDLES), seed) for seed in range(2)]
    assert min(guess) > 0.5
    assert tried(ground, limp, 0) < 0.25
    ground.close()
