"""What several commands share: options, and how a task is named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from ... import api
from ...errors import UsageError
from ...output import say
from ...sandbox.isolation import LEVELS, Level
from ...task import ROBOTS, Robot, Task
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
executor_option = click.option(
    "--executor",
    "executor_name",
    metavar="NAME",
    help="Who computes: `local`, which is this machine, or another that `doctor` lists.",
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
            return api.load_task(Path(file), robot=robot)
        case (run_dir, key):
            return api.load_task(Path(run_dir), words(key))
        case _:
            raise UsageError(
                "Name a task file, or a run folder and one of its tasks.",
                "For example: taskwright train runs/default 3.",
            )
