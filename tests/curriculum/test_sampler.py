"""What holds of every sampler, whatever it is told."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import taskwright.curriculum
from taskwright.curriculum import CURRICULA, TaskSampler

STEP = st.tuples(st.integers(0, 9), st.booleans(), st.none() | st.floats(0, 100))


def made(curriculum: str, count: int, **more) -> TaskSampler:
    ids = [f"task-{n}" for n in range(count)]
    settings = more
    if curriculum == "alp_gmm":
        embeddings = np.random.default_rng(count).normal(size=(count, 8))
        settings = {"embeddings": embeddings, "fit_every": 5, "window": 20, "most_regions": 2}
        settings |= more
    return TaskSampler(ids, curriculum, **settings)


def told(sampler: TaskSampler, steps: list[tuple[int, bool, float | None]]) -> None:
    ids = sampler.task_ids
    for number, success, value_loss in steps:
        sampler.sample()
        sampler.update(ids[number % len(ids)], success=success, value_loss=value_loss)


@pytest.mark.parametrize("curriculum", CURRICULA)
@given(count=st.integers(1, 8), steps=st.lists(STEP, max_size=40), floor=st.floats(0, 1))
@settings(max_examples=15, deadline=None)
def test_chances_are_a_distribution_and_keep_the_floor(curriculum, count, steps, floor):
    sampler = made(curriculum, count, floor=floor, first_visits=0)
    told(sampler, steps)
    chances = np.array(list(sampler.probabilities().values()))
    assert chances.sum() == pytest.approx(1.0)
    assert (chances >= floor / count - 1e-12).all()
    assert sampler.sample() in sampler.task_ids


@pytest.mark.parametrize("curriculum", CURRICULA)
def test_the_same_seed_draws_the_same_tasks_and_another_does_not(curriculum):
    def drawn(seed: int) -> list[str]:
        sampler = made(curriculum, 6, seed=seed)
        random = np.random.default_rng(0)
        names = []
        for _ in range(60):
            names.append(sampler.sample())
            sampler.update(names[-1], success=bool(random.random() < 0.5))
        return names

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize("curriculum", CURRICULA)
@pytest.mark.parametrize("episodes", [0, 3, 57])
def test_a_restored_sampler_goes_on_as_if_nothing_had_been(curriculum, episodes):
    random = np.random.default_rng(episodes)
    steps = [(int(random.integers(10)), bool(random.random() < 0.4), None) for _ in range(90)]
    one = made(curriculum, 7)
    told(one, steps[:episodes])
    other = made(curriculum, 7, seed=99)
    other.restore(json.loads(one.to_json()))
    for sampler in (one, other):
        told(sampler, steps[episodes:])
    assert one.probabilities() == other.probabilities()
    assert one.draws == other.draws


@pytest.mark.parametrize("curriculum", CURRICULA)
def test_a_state_serves_when_tasks_have_come_and_gone(curriculum):
    old = made(curriculum, 5)
    told(old, [(n % 5, n % 3 == 0, None) for n in range(40)])
    settings = {"embeddings": np.eye(4)} if curriculum == "alp_gmm" else {}
    new = TaskSampler(["task-1", "task-4", "new", "task-2"], curriculum, **settings)
    new.restore(old.state())
    assert new.draws["task-4"] == old.draws["task-4"]
    assert new.draws["new"] == 0
    if curriculum != "uniform":
        assert new.sample() == "new"
    assert sum(new.probabilities().values()) == pytest.approx(1.0)


@pytest.mark.parametrize("curriculum", CURRICULA)
def test_every_task_is_tried_before_any_is_preferred(curriculum):
    sampler = made(curriculum, 9, first_visits=2)
    if curriculum != "uniform":
        for _ in range(18):
            sampler.update(sampler.sample(), success=False)
        assert set(sampler.draws.values()) == {2}


@pytest.mark.parametrize("curriculum", CURRICULA)
def test_a_dropped_task_is_never_drawn_again(curriculum):
    sampler = made(curriculum, 3)
    told(sampler, [(n % 3, n % 2 == 0, None) for n in range(30)])
    sampler.drop("task-1")
    assert sampler.task_ids == ["task-0", "task-2"]
    assert sampler.probabilities()["task-1"] == 0.0
    assert sum(sampler.probabilities().values()) == pytest.approx(1.0)
    assert "task-1" not in {sampler.sample() for _ in range(100)}
    sampler.drop("task-0")
    with pytest.raises(ValueError, match="last task"):
        sampler.drop("task-2")


def test_tasks_are_drawn_as_often_as_their_chances_say():
    sampler = made("plr", 4, first_visits=1, seed=3)
    for number in range(4):
        sampler.update(f"task-{number}", success=False, value_loss=float(number))
        sampler.sample()
    chances = np.array(list(sampler.probabilities().values()))
    before = np.array(list(sampler.draws.values()))
    for _ in range(4000):
        sampler.sample()
    shares = (np.array(list(sampler.draws.values())) - before) / 4000
    assert np.abs(shares - chances).max() < 0.03


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: TaskSampler([]), "empty"),
        (lambda: TaskSampler(["a", "a"]), "twice"),
        (lambda: TaskSampler(["a"], "random"), "there are learning_progress, alp_gmm, plr"),
        (lambda: TaskSampler(["a"], floor=1.5), "`floor` is 1.5"),
        (lambda: TaskSampler(["a"], smoothing=0.0), "`smoothing` is 0.0"),
        (lambda: TaskSampler(["a"], "alp_gmm"), "needs `embeddings`"),
        (lambda: TaskSampler(["a"], "alp_gmm", embeddings=np.eye(2)), "1 rows"),
        (lambda: TaskSampler(["a"], "plr", temperature=0.0), "above 0"),
        (lambda: TaskSampler(["a"], "plr", staleness=2.0), "from 0 to 1"),
        (lambda: TaskSampler(["a"]).update("b", success=True), "no task 'b'"),
        (lambda: TaskSampler(["a"]).update("a", success=2.0), "`success` is 2.0"),
        (lambda: TaskSampler(["a"]).update("a", success=float("nan")), "`success` is nan"),
        (lambda: TaskSampler(["a"]).update("a", success=1, value_loss=-1.0), "`value_loss`"),
        (lambda: TaskSampler(["a"]).restore({"version": 1, "strategy": "plr"}), "'plr'"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake()


def test_the_room_imports_numpy_and_nothing_of_ours():
    """Exports carry a copy of it."""
    folder = Path(taskwright.curriculum.__file__).parent
    paths = list(folder.glob("*.py"))
    assert len(paths) >= 6
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 1 or str(node.module).split(".")[0] in ALLOWED, path
                assert node.level < 2, path
            elif isinstance(node, ast.Import):
                assert all(name.name.split(".")[0] in ALLOWED for name in node.names), path


ALLOWED = {"numpy", *sys.stdlib_module_names}
