"""A task on a page: the replay, what it is, how it was learned, and all that led to it."""

from __future__ import annotations

import json
import shlex
import sqlite3
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ..archive.folder import FRAME_STRIP_ENDING, REPLAY_ENDING
from ..archive.opening import reading
from ..archive.store import FILE_NAME
from ..archive.tampering import all_rows
from ..errors import ArchiveError
from ..presentation.code import highlight
from ..presentation.formatting import words
from ..presentation.names import environment_names, make_call
from ..task import STEERED, Record, Trial
from . import curve
from .calls import Calls
from .diff import NO_CHANGE, Diff, diff
from .index import View
from .rows import Row
from .site import Site, journey_in

NEIGHBOURS = 6
PACKAGE = "my_tasks"
"""What the package is called in the commands that are shown."""


@dataclass
class Attempt:
    """One version of the code, and what the checks found of it."""

    number: int
    source: str = ""
    found: dict[str, str] = field(default_factory=dict)
    """Verdict, stage, symptom, cause and fix; empty while it has not been checked."""
    change: Diff = NO_CHANGE
    """Since the version before."""


@dataclass(frozen=True)
class Related:
    """Another record, and how it is related."""

    row: Row
    similarity: float | None = None


def routes(site: Site) -> list[BaseRoute]:
    calls = Calls(site.run_dir / "llm.jsonl")

    def task(request: Request) -> Response:
        number = journey_in(request)
        row = site.index.get(number)
        steps = _steps(site, number)
        if row is None:
            return _without_record(site, request, number, steps)
        record, problem = _record(site, number)
        attempts = _attempts(steps, record)
        source = record.task.source if record and record.task else ""
        return site.render(
            request,
            "task.html.j2",
            number=number,
            row=row,
            record=record,
            problem=problem,
            attempts=attempts,
            code=highlight(source) if source else None,
            size=len(source),
            parents=[_parent(site, task_id) for task_id in row.parents],
            change=_change(site, row, source),
            curve=curve.learning_curve(record.trial) if record and record.trial else None,
            screening=_screening(site, record.trial if record else None),
            neighbours=_neighbours(site, number),
            children=site.index.children(row.task_id) if row.task_id else [],
            replay=site.media(row.task_id, REPLAY_ENDING),
            frame_strip=site.media(row.task_id, FRAME_STRIP_ENDING),
            names=_names(site, row),
            before=_next(site, number, -1),
            after=_next(site, number, 1),
        )

    def source(request: Request) -> Response:
        """The source as it is, to save or to read in full."""
        record, _ = _record(site, journey_in(request))
        if record is None or record.task is None:
            raise HTTPException(404)
        # Neither a page nor a script, whatever it holds.
        name = f"task_{record.task_id}.py"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        text = record.task.source.encode(errors="replace")
        return PlainTextResponse(text, headers=headers)

    def asked(request: Request) -> Response:
        number = journey_in(request)
        began, ended = _times(site, number)
        return site.render(request, "calls.html.j2", calls=calls.of_journey(number, began, ended))

    return [
        Route("/task/{number:int}", task),
        Route("/task/{number:int}/source.py", source),
        Route("/task/{number:int}/calls", asked),
    ]


def _record(site: Site, number: int) -> tuple[Record | None, str]:
    """The record of a journey, or why it cannot be read."""
    try:
        with site.archive() as archive:
            record = archive.find(str(number))
            # Of one whose source alone was changed, the rest is shown, and its reason says so.
            unread = archive.complaints and record.task is None
            return (None, record.reason) if unread else (record, "")
    except ArchiveError as error:
        return None, error.message


def _steps(site: Site, number: int) -> list[tuple[str, Any]]:
    """What the journal holds of a journey, as far as it can be read."""
    steps = []
    try:
        with site.archive() as archive:
            stored = archive.journal(number).steps()
    except (ArchiveError, sqlite3.Error):
        return []
    for name, payload in stored:
        try:
            steps.append((name, json.loads(payload)))
        except (ValueError, RecursionError):
            continue
    return steps


def _attempts(steps: list[tuple[str, Any]], record: Record | None) -> list[Attempt]:
    """Every version of the code on the way, each with what was found of it."""
    attempts: list[Attempt] = []
    for _, payload in steps:
        if not isinstance(payload, dict):
            continue
        if isinstance(payload.get("source"), str):
            attempt = Attempt(len(attempts) + 1, payload["source"])
            if attempts:
                attempt.change = diff(attempts[-1].source, attempt.source)
            attempts.append(attempt)
        elif "symptom" in payload and "verdict" in payload and attempts:
            attempts[-1].found = _found(payload)
    if not attempts and record:
        # Imported records bring what was found and not the journal.
        attempts = [
            Attempt(number, "", _found(vars(outcome)))
            for number, outcome in enumerate(record.outcomes, 1)
        ]
    return attempts


def _found(payload: dict[str, Any]) -> dict[str, str]:
    names = ("verdict", "stage", "symptom", "cause", "fix")
    return {name: str(payload.get(name) or "") for name in names}


def _parent(site: Site, task_id: str) -> Related | str:
    """A parent's row, or its `task_id` where it is not in this archive."""
    row = site.index.find(task_id)
    return Related(row) if row else task_id


def _change(site: Site, row: Row, source: str) -> Diff | None:
    """The difference to the first parent that is here and has code."""
    for task_id in row.parents if source else ():
        parent = site.index.find(task_id)
        if parent is None or parent.number == row.number:
            continue
        record, _ = _record(site, parent.number)
        if record and record.task:
            return diff(record.task.source, source)
    return None


def _screening(site: Site, trial: Trial | None) -> list[tuple[str, Row | None, float]]:
    """Who tried the task untrained: a name, the task whose policy it was, its success rate."""
    if trial is None:
        return []
    return [(name, site.index.find(name), rate) for name, rate in trial.screening.items()]


def _neighbours(site: Site, number: int) -> list[Related]:
    """The records most like one, best first; none where it was never embedded."""
    numbers, vectors = site.search.embeddings.stored()
    if number not in numbers:
        return []
    here = numbers.index(number)
    similarities = vectors @ vectors[here]
    order = np.argsort(-similarities, kind="stable")[: NEIGHBOURS + 1]
    near = [(site.index.get(numbers[n]), float(similarities[n])) for n in order if n != here]
    return [Related(row, similarity) for row, similarity in near[:NEIGHBOURS] if row]


def _names(site: Site, row: Row) -> dict[str, str]:
    """Commands to copy."""
    run = shlex.quote(str(site.run_dir))
    names = {
        "show": f"taskwright show {run} {row.number}",
        "source": f"taskwright show {run} {row.number} --source > task_{row.number}.py",
        "replay": f"taskwright replay {run} {row.number}",
        "train": f"taskwright train {run} {row.number} --video film.mp4",
    }
    if row.status == "learned" and row.task_id:
        kept = sorted(
            site.index.page(View(status=("learned",), sort="oldest"), count=-1),
            key=lambda other: other.number,
        )
        tasks = [(other.title, other.task_id or "") for other in kept]
        name = environment_names(tasks, PACKAGE)[[other.number for other in kept].index(row.number)]
        names["export"] = f"taskwright export {run} {PACKAGE} && pip install ./{PACKAGE}"
        names["make"] = make_call(f"{PACKAGE}:{name}-v0", steered=row.robot in STEERED)
    return names


def _next(site: Site, number: int, step: int) -> int | None:
    """The next journey that has a record, forwards or backwards."""
    view = View(
        numbers=((number + 1, 2**62),) if step > 0 else ((0, number - 1),),
        sort="oldest" if step > 0 else "newest",
    )
    rows = site.index.page(view, count=1)
    return rows[0].number if rows else None


def _times(site: Site, number: int) -> tuple[str, str]:
    """When a journey began and ended; it goes on where it has no record yet."""
    path = (site.run_dir / FILE_NAME).resolve()
    with reading(path) as archive:
        found = all_rows(
            archive,
            path,
            "SELECT started_at, (SELECT created_at FROM records WHERE number = ?1)"
            " FROM journeys WHERE number = ?1",
            [number],
        )
    began, ended = found[0] if found else ("~", "")
    return str(began), str(ended or "~")


def _without_record(
    site: Site, request: Request, number: int, steps: list[tuple[str, Any]]
) -> Response:
    """A journey that goes on, or none at all."""
    if not steps:
        raise HTTPException(404)
    ideas = [s for _, s in steps if isinstance(s, dict) and isinstance(s.get("title"), str)]
    title = ideas[0]["title"] if ideas else f"Journey {number}"
    return site.render(
        request,
        "journey.html.j2",
        number=number,
        title=title,
        idea=ideas[0] if ideas else None,
        done=[words(name) for name, _ in steps],
        attempts=_attempts(steps, None),
    )
