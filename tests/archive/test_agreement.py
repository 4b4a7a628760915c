"""How far people and the judge of a run agree, beyond what chance explains."""

from __future__ import annotations

import pytest

from taskwright.archive.agreement import Agreement, agreements, judgement_of
from taskwright.archive.feedback import Interest
from taskwright.task import Judgement


def judgement(positive: bool, judge: str = "model") -> Judgement:
    return Judgement("interestingness", positive, "Because.", judge)


def test_counts_share_and_kappa_of_a_worked_example():
    # Cohen's kappa of 20, 5, 10 and 15: 0.7 observed, 0.5 by chance.
    agreement = Agreement("model", both_yes=20, both_no=15, only_people=5, only_judge=10)
    assert agreement.count == 50
    assert agreement.share == pytest.approx(0.7)
    assert agreement.kappa == pytest.approx(0.4)


def test_opposite_judges_have_a_negative_kappa():
    assert Agreement("model", 0, 0, 5, 5).kappa == pytest.approx(-1.0)


def test_always_the_same_answer_says_nothing_beyond_chance():
    agreement = Agreement("model", 9, 0, 0, 0)
    assert (agreement.share, agreement.kappa) == (1.0, None)
    assert Agreement("model", 0, 0, 0, 0).share is None


def test_each_judge_is_compared_on_the_tasks_that_both_have_judged():
    judgements = {1: judgement(True), 2: judgement(False), 3: judgement(True, "novelty")}
    answers = [Interest(1, True), Interest(2, True), Interest(3, False), Interest(4, True)]
    assert agreements(judgements, answers) == [
        Agreement("model", both_yes=1, both_no=0, only_people=1, only_judge=0),
        Agreement("novelty", both_yes=0, both_no=0, only_people=0, only_judge=1),
    ]


def test_who_passes_has_not_judged():
    assert agreements({1: judgement(True)}, [Interest(1, None)]) == []


def test_a_seed_was_judged_by_nobody(make_record):
    assert judgement_of(make_record(1, judgements=(judgement(True, "seed"),))) is None
    assert judgement_of(make_record(1)) is None
    assert judgement_of(make_record(1, judgements=(judgement(False),))) == judgement(False)
