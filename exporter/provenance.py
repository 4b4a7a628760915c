"""Where the tasks of a run come from, as far as its folder tells."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..archive.events import read_event
from ..config import stored_settings
from ..files import FileProblem, open_file, whole_lines
from ..task import Record

WRITING = ("code", "repair")
"""The roles whose answers are source code; see `generator/model/roles.py`."""


@dataclass(frozen=True)
class Provenance:
    """Of the tasks of a run; what its folder does not tell is None or empty."""

    run_seed: int | None = None
    isolation: tuple[str, ...] = ()
    """The levels of isolation under which the run's commands checked tasks."""
    model: str | None = None
    """The model that the run's settings name."""
    writers: dict[int, str] = field(default_factory=dict)
    """The model that answered last when source code was asked for, by journey."""

    def author(self, record: Record) -> str | None:
        """Who wrote the code of a task: a model's name, `composer` for the grammar, `example` for a
        task that comes with Taskwright."""
        if record.idea.strategy == "seed":
            return "example"
        if record.idea.recipe is not None:
            return "composer"
        return self.writers.get(record.number, self.model)


def provenance_of(run_dir: Path) -> Provenance:
    """What a run folder tells; files that are missing or damaged are passed over."""
    settings = stored_settings(run_dir)
    writers = {
        entry["journey"]: str(entry["model"])
        for entry in _lines(run_dir / "llm.jsonl")
        if entry.get("role") in WRITING
        and entry.get("answer")
        and isinstance(entry.get("journey"), int)
        and entry.get("model")
    }
    levels = {
        str(event["isolation"])
        for event in _lines(run_dir / "events.jsonl")
        if event.get("event") == "run" and event.get("isolation")
    }
    seed = _section(settings, "run").get("seed")
    model = _section(settings, "model").get("name")
    return Provenance(
        run_seed=seed if isinstance(seed, int) else None,
        isolation=tuple(sorted(levels)),
        model=model if isinstance(model, str) else None,
        writers=writers,
    )


def _section(settings: dict[str, Any], name: str) -> dict[str, Any]:
    section = settings.get(name)
    return section if isinstance(section, dict) else {}


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        file = open_file(path, sys.maxsize)
    except FileProblem:
        return
    with file:
        for _, line in whole_lines(file, also_last=True):
            entry = read_event(line)
            if entry is not None:
                yield entry
