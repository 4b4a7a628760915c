"""What several commands share: options, and how a task is named."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from ... import api
from ...config import resolve
from ...errors import UsageError
from ...executor import make_executor
from ...executor.job import Executor
from ...output import say
from ...sandbox.isolation import LEVELS, Level
from ...task import ROBOTS, Robot, Task
from .typed import PLACE, words

INTERRUPTED = 130
"""Exit status of a command that was stopped by Ctrl-C."""

EXECUTOR_SETTINGS = ("executor", "ray_address", "ray_authentication")
"""The settings of the section `run` that say who computes."""

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


def executor_options(command: Callable[..., int]) -> Callable[..., int]:
    """Options that say who computes. The command gets `computes`: what was said, as settings of the
    section `run`."""

    @functools.wraps(command)
    def collecting(*arguments: Any, **options: Any) -> int:
        said = {name: options.pop(name) for name in EXECUTOR_SETTINGS}
        computes = {name: value for name, value in said.items() if value is not None}
        return command(*arguments, computes=computes, **options)

    for add in (
        click.option(
            "--ray-authentication",
            type=click.Choice(["token", "none"]),
            help="`none`: also join a Ray cluster that lets in everybody.",
        ),
        click.option(
            "--ray-address",
            metavar="HOST:PORT",
            help="Head of the Ray cluster.  [default: the one that this machine is part of]",
        ),
        click.option(
            "--executor",
            metavar="NAME",
            help="Who computes: `local`, which is this machine; `ray`, a Ray cluster; or another "
            "that is installed.",
        ),
    ):
        collecting = add(collecting)
    return collecting


@contextlib.contextmanager
def one_worker(computes: dict[str, Any], isolation: Level | None) -> Iterator[Executor]:
    """An executor with one worker, as `executor_options` say. Raises UsageError where it isolates
    task code less than asked for."""
    with make_executor(resolve({"run": {**computes, "workers": 1}}).run) as executor:
        if isolation is not None:
            executor.require_isolation(isolation)
        yield executor


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
