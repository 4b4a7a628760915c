"""The examples for the Humanoid, and the tasks that the interface page shows, pass every check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import taskwright
from taskwright.sandbox.checker import check_task
from taskwright.task import Task, robot_named_in

ROOT = Path(taskwright.__file__).parent
EXAMPLES = sorted((ROOT / "examples" / "tasks" / "humanoid").glob("*.py"))
SHOWN = [
    block
    for block in re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "interface.md").read_text(), re.DOTALL
    )
    if "import" in block
]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4
    assert [robot_named_in(source) for source in SHOWN] == ["r2d2", "humanoid"]


@pytest.mark.parametrize(
    "source",
    [*(path.read_text() for path in EXAMPLES), *SHOWN],
    ids=[*(path.stem for path in EXAMPLES), *(robot_named_in(source) for source in SHOWN)],
)
def test_an_example_passes_every_check(source: str) -> None:
    outcome = check_task(Task(source, robot_named_in(source)))
    assert outcome.passed, outcome.report
