"""`taskwright report`: what runs have come to, as a page that can be attached to a paper."""

from __future__ import annotations

from pathlib import Path

import click

from ...output import print_json, say
from .common import json_option
from .typed import PLACE


@click.command()
@click.argument("run_dirs", metavar="RUN_DIR...", nargs=-1, required=True, type=PLACE)
@click.option(
    "--out",
    type=PLACE,
    help="Folder to write into.  [default: report in RUN_DIR, or here of several runs]",
)
@json_option
def report(run_dirs: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    """Write metrics, figures and tables of a run, or of several side by side, as one page.

    The page, report.html, holds all that it shows and opens without a network; beside it lie
    Markdown, the figures (PNG, SVG), the tables (CSV) and the numbers (JSON). Runs whose settings
    differ in nothing but the seed count as repetitions of each other.
    """
    from ...generator.model.log import spent_by_role
    from ...report import write_report

    if out is None:
        out = run_dirs[0] / "report" if len(run_dirs) == 1 else Path("report")
    numbers = write_report(run_dirs, out, spent_by_role)
    if as_json:
        print_json(numbers)
        return
    for run in numbers["runs"]:
        metrics = run["metrics"]
        vendi = metrics["vendi"]
        worth = f", worth {vendi:.1f} different ones" if vendi is not None else ""
        kept, journeys = f"{metrics['kept']:.0f}", f"{metrics['journeys']:.0f}"
        say(f"{run['name']}: {kept} tasks kept of {journeys} journeys{worth}.")
    say(f"The report is {out / 'report.html'}.")
