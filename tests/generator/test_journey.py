"""What a journey starts from."""

from __future__ import annotations

import dataclasses

import pytest

from taskwright.archive.embedding import Embedder
from taskwright.archive.store import Archive
from taskwright.config import Config
from taskwright.executor.local import LocalExecutor
from taskwright.generator.composer.author import Composer
from taskwright.generator.events import Events
from taskwright.generator.flight import Flight
from taskwright.generator.journey import Journey, Selection, Workshop
from taskwright.generator.seeds import example_tasks


class NoEncoder:
    """Nothing is embedded where nothing is kept."""

    name = "none"

    def encode(self, text):
        raise AssertionError(f"Asked to embed {text!r}.")


@pytest.fixture
def selected_after(tmp_path):
    """What the journey after these records selects."""

    def select(*records, seed_tasks=(), concurrency=1) -> Selection:
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
                    flight=Flight(concurrency, archive.records()),
                ),
                archive.start_journey(),
            )
            journey.select_stepping_stones()
            return dataclasses.replace(journey.selection, horizon=None)

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


def test_of_many_lines_each_is_revised_by_itself(selected_after, make_record):
    """With three journeys in flight, journey 7 knows the records up to the fourth."""
    hard = make_record(1, "too_hard")
    others = [make_record(n) for n in (2, 3)]
    revision = revision_of(hard, make_record, 4)
    later = [make_record(n) for n in (5, 6)]
    assert selected_after(hard, *others, revision, *later, concurrency=3).revised is None


def test_a_journey_knows_the_records_up_to_its_horizon_and_no_others(selected_after, make_record):
    kept = [make_record(n) for n in (1, 2, 3)]
    assert selected_after(*kept, concurrency=1).stones
    assert selected_after(*kept, concurrency=3).stones == (kept[0].task_id,)
    assert selected_after(*kept, concurrency=4).stones == ()


def test_the_first_journeys_are_the_seeds_whatever_became_of_those_before(
    selected_after, make_record
):
    seeds = example_tasks("r2d2")[:2]
    hard = make_record(1, "too_hard", idea=seeds[0].idea)
    assert selected_after(hard, seed_tasks=seeds).seed_task == 1
    assert selected_after(hard, make_record(2), seed_tasks=seeds).seed_task is None
