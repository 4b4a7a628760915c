"""`taskwright check`: the staged checks on task files."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import click

from ... import api
from ...output import print_json
from ...sandbox.isolation import Level
from ...task import Outcome, Robot
from ...task_file import UnreadableTask, read_source
from .. import display
from .common import isolation_option, json_option, require, robot_option
from .typed import AMOUNT


@click.command()
@click.argument("names", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@robot_option
@click.option(
    "--timeout",
    "timeout_s",
    type=AMOUNT,
    default=30.0,
    show_default=True,
    help="Seconds that a task may take for all checks together.",
)
@isolation_option
@json_option
def check(
    names: tuple[str, ...],
    robot: Robot | None,
    timeout_s: float,
    isolation: Level | None,
    as_json: bool,
) -> int:
    """Check task files, each in a sandboxed process. A folder stands for the .py files in it.

    Each file has its own result; one that cannot be read is `rejected`, and the others are checked.
    """
    require(isolation)
    results = []
    for file in task_files(names):
        task_id, outcome = _check(file, robot, timeout_s)
        results.append({"file": file, "task_id": task_id, **dataclasses.asdict(outcome)})
        if not as_json:
            display.print_outcome(file, outcome)
    if as_json:
        print_json({"results": results})
    return 0 if all(result["verdict"] == "passed" for result in results) else 1


def task_files(names: Sequence[str]) -> list[str]:
    """The files that are named: those in a folder, and what is no folder as it is. So is a folder
    without any, of which reading it will tell."""
    files: list[str] = []
    for name in names:
        inside = sorted(map(str, Path(name).glob("*.py"))) if os.path.isdir(name) else []
        files += inside or [name]
    return files


def _check(file: str, robot: Robot | None, timeout_s: float) -> tuple[str | None, Outcome]:
    """What comes of one file, whatever it is, and its `task_id` where it holds a source."""
    try:
        task = api.task_from(read_source(file), robot)
    except UnreadableTask as error:
        symptom = f"The file cannot be read: {error.reason}."
        return None, Outcome.rejected("syntax", symptom, error.cause, error.fix)
    return task.task_id, api.check(task, timeout_s=timeout_s)
