"""`taskwright browse` and `play`: a run, or one task, in a web browser."""

from __future__ import annotations

from pathlib import Path

import click

from ...errors import UsageError
from ...output import say
from ...sandbox.isolation import Level
from ...task import Robot
from .common import isolation_option, named_task, require, robot_option, run_dir_argument
from .typed import words


@click.command()
@run_dir_argument
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="[default: the first free from 8000]")
@click.option("--open/--no-open", "open_browser", default=True, help="Open the page at once.")
@click.option("--allow-feedback", "feedback", is_flag=True, help="Let visitors store answers.")
def browse(run_dir: Path, host: str, port: int | None, open_browser: bool, feedback: bool) -> None:
    """Show the archive of RUN_DIR in a web browser, also while a run goes on."""
    if not host:
        raise UsageError("The address to listen on is empty.", "Leave --host out, or give one.")
    from ...browser.serving import serve
    from ...generator.embedder import encoder_of

    serve(
        run_dir,
        host=host,
        port=port,
        feedback=feedback,
        open_browser=open_browser,
        tell=say,
        make_encoder=lambda: encoder_of(run_dir),
    )


@click.command()
@click.argument(
    "source", metavar="FILE | RUN_DIR TASK", nargs=-1, required=True, type=click.UNPROCESSED
)
@robot_option
@click.option("--port", type=click.IntRange(0, 65535), help="[default: the first free from 8000]")
@click.option("--open/--no-open", "open_browser", default=True, help="Open the page at once.")
@isolation_option
def play(
    source: tuple[str, ...],
    robot: Robot | None,
    port: int | None,
    open_browser: bool,
    isolation: Level | None,
) -> None:
    """Drive the robot of a task yourself, in a web browser: a task file, or a task of a run.

    With a task of a run, a success can be kept in RUN_DIR as a demonstration; of a file, nothing is
    written.
    """
    from ...archive.store import Archive
    from ...browser.app import create_app
    from ...browser.play import create_file_app
    from ...browser.serving import serve_app
    from ...generator.seeds import idea_of_source
    from ...world.robots import ROBOTS, robot_class

    task = named_task(source, robot)
    if not ROBOTS[task.robot].played:
        raise UsageError(
            f"The {task.robot} cannot be played by hand: {robot_class(task.robot).not_played}.",
            f"Play a task of {' or '.join(name for name, each in ROBOTS.items() if each.played)}.",
        )
    require(isolation)
    if len(source) == 2:
        with Archive.open(Path(source[0])) as archive:
            number = archive.find(words(source[1])).number
        app = create_app(Path(source[0]), feedback=True)
        page, mode = f"play/{number}", "answers are stored"
    else:
        idea = idea_of_source(task.source, Path(source[0]).stem.replace("_", " "))
        app = create_file_app(Path(source[0]), task, idea)
        page, mode = "", "nothing is stored"
    serve_app(
        app,
        f"{' '.join(source)} is played",
        mode,
        page=page,
        port=port,
        open_browser=open_browser,
        tell=say,
    )
