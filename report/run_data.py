"""What a run folder tells, read as it is found: a run may still be going on, files may be missing,
and a record that cannot be read is counted and left out.

Nothing is embedded here: what has no stored vector stays without one, and the report says so.
"""

from __future__ import annotations

import base64
import io
import math
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..archive.embedding import SentenceEncoder
from ..archive.events import moment, read_event
from ..archive.generalists import read_generalists
from ..archive.run_lock import lock_holder
from ..archive.store import Archive
from ..config import stored_settings
from ..errors import ArchiveError
from ..files import FileProblem, open_file, open_within, read_bytes, whole_lines
from ..generalist import Generalist
from ..task import Cost, Record

WARNINGS_SHOWN = 5
MAX_EVENT_BYTES = 1_000_000
"""Of a line of `events.jsonl`. A longer one is passed over."""

POSTER_SIZE = (360, 270)
MAX_POSTER_BYTES, MAX_POSTER_PIXELS = 8_000_000, 16_000_000
"""Of a picture as it lies in the run folder. Ours have 480 by 360 pixels."""

Spent = dict[str, Cost]
"""What model calls have cost, by what they were asked for."""


@dataclass
class History:
    """What `events.jsonl` says of the commands that drove a run."""

    commands: list[dict[str, Any]] = field(default_factory=list)
    """Their `run` events, the first one first."""
    seconds: float = 0.0
    """How long they went on, all together."""
    ended: str = ""
    """Why the last one ended; empty where no event says so."""
    warnings: Counter[str] = field(default_factory=Counter)
    failed_calls: Counter[str] = field(default_factory=Counter)


@dataclass
class RunData:
    """One run, as the report sees it."""

    name: str
    folder: Path
    records: list[Record]
    """In the order of their journeys."""
    unreadable: int
    """Records that cannot be read, or were edited."""
    under_way: int
    """Journeys that have begun and not ended."""
    is_running: bool
    settings: dict[str, Any]
    """As `config.yaml` has them; empty where it cannot be read."""
    history: History
    spent: Spent
    vectors: dict[int, NDArray[np.float32]]
    """The stored unit vector of each record's idea, by journey."""
    generalists: list[Generalist]
    """Policies that were trained on all kept tasks; empty where their files cannot be read."""

    @property
    def kept(self) -> list[Record]:
        return [record for record in self.records if record.status == "learned"]

    @property
    def author(self) -> str:
        """The model that writes the tasks, or `composer`."""
        last = self.history.commands[-1] if self.history.commands else {}
        named = self.setting("model", "name") or last.get("author") or "composer"
        return str(named)

    @property
    def robots(self) -> list[str]:
        found = {record.task.robot for record in self.records if record.task}
        return sorted(found) or [str(self.setting("run", "robot") or "r2d2")]

    @property
    def seed(self) -> object:
        return self.setting("run", "seed")

    @property
    def seconds(self) -> float | None:
        """Wall-clock time of the run's commands; where no events tell it, from the first record to
        the last. None where neither is known."""
        if self.history.seconds:
            return self.history.seconds
        times = sorted(filter(None, (_time(record.created_at) for record in self.records)))
        return times[-1] - times[0] if len(times) > 1 and times[-1] > times[0] else None

    def setting(self, section: str, name: str) -> Any:
        values = self.settings.get(section)
        return values.get(name) if isinstance(values, dict) else None

    def matrix(self, records: list[Record]) -> tuple[list[Record], NDArray[np.float32]]:
        """Those of some records that have a vector, and their vectors, shape (n, size)."""
        found = [record for record in records if record.number in self.vectors]
        if not found:
            return [], np.zeros((0, 0), np.float32)
        return found, np.stack([self.vectors[record.number] for record in found])


def read_run(folder: Path, spent_in: Callable[[Path], Spent]) -> RunData:
    """Read a run folder.

    Args:
        folder: The run folder.
        spent_in: Reads what model calls have cost; the log of calls belongs to the generator.

    Raises:
        ArchiveError: The folder holds no archive, or none that can be read.
    """
    with Archive.open(folder) as archive:
        read = archive.records()
        records = [record for record in read if record.number not in archive.altered]
        vectors = {}
        for record in records:
            vector = archive.embedding(record.idea.text, SentenceEncoder.name)
            if vector is not None:
                vectors[record.number] = vector
        under_way = len(archive.unfinished())
    history = read_history(folder / "events.jsonl")
    return RunData(
        name=folder.resolve().name,
        folder=folder,
        records=records,
        unreadable=len(read) - len(records),
        under_way=under_way,
        is_running=not history.ended and lock_holder(folder) is not None,
        settings=stored_settings(folder),
        history=history,
        spent=spent_in(folder),
        vectors=vectors,
        generalists=_generalists(folder),
    )


def _generalists(folder: Path) -> list[Generalist]:
    try:
        return [each for each in read_generalists(folder) if each.curve]
    except ArchiveError:
        # What else the folder holds can still be shown.
        return []


def read_history(path: Path) -> History:
    """Read `events.jsonl`; what is missing, half written or of an unknown kind is left out."""
    history = History()
    began = last = None
    try:
        file = open_file(path, sys.maxsize)
    except FileProblem:
        return history
    with file:
        for _, line in whole_lines(file, MAX_EVENT_BYTES, also_last=True):
            # Points of learning curves are most of the file, and the records have them.
            if line.startswith(b'{"event": "curve"'):
                continue
            event = read_event(line)
            if event is None:
                continue
            time = _time(event.get("time"))
            match event.get("event"):
                case "run":
                    history.seconds += (last - began) if began and last else 0.0
                    history.commands.append(event)
                    history.ended = ""
                    began = time
                case "end":
                    history.ended = str(event.get("reason") or "It ended.")
                case "warning":
                    history.warnings[str(event.get("text"))] += 1
                case "model" if event.get("error"):
                    history.failed_calls[str(event["error"])] += 1
            last = time or last
    history.seconds += (last - began) if began and last else 0.0
    return history


def _time(text: object) -> float | None:
    """An ISO 8601 time in seconds; None where it is none."""
    found = moment(text)
    return None if found is None else found.timestamp()


def poster(run: RunData, record: Record) -> str:
    """A task's picture as a data address; empty where there is none that can be read."""
    name = Path("media", f"{record.task_id}.png")
    try:
        data = read_bytes(open_within(run.folder, name, MAX_POSTER_BYTES), MAX_POSTER_BYTES)
        # Whatever else it is, such as PostScript, would be handed to other programs.
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if math.prod(picture.size) > MAX_POSTER_PIXELS:
                return ""
            small = picture.convert("RGB")
            small.thumbnail(POSTER_SIZE, Image.Resampling.LANCZOS)
    except Exception:
        # What the library raises over damaged data has no common base, and a report goes without.
        return ""
    file = io.BytesIO()
    small.save(file, "WEBP", quality=80, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def name_apart(runs: list[RunData]) -> None:
    """Give runs in folders of one name names that differ."""
    names = Counter(run.name for run in runs)
    for run in runs:
        if names[run.name] > 1:
            folder = run.folder.resolve()
            run.name = f"{folder.parent.name}/{folder.name}"
    seen: Counter[str] = Counter()
    for run in runs:
        seen[run.name] += 1
        if seen[run.name] > 1:
            run.name = f"{run.name} ({seen[run.name]})"
