"""`taskwright import`: tasks from elsewhere, taken into a run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape

from ..executor.local import LocalExecutor
from ..sandbox.channel import plain_text
from ..sandbox.isolation import Level
from ..task import Robot
from ..terminal import STATUS_STYLES, watching
from .common import (
    isolation_option,
    json_option,
    print_json,
    require,
    robot_option,
    run_dir_argument,
)

if TYPE_CHECKING:
    from ..generator.importing import Import


@click.command("import")
@run_dir_argument
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@robot_option
@click.option(
    "--train", "tries", is_flag=True, help="Try the untried ones at once, as a run would."
)
@isolation_option
@json_option
def import_(
    run_dir: Path,
    paths: tuple[Path, ...],
    robot: Robot | None,
    tries: bool,
    isolation: Level | None,
    as_json: bool,
) -> int:
    """Take tasks from elsewhere into RUN_DIR: task files, folders of them, an OMNI-EPIC run, or
    another Taskwright run.

    All are checked first, in a sandbox. What another Taskwright run has tried keeps its evidence;
    all else waits for --train, now or later, or for `taskwright run RUN_DIR` to be tried.
    """
    from ..generator.importing import import_tasks
    from ..generator.run import open_run, prepare_config

    require(isolation)
    console = Console(highlight=False, stderr=as_json)
    with LocalExecutor() as executor:
        with console.status("Looking …") as status:
            result = import_tasks(
                run_dir,
                paths,
                executor,
                robot,
                lambda done, of: status.update(f"{done} of {of} checked"),
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
    from ..archive.store import Archive

    with Archive.open(run_dir) as archive:
        under_way = set(archive.unfinished())
    numbers = {task.number for task in result.imported} | {task.number for task in result.present}
    return len(numbers & under_way)


def _with_statuses(run_dir: Path, result: Import) -> None:
    """Put in what the trials have come to."""
    from ..archive.store import Archive

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
        title = escape(plain_text(task.title))
        line = f"{task.number:>5} {task.task_id} [{style}]{task.status}[/{style}] {title}"
        console.print(line, soft_wrap=True)
    for known in result.present:
        there = f"there already, as journey {known.number}: {known.origin}"
        console.print(f"      {known.task_id} {escape(there)}", soft_wrap=True)
    for failed in result.failed:
        reason = escape(f"{failed.origin}: {plain_text(failed.reason)}")
        console.print(f"[bold red]failed[/bold red] {reason}", soft_wrap=True)
    for left_out in result.left_out:
        reason = escape(f"{left_out.origin}: {plain_text(left_out.reason)}")
        console.print(f"[yellow]left out[/yellow] {reason}", soft_wrap=True)
    counts = f"{len(result.imported)} imported, {len(result.present)} there already, "
    console.print(f"{counts}{len(result.failed)} failed.")
    if waiting:
        verb = "is" if waiting == 1 else "are"
        console.print(
            f"{waiting} {verb} yet to be tried: the same command with --train does that, and "
            f"`taskwright run {run_dir}` does it first. What is learned is kept."
        )
