"""`taskwright export`: tasks as a package for any trainer."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from ... import api
from ...output import print_json, say
from ...task import STATUSES, Status
from .common import complain, json_option, run_dir_argument
from .typed import PLACE

SHOWN_IDS = 20


@click.command()
@run_dir_argument
@click.argument("out", type=PLACE)
@click.option("--name", help="Name of the Python package.  [default: from OUT]")
@click.option(
    "--only",
    multiple=True,
    metavar="TASK",
    help="This task: journey number, task_id or its beginning. May be given repeatedly.",
)
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(STATUSES),
    help="Tasks of this status. May be given repeatedly.  [default: learned]",
)
@click.option("--policies", is_flag=True, help="Bring the trained policies along.")
@click.option("--package-version", help="Version of the package.  [default: from its contents]")
@click.option("--force", is_flag=True, help="Replace what an earlier export wrote to OUT.")
@json_option
def export(
    run_dir: Path,
    out: Path,
    name: str | None,
    only: tuple[str, ...],
    statuses: tuple[str, ...],
    policies: bool,
    package_version: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write tasks of RUN_DIR to OUT, as an installable Gymnasium package: a source tree, and a
    wheel in OUT/dist. It needs nothing of Taskwright."""
    done = api.export(
        run_dir,
        out,
        name=name,
        only=only,
        statuses=cast("tuple[Status, ...]", statuses),
        policies=policies,
        version=package_version,
        force=force,
        complain=lambda sentence: complain([sentence]),
    )
    if as_json:
        print_json(
            {
                "package": done.package,
                "version": done.version,
                "path": str(out),
                "wheel": str(done.wheel),
                "ids": list(done.ids),
                "names": list(done.names),
                "policies": done.policies,
            }
        )
        return
    tasks = f"{len(done.names)} task{'s' if len(done.names) > 1 else ''}"
    with_policies = f", {done.policies} with a trained policy," if policies else ""
    say(f"{tasks}{with_policies} exported to {out}. In the environment of your trainer:")
    say(f"    pip install {done.wheel}")
    say(f"    python -m {done.package} check")
    say("and then, in Python:")
    for call in done.calls[:SHOWN_IDS]:
        say(f"    {call}")
    if len(done.names) > SHOWN_IDS:
        say(f"`python -m {done.package} list` shows all of them.")
    say("That runs code which a program or a model wrote, without a sandbox.")
