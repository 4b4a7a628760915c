"""`taskwright run`: make tasks."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from ... import api
from ...config import load_config, merge, parse_assignment
from ...output import Console, print_json
from ...task import ROBOTS
from ..terminal import View, summary, watching
from .common import INTERRUPTED, executor_option, isolation_option, json_option
from .typed import AMOUNT, PLACE


@click.command()
@click.argument("run_dir", type=PLACE, default=Path("runs/default"))
@click.option("--tasks", type=click.IntRange(1), help="Stop when this many tasks are kept.")
@click.option("--attempts", type=click.IntRange(1), help="Stop after this many journeys.")
@click.option("--minutes", type=AMOUNT, help="Stop after this long.")
@click.option("--robot", type=click.Choice(ROBOTS), help="Who is to learn the tasks.")
@click.option("--model", help="Model that proposes, writes and judges, or `composer` for none.")
@click.option("--base-url", help="OpenAI-compatible server of the model.")
@click.option("--concurrency", type=click.IntRange(1), help="Journeys in flight at once.")
@click.option("--workers", type=click.IntRange(1), help="Trials and checks computed at once.")
@executor_option
@click.option("--seed", type=click.IntRange(0), help="Settles the run's random choices.")
@click.option("--config", "config_path", type=PLACE, help="YAML settings.")
@click.option("--set", "assignments", multiple=True, metavar="SECTION.NAME=VALUE")
@click.option("--max-usd", type=AMOUNT, help="Cap on model costs.")
@click.option("--max-tokens", type=click.IntRange(1), help="Cap on model tokens.")
@click.option("--max-calls", type=click.IntRange(1), help="Cap on model requests.")
@click.option(
    "--replay",
    metavar="OTHER_RUN_DIR",
    help="Run again what another run recorded: its settings, its answers, and no model.",
)
@click.option("--plain", is_flag=True, help="Plain lines instead of a live view.")
@click.option("--quiet", is_flag=True, help="Nothing until the summary at the end.")
@isolation_option
@json_option
def run(
    run_dir: Path,
    config_path: Path | None,
    assignments: tuple[str, ...],
    plain: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Make tasks in RUN_DIR until a limit is reached. The same command goes on with a run.

    Without --tasks, --attempts or --minutes it goes on until Ctrl-C.
    """
    from ...generator.run import model_is_configured, prepare_config
    from ...generator.scheduler import SHUTDOWN_S
    from ...generator.watchdog import Watchdog

    settings = load_config(config_path) if config_path else {}
    for assignment in assignments:
        settings = merge(settings, parse_assignment(assignment))
    places = {
        "tasks": "run.tasks",
        "attempts": "run.attempts",
        "minutes": "run.minutes",
        "robot": "run.robot",
        "seed": "run.seed",
        "model": "model.name",
        "base_url": "model.base_url",
        "max_usd": "model.max_usd",
        "max_tokens": "model.max_tokens",
        "max_calls": "model.max_calls",
        "replay": "model.replay",
        "concurrency": "run.concurrency",
        "workers": "run.workers",
        "executor_name": "run.executor",
        "isolation": "sandbox.require_isolation",
    }
    for option, place in places.items():
        if options[option] is not None:
            section, name = place.split(".")
            settings = merge(settings, {section: {name: options[option]}})
    config = prepare_config(run_dir, settings)

    # With --json, standard output belongs to the one document.
    console = Console(err=as_json)
    if config.model.name is None and not model_is_configured(config) and not quiet:
        console.say(
            "No model is configured (no OPENAI_API_KEY, no --base-url): the Composer proposes and "
            "writes the tasks."
        )
    how: View = "quiet" if quiet else "live" if console.is_terminal and not plain else "plain"
    with Watchdog() as watchdog, watching(console, how) as watcher:
        ending = api.run(
            run_dir,
            settings=settings,
            on_event=watcher,
            expect_end_within=watchdog.expect_end_within,
            # The process ends right after it, whatever its threads do.
            shutdown_s=SHUTDOWN_S,
        )
    if as_json:
        print_json({"run_dir": str(run_dir), **dataclasses.asdict(ending)})
    else:
        console.print(summary(ending, str(run_dir)), soft_wrap=True)
    return INTERRUPTED if ending.interrupted else 0
