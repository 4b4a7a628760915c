"""What several commands share: options, and how a task is named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from ...errors import UsageError
from ...output import say
from ...sandbox.isolation import LEVELS, Level
from ...task import ROBOTS, Record, Robot, Task, robot_named_in
from ...task_file import UnreadableTask, read_source
from .typed import PLACE, words

INTERRUPTED = 130
"""Exit status of a command that was stopped by Ctrl-C."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
isolation_option = click.option(
    "--require-isolation",
    "isolation",
    type=click.Choice(LEVELS),
    help="Refuse to run task code where this host isolates it less.",
)
robot_option = click.option(
    "--robot",
    type=click.Choice(ROBOTS),
    help="Instead of the one that the task's base class names.",
)
run_dir_argument = click.argument("run_dir", type=PLACE)


def complain(sentences: Iterable[str]) -> None:
    """Tell on standard error what is wrong with some of the archive, while the rest is used."""
    for sentence in sentences:
        say(f"taskwright: {sentence}", err=True)


def require(isolation: Level | None) -> None:
    """Refuse to go on where this host isolates task code less than asked for."""
    if isolation is not None:
        from ...sandbox.host import require_isolation

        require_isolation(isolation)


def named_task(source: tuple[str, ...], robot: Robot | None) -> Task:
    """The task in a file, or one of a run."""
    if "" in source:
        raise UsageError(
            "A name is empty.", "Name a task file, or a run folder and one of its tasks."
        )
    match source:
        case (file,):
            if Path(file).is_dir():
                raise UsageError(
                    f"{file} is a folder.",
                    "Name a task file, or a run folder and one of its tasks.",
                )
            return read_task(Path(file), robot)
        case (run_dir, key):
            from ...archive.store import Archive

            with Archive.open(Path(run_dir)) as archive:
                record = archive.find(words(key))
            return task_of(record)
        case _:
            raise UsageError(
                "Name a task file, or a run folder and one of its tasks.",
                "For example: taskwright train runs/default 3.",
            )


def task_of(record: Record) -> Task:
    if record.task is None:
        raise UsageError(
            f"Journey {record.number} ended before code was written.",
            "Name a task that has a task_id.",
        )
    return record.task


def read_task(path: Path, robot: Robot | None) -> Task:
    """A task file; where no robot is given, for the one whose base class it names."""
    try:
        return make_task(read_source(path), robot)
    except UnreadableTask as error:
        raise UsageError(f"{path} cannot be read: {error.reason}.", error.fix) from None


def make_task(source: str, robot: Robot | None) -> Task:
    return Task(source, robot or robot_named_in(source) or "r2d2")
