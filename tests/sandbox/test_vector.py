"""Sandboxed episodes: the same numbers however many processes make them, and a grip on failure."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.error import ClosedEnvironmentError

from taskwright.sandbox import vector
from taskwright.sandbox.episodes import episode_seed
from taskwright.sandbox.processes.channel import ChildDied, ChildFault, ChildTimeout
from taskwright.sandbox.vector import SandboxedEpisodes, Steps
from taskwright.trainer.learners.vec_env import SandboxedVecEnv
from taskwright.world import ActionError

# Short episodes of a random length, so that a few steps see several episodes.
TASK = '''
import numpy as np
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Roll the ball somewhere."""

    def __init__(self):
        super().__init__()
        self.ground = self.create_box(0.0, [20, 20, 0.5], [0, 0, -0.5], [0.5, 0.6, 0.5, 1])
        self.ball = self.create_sphere(1.0, 0.3, [2, 0, 0.3], [1, 0, 0, 1])
        self.steps = 0

    def reset(self):
        observation = super().reset()
        self.length = np.random.randint(20, 60)
        place = [*np.random.uniform(1, 3, size=2), 0.3]
        self._p.resetBasePositionAndOrientation(self.ball, place, [0, 0, 0, 1])
        return observation

    def step(self, action):
        self.steps += 1
        # HERE
        return super().step(action)

    def get_task_rewards(self, action):
        return {"ball": self.get_object_position(self.ball)[0]}

    def get_terminated(self, action):
        return self.steps >= self.length

    def get_success(self):
        return False
'''
ENDLESS = TASK.replace("return self.steps >= self.length", "return False")


def with_step(source: str, statement: str) -> str:
    """The task with a statement before each of its physics steps."""
    return source.replace("# HERE", statement)


def play(source: str, *, count: int, processes: int, seed: int, steps: int = 40) -> list[bytes]:
    """Everything that random actions let one see of some episodes."""
    actions = np.random.default_rng(9).integers(6, size=(steps, count))
    with SandboxedEpisodes(source, "r2d2", count, processes) as episodes:
        seen = [episodes.reset(seed).tobytes()]
        ends = 0
        for row in actions:
            result = episodes.step(row)
            ends += int(result.terminated.sum())
            # What a final observation holds where no episode ended is nobody's business.
            final = np.where(result.terminated[:, None], result.final_observations, 0)
            arrays = [a for a in vars(result).values() if isinstance(a, np.ndarray)]
            seen += [array.tobytes() for array in arrays if array.ndim == 1]
            seen += [result.observations.tobytes(), final.tobytes()]
    assert ends > count, "the episodes were to end more than once each"
    return seen


def test_same_seed_gives_the_same_episodes_in_one_process_and_in_two() -> None:
    once = play(TASK, count=3, processes=1, seed=4)
    assert play(TASK, count=3, processes=2, seed=4) == once
    assert play(TASK, count=3, processes=2, seed=5) != once


def test_a_step_can_be_started_and_waited_for_later() -> None:
    actions = np.random.default_rng(9).integers(6, size=(60, 5))
    with (
        SandboxedEpisodes(TASK, "r2d2", 5, 1) as together,
        SandboxedEpisodes(TASK, "r2d2", 5, 2) as apart,
    ):
        together.reset(7)
        apart.reset(7)
        for row in actions:
            apart.start(row)
            expected = together.step(row)
            steps = apart.finish()
            for name in ("observations", "rewards", "terminated"):
                np.testing.assert_array_equal(getattr(steps, name), getattr(expected, name))


def test_a_fault_in_a_started_step_closes_all() -> None:
    with SandboxedEpisodes(with_step(TASK, "1 / (self.steps < 8)"), "r2d2", 4, 2) as episodes:
        episodes.reset(0)
        # Four physics steps in each.
        episodes.step(np.ones(4))
        episodes.start(np.ones(4))
        with pytest.raises(ChildFault, match="ZeroDivisionError"):
            episodes.finish()
        with pytest.raises(ClosedEnvironmentError):
            episodes.start(np.ones(4))


@pytest.mark.parametrize(
    "actions", [[0, 6], [0, -1], [0.5, 0.0], [0.0, np.nan], [1], [[0], [1]], ["0", "1"], None]
)
def test_what_is_no_action_is_refused_and_never_told_as_the_task_s_mistake(actions: Any) -> None:
    with SandboxedEpisodes(TASK, "r2d2", 2, 1) as episodes:
        episodes.reset(0)
        with pytest.raises(ActionError, match="does not fit"):
            episodes.start(actions)
        with pytest.raises(ActionError, match="does not fit"):
            SandboxedVecEnv(episodes).step_async(actions)
        # Nothing has been asked for, and all goes on.
        episodes.step(np.ones(2))


def test_a_new_reset_begins_the_same_episodes_again() -> None:
    with SandboxedEpisodes(TASK, "r2d2", 2, 1) as episodes:
        first = episodes.reset(seed=1)
        for _ in range(20):
            episodes.step(np.ones(2))
        assert not np.array_equal(episodes.reset(seed=2), first)
        np.testing.assert_array_equal(episodes.reset(seed=1), first)


def test_every_environment_and_episode_has_a_seed_of_its_own() -> None:
    seeds = [episode_seed(s, n, e) for s in range(5) for n in range(5) for e in range(5)]
    assert len(set(seeds)) == len(seeds)


def test_observations_and_arrays_have_the_promised_shapes() -> None:
    with SandboxedEpisodes(TASK, "r2d2", 3, 2) as episodes:
        first = episodes.reset(seed=0)
        result = episodes.step(np.array([1, 2, 3]))
    size = episodes.observation_space.shape
    assert first.shape == (3, *(size or ()))
    assert result.observations.shape == result.final_observations.shape == first.shape
    assert result.observations.dtype == np.float32
    for array in (result.rewards, result.terminated, result.truncated, result.successes):
        assert array.shape == (3,)
    assert all(row in episodes.observation_space for row in result.observations)


def test_episode_that_ends_is_followed_by_the_next() -> None:
    with SandboxedEpisodes(TASK, "r2d2", 1, 1) as episodes:
        first = episodes.reset(seed=0)
        while not (result := episodes.step(np.array([1]))).terminated[0]:
            last = result.observations
        # The robot had driven, and is back at its start in another episode.
        driven = result.final_observations[0, 9]
        assert driven > last[0, 9] > 0.0
        assert result.observations[0, 9] == 0.0
        assert not np.array_equal(result.observations, first)


def test_episode_is_truncated_at_the_time_limit() -> None:
    with SandboxedEpisodes(ENDLESS, "r2d2", 1, 1) as episodes:
        episodes.reset(seed=0)
        ends = [bool(episodes.step(np.array([0])).truncated[0]) for _ in range(250)]
    assert ends == [False] * 249 + [True]


@pytest.mark.parametrize("end_on_success", [True, False])
def test_success_ends_the_episode_where_asked(end_on_success: bool) -> None:
    source = ENDLESS.replace(
        "def get_success(self):\n        return False",
        "def get_success(self):\n        return self.steps == 10",
    )
    with SandboxedEpisodes(source, "r2d2", 1, 1, end_on_success=end_on_success) as episodes:
        episodes.reset(seed=0)
        results: list[Steps] = [episodes.step(np.array([1])) for _ in range(4)]
    successes = [bool(result.successes[0]) for result in results]
    truncated = [bool(result.truncated[0]) for result in results]
    assert not any(result.terminated[0] for result in results)
    # The tenth physics step is in the third action.
    if end_on_success:
        assert successes == [False, False, True, False]
        assert truncated == [False, False, True, False]
        assert results[2].final_observations[0, 9] > 0.0
        assert results[2].observations[0, 9] == 0.0
    else:
        assert successes == [False, False, True, True]
        assert not any(truncated)


def test_reports_exception_in_a_late_step_with_step_and_line() -> None:
    statement = "if self.steps == 300: raise RuntimeError('the hinge broke')"
    with SandboxedEpisodes(with_step(ENDLESS, statement), "r2d2", 2, 2) as episodes:
        episodes.reset(seed=0)
        for _ in range(74):
            episodes.step(np.zeros(2))
        with pytest.raises(ChildFault, match="the hinge broke") as raised:
            episodes.step(np.zeros(2))
    fault = raised.value
    assert type(fault) is ChildFault
    assert fault.symptom.startswith("step 299 of an episode raised RuntimeError")
    line = with_step(ENDLESS, statement).splitlines().index("        " + statement) + 1
    assert f"(line {line}: `{statement}`)" in fault.symptom
    assert fault.cause
    assert fault.fix


def test_reports_exception_at_load_and_at_reset() -> None:
    broken = TASK.replace("self.steps = 0", "self.steps = undefined")
    undefined = pytest.raises(ChildFault, match="'undefined' is not defined")
    with SandboxedEpisodes(broken, "r2d2", 1, 1) as episodes, undefined:
        episodes.reset(seed=0)
    with pytest.raises(ChildFault, match="no class `Env`"):
        SandboxedEpisodes(TASK.replace("class Env", "class Other"), "r2d2", 1, 1)


def test_refuses_a_reward_that_is_not_finite() -> None:
    source = TASK.replace(
        "self.get_object_position(self.ball)[0]}",
        "self.get_object_position(self.ball)[0] if self.steps < 15 else np.nan}",
    )
    with SandboxedEpisodes(source, "r2d2", 1, 1) as episodes:
        episodes.reset(seed=0)
        for _ in range(3):
            episodes.step(np.zeros(1))
        with pytest.raises(ChildFault, match="gave nan for 'ball'"):
            episodes.step(np.zeros(1))


def test_stops_a_task_that_hangs_in_a_late_step(
    monkeypatch: pytest.MonkeyPatch, processes: Any
) -> None:
    monkeypatch.setattr(vector, "STEP_TIMEOUT_S", 1.5)
    monkeypatch.setattr(vector, "LATECOMER_TIMEOUT_S", 0.1)
    hang = with_step(ENDLESS, "while self.steps == 50: pass")
    with SandboxedEpisodes(hang, "r2d2", 2, 2) as episodes:
        pids = processes.sandboxed_by(os.getpid())
        assert len(pids) == 2
        episodes.reset(seed=0)
        for _ in range(12):
            episodes.step(np.zeros(2))
        started = time.monotonic()
        with pytest.raises(ChildTimeout, match=r"did not finish within 1\.5 s"):
            episodes.step(np.zeros(2))
        # Both hang, and they are not waited for one after the other.
        assert 1.5 <= time.monotonic() - started < 2.5
    assert [pid for pid in pids if processes.in_session(pid)] == []


def test_tells_that_a_child_was_killed(processes: Any, wait_until: Callable[..., None]) -> None:
    with SandboxedEpisodes(TASK, "r2d2", 4, 2) as episodes:
        episodes.reset(seed=0)
        episodes.step(np.zeros(4))
        victim, other = processes.sandboxed_by(os.getpid())
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: not processes.is_alive(victim))
        with pytest.raises(ChildDied, match="SIGKILL"):
            episodes.step(np.zeros(4))
    assert processes.in_session(other) == []


def test_leaves_nothing_behind(processes: Any) -> None:
    def descriptors() -> list[str]:
        entries = [entry for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
        return sorted(link for entry in entries if "/proc/" not in (link := os.readlink(entry)))

    gc.collect()
    files, before = set(os.listdir("/dev/shm")), descriptors()
    with SandboxedEpisodes(TASK, "r2d2", 2, 2) as episodes:
        episodes.reset(seed=0)
        assert set(os.listdir("/dev/shm")) <= files
        assert len(processes.sandboxed_by(os.getpid())) == 2
    assert processes.sandboxed_by(os.getpid()) == []
    assert set(os.listdir("/dev/shm")) <= files
    del episodes
    gc.collect()
    assert descriptors() == before


def test_leaves_no_process_when_the_task_does_not_load(processes: Any) -> None:
    with pytest.raises(ChildFault, match="SyntaxError"):
        SandboxedEpisodes("class Env(:\n", "r2d2", 2, 2)
    assert processes.sandboxed_by(os.getpid()) == []
