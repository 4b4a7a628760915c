"""`taskwright reembed`: the vectors of a run, made anew by another embedder."""

from __future__ import annotations

from pathlib import Path

import click

from ...config import load_config, merge, parse_assignment
from ...output import Console, busy, print_json, say
from .common import json_option, run_dir_argument
from .typed import PLACE


@click.command()
@run_dir_argument
@click.option("--config", "config_path", type=PLACE, help="YAML settings.")
@click.option("--set", "assignments", multiple=True, metavar="SECTION.NAME=VALUE")
@json_option
def reembed(
    run_dir: Path, config_path: Path | None, assignments: tuple[str, ...], as_json: bool
) -> None:
    """Compute the vectors of RUN_DIR again with another embedder, which then measures similarity.

    For example: taskwright reembed RUN_DIR --set embedder.name=BAAI/bge-small-en-v1.5
    """
    from ...generator.reembedding import reembed

    settings = load_config(config_path) if config_path else {}
    for assignment in assignments:
        settings = merge(settings, parse_assignment(assignment))
    with busy(Console(err=True), "Loading the embedder …") as tell:
        name, count = reembed(
            run_dir, settings, lambda done, all_: tell(f"{done} of {all_} embedded")
        )
    if as_json:
        print_json({"embedder": name, "records": count})
    else:
        say(f"The {count} records of {run_dir} are embedded by {name} now.")
