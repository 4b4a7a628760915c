"""Agreement of two judges, beyond what chance gives."""

import pytest

from taskwright.archive.agreement import (
    Agreement,
    agreement_of_judges,
    agreements_with_people,
    judgement_of,
)
from taskwright.archive.feedback import Interest
from taskwright.task import Judgement


def verdict(positive, judge="a"):
    return Judgement("interestingness", positive, "Because.", judge)


def test_share_and_kappa_of_a_table_with_known_numbers():
    """The textbook example of 50 grant proposals: 35 agreements, kappa 0.4."""
    agreement = Agreement(20, 5, 10, 15)
    assert agreement.count == 50
    assert agreement.share == pytest.approx(0.7)
    assert agreement.kappa == pytest.approx(0.4)
    assert "35 of 50 ideas (70%, Cohen's kappa 0.40)" in agreement.summary


def test_two_judges_who_always_say_yes_agree_about_nothing():
    agreement = Agreement(14, 0, 0, 0)
    assert agreement.share == 1.0
    assert agreement.kappa is None
    assert "kappa undefined" in agreement.summary


def test_judges_who_always_differ_are_below_chance():
    assert Agreement(0, 5, 5, 0).kappa == pytest.approx(-1.0)


def test_only_what_was_judged_twice_counts(make_record):
    records = [
        make_record(1, judgements=(verdict(True),)),
        make_record(2, judgements=(verdict(True), verdict(True, "b"))),
        make_record(3, "uninteresting", judgements=(verdict(False), verdict(True, "b"))),
        make_record(4, "invalid"),
        make_record(5, judgements=(verdict(True, "novelty"), verdict(True, "b"))),
    ]
    assert agreement_of_judges(records) == Agreement(1, 0, 1, 0)
    assert agreement_of_judges(records[:1]) is None
    assert agreement_of_judges([]) is None


def test_people_are_compared_with_each_judge():
    judgements = {1: verdict(True), 2: verdict(False), 3: verdict(True, "b")}
    answers = [(1, True), (2, True), (3, None), (4, True)]
    interests = [Interest(journey=n, positive=positive) for n, positive in answers]
    assert agreements_with_people(judgements, interests) == [Agreement(1, 1, 0, 0, "people", "a")]


def test_a_seed_was_judged_by_nobody(make_record):
    assert judgement_of(make_record(1, judgements=(verdict(True, "seed"),))) is None
    assert judgement_of(make_record(1)) is None
    assert judgement_of(make_record(1, judgements=(verdict(False),))) == verdict(False)
