"""`taskwright ls`, `show` and `search`: what is known of the tasks of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ...errors import UsageError
from ...output import print_json, print_source, say
from ...task import to_json
from .. import display
from ..terminal import STATUS_STYLES
from .common import complain, json_option, run_dir_argument


@click.command()
@run_dir_argument
@click.option("--status", type=click.Choice(sorted(STATUS_STYLES)), help="Only these.")
@json_option
def ls(run_dir: Path, status: Any, as_json: bool) -> None:
    """List the records of a run."""
    from ...archive.store import Archive

    with Archive.open(run_dir) as archive:
        records = archive.records(status)
        complain(archive.complaints)
    if as_json:
        print_json({"records": [display.row(record) for record in records]})
    elif not records:
        say("No records yet." if status is None else f"No records are {status}.")
    else:
        display.print_table([(record, None) for record in records])


@click.command()
@run_dir_argument
@click.argument("key", metavar="TASK")
@click.option("--source", "only_source", is_flag=True, help="Print the source code alone.")
@click.option("--llm", "calls", is_flag=True, help="Show what a model was asked and answered.")
@json_option
def show(run_dir: Path, key: str, only_source: bool, calls: bool, as_json: bool) -> None:
    """Show one record in full: TASK is a task_id, its first digits, or a journey's number."""
    from ...archive.store import Archive

    if calls and only_source:
        raise UsageError("--llm and --source show different things.", "Give one of them.")
    if calls:
        _show_calls(run_dir, key, as_json)
        return
    with Archive.open(run_dir) as archive:
        record = archive.find(key)
    if as_json:
        print_json({"task_id": record.task_id, **json.loads(to_json(record))})
    elif only_source:
        if record.task is None:
            raise UsageError(
                f"Journey {record.number} ended before code was written.", record.reason
            )
        print_source(record.task.source)
    else:
        display.print_record(record, run_dir)


def _show_calls(run_dir: Path, key: str, as_json: bool) -> None:
    """What a model was asked in a journey, also in one that is still under way."""
    from ...archive.store import Archive
    from ...generator.model.log import whole_calls

    with Archive.open(run_dir) as archive:
        under_way = key.isdecimal() and int(key) in archive.unfinished()
        number = int(key) if under_way else archive.find(key).number
    calls = whole_calls(run_dir, number)
    if as_json:
        print_json({"journey": number, "calls": calls})
    elif not calls:
        say(f"No model was asked in journey {number}.")
    for call in [] if as_json else calls:
        try:
            display.print_call(call)
        except (KeyError, TypeError, ValueError, AttributeError):
            complain(
                ["A line of llm.jsonl is not as Taskwright writes it; it is not shown in full."]
            )


@click.command()
@run_dir_argument
@click.argument("query")
@click.option("-n", "count", type=click.IntRange(1), default=10, help="How many to show.")
@json_option
def search(run_dir: Path, query: str, count: int, as_json: bool) -> None:
    """Find the records nearest in meaning to QUERY, a description in words."""
    from ...archive.embedding import Embedder
    from ...archive.neighbourhood import Neighbourhood
    from ...archive.store import Archive
    from ...generator.embedder import encoder_of

    if not query.strip():
        raise UsageError("The query is empty.", 'Say what to look for, such as "jump over a gap".')
    with Archive.open(run_dir) as archive:
        embedder = Embedder(archive, encoder_of(run_dir))
        with Neighbourhood(run_dir, archive, embedder) as neighbourhood:
            found = neighbourhood.nearest(query, count)
        complain(archive.complaints)
    if as_json:
        rows = [{"similarity": round(n.similarity, 4), **display.row(n.record)} for n in found]
        print_json({"query": query, "records": rows})
    elif not found:
        say("No records yet.")
    else:
        display.print_table([(n.record, n.similarity) for n in found])
