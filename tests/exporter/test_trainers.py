"""The trainers people use take an exported package as it is: each learns a task, in a virtual
environment that has the trainer and the wheel and nothing of Taskwright.

What installs within the time of a check runs with `-m slow`; TASKWRIGHT_ALL_TRAINERS=1 runs the
others too, which take from five to ten minutes each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from dataclasses import replace
from pathlib import Path

import pytest
import trainers

from taskwright.task import Task

ROOT = Path(__file__).parents[2]
STEPS = 8_000
QUICK = ("sb3", "cleanrl-gymnasium-0.29")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where nothing can be installed."""
    place = tmp_path_factory.mktemp("index")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", place]
    result = subprocess.run([*pip, "farama-notifications"], capture_output=True, text=True)
    if result.returncode != 0:
        pytest.skip(f"no package index can be reached: {result.stderr.splitlines()[-1]}")


@pytest.mark.parametrize("name", trainers.TRAINERS)
def test_a_trainer_learns_an_exported_task(name, export, two_records, index, tmp_path):
    if name not in QUICK and not os.environ.get("TASKWRIGHT_ALL_TRAINERS"):
        pytest.skip("takes long to install; set TASKWRIGHT_ALL_TRAINERS=1")
    # Who learns both must not have to drive ahead in one and back in the other, unseen.
    farther = Task(two_records[0].task.source.replace("[0] > 2.0", "[0] > 3.0"))
    done = export(records=[two_records[0], replace(two_records[1], task=farther)])
    told = trainers.prove(trainers.TRAINERS[name], done, STEPS, tmp_path / "venv")
    assert told["steps"] >= STEPS
    before, after = told["return"]
    assert after > before + 100
    assert told["success"][1] >= told["success"][0]


@pytest.mark.parametrize(
    "gymnasium",
    ["gymnasium==0.29.1 numpy==1.26.4", "gymnasium==1.0.0", "gymnasium==1.2.*", "gymnasium"],
)
def test_every_gymnasium_that_trainers_pin_runs_the_tasks_alike(
    gymnasium, export, two_records, index, tmp_path
):
    # With names that NumPy has from 2.0 on, for those that come with an older one.
    new_names = "float(np.concat([np.zeros(1, np.bool)]).sum() + np.atan2(0.0, 1.0))"
    source = two_records[0].task.source.replace("self.x = 0.0", f"self.x = {new_names}")
    done = export(records=[replace(two_records[0], task=Task(source))])
    place = tmp_path / "venv"
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", done.wheel, *gymnasium.split()]
    subprocess.run(pip, check=True)
    result = subprocess.run(
        [python, "-m", "my_tasks", "check", "--json"], cwd=place, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert all(not entry["problems"] for entry in json.loads(result.stdout)["results"])
    (place / "use.py").write_text(USE)
    result = subprocess.run([python, "use.py"], cwd=place, capture_output=True, text=True)
    assert result.stdout.splitlines()[-1:] == ["alike"], result.stderr


USE = """
import numpy as np
import gymnasium
import my_tasks
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv

class Make:
    def __call__(self):
        return gymnasium.make(my_tasks.task_ids()[0], time_limit=40)

LENGTHS = [
    ({}, 250),
    ({"time_limit": 40}, 10),
    ({"action_repeat": 1, "time_limit": 9}, 9),
    ({"max_episode_steps": 3}, 3),
    ({"max_episode_steps": 400, "time_limit": 40}, 10),
]

def limits():
    task = my_tasks.task_ids()[0]
    for keywords, steps in LENGTHS:
        for make in (gymnasium.make, my_tasks.make):
            env = make(task, **keywords)
            again = gymnasium.make(env.spec)
            for each in (env, again):
                assert each.spec.max_episode_steps == steps, (keywords, each.spec)
                each.reset(seed=1)
                ends = [each.step(0)[3] for _ in range(steps)]
                assert ends == [False] * (steps - 1) + [True], keywords
                each.close()
        makers = [my_tasks.make_vec]
        if hasattr(gymnasium.vector, "VectorWrapper"):  # from 1.0 on
            makers += [gymnasium.make_vec, make_sync]
        for make in makers:
            envs = make(task, num_envs=2, disable_env_checker=True, **keywords)
            assert envs.spec.max_episode_steps == steps, (keywords, envs.spec)
            envs.close()

def make_sync(task, **keywords):
    return gymnasium.make_vec(task, vectorization_mode="sync", **keywords)

def refusals():
    task = my_tasks.task_ids()[0]
    for env in (gymnasium.make(task), my_tasks.make(task), my_tasks.make()):
        env.reset(seed=0)
        for action in (-1, 6, 1.7, 3.0, "1", None, float("nan"), [3], np.array([1, 2])):
            refused(env.step, action)
        env.step(np.array(3))
        env.close()
    envs = my_tasks.make_vec(task, 2)
    envs.reset(seed=0)
    for actions in ([-1, 0], [0, 7], [1.7, 0.0], [2], 2, None):
        refused(envs.step, actions)
    refused(my_tasks.make_vec, task, num_envs=2, vectorization_mode="sync")
    envs.close()

def refused(call, *arguments, **keywords):
    try:
        call(*arguments, **keywords)
    except ValueError:
        return
    raise AssertionError(f"{arguments} were taken")

if __name__ == "__main__":
    ours = my_tasks.make_vec(my_tasks.task_ids()[0], 2, time_limit=40)
    sync = SyncVectorEnv([Make()] * 2)
    spawned = AsyncVectorEnv([Make()] * 2, context="spawn")
    everyone = (ours, sync, spawned)
    states = [envs.reset(seed=3)[0] for envs in everyone]
    for step in range(30):
        for other in states[1:]:
            np.testing.assert_array_equal(states[0], other)
        actions = np.array([step % 6, 1])
        played = [envs.step(actions) for envs in everyone]
        states = [told[0] for told in played]
        for told in played[1:]:
            for part in range(1, 4):
                np.testing.assert_array_equal(played[0][part], told[part])
    for envs in everyone:
        envs.close()
    limits()
    refusals()
    print("alike")
"""
