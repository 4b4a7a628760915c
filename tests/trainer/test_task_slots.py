"""Slots that play many tasks: whose turn it is, what a failing task does, how many processes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from taskwright.sandbox.processes.channel import ChildFault
from taskwright.trainer import task_slots
from taskwright.trainer.learners.ppo import PPO_SETTINGS
from taskwright.trainer.task_slots import EPISODES_PER_DRAW, RewardScales, TaskSlots, Worlds

STEPS_PER_EPISODE = 3


def source(ends_with: str = "return self.count >= 12", reward: float = 1.0) -> str:
    """A task whose episodes are short: four physics steps are one action."""
    return f'''
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Wait."""

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [9.0, 9.0, 0.5], [0.0, 0.0, -0.5], [0.5, 0.5, 0.5, 1.0])

    def reset(self):
        self.count = 0
        return super().reset()

    def step(self, action):
        self.count += 1
        return super().step(action)

    def get_task_rewards(self, action):
        return {{"waiting": {reward}}}

    def get_terminated(self, action):
        {ends_with}

    def get_success(self):
        return self.count >= 12
'''


@pytest.fixture
def slots() -> Iterator[Callable[..., TaskSlots]]:
    """Makes slots for tasks, given as sources by name, that are drawn in the order given."""
    made: list[TaskSlots] = []

    def make(sources: dict[str, str], draws: list[str], count: int = 2) -> TaskSlots:
        order = itertools.chain(draws, itertools.repeat(draws[-1]))
        env = TaskSlots(
            Worlds(sources, "r2d2", seed=0),
            "r2d2",
            count,
            lambda: next(order),
            lambda task_id, fault: faults.append((task_id, fault)),
            RewardScales(0.98),
            PPO_SETTINGS,
        )
        faults: list[tuple[str, ChildFault]] = []
        env.faults = faults  # type: ignore[attr-defined]
        made.append(env)
        return env

    yield make
    for env in made:
        env.close()


def played(env: TaskSlots, steps: int) -> list[tuple[int, int, dict]]:
    """The step, slot and infos of each episode that ended."""
    env.reset()
    ends = []
    for step in range(steps):
        _, _, dones, infos = env.step(np.zeros(env.num_envs, np.int64))
        assert [bool(info) for info in infos] == dones.tolist()
        ends += [(step, slot, info) for slot, info in enumerate(infos) if info]
    return ends


def test_each_slot_plays_some_episodes_of_a_task_and_then_its_next(slots):
    env = slots({name: source() for name in "abc"}, ["a", "b", "c"])
    ends = played(env, STEPS_PER_EPISODE * (EPISODES_PER_DRAW + 1))
    tasks = [[info["task_id"] for _, slot, info in ends if slot == n] for n in range(2)]
    assert tasks == [["a"] * EPISODES_PER_DRAW + ["c"], ["b"] * EPISODES_PER_DRAW + ["c"]]
    for _, _, info in ends:
        assert info["is_success"]
        assert info["episode"] == {"r": pytest.approx(12.0), "l": STEPS_PER_EPISODE}
        assert info["terminal_observation"].shape == env.observation_space.shape


def test_a_task_that_fails_ends_its_episode_and_makes_room(slots):
    broken = source("return 1 / int(self.count < 8) > 2")
    env = slots({"broken": broken, "unloadable": "x = 1", "fine": source()}, ["broken", "fine"])
    order = iter(["unloadable", "fine"])
    ends = played_with(env, order, 7)
    assert [task_id for task_id, _ in env.faults] == ["broken", "unloadable"]
    assert "ZeroDivisionError" in env.faults[0][1].symptom
    (step, _, cut), *others = [end for end in ends if end[1] == 0]
    assert (step, cut["task_id"]) == (1, "broken")
    assert cut["TimeLimit.truncated"]
    assert "is_success" not in cut
    assert [info["task_id"] for _, _, info in others] == ["fine"]
    assert all(info["task_id"] == "fine" for _, slot, info in ends if slot == 1)


def played_with(env: TaskSlots, order: Iterator[str], steps: int) -> list[tuple[int, int, dict]]:
    """As `played`, with other draws after the first of each slot."""
    first = env._draw
    draws = iter([first(), first()])
    env._draw = lambda: next(itertools.chain(draws, order))
    return played(env, steps)


def test_processes_stay_few_however_many_tasks_there_are(slots, monkeypatch):
    monkeypatch.setattr(task_slots, "MOST_IDLE", 2)
    monkeypatch.setattr(task_slots, "EPISODES_PER_DRAW", 1)
    names = [f"task {n}" for n in range(8)]
    opened = []
    made = task_slots.SandboxedEpisodes

    def counted(*arguments, **keywords):
        opened.append(made(*arguments, **keywords))
        return opened[-1]

    monkeypatch.setattr(task_slots, "SandboxedEpisodes", counted)
    env = slots({name: source() for name in names}, names)
    played(env, 3 * STEPS_PER_EPISODE)
    alive = [episodes for episodes in opened if episodes._children]
    assert len(opened) == 8
    assert len(alive) <= 2 + 2
    env.close()
    assert not any(episodes._children for episodes in opened)


def test_a_task_that_is_drawn_again_finds_its_world(slots, monkeypatch):
    monkeypatch.setattr(task_slots, "EPISODES_PER_DRAW", 1)
    env = slots({name: source() for name in "ab"}, ["a", "b", "a", "b"], count=1)
    env.reset()
    seen = set()
    for _ in range(4 * STEPS_PER_EPISODE):
        seen.add(id(env._slots[0].episodes))
        env.step(np.zeros(1, np.int64))
    assert len(seen) == 2


def test_the_same_seed_gives_the_same_numbers(slots):
    def run() -> list[np.ndarray]:
        env = slots({name: source() for name in "ab"}, ["a", "b", "b", "a"])
        return [env.reset(), *(env.step(np.full(2, n % 3))[0] for n in range(10))]

    for one, other in zip(run(), run(), strict=True):
        assert (one == other).all()


def test_rewards_of_all_tasks_come_out_of_one_size():
    scales = RewardScales(0.98)
    random = np.random.default_rng(0)
    paid: dict[str, list[float]] = {"small": [], "large": []}
    for _ in range(40):
        before = dict.fromkeys(paid, 0.0)
        for _ in range(50):
            reward = random.normal()
            for name, factor in (("small", 0.01), ("large", 100.0)):
                scaled, before[name] = scales.scaled(name, factor * reward, before[name])
                paid[name].append(scaled)
    assert np.std(paid["small"][500:]) == pytest.approx(np.std(paid["large"][500:]), rel=0.02)
    assert max(map(abs, paid["large"])) <= task_slots.REWARD_CLIP
