"""`taskwright export`: kept tasks as a package for any trainer."""

from __future__ import annotations

import re
from pathlib import Path

import click

from .common import json_option, print_json, run_dir_argument


@click.command()
@run_dir_argument
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the Python package.  [default: from OUT]")
@json_option
def export(run_dir: Path, out: Path, name: str | None, as_json: bool) -> None:
    """Write the kept tasks of RUN_DIR to OUT, as an installable Gymnasium package."""
    from ..archive.export.package import export_package
    from ..archive.store import Archive

    with Archive.open(run_dir) as archive:
        kept = archive.kept()
    package = name or re.sub(r"[^a-z0-9]+", "_", out.resolve().name.lower()).strip("_")
    ids = export_package(kept, out, package, run_dir / "media")
    if as_json:
        print_json({"package": package, "path": str(out), "ids": ids})
        return
    click.echo(f"{len(ids)} tasks exported to {out}. Install them with `pip install {out}`; then:")
    for task_id in ids:
        click.echo(f'    gymnasium.make("{task_id}")')
