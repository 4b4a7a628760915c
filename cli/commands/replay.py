"""`taskwright replay`: record what the browser plays in 3-D."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from ... import api
from ...archive.folder import replay_path
from ...executor import make_executor
from ...output import print_json, say
from ...sandbox.isolation import Level
from .common import (
    executor_option,
    isolation_option,
    json_option,
    require,
    run_dir_argument,
)


@click.command()
@run_dir_argument
@click.argument("key", metavar="[TASK]", required=False)
@executor_option
@isolation_option
@json_option
def replay(
    run_dir: Path,
    key: str | None,
    executor_name: str | None,
    isolation: Level | None,
    as_json: bool,
) -> int:
    """Record the replays that the browser shows, where RUN_DIR has none yet; of TASK anew.

    A run does this by itself, for each task when its journey ends.
    """
    from ...archive.store import Archive
    from ...generator.job_client import record_missing_replays, record_replay

    require(isolation)
    with Archive.open(run_dir) as archive:
        records = archive.records() if key is None else [archive.find(key)]
    rows = []
    with make_executor(executor_name or "local", workers=1) as executor:
        if key is None:
            made = record_missing_replays(executor, run_dir, records)
        else:
            task = api.load_task(records[0])
            recorded = record_replay(executor, run_dir, task, records[0].trial)
            made = iter([(records[0], recorded)])
        for record, result in made:
            broken = result if isinstance(result, str) else ""
            row: dict[str, Any] = {"task_id": record.task_id, "broken": broken}
            outcome = broken
            if not isinstance(result, str):
                path = replay_path(run_dir, record.task_id or "")
                row |= {"path": str(path), **dataclasses.asdict(result)}
                outcome = f"{result.frames} frames, {result.size_bytes / 1000:.1f} kB"
            rows.append(row)
            if not as_json:
                say(f"{record.task_id}  {record.idea.title}: {outcome}")
    if as_json:
        print_json({"replays": rows})
    elif not rows:
        say("Nothing to record: every task that passed its checks has a replay.")
    return 1 if any(row["broken"] for row in rows) else 0
