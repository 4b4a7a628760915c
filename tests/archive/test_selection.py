"""Stepping stones: every rule weighs the kept tasks and none but these, from the records alone."""

from __future__ import annotations

import functools
import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskwright.archive.projection import fixed_projection
from taskwright.archive.selection import (
    Cells,
    Counts,
    Novelty,
    Progress,
    Uniform,
    choose,
    make_rule,
)
from taskwright.errors import UsageError
from taskwright.task import STATUSES, Idea, Record, Task, Trial


@functools.cache
def embed(text):
    """A unit vector that depends on the text alone."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(384).astype(np.float32)
    return vector / np.linalg.norm(vector)


RULES = {
    "counts": Counts(),
    "uniform": Uniform(),
    "novelty": Novelty(embed),
    "cells": Cells(embed),
    "progress": Progress(),
}


@pytest.fixture(params=RULES)
def rule(request):
    return RULES[request.param]


@st.composite
def histories(draw):
    """Records as a run might have left them, stepping stones of any kind among them."""
    records = []
    for number in range(1, draw(st.integers(0, 12)) + 1):
        known = [record.task_id for record in records if record.task_id]
        stones = draw(st.lists(st.sampled_from([*known, "0123456789ab"]), max_size=3, unique=True))
        rate = st.none() | st.floats(0, 1)
        trial = draw(
            st.none()
            | st.builds(
                Trial,
                st.sampled_from(["learned", "too_easy", "too_hard", "broken"]),
                st.just(""),
                rate,
                rate,
            )
        )
        records.append(
            Record(
                number,
                draw(st.sampled_from(STATUSES)),
                "",
                Idea(f"Task {draw(st.integers(0, 5))}", "", "", "", ""),
                draw(st.sampled_from([None, Task(f"# {number}\n")])),
                trial=trial,
                stepping_stones=tuple(stones),
            )
        )
    return records


@settings(max_examples=30, deadline=None)
@given(histories())
@pytest.mark.parametrize("name", RULES)
def test_exactly_the_kept_tasks_have_a_weight(name, records):
    weights = RULES[name].weights(records)
    assert set(weights) == {r.task_id for r in records if r.status == "learned" and r.task_id}
    assert all(np.isfinite(weight) and weight >= 0 for weight in weights.values())


@settings(max_examples=30, deadline=None)
@given(histories(), st.integers(0, 2**32))
@pytest.mark.parametrize("name", RULES)
def test_what_is_chosen_is_kept_and_follows_from_records_and_seed(name, records, seed):
    weights = RULES[name].weights(records)
    assert make_rule(name, embed, fixed_projection().model).weights(list(records)) == weights
    chosen = choose(weights, np.random.default_rng(seed))
    assert chosen == choose(weights, np.random.default_rng(seed))
    kept = {record.task_id for record in records if record.status == "learned"}
    assert chosen in kept or (chosen is None and not weights)


def test_where_nothing_distinguishes_all_weigh_the_same(rule):
    same = [
        Record(n, "learned", "", Idea("Same", "", "", "", ""), Task(f"# {n}\n"))
        for n in range(1, 9)
    ]
    assert len(set(rule.weights(same).values())) == 1
    random = np.random.default_rng(0)
    chosen = [choose(rule.weights(same), random) for _ in range(800)]
    assert min(chosen.count(record.task_id) for record in same) > 60


def test_without_records_there_is_nothing_to_choose(rule):
    assert rule.weights([]) == {}


def test_counts_grow_for_what_is_passed_over_and_reset_for_what_is_chosen(make_record):
    a, b, c = (make_record(n) for n in (1, 2, 3))
    first = make_record(4, "too_hard", stepping_stones=(a.task_id,))
    second = make_record(5, "uninteresting", stepping_stones=(b.task_id, a.task_id))
    weights = Counts().weights
    assert weights([a, b, c]) == {a.task_id: 0, b.task_id: 0, c.task_id: 0}
    assert weights([a, b, c, first]) == {a.task_id: 0, b.task_id: 1, c.task_id: 1}
    # The chosen one and its neighbour are both reset.
    assert weights([a, b, c, first, second]) == {a.task_id: 0, b.task_id: 0, c.task_id: 2}


def test_a_journey_without_working_code_does_not_use_its_stones_up(make_record):
    a, b = make_record(1), make_record(2)
    failed = make_record(3, "invalid", stepping_stones=(a.task_id,))
    broken = make_record(4, "broken", stepping_stones=(a.task_id,))
    assert Counts().weights([a, b, failed, broken]) == {a.task_id: 0, b.task_id: 0}


def test_a_newly_kept_task_starts_at_zero(make_record):
    a = make_record(1)
    b = make_record(2, stepping_stones=(a.task_id,))
    assert Counts().weights([a, b]) == {a.task_id: 0, b.task_id: 0}


def test_novelty_is_that_of_now_not_of_when_it_came(make_record):
    """Two that came close to each other weigh less than the one that stayed alone."""
    angles = {"east": 0.0, "nearly east": 0.1, "north": 1.5}

    def on_a_circle(text):
        angle = angles[text.splitlines()[0]]
        return np.array([np.cos(angle), np.sin(angle)], np.float32)

    records = [make_record(n, title=title) for n, title in enumerate(angles, 1)]
    weights = list(Novelty(on_a_circle, neighbours=1).weights(records).values())
    assert weights[0] == weights[1] == pytest.approx(1 - np.cos(0.1), abs=1e-3)
    assert weights[2] == pytest.approx(1 - np.cos(1.4), abs=1e-3)


def test_novelty_agrees_with_a_plain_comparison_across_blocks(make_record, monkeypatch):
    monkeypatch.setattr("taskwright.archive.selection.BLOCK", 4)
    records = [make_record(n) for n in range(1, 12)]
    vectors = np.stack([embed(record.idea.text) for record in records]).astype(np.float64)
    distances = 1 - vectors @ vectors.T
    expected = [np.sort(np.delete(row, n))[:3].mean() for n, row in enumerate(distances)]
    found = list(Novelty(embed).weights(records).values())
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_each_cell_is_as_likely_as_any_other(make_record):
    records = [make_record(1, title="Alone")] + [
        make_record(n, idea=Idea("Crowd", "", "", "", "")) for n in range(2, 6)
    ]
    weights = Cells(embed, width=1e-3).weights(records)
    assert list(weights.values()) == [1.0, 0.25, 0.25, 0.25, 0.25]


def test_cells_need_the_embedder_of_the_map():
    with pytest.raises(UsageError, match="another rule"):
        make_rule("cells", embed, "another-model")


def test_progress_is_what_was_learned_lately(make_record):
    a = make_record(1, trial=Trial("learned", "", 0.1, 0.9))
    b = make_record(2, trial=Trial("learned", "", 0.6, 0.9))
    assert list(Progress().weights([a, b]).values()) == pytest.approx([0.8, 0.3])
    stuck = [
        make_record(
            n, "too_hard", trial=Trial("too_hard", "", 0.0, 0.0), stepping_stones=(a.task_id,)
        )
        for n in range(3, 8)
    ]
    after = Progress().weights([a, b, *stuck])
    assert after[a.task_id] < after[b.task_id], "nothing more is learned around it"


def test_a_trial_that_broke_says_nothing_of_progress(make_record):
    a, b = make_record(1), make_record(2, trial=None)
    broke = make_record(
        3, "broken", trial=Trial("broken", "", 0.0, 0.0), stepping_stones=(a.task_id,)
    )
    weights = Progress().weights([a, b, broke])
    assert weights[a.task_id] == weights[b.task_id] == 0.9


def test_choice_is_in_proportion_to_weight():
    random = np.random.default_rng(0)
    chosen = [choose({"a": 1, "b": 3, "c": 0}, random) for _ in range(2000)]
    assert chosen.count("c") == 0
    assert 0.70 < chosen.count("b") / len(chosen) < 0.80


def test_all_zero_is_uniform_and_nothing_is_none():
    random = np.random.default_rng(0)
    chosen = {choose({"a": 0, "b": 0}, random) for _ in range(50)}
    assert chosen == {"a", "b"}
    assert choose({}, random) is None
