"""Run folders to report on, made without training."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from taskwright.archive.embedding import SentenceEncoder
from taskwright.archive.store import Archive
from taskwright.config import merge, resolve
from taskwright.report import drawing
from taskwright.task import CurvePoint, Idea, Judgement, Outcome, Record, Task, Trial


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures without the pixels that only paper needs."""
    monkeypatch.setattr(drawing, "PNG_SCALE", 1)
    monkeypatch.setattr(drawing, "OVERSAMPLING", 1)


STATUSES = ("learned", "too_hard", "learned", "too_easy", "invalid", "duplicate", "uninteresting")


BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def make_records(count: int, *, title: str = "Task {}") -> list[Record]:
    """Records of every status but broken, in turns; each kept one grew from the one before."""
    records: list[Record] = []
    parent: str | None = None
    for number in range(1, count + 1):
        status = STATUSES[(number - 1) % len(STATUSES)]
        tried = status in ("learned", "too_hard", "too_easy")
        curve = tuple(CurvePoint(2048 * n, 1.0 * n, min(0.12 * n, 1.0), 5.0, 12) for n in range(9))
        trial = Trial(
            status,  # type: ignore[arg-type]
            "Tried.",
            0.75 if status == "too_easy" else 0.125,
            {"learned": 0.875, "too_hard": 0.25}.get(status),
            {"idle": 0.0, "random": 0.75 if status == "too_easy" else 0.125},
            episodes=96,
            interval=(0.8, 0.95),
            steps=18_000,
            curve=curve,
        )
        rejected = Outcome.rejected("reset", "It raised IndexError.", "A loop.", "Shorten it.")
        idea = Idea(
            title.format(number),
            f"Scene {number}.",
            "Done.",
            "Speed.",
            "Falls.",
            parents=(parent,) if parent else (),
        )
        record = Record(
            number,
            status,  # type: ignore[arg-type]
            f"Reason {number}.",
            idea,
            None if status == "duplicate" else Task(f"# source {number}\n"),
            (rejected,) if status == "invalid" else (),
            trial if tried else None,
            (Judgement("interestingness", status != "uninteresting", "", "novelty"),),
            novelty=0.25,
            seconds=30.0,
            created_at=(
                datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=30 * number)
            ).isoformat(),
        )
        records.append(record)
        if status == "learned":
            parent = record.task_id
    return records


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Makes a run folder: its records, a vector for each, pictures, settings and events."""

    def make(
        name: str = "run",
        records: list[Record] | None = None,
        *,
        settings: dict | None = None,
        ended: bool = True,
        embed: bool = True,
    ) -> Path:
        folder = tmp_path / name
        (folder / "media").mkdir(parents=True)
        records = make_records(14) if records is None else records
        random = np.random.default_rng(len(records))
        with Archive.create_or_open(folder) as archive:
            for record in records:
                archive.start_journey()
                archive.add(record)
                if embed:
                    vector = random.normal(size=384).astype(np.float32)
                    vector /= np.linalg.norm(vector)
                    archive.keep_embedding(record.idea.text, SentenceEncoder.name, vector)
        for record in records[:20]:
            if record.status == "learned":
                picture = Image.new("RGB", (48, 36), (40, 90, record.number % 255))
                picture.save(folder / "media" / f"{record.task_id}.png")
        config = resolve(merge({"model": {"name": "composer"}}, settings or {}))
        text = yaml.safe_dump(config.model_dump(mode="json"))
        (folder / "config.yaml").write_text(text, encoding="utf-8")
        events: list[dict] = [
            {"event": "run", "time": "2026-01-01T00:00:00+00:00", "author": "composer", "seed": 0,
             "versions": {"numpy": "9.9"}},
            {"event": "warning", "time": "2026-01-01T00:10:00+00:00", "text": "It is warm."},
        ]  # fmt: skip
        if ended:
            end = {"event": "end", "time": "2026-01-01T01:00:00+00:00", "reason": "Time is up."}
            events.append(end)
        lines = "".join(json.dumps(event) + "\n" for event in events)
        (folder / "events.jsonl").write_text(lines + '{"event": "st', encoding="utf-8")
        return folder

    return make
