"""`taskwright check`: the staged checks on task files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from .. import display
from ..errors import UsageError
from ..output import print_json
from ..sandbox.isolation import Level
from ..task import Robot
from .common import isolation_option, json_option, read_task, require, robot_option


@click.command()
@click.argument(
    "paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@robot_option
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds that a task may take for all checks together.",
)
@isolation_option
@json_option
def check(
    paths: tuple[Path, ...],
    robot: Robot | None,
    timeout_s: float,
    isolation: Level | None,
    as_json: bool,
) -> int:
    """Check task files, each in a sandboxed process. A folder stands for the .py files in it."""
    from ..sandbox.checker import check_task

    require(isolation)
    results = []
    for path in task_files(paths):
        task = read_task(path, robot)
        outcome = check_task(task, timeout_s)
        results.append({"file": str(path), "task_id": task.task_id, **dataclasses.asdict(outcome)})
        if not as_json:
            display.print_outcome(path, outcome)
    if as_json:
        print_json({"results": results})
    return 0 if all(result["verdict"] == "passed" for result in results) else 1


def task_files(paths: tuple[Path, ...]) -> list[Path]:
    files = []
    for path in paths:
        inside = sorted(path.glob("*.py")) if path.is_dir() else [path]
        if not inside:
            raise UsageError(f"The folder {path} holds no .py file.", "Name a folder of tasks.")
        files += inside
    return files
