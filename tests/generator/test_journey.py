"""What a journey starts from."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from taskwright.archive.embedding import Embedder
from taskwright.archive.metric import Metric
from taskwright.archive.store import Archive
from taskwright.config import Config
from taskwright.executor.local import LocalExecutor
from taskwright.generator.composer.author import Composer
from taskwright.generator.events import Events
from taskwright.generator.journey import Journey, Selection, Workshop
from taskwright.generator.seeds import example_tasks
from taskwright.task import Cost, Idea


class NoEncoder:
    """Nothing is embedded where nothing is kept."""

    name = "none"

    def encode(self, text):
        raise AssertionError(f"Asked to embed {text!r}.")


@pytest.fixture
def selected_after(tmp_path):
    """What the journey after these records selects."""

    def select(*records, seed_tasks=()) -> Selection:
        with Archive.create_or_open(tmp_path) as archive, LocalExecutor() as executor:
            for record in records:
                assert archive.start_journey() == record.number
                archive.add(record)
            journey = Journey(
                Workshop(
                    run_dir=tmp_path,
                    config=Config(),
                    archive=archive,
                    author=Composer(0.1),
                    embedder=Embedder(archive, NoEncoder()),
                    executor=executor,
                    events=Events(tmp_path / "events.jsonl", lambda event: None),
                    seed_tasks=seed_tasks,
                    meter=Cost,
                ),
                archive.start_journey(),
            )
            journey.select_stepping_stones()
            return journey.selection

    return select


def revision_of(record, make_record, number, **fields):
    idea = dataclasses.replace(record.idea, strategy="revision", parents=(record.task_id,))
    return make_record(number, "too_hard", idea=idea, **fields)


def test_what_was_too_hard_is_revised_once(selected_after, make_record):
    hard = make_record(1, "too_hard")
    assert selected_after(hard).revised == 1


def test_a_revision_that_was_too_hard_is_left(selected_after, make_record):
    hard = make_record(1, "too_hard")
    assert selected_after(hard, revision_of(hard, make_record, 2)).revised is None


def test_a_revision_with_the_source_of_what_it_revises_is_left(selected_after, make_record):
    """Its parent is the task itself: walking up the parents would never end."""
    hard = make_record(1, "too_hard")
    copy = revision_of(hard, make_record, 2, task=hard.task)
    assert selected_after(hard, copy).revised is None


def test_the_task_after_a_revision_is_revised_again(selected_after, make_record):
    hard = make_record(1, "too_hard")
    fresh = make_record(3, "too_hard")
    assert selected_after(hard, revision_of(hard, make_record, 2), fresh).revised == 3


def test_a_revised_seed_does_not_take_the_place_of_the_next(selected_after, make_record):
    seeds = example_tasks("r2d2")[:2]
    hard = make_record(1, "too_hard", idea=seeds[0].idea)
    revision = revision_of(hard, make_record, 2)
    assert selected_after(hard, revision, seed_tasks=seeds).seed_task == 1


class Angles:
    """Texts are unit vectors in a plane, by the angle that they name."""

    name = "angles"

    def encode(self, text):
        angle = np.radians(float(text.split()[1]))
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


def test_a_learned_metric_tells_novelty_and_leaves_near_copies_to_the_cosine(tmp_path, make_record):
    def idea(angle: float) -> Idea:
        return Idea(f"Task {angle} degrees", "", "", "", "")

    # It looks at one axis alone: in its eyes an idea at 40 degrees is the kept one at 0.
    flat = Metric(np.array([[1.0, 0.0], [0.0, 0.0]], np.float32), "angles", 20, 0.9, 0.5)
    told = {}
    for name, metric in (("cosine", None), ("learned", flat)):
        run_dir = tmp_path / name
        run_dir.mkdir()
        with Archive.create_or_open(run_dir) as archive, LocalExecutor() as executor:
            archive.start_journey()
            archive.add(make_record(1, idea=idea(0)))
            workshop = Workshop(
                run_dir=run_dir,
                config=Config(),
                archive=archive,
                author=Composer(0.1),
                embedder=Embedder(archive, Angles()),
                executor=executor,
                events=Events(run_dir / "events.jsonl", lambda event: None),
                seed_tasks=(),
                meter=Cost,
                metric=metric,
            )
            journey = Journey(workshop, archive.start_journey())
            journey.idea = idea(40)
            assert journey.near_copy() == ""
            told[name] = journey.novelty
    assert told["cosine"] == pytest.approx(1 - np.cos(np.radians(40)), abs=1e-3)
    assert told["learned"] == 0.0
