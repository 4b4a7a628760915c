"""The server of episodes, without a process around it: robots with continuous actions."""

from __future__ import annotations

import dataclasses
import mmap
import sys
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box

from taskwright.sandbox.episodes import EpisodeServer, Layout
from taskwright.sandbox.processes.memory import shared_memory
from taskwright.world import BaseEnv, TaskEnv
from taskwright.world.language.loading import BASES
from taskwright.world.robots import ROBOTS, Entry
from taskwright.world.robots.r2d2 import R2D2Robot

TORQUES = 17


class PushedRobot(R2D2Robot):
    """R2D2's body, pushed by as many numbers as a humanoid has torques."""

    action_space = Box(-1.0, 1.0, (TORQUES,), np.float32)

    def apply_action(self, action: Any) -> None:
        force = [200.0 * float(action[:6].sum()), 200.0 * float(action[6:].sum()), 0.0]
        base = self.links["base"].position
        self._p.applyExternalForce(self.robot_id, -1, force, base, self._p.WORLD_FRAME)

    def get_rewards(self, action: Any) -> dict[str, float]:
        return {"effort": -0.01 * float(np.abs(action).sum())}


class PushedEnv(BaseEnv, robot=PushedRobot):
    pass


TASK = '''
from taskwright.world import PushedEnv


class Env(PushedEnv):
    """Be pushed about."""

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], [0.5, 0.6, 0.5, 1])

    def get_task_rewards(self, action):
        return {"last": 0.1 * float(action[-1])}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''


@pytest.fixture
def _pushed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROBOTS, "pushed", Entry("PushedEnv"))
    monkeypatch.setitem(sys.modules, "taskwright.world.robots.pushed", sys.modules[__name__])
    monkeypatch.setitem(BASES, "PushedEnv", PushedEnv)


@pytest.mark.usefixtures("_pushed")
def test_continuous_actions_reach_their_environment_bit_for_bit() -> None:
    alone = [TaskEnv(TASK), TaskEnv(TASK)]
    assert alone[0].observation_space.shape is not None
    layout = Layout(2, alone[0].observation_space.shape[0], TORQUES)
    with shared_memory(layout.size_bytes) as (descriptor, memory):
        arrays = layout.arrays(memory)
        server = EpisodeServer([descriptor])
        opened = server.open(TASK, "pushed", dataclasses.asdict(layout), 0, 2, False, {})
        assert opened == {}
        assert server.begin([5, 6], [0, 1]) == {}
        for n, env in enumerate(alone):
            np.testing.assert_array_equal(arrays["observations"][n], env.reset(seed=5 + n)[0])
        draws = np.random.default_rng(0)
        for step in range(20):
            actions = draws.uniform(-1.0, 1.0, (2, TORQUES)).astype(np.float32)
            arrays["actions"][:] = actions
            answer = server.step()
            assert answer == ({"reward_terms": ["last", "effort"]} if step == 0 else {})
            for n, env in enumerate(alone):
                observation, reward, _, _, info = env.step(actions[n])
                np.testing.assert_array_equal(arrays["observations"][n], observation)
                assert arrays["rewards"][n, 0] == reward
                told = dict(zip(("last", "effort"), arrays["reward_terms"][n], strict=False))
                assert told == info["reward_terms"]
    for env in alone:
        env.close()


@pytest.mark.usefixtures("_pushed")
def test_a_task_for_another_robot_is_refused() -> None:
    layout = Layout(1, 157, 1)
    with shared_memory(layout.size_bytes) as (descriptor, _):
        server = EpisodeServer([descriptor])
        answer = server.open(TASK, "r2d2", dataclasses.asdict(layout), 0, 1, False, {})
    assert answer["symptom"] == "The task is for the robot pushed, not for r2d2."
    assert "or ask for pushed" in answer["fix"]


def test_arrays_of_the_layout_lie_apart_and_aligned() -> None:
    layout = Layout(3, 157, 17)
    arrays = layout.arrays(mmap.mmap(-1, layout.size_bytes))
    for value, array in enumerate(arrays.values(), 1):
        assert array.flags.aligned
        array[:] = value
    for value, array in enumerate(arrays.values(), 1):
        assert (array == value).all()
    assert sum(array.nbytes for array in arrays.values()) == layout.size_bytes
