"""`taskwright export`: tasks as a package for any trainer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from ...errors import BrokenError
from ...output import print_json, say
from ...task import STATUSES, Record, Status
from .common import complain, json_option, run_dir_argument
from .typed import PLACE

if TYPE_CHECKING:
    from ...export.policies import Weights

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
    from ...archive.store import Archive
    from ...export.choice import choose
    from ...export.provenance import provenance_of
    from ...presentation.names import package_name

    with Archive.open(run_dir) as archive:
        records = choose(archive, cast("tuple[Status, ...]", statuses), only)
        complain(archive.complaints)

    # Loads PyBullet, which takes a while: not before it is known that there is something to export.
    from ...export.package import export_package

    done = export_package(
        records,
        out,
        package_name(out.resolve().name) if name is None else name,
        pictures=run_dir / "media",
        provenance=provenance_of(run_dir),
        policies=_policies(run_dir, records) if policies else None,
        version=package_version,
        force=force,
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


def _policies(run_dir: Path, records: Sequence[Record]) -> dict[str, Weights]:
    """The weights of the policies that the run has kept of these tasks. One that cannot be used is
    left out, and told."""
    from ...trainer.policies import load_perceptron

    found: dict[str, Weights] = {}
    for record in records:
        path = run_dir.resolve() / "policies" / f"{record.task_id}.zip"
        if record.task and os.path.lexists(path):
            try:
                found[record.task.task_id] = load_perceptron(record.task.robot, path)
            except BrokenError as error:
                complain([f"{error.message} The task is exported without it."])
    return found
