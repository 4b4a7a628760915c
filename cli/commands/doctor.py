"""`taskwright doctor`: what this machine offers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from ...output import print_json, say
from .common import json_option
from .typed import PLACE


@click.command()
@click.argument("run_dir", required=False, type=PLACE)
@click.option("--base-url", help="OpenAI-compatible server to ask.")
@json_option
def doctor(run_dir: Path | None, base_url: str | None, as_json: bool) -> int:
    """Tell what this machine offers: isolation, model, embedder, renderer, cores. With RUN_DIR,
    also whether its archive is sound."""
    from ..doctor import examine

    findings = examine(base_url, run_dir)
    if as_json:
        print_json({"findings": [dataclasses.asdict(finding) for finding in findings]})
    else:
        styles = {"ok": "green", "limited": "yellow", "failed": "bold red"}
        for finding in findings:
            mark = (f"{finding.state:<8}", styles[finding.state])
            say(mark, f" {finding.name}: {finding.detail}")
    return 1 if any(finding.state == "failed" for finding in findings) else 0
