"""The data sheets are what the robots do, and prompts and documentation tell what they say."""

from __future__ import annotations

from pathlib import Path

import data_sheets
import pytest

import taskwright
from taskwright.world.base import STATE_OF_BASE
from taskwright.world.data_sheets import SHEETS, heaviest_pushed
from taskwright.world.robots import robot_class

DOCS = Path(taskwright.__file__).parent / "docs" / "robots.md"


def test_bodies_do_what_the_sheet_says():
    assert data_sheets.bodies() == pytest.approx(SHEETS["bodies"], rel=0.1)


def test_moved_bodies_do_to_a_robot_what_the_sheet_says():
    found, sheet = data_sheets.moved("r2d2"), SHEETS["r2d2"]["moved"]
    for name in ("carried_sideways_of_2_m", "carried_sideways_with_velocity_of_2_m"):
        assert found[name] == pytest.approx(sheet[name], abs=0.05)
    assert found["lifted_of_2_m"] == pytest.approx(2.0, abs=0.05)
    assert found["pushed_ahead_by_a_wall"]


def test_r2d2_drives_and_jumps_as_its_sheet_says():
    found = data_sheets.r2d2()
    assert found == {name: pytest.approx(SHEETS["r2d2"][name], rel=0.1) for name in found}


@pytest.mark.slow
@pytest.mark.parametrize("robot", data_sheets.THAT_GO)
def test_a_robot_does_what_its_whole_sheet_says(robot):
    found = data_sheets.measured(robot)
    pushes = found.pop("pushes_m_by_kg"), SHEETS[robot]["pushes_m_by_kg"]
    assert pushes[0] == pytest.approx(pushes[1], rel=0.1, abs=0.2)
    found.pop("moved")
    assert found == {name: pytest.approx(SHEETS[robot][name], rel=0.1) for name in found}


def test_a_world_is_as_steep_and_as_heavy_as_was_asked_for():
    """A sheet could be wrong because its worlds are."""
    assert data_sheets.largest([1, 2, 3], lambda value: value < 3) == 2
    assert data_sheets.largest([1, 2, 3], lambda value: False) is None
    assert heaviest_pushed("r2d2", 2) == 250
    assert heaviest_pushed("r2d2", 30) == 60


def test_documentation_and_prompts_tell_what_the_sheets_say():
    docs = " ".join(DOCS.read_text().split())
    sheets = [SHEETS[robot] for robot in ("r2d2", "ant", "humanoid")]
    speeds = [sheets[0]["top_speed_m_s"], *(sheet["pace_ahead_m_s"] for sheet in sheets[1:])]
    ledges = [sheets[0]["ledge_driven_m"], *(sheet["ledge_m"] for sheet in sheets[1:])]
    rows = [
        ("speed straight ahead, m/s", speeds),
        ("highest ledge without a jump, m", ledges),
        ("steepest slope, degrees", [sheet["slope_deg"] for sheet in sheets]),
        ("in 5 s, m", [sheet["pushes_m_by_kg"]["5"] for sheet in sheets]),
        ("the same, 60 kg", [sheet["pushes_m_by_kg"]["60"] for sheet in sheets]),
        ("the same, 250 kg", [sheet["pushes_m_by_kg"]["250"] for sheet in sheets]),
    ]
    for name, numbers in rows:
        assert f"{name} | {' | '.join(map(str, numbers))} |" in docs, name
    r2d2, bodies = SHEETS["r2d2"], SHEETS["bodies"]
    for text in (
        f"within {r2d2['to_top_speed'][0]} m and {r2d2['to_top_speed'][1]} s",
        f"within {r2d2['brake_from_10_m_s'][0]} m",
        f"coasts {r2d2['coast_from_10_m_s'][0]} m",
        f"{r2d2['jump_at_10_m_s_m']} m far at full speed",
        f"slides {bodies['slides_from_5_m_s_m']} m from 5 m/s",
    ):
        assert text in docs, text
        assert text in robot_class("r2d2").words.description or "slides" in text
    assert f"a slope of {bodies['stays_on_slope_deg']} degrees" in docs


def test_the_interface_names_all_that_a_task_may_not_replace():
    folder = Path(taskwright.__file__).parent / "prompts"
    text = (folder / "interface.md.j2").read_text()
    for name in STATE_OF_BASE - {"_p"}:
        assert f"`self.{name}`" in text
