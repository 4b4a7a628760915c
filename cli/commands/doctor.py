"""`taskwright doctor`: what this machine offers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from ...config import resolve
from ...executor import require_known
from ...output import print_json, say
from .common import executor_options, json_option
from .typed import PLACE


@click.command()
@click.argument("run_dir", required=False, type=PLACE)
@click.option("--base-url", help="OpenAI-compatible server to ask.")
@executor_options
@json_option
def doctor(
    run_dir: Path | None, base_url: str | None, computes: dict[str, Any], as_json: bool
) -> int:
    """Tell what this machine offers: isolation, model, embedder, renderer, cores. With RUN_DIR,
    also whether its archive is sound. With --executor ray, also what each node of the cluster
    offers, and whether it may be used."""
    from ..cluster_nodes import examine_nodes
    from ..doctor import examine

    run = resolve({"run": computes}).run
    require_known(run.executor)
    nodes = []
    if run.executor == "ray":
        # Before all else: what is wrong with the call is told at once.
        nodes = examine_nodes(run.ray_address, needs_token=run.ray_authentication == "token")
    findings = [*examine(base_url, run_dir), *nodes]
    if as_json:
        print_json({"findings": [dataclasses.asdict(finding) for finding in findings]})
    else:
        styles = {"ok": "green", "limited": "yellow", "failed": "bold red"}
        for finding in findings:
            mark = (f"{finding.state:<8}", styles[finding.state])
            say(mark, f" {finding.name}: {finding.detail}")
    return 1 if any(finding.state == "failed" for finding in findings) else 0
