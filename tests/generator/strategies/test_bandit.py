"""Strategies follow from the records alone, and what gets kept is tried more often."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from taskwright.archive.selection import Uniform
from taskwright.config import StrategyConfig
from taskwright.errors import UsageError
from taskwright.generator.strategies import STRATEGIES
from taskwright.generator.strategies.bandit import (
    choose_start,
    summary,
    weights_of_strategies,
)
from taskwright.generator.strategies.strategy import Situation, Start
from taskwright.task import Idea, Trial

CONFIG = StrategyConfig()


@pytest.fixture
def records(make_record):
    """Makes records out of (status, strategy) pairs, or (status, strategy, parent's number)."""

    def make(*rows):
        made = []
        for number, (status, strategy, *parent) in enumerate(rows, 1):
            parents = tuple(made[n - 1].task_id for n in parent)
            idea = Idea(f"Task {number}", "", "", "", "", strategy=strategy, parents=parents)
            hard = Trial("too_hard", "", 0.0, 0.3, achieved="It drove about.")
            more = {"trial": hard} if status == "too_hard" else {}
            made.append(make_record(number, status, idea=idea, **more))
        return made

    return make


def starts(records, seeds=40, supports=lambda strategy: True, **more):
    situation = Situation(records, len(records) + 1, **more)
    return [
        choose_start(situation, np.random.default_rng(seed), CONFIG, supports)
        for seed in range(seeds)
    ]


def start_at(records, number, only, seed=0, **more):
    """Where journey `number` starts by the strategies that `only` allows."""
    return choose_start(Situation(records, number, **more), np.random.default_rng(seed), only)


def test_an_empty_archive_begins_at_the_frontier_from_nothing():
    assert set(starts([])) == {Start("frontier")}


def test_the_same_records_and_seed_give_the_same_start(records):
    made = records(*[("learned", "frontier"), ("too_hard", "frontier")] * 3)
    assert starts(made) == starts(list(made))
    assert len(set(starts(made))) > 3


def test_kept_tasks_are_weighed_by_the_rule_and_at_the_frontier_by_effort_too(make_record):
    def kept(number, steps):
        return make_record(number, trial=Trial("learned", "", 0.0, 0.9, steps=steps))

    made = [kept(1, 0), kept(2, 180_000)]
    chosen = Counter(start.stone for start in starts(made, rule=Uniform()))
    assert chosen[made[1].task_id] > 30
    plain = Counter(s.stone for s in starts(made, seeds=200, rule=Uniform(), favour_effort=False))
    assert 70 < plain[made[0].task_id] < 130


def test_a_strategy_without_anything_to_start_from_is_not_chosen(records):
    chosen = {start.strategy for start in starts(records(("learned", "frontier")))}
    assert chosen == {"frontier"}
    hard = records(("learned", "frontier"), ("too_hard", "frontier"))
    assert {s.strategy for s in starts(hard)} == {"frontier", "revision", "relabel", "failure"}
    many = records(*[("learned", "frontier")] * 3)
    assert {s.strategy for s in starts(many)} == {"frontier", "breadth"}


def test_what_was_kept_is_chosen_more_often(records):
    rows = [("learned", "frontier")] * 3
    rows += [("learned", "breadth"), ("uninteresting", "frontier")] * 10
    chosen = Counter(start.strategy for start in starts(records(*rows), seeds=100))
    assert chosen["breadth"] > 80
    assert chosen["frontier"] > 0, "what pays less is still tried now and then"


def test_what_paid_long_ago_counts_less(records):
    rows = [("learned", "breadth")] * 10 + [("too_easy", "breadth")] * 10
    recent = weights_of_strategies(records(*rows))["breadth"]
    assert recent.tried == 20
    assert recent.kept == 10
    assert 0.4 < recent.chance < 0.5
    assert weights_of_strategies(records(*rows), half_life=2.0)["breadth"].chance < 0.3


def test_our_own_failures_and_seeds_say_nothing_about_a_strategy(records):
    rows = [("broken", "frontier"), ("learned", "seed"), ("learned", "new")]
    weight = weights_of_strategies(records(*rows))
    assert {w.tried for w in weight.values()} == {0}
    assert {w.chance for w in weight.values()} == {0.5}
    assert summary(weight) == ""


def test_the_chance_of_a_strategy_rises_with_a_kept_task_and_falls_with_another(records):
    made = records(("learned", "frontier"), ("too_hard", "frontier"), ("learned", "revision", 2))
    assert {weight.chance for weight in weights_of_strategies([]).values()} == {0.5}
    first, second = (weights_of_strategies(made[:count])["frontier"] for count in (1, 2))
    assert first.chance > second.chance
    assert summary(weights_of_strategies(made)) == ("frontier 1 of 2 (50%), revision 1 of 1 (67%)")


@pytest.mark.parametrize("strategy", ["revision", "relabel", "failure"])
def test_each_strategy_takes_up_a_failure_once(records, strategy):
    only = StrategyConfig(enabled=(strategy,))

    def start(*rows):
        return start_at(made := records(*rows), len(made) + 1, only)

    assert start(("too_hard", "frontier")).subject == 1
    after = start(("too_hard", "frontier"), ("invalid", strategy, 1))
    assert after == Start("frontier")


def test_a_revision_is_not_revised_again(records):
    only = StrategyConfig(enabled=("revision",))
    made = records(("too_hard", "frontier"), ("too_hard", "revision", 1))
    assert start_at(made, 3, only) == Start("frontier")


def test_a_revision_with_the_source_of_its_subject_is_not_revised_for_ever(records):
    only = StrategyConfig(enabled=("revision",))
    first, second = records(("too_hard", "frontier"), ("too_hard", "revision", 1))
    copy = dataclasses.replace(second, task=first.task)
    start = start_at([first, copy], 3, only)
    assert start == Start("frontier")


def test_nothing_is_relabelled_of_which_nothing_is_known(records):
    (hard,) = records(("too_hard", "frontier"))
    hard = dataclasses.replace(hard, trial=dataclasses.replace(hard.trial, achieved=""))
    assert "relabel" not in {start.strategy for start in starts([hard])}


def test_an_author_is_asked_only_for_what_it_can_do(records):
    made = records(("too_hard", "frontier"))
    chosen = {
        start.strategy
        for start in starts(made, supports=lambda strategy: strategy.name == "relabel")
    }
    assert chosen == {"relabel"}


def test_journeys_in_flight_never_take_up_the_same_failure(records):
    """None of four that go on at once sees the others' records: 9 to 12 see 1 to 8."""
    made = records(*[("too_hard", "frontier")] * 8)
    only = StrategyConfig(enabled=("revision",))
    for seed in range(20):
        taken = []
        for number in (9, 10, 11, 12):
            seen = made[: number - 4]
            taken.append(start_at(seen, number, only, [seed, number], in_flight=4).subject)
        assert None not in taken
        assert len(set(taken)) == 4


def test_every_failure_is_taken_up_in_time(records):
    rows = [("too_hard", "frontier")] * 8
    only = StrategyConfig(enabled=("revision",))
    for number in range(9, 17):
        made = records(*rows)
        start = start_at(made, number, only, number, in_flight=4)
        rows.append(("too_hard", "revision", start.subject))
    assert sorted(parent for *_, parent in rows[8:]) == list(range(1, 9))


def test_the_frontier_is_where_learning_took_long(make_record):
    quick = [make_record(n, trial=Trial("learned", "", steps=2_000)) for n in range(1, 5)]
    slow = make_record(5, trial=Trial("learned", "", steps=120_000))
    passed_over = make_record(6, "too_easy", stepping_stones=(quick[0].task_id,))
    only = StrategyConfig(enabled=("frontier",))
    made = [*quick, slow, passed_over]
    chosen = Counter(start_at(made, 7, only, seed).stone for seed in range(200))
    assert chosen[slow.task_id] > 0.5 * 200
    assert len(chosen) == 4


def test_a_strategy_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match="no idea strategy 'breath'") as caught:
        start_at([], 1, StrategyConfig(enabled=("frontier", "breath")))
    assert all(name in str(caught.value) for name in STRATEGIES)
