"""What is worked out as records come is what is worked out from all of them anew."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskwright.archive.history import BySource, History, Kept, Versions, following
from taskwright.archive.selection import Counts, Progress, Uniform
from taskwright.config import StrategyConfig
from taskwright.generator.strategies import STRATEGIES
from taskwright.generator.strategies.bandit import _discounted, choose_start
from taskwright.generator.strategies.strategy import Situation
from taskwright.task import STATUSES, Idea, Record, Task, Trial


@st.composite
def journeys(draw):
    """Records as a run might have left them, with gaps in their numbers and tasks that come about
    twice."""
    records, number = [], 0
    for _ in range(draw(st.integers(0, 14))):
        number += draw(st.integers(1, 2))
        known = [record.task_id for record in records if record.task_id]
        stones = tuple(draw(st.lists(st.sampled_from([*known, "0123456789ab"]), max_size=3)))
        steps = draw(st.integers(0, 100_000))
        rates = st.none() | st.floats(0, 1)
        verdict = draw(st.sampled_from(["learned", "too_easy", "too_hard", "broken"]))
        records.append(
            Record(
                number,
                draw(st.sampled_from(STATUSES)),
                "",
                Idea("", "", "", "", "", draw(st.sampled_from([*STRATEGIES, "seed"])), stones[:1]),
                draw(st.none() | st.builds(Task, st.sampled_from(["a", "b", "c"]))),
                trial=Trial(verdict, "", draw(rates), draw(rates), steps=steps, achieved="This."),
                stepping_stones=stones,
            )
        )
    return records


@settings(max_examples=40, deadline=None)
@given(journeys(), st.data())
def test_journeys_that_ask_in_any_order_learn_what_follows_from_their_records(records, data):
    """A list of records is always worked out anew; a history goes on from what it knows."""
    history = History()
    for record in records:
        history.append(record)
    last = records[-1].number if records else 0
    horizons = data.draw(st.lists(st.integers(0, last + 1), min_size=1, max_size=5))
    in_flight = data.draw(st.integers(1, 3))
    for horizon in horizons:
        known = [record for record in records if record.number <= horizon]
        past = history.up_to(horizon)
        assert list(past) == known
        assert past[:] == known
        assert [past.of(n) for n in range(last + 2)] == [
            next((r for r in known if r.number == n), None) for n in range(last + 2)
        ]
        for rule in (Counts(), Uniform(), Progress()):
            assert list(rule.weights(past).items()) == list(rule.weights(known).items())
        assert _discounted(past, 3.0) == _discounted(known, 3.0)
        situations = [Situation(r, horizon + in_flight, in_flight) for r in (past, known)]
        assert situations[0].kept == sum(record.status == "learned" for record in known)
        starts = [
            choose_start(situation, np.random.default_rng(horizon), StrategyConfig())
            for situation in situations
        ]
        assert starts[0] == starts[1]
        with following(past, BySource) as by_source:
            for task_id in {record.task_id for record in records if record.task_id}:
                same = [record for record in known if record.task_id == task_id]
                assert by_source.of(task_id, len(past)) == same


@settings(max_examples=40, deadline=None)
@given(journeys())
def test_a_task_that_was_passed_over_weighs_as_often_as_it_was(records):
    """Against the rule as it is told: counts that rise, and that fall to zero."""
    counts: dict[str, float] = {}
    for record in records:
        if record.stepping_stones and record.status not in ("invalid", "broken"):
            chosen = record.stepping_stones
            counts = {name: 0.0 if name in chosen else n + 1 for name, n in counts.items()}
        if record.status == "learned" and record.task_id:
            counts[record.task_id] = 0.0
    assert list(Counts().weights(records).items()) == list(counts.items())


@settings(max_examples=40, deadline=None)
@given(journeys())
def test_how_long_a_task_took_is_told_by_its_latest_record(records):
    steps = {r.task_id: r.trial.steps for r in records if r.status == "learned" and r.task_id}
    with following(records, Kept) as kept:
        found = dict(zip(kept.of(len(records)), kept.steps(len(records)), strict=True))
    assert found == steps


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=30))
def test_numbers_that_change_are_known_as_they_were(changes):
    versions, values, after = Versions(), {}, [[]]
    for count, (place, value) in enumerate(changes, 1):
        if place < len(values):
            versions.change(count, place, value)
            values[place] = value
        else:
            versions.append(count, value)
            values[len(values)] = value
        after.append(list(values.values()))
    for count in reversed(range(len(after))):
        assert versions.after(count).tolist() == after[count]


def test_each_record_is_taken_in_once_however_many_ask():
    class Counting:
        taken = 0

        def take(self, record):
            Counting.taken += 1

    history = History()
    for number in range(1, 1001):
        history.append(Record(number, "learned", "", Idea("", "", "", "", "")))
        for horizon in (number, number - 5, number):
            with following(history.up_to(horizon), Counting):
                pass
    assert Counting.taken == 1000


def test_a_past_is_a_sequence_of_its_own_records():
    history = History()
    for number in (1, 2, 3):
        history.append(Record(number, "learned", "", Idea("", "", "", "", "")))
    past = history.up_to(2)
    assert (len(past), past[-1].number, [r.number for r in reversed(past)]) == (2, 2, [2, 1])
    for place in (2, -3):
        with pytest.raises(IndexError, match="there are 2 records"):
            past[place]
    iterator = iter(past)
    history.append(Record(4, "learned", "", Idea("", "", "", "", "")))
    assert [record.number for record in itertools.chain(iterator)] == [1, 2]
