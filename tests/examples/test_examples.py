"""The examples for Humanoid and Panda, and the tasks that the interface page shows, pass every
check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import taskwright
from taskwright.sandbox.checker import check_task
from taskwright.task import Task, robot_named_in

ROOT = Path(taskwright.__file__).parent
TASKS = ROOT / "examples" / "tasks"
HUMANOID, PANDA = (sorted((TASKS / robot).glob("*.py")) for robot in ("humanoid", "panda"))
QUICK = ("lift_cube", "open_drawer", "reach_ball")
"""Examples for the Panda that are always checked; the others are where there is more time."""
SHOWN = [
    block
    for block in re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "interface.md").read_text(), re.DOTALL
    )
    if "import" in block
]


def test_there_are_examples() -> None:
    assert len(HUMANOID) >= 4
    assert len(PANDA) >= 8
    assert [robot_named_in(source) for source in SHOWN] == ["r2d2", "humanoid", "panda"]


@pytest.mark.parametrize(
    "source",
    [
        *(pytest.param(path.read_text(), id=path.stem) for path in HUMANOID),
        *(
            pytest.param(
                path.read_text(),
                id=path.stem,
                marks=[] if path.stem in QUICK else pytest.mark.slow,
            )
            for path in PANDA
        ),
        *(pytest.param(source, id=robot_named_in(source)) for source in SHOWN),
    ],
)
def test_an_example_passes_every_check(source: str) -> None:
    outcome = check_task(Task(source, robot_named_in(source)))
    assert outcome.passed, outcome.report
