"""`taskwright import`: tasks from elsewhere, taken into a run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...executor import make_executor
from ...output import Console, busy, print_json
from ...sandbox.isolation import Level
from ...task import Robot
from ..terminal import STATUS_STYLES, watching
from .common import (
    executor_option,
    isolation_option,
    json_option,
    require,
    robot_option,
    run_dir_argument,
)
from .typed import PLACE

if TYPE_CHECKING:
    from ...generator.importing import Import


@click.command("import")
@run_dir_argument
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=PLACE)
@robot_option
@click.option(
    "--train", "tries", is_flag=True, help="Try the untried ones at once, as a run would."
)
@executor_option
@isolation_option
@json_option
def import_(
    run_dir: Path,
    paths: tuple[Path, ...],
    robot: Robot | None,
    tries: bool,
    executor_name: str | None,
    isolation: Level | None,
    as_json: bool,
) -> int:
    """Take tasks from elsewhere into RUN_DIR: task files, folders of them, an OMNI-EPIC run, or
    another Taskwright run.

    All are checked first, in a sandbox. What another Taskwright run has tried keeps its evidence;
    all else waits for --train, now or later, or for `taskwright run RUN_DIR` to be tried.
    """
    from ...generator.importing import import_tasks
    from ...generator.run import open_run, prepare_config
    from ...generator.watchdog import Watchdog

    require(isolation)
    console = Console(err=as_json)
    name = executor_name or prepare_config(run_dir, {}).run.executor
    with Watchdog(), make_executor(name, workers=1) as executor:
        with busy(console, "Looking …") as tell:
            result = import_tasks(
                run_dir,
                paths,
                executor,
                robot,
                lambda done, of: tell(f"{done} of {of} checked"),
            )
        waiting = _yet_to_be_tried(run_dir, result)
        if not as_json:
            _tell(console, result, run_dir, 0 if tries else waiting)
        if tries and waiting:
            config = prepare_config(run_dir, {})
            with watching(console, "plain") as watcher:
                open_run(run_dir, config, executor, watcher, only_under_way=True)
            _with_statuses(run_dir, result)
    if as_json:
        print_json({"run_dir": str(run_dir), **dataclasses.asdict(result)})
    return 1 if result.failed or result.left_out else 0


def _yet_to_be_tried(run_dir: Path, result: Import) -> int:
    """How many of the tasks are, whether they have come now or were there already."""
    from ...archive.store import Archive

    with Archive.open(run_dir) as archive:
        under_way = set(archive.unfinished())
    numbers = {task.number for task in result.imported} | {task.number for task in result.present}
    return len(numbers & under_way)


def _with_statuses(run_dir: Path, result: Import) -> None:
    """Put in what the trials have come to."""
    from ...archive.store import Archive

    with Archive.open(run_dir) as archive:
        records = archive.by_number([task.number for task in result.imported])
    result.imported = [
        dataclasses.replace(task, status=records[task.number].status)
        if task.number in records
        else task
        for task in result.imported
    ]


def _tell(console: Console, result: Import, run_dir: Path, waiting: int) -> None:
    for task in result.imported:
        style = STATUS_STYLES.get(task.status, "cyan")
        place = f"{task.number:>5} {task.task_id} "
        console.say(place, (task.status, style), f" {task.title}")
    for known in result.present:
        there = f"there already, as journey {known.number}: {known.origin}"
        console.say(f"      {known.task_id} {there}")
    for failed in result.failed:
        console.say(("failed", "bold red"), f" {failed.origin}: {failed.reason}")
    for left_out in result.left_out:
        console.say(("left out", "yellow"), f" {left_out.origin}: {left_out.reason}")
    counts = f"{len(result.imported)} imported, {len(result.present)} there already, "
    console.say(f"{counts}{len(result.failed)} failed.")
    if waiting:
        verb = "is" if waiting == 1 else "are"
        console.say(
            f"{waiting} {verb} yet to be tried: the same command with --train does that, and "
            f"`taskwright run {run_dir}` does it first. What is learned is kept."
        )
