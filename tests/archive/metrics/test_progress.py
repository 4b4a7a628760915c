"""ANNECS, gains and rates, on records whose numbers can be counted by hand."""

from __future__ import annotations

import dataclasses

import pytest

from taskwright.archive.metrics import annecs, annecs_omni, per, success_gains
from taskwright.task import Judgement, Trial


def judged(*answers: bool) -> tuple[Judgement, ...]:
    return tuple(Judgement("interestingness", answer, "", "novelty") for answer in answers)


@pytest.fixture
def records(make_record):
    seed = make_record(1, judgements=judged(True))
    seed = dataclasses.replace(seed, idea=dataclasses.replace(seed.idea, strategy="seed"))
    return [
        seed,
        make_record(2, judgements=judged(True)),
        make_record(3, "too_hard", judgements=judged(True)),
        make_record(4, "too_easy", judgements=judged(True)),
        make_record(5, judgements=judged(True, False)),
        make_record(6),
        make_record(7, judgements=judged(True, True)),
        make_record(8, "broken", trial=None, task=None),
    ]


def test_annecs_counts_what_was_made_was_not_too_easy_and_was_solved(records):
    assert annecs(records).tolist() == [0, 1, 1, 1, 2, 3, 4, 4]


def test_annecs_omni_asks_for_favourable_judgements_as_well(records):
    assert annecs_omni(records).tolist() == [0, 1, 1, 1, 1, 1, 2, 2]


def test_of_no_records_there_is_an_empty_curve():
    assert annecs([]).shape == annecs_omni([]).shape == (0,)


def test_gains_are_of_kept_tasks_with_both_rates_only(make_record):
    def trial(before, after):
        return Trial("learned", "", before, after)

    records = [
        make_record(1, trial=trial(0.25, 1.0)),
        make_record(2, trial=trial(None, 1.0)),
        make_record(3, "too_hard", trial=trial(0.0, 0.5)),
        make_record(4, trial=None),
    ]
    assert success_gains(records).tolist() == [0.75]
    assert success_gains([]).shape == (0,)


def test_rates_are_unknown_where_nothing_was_spent():
    assert per(3, 1800.0, 3600.0) == 6.0
    assert per(3, None) is None
    assert per(3, 0.0) is None
    assert per(0, 5.0) == 0.0
