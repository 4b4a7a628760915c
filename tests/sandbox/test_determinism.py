"""`reset(seed)` gives the same episode bit for bit: in a fresh process, after other episodes and in
a `TaskVectorEnv`, wherever a task draws its numbers and whatever it does to its world."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from taskwright import TaskEnv, TaskVectorEnv

TASK = '''
import random
import numpy as np
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Pebbles lie about."""

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], [0.5, 0.6, 0.5, 1])
        self.pebbles = [
            self.create_sphere(0.5, 0.2, [2 + DRAW, 3 * DRAW, 0.5], [1, 0, 0, 1]) for _ in range(4)
        ]

    def reset(self):
        observation = super().reset()
        self.bonus = DRAW
        return observation

    def step(self, action):
        # HERE
        return super().step(action)

    def get_task_rewards(self, action):
        return {"bonus": self.bonus, "luck": DRAW}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return DRAW < 0.01
'''
SOURCES = {
    "self.np_random": "self.np_random.random()",
    "numpy.random": "np.random.uniform(0, 1)",
    "random": "random.uniform(0, 1)",
    "default_rng without a seed": "np.random.default_rng().random()",
}
# Bodies come and go, so that their ids are not 0 to n - 1: pebbles are eaten and new ones fall.
TURNOVER = """
        if DRAW < 0.2 and self.pebbles:
            self._p.removeBody(self.pebbles.pop(int(len(self.pebbles) * DRAW)))
        if DRAW < 0.2:
            place = [4 * DRAW - 1, 2 * DRAW - 1, 1.5]
            self.pebbles.append(self.create_box(0.3, [0.1, 0.1, 0.1], place, [0, 0, 1, 1]))
"""
RESEEDING = "\n        np.random.seed(int(1000 * self.bonus)); random.seed(7)\n"
TASKS = {
    **{name: TASK.replace("DRAW", draw) for name, draw in SOURCES.items()},
    "bodies come and go": TASK.replace("# HERE", TURNOVER).replace("DRAW", "np.random.rand()"),
    "seeds numpy itself": TASK.replace("# HERE", RESEEDING).replace("DRAW", "np.random.rand()"),
}
SEED, ACTIONS = 11, 30


def play(source: str, seed: int = SEED, env: TaskEnv | None = None) -> list[str]:
    """All that an episode lets one see, in hexadecimal: the same text means the same bits."""
    env = env or TaskEnv(source)
    observation, _ = env.reset(seed=seed)
    seen = [observation.tobytes().hex()]
    for n in range(ACTIONS):
        observation, reward, terminated, truncated, info = env.step((7 * n) % 11 % 6)
        seen.append(f"{observation.tobytes().hex()} {reward.hex()} {terminated} {truncated} {info}")
    return seen


def play_after_others(source: str) -> list[str]:
    env = TaskEnv(source)
    for seed in (3, SEED, 4):
        play(source, seed, env)
    return play(source, SEED, env)


def play_in_a_fresh_process(source: str) -> list[str]:
    program = "\n".join(
        [
            "from __future__ import annotations",
            "import sys",
            "from taskwright import TaskEnv",
            f"SEED, ACTIONS = {SEED}, {ACTIONS}",
            inspect.getsource(play),
            "print(*play(sys.stdin.read()), sep='\\n')",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=source, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-ACTIONS - 1 :]


def play_in_a_vector(source: str) -> list[str]:
    """In its third environment of four, in the second process of two, after other episodes."""
    with TaskVectorEnv(source, 4, processes=2) as envs:
        for seed in (3, SEED - 2):
            observations, _ = envs.reset(seed=seed)
            seen = [observations[2].tobytes().hex()]
            for n in range(ACTIONS):
                actions = np.array([1, 2, (7 * n) % 11 % 6, 3])
                observations, rewards, terminated, truncated, infos = envs.step(actions)
                terms = infos["reward_terms"]
                told = {name: terms[name][2].item() for name in terms if f"_{name}" in terms}
                info = {"is_success": bool(infos["is_success"][2]), "reward_terms": told}
                reward = rewards[2].item().hex()
                seen.append(
                    f"{observations[2].tobytes().hex()} {reward} {bool(terminated[2])} "
                    f"{bool(truncated[2])} {info}"
                )
    return seen


@pytest.mark.parametrize("again", [play_after_others, play_in_a_fresh_process, play_in_a_vector])
@pytest.mark.parametrize("name", TASKS)
def test_a_seed_settles_the_episode(name: str, again: Callable[[str], list[str]]) -> None:
    source = TASKS[name]
    first = play(source)
    assert again(source) == first
    assert play(source, seed=SEED + 1) != first, "the task draws"


@pytest.mark.parametrize("name", TASKS)
def test_drawing_in_the_host_changes_nothing(name: str) -> None:
    source = TASKS[name]
    first = play(source)
    np.random.seed(5)
    env = TaskEnv(source)
    env.action_space.sample()
    assert play(source, env=env) == first


def test_bodies_have_come_and_gone() -> None:
    env = TaskEnv(TASKS["bodies come and go"])
    play("", env=env)
    bodies = sorted(env.client.links)
    assert bodies != list(range(len(bodies)))
    env.close()
