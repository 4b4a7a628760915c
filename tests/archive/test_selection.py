"""Stepping stones: weights grow for those passed over and reset for those chosen."""

import numpy as np

from taskwright.archive.selection import choose, weights


def test_weights_follow_the_history(make_record):
    a, b, c = (make_record(n) for n in (1, 2, 3))
    first = make_record(4, "too_hard", stepping_stones=(a.task_id,))
    second = make_record(5, "uninteresting", stepping_stones=(b.task_id, a.task_id))
    assert weights([a, b, c]) == {a.task_id: 0, b.task_id: 0, c.task_id: 0}
    assert weights([a, b, c, first]) == {a.task_id: 0, b.task_id: 1, c.task_id: 1}
    # The chosen one and its neighbour are both reset.
    assert weights([a, b, c, first, second]) == {a.task_id: 0, b.task_id: 0, c.task_id: 2}


def test_a_journey_without_working_code_does_not_use_its_stones_up(make_record):
    a, b = make_record(1), make_record(2)
    failed = make_record(3, "invalid", stepping_stones=(a.task_id,))
    broken = make_record(4, "broken", stepping_stones=(a.task_id,))
    assert weights([a, b, failed, broken]) == {a.task_id: 0, b.task_id: 0}


def test_a_newly_kept_task_starts_at_zero(make_record):
    a = make_record(1)
    b = make_record(2, stepping_stones=(a.task_id,))
    assert weights([a, b]) == {a.task_id: 0, b.task_id: 0}


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
