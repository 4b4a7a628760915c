"""What a journey starts from."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pytest

from taskwright.archive.embedding import Embedder
from taskwright.archive.learned_distance import Metric
from taskwright.archive.neighbourhood import Neighbourhood
from taskwright.archive.store import Archive
from taskwright.config import Config, ModelConfig, StrategyConfig
from taskwright.executor.local import LocalExecutor
from taskwright.generator.archive_view import Selection
from taskwright.generator.composer.author import Composer
from taskwright.generator.events import Events
from taskwright.generator.in_flight import InFlight
from taskwright.generator.journey import Journey
from taskwright.generator.run_context import RunContext
from taskwright.generator.seeds import example_tasks


@pytest.fixture
def journey_after(tmp_path):
    """The journey after these records, which are its archive."""
    with contextlib.ExitStack() as resources:

        def begin(*records, concurrency=1, encoder=None, **fields) -> Journey:
            run_dir = Path(tempfile.mkdtemp(dir=tmp_path))
            archive = resources.enter_context(Archive.create_or_open(run_dir))
            embedder = Embedder(archive, encoder or ByNumber())
            for record in records:
                assert archive.start_journey() == record.number
                archive.add(record)
            values = {
                "run_dir": run_dir,
                "config": Config(),
                "archive": archive,
                "author": Composer(0.1),
                "embedder": embedder,
                "neighbourhood": Neighbourhood(run_dir, archive, embedder),
                "executor": resources.enter_context(LocalExecutor()),
                "events": Events(run_dir / "events.jsonl", lambda event: None),
                "seed_tasks": (),
                "in_flight": InFlight(concurrency, archive.records()),
            }
            return Journey(RunContext(**{**values, **fields}), archive.start_journey())

        yield begin


@pytest.fixture
def selected_after(journey_after):
    """What the journey after these records selects."""

    def select(*records, **fields) -> Selection:
        journey = journey_after(*records, **fields)
        journey.select_stepping_stones()
        return dataclasses.replace(journey.selection, horizon=None)

    return select


def test_a_journey_knows_the_records_up_to_its_horizon_and_no_others(selected_after, make_record):
    kept = [make_record(n) for n in (1, 2, 3)]
    assert selected_after(*kept, concurrency=1, encoder=ByNumber()).stones
    assert selected_after(*kept, concurrency=3).stones == (kept[0].task_id,)
    assert selected_after(*kept, concurrency=4).stones == ()


def test_the_first_journeys_are_the_seeds_whatever_became_of_those_before(
    selected_after, make_record
):
    seeds = example_tasks("r2d2")[:2]
    hard = make_record(1, "too_hard", idea=seeds[0].idea)
    assert selected_after(hard, seed_tasks=seeds).seed_task == 1
    assert (
        selected_after(hard, make_record(2), seed_tasks=seeds, encoder=ByNumber()).seed_task is None
    )


def test_a_journey_starts_where_its_strategy_says(selected_after, make_record):
    config = Config(strategies=StrategyConfig(enabled=("revision",)))
    hard = make_record(1, "too_hard")
    assert selected_after(hard, config=config) == Selection(strategy="revision", subject=1)


def test_an_author_is_shown_the_nearest_tasks_and_those_turned_down(selected_after, make_record):
    records = [make_record(n) for n in range(1, 8)] + [make_record(8, "too_easy")]
    selection = selected_after(
        *records,
        config=Config(strategies=StrategyConfig(enabled=("frontier",))),
        encoder=ByNumber(),
    )
    assert selection.failures == (8,)
    numbers = [number_of(records)[task_id] for task_id in selection.stones]
    assert len(numbers) == 6
    distances = [abs(n - numbers[0]) for n in numbers]
    assert distances == sorted(distances)


def test_an_author_who_looks_for_breadth_is_shown_tasks_from_all_over(selected_after, make_record):
    records = [make_record(n) for n in range(1, 20)]
    selection = selected_after(
        *records,
        config=Config(
            strategies=StrategyConfig(enabled=("breadth",)), model=ModelConfig(neighbours=2)
        ),
        encoder=ByNumber(),
    )
    numbers = {number_of(records)[task_id] for task_id in selection.stones}
    assert len(numbers) == 3
    assert max(numbers) - min(numbers) > 12


def number_of(records):
    return {record.task_id: record.number for record in records}


class ByNumber:
    """Lays tasks out on an arc by the last number in their title, 0 where there is none."""

    name = "by number"

    def encode(self, text):
        last = text.splitlines()[0].split()[-1]
        angle = (int(last) if last.isdecimal() else 0) / 20 * np.pi
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


def test_a_learned_metric_tells_novelty_and_leaves_near_copies_to_the_cosine(
    journey_after, make_record
):
    # It looks at one axis alone: in its eyes task 4, at 36 degrees, is the kept one at 0.
    flat = Metric(np.array([[1.0, 0.0], [0.0, 0.0]], np.float32), "by number", 20, 0.9, 0.5)
    kept = make_record(1, title="Task 0")
    novelties = []
    for metric in (None, flat):
        journey = journey_after(kept, metric=metric)
        journey.idea = make_record(4).idea
        assert journey.near_copy() == ""
        novelties.append(journey.view.novelty(journey.idea, journey.neighbours))
    assert novelties == [pytest.approx(1 - np.cos(np.radians(36)), abs=1e-3), 0.0]
