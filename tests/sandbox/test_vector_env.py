"""`TaskVectorEnv` gives what Gymnasium's own vector environment gives for as many `TaskEnv`s, from
sandboxed processes, and keeps its grip on them."""

from __future__ import annotations

import functools
import gc
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

from taskwright import TaskEnv, TaskVectorEnv
from taskwright.errors import UsageError
from taskwright.sandbox.processes.channel import ChildDied, ChildFault, ChildProtocolError
from taskwright.world import ActionError
from taskwright.world.robots import ROBOTS

# Episodes of a random length that end in either way; one reward term comes and goes.
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
        self.length = np.random.randint(8, 60)
        place = [*np.random.uniform(1, 3, size=2), 0.3]
        self._p.resetBasePositionAndOrientation(self.ball, place, [0, 0, 0, 1])
        return observation

    def step(self, action):
        self.steps += 1
        # HERE
        return super().step(action)

    def get_task_rewards(self, action):
        terms = {"ball": self.get_object_position(self.ball)[0]}
        if self.length % 2:
            terms["odd"] = 0.5
        return terms

    def get_terminated(self, action):
        return self.steps >= self.length

    def get_success(self):
        return self.steps > 20
'''
SETTINGS = {"time_limit": 36}
ENDLESS = TASK.replace("return self.steps >= self.length", "return False")
HANGS = ENDLESS.replace("# HERE", "while self.steps > 16: pass")
"""In its fifth action."""


def with_step(statement: str) -> str:
    """The task with a statement before each of its physics steps."""
    return TASK.replace("# HERE", statement)


def sync(source: str, count: int, **settings: Any) -> SyncVectorEnv:
    """Gymnasium's vector environment of the same task, in this process."""
    make = functools.partial(TaskEnv, source, **settings)
    return SyncVectorEnv([make] * count, autoreset_mode=AutoresetMode.SAME_STEP)


def assert_same(ours: Any, theirs: Any, where: str = "") -> None:
    """Equal to the last bit, in the same types."""
    assert type(ours) is type(theirs), where
    if isinstance(ours, dict):
        assert sorted(ours) == sorted(theirs), where
        for key in ours:
            assert_same(ours[key], theirs[key], f"{where}[{key!r}]")
    elif isinstance(ours, tuple):
        assert len(ours) == len(theirs), where
        for n, pair in enumerate(zip(ours, theirs, strict=True)):
            assert_same(*pair, f"{where}[{n}]")
    elif isinstance(ours, np.ndarray) and ours.dtype == object:
        assert_same(tuple(ours), tuple(theirs), where)
    elif isinstance(ours, np.ndarray):
        assert ours.dtype == theirs.dtype, where
        assert ours.tobytes() == theirs.tobytes(), where
    else:
        assert ours == theirs, where


# Gymnasium's contract.


@pytest.mark.parametrize(("count", "processes"), [(1, 1), (3, 2), (4, 3)])
def test_gives_what_gymnasiums_own_gives(count: int, processes: int) -> None:
    theirs = sync(TASK, count, **SETTINGS)
    seen = dict.fromkeys(("terminated", "truncated", "final_info", "odd", "both"), 0)
    with TaskVectorEnv(TASK, count, processes=processes, **SETTINGS) as ours:
        assert_same(ours.reset(seed=7), theirs.reset(seed=7), "reset")
        theirs.action_space.seed(0)
        for n in range(60):
            actions = theirs.action_space.sample()
            step = ours.step(actions)
            assert_same(step, theirs.step(actions), f"step {n}")
            seen["terminated"] += int(step[2].sum())
            seen["truncated"] += int(step[3].sum())
            seen["final_info"] += "final_info" in step[4]
            terms = step[4].get("reward_terms", {})
            seen["odd"] += "odd" in terms
            seen["both"] += "odd" in terms and not terms["_odd"].all()
    theirs.close()
    assert all(seen[what] for what in ("terminated", "truncated", "final_info", "odd")), seen
    assert seen["both"] or count == 1, "environments were to differ in what they tell"


@pytest.mark.parametrize("robot", ROBOTS)
def test_serves_every_robot(robot: str) -> None:
    source = TASK.replace("R2D2Env", ROBOTS[robot].base)
    theirs = sync(source, 2, **SETTINGS)
    with TaskVectorEnv(source, 2, processes=1, **SETTINGS) as ours:
        for name in ("single_observation_space", "single_action_space"):
            assert getattr(ours, name) == getattr(theirs, name)
        for name in ("observation_space", "action_space"):
            assert getattr(ours, name) == getattr(theirs, name)
        assert_same(ours.reset(seed=1), theirs.reset(seed=1), "reset")
        theirs.action_space.seed(0)
        for n in range(12):
            actions = theirs.action_space.sample()
            assert_same(ours.step(actions), theirs.step(actions), f"step {n}")
    theirs.close()


def test_seeds_are_taken_as_gymnasium_takes_them() -> None:
    theirs = sync(TASK, 3)
    mask = np.array([True, False, True])
    resets: list[dict[str, Any]] = [
        {"seed": 5},
        {"seed": None},
        {"seed": [9, 8, 7]},
        {"seed": [None, 3, None]},
        {"seed": [1, 2, 3], "options": {"reset_mask": mask}},
        {"options": {"reset_mask": mask}},
    ]
    with TaskVectorEnv(TASK, 3, processes=2) as ours:
        for n, reset in enumerate(resets):
            # Gymnasium's own takes the mask out of the options that it is given.
            copy = {**reset, "options": dict(reset["options"])} if "options" in reset else reset
            assert_same(ours.reset(**reset), theirs.reset(**copy), f"reset {n}")
            for _ in range(3):
                actions = np.array([1, 4, n % 6])
                assert_same(ours.step(actions), theirs.step(actions), f"after reset {n}")
    theirs.close()


def test_episodes_differ_where_no_seed_is_given() -> None:
    with TaskVectorEnv(TASK, 2, processes=2) as one, TaskVectorEnv(TASK, 2, processes=2) as other:
        rows = [row.tobytes() for env in (one, other) for row in env.reset()[0]]
    assert len(set(rows)) == 4


def test_says_how_it_begins_episodes() -> None:
    with TaskVectorEnv(TASK, 1) as env:
        assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
        assert isinstance(env, gymnasium.vector.VectorEnv)
        assert env.render_mode is None
        with pytest.raises(UsageError, match=r"cannot be drawn.*TaskEnv"):
            env.render()


def test_works_with_gymnasiums_vector_wrappers() -> None:
    wrapped = gymnasium.wrappers.vector.RecordEpisodeStatistics(
        TaskVectorEnv(TASK, 2, processes=1, **SETTINGS)
    )
    wrapped.reset(seed=0)
    ends = 0
    for _ in range(30):
        _, _, terminated, truncated, infos = wrapped.step(np.array([0, 1]))
        ended = terminated | truncated
        ends += int(ended.sum())
        if ended.any():
            assert (infos["episode"]["l"][ended] > 1).all()
    assert ends > 2
    wrapped.close()


def test_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "task.py"
    path.write_text(TASK, encoding="utf-8")
    with TaskVectorEnv.from_file(path, 2, processes=1) as env:
        assert env.reset(seed=0)[0] in env.observation_space


def test_a_broken_world_is_told_in_the_final_info() -> None:
    source = with_step("if self.length % 2: self._p.resetBaseVelocity(self.ball, [0, 0, 900])")
    with TaskVectorEnv(source, 4, processes=2) as env:
        env.reset(seed=[0, 1, 2, 3])
        _, _, terminated, truncated, infos = env.step(np.zeros(4, dtype=np.int64))
    broken = infos["final_info"]["_diagnosis"]
    assert 0 < broken.sum() < 4, "seeds were to be such that some worlds break"
    np.testing.assert_array_equal(truncated, broken)
    assert not terminated.any()
    for n, diagnosis in enumerate(infos["final_info"]["diagnosis"]):
        assert diagnosis.startswith("Body 2 moves at ") if broken[n] else diagnosis is None


def test_tells_32_names_of_reward_terms() -> None:
    source = TASK.replace(
        "        return terms\n", "        return {str(n): n / 100 for n in range(40)}\n"
    )
    with TaskVectorEnv(source, 1) as env:
        env.reset(seed=0)
        _, rewards, *_, infos = env.step(np.array([0]))
    names = {name for name in infos["reward_terms"] if not name.startswith("_")}
    assert names == {str(n) for n in range(32)}
    assert rewards[0] == pytest.approx(4 * sum(range(40)) / 100)


# Wrong calls.


@pytest.mark.parametrize(
    "actions",
    [
        np.zeros(3, dtype=np.int64),
        np.zeros((2, 1), dtype=np.int64),
        np.zeros(2),
        np.array([0, 6]),
        np.array([-1, 0]),
        np.array([0.0, np.nan]),
        np.array([1]),
        ["forward", "idle"],
        ["1", "2"],
        [True, False],
        [[1, 2], [3]],
        None,
        1,
    ],
)
def test_refuses_actions_that_do_not_fit(actions: Any) -> None:
    with TaskVectorEnv(TASK, 2, processes=1) as env:
        env.reset(seed=0)
        with pytest.raises(UsageError, match="does not fit MultiDiscrete") as refused:
            env.step(actions)
        assert isinstance(refused.value, ActionError)
        assert "\n" not in str(refused.value)
        # It is none the worse for it.
        env.step(np.zeros(2, dtype=np.int64))


def test_numbers_beyond_the_bounds_do_what_they_do_in_one_environment() -> None:
    source = TASK.replace("R2D2Env", "AntEnv")
    theirs = sync(source, 2, **SETTINGS)
    with TaskVectorEnv(source, 2, processes=1, **SETTINGS) as ours:
        for wrong in (np.full((2, 8), np.nan), np.zeros((1, 8)), np.zeros(8), [["0"] * 8] * 2):
            ours.reset(seed=1)
            with pytest.raises(UsageError, match="does not fit Box"):
                ours.step(wrong)
        assert_same(ours.reset(seed=1), theirs.reset(seed=1), "reset")
        for size in (0.5, 3.0, 1e200):
            actions = np.array([[size] * 8, [-size] * 8])
            assert_same(ours.step(actions), theirs.step(actions), f"size {size}")
    theirs.close()


def test_tells_the_longest_episode_and_is_cut_short_from_outside() -> None:
    lengths: list[tuple[dict[str, Any], int]] = [
        ({}, 250),
        ({"time_limit": 40, "action_repeat": 3}, 14),
        ({"time_limit": 40, "max_episode_steps": 7}, 7),
        ({"time_limit": 40, "max_episode_steps": 70}, 10),
    ]
    for keywords, steps in lengths:
        with TaskVectorEnv(ENDLESS, 2, processes=1, **keywords) as env:
            assert env.spec is not None
            assert env.spec.max_episode_steps == steps
            env.reset(seed=0)
            ends = [env.step(np.zeros(2, np.int64))[3].tolist() for _ in range(steps)]
        assert ends == [[False] * 2] * (steps - 1) + [[True] * 2]


def test_a_limit_from_outside_gives_what_gymnasiums_own_gives() -> None:
    make = functools.partial(TaskEnv, TASK, **SETTINGS)
    theirs = SyncVectorEnv(
        [lambda: TimeLimit(make(), 5)] * 3, autoreset_mode=AutoresetMode.SAME_STEP
    )
    with TaskVectorEnv(TASK, 3, processes=2, max_episode_steps=5, **SETTINGS) as ours:
        assert_same(ours.reset(seed=7), theirs.reset(seed=7), "reset")
        for n in range(16):
            actions = np.array([n % 6, 1, 0])
            assert_same(ours.step(actions), theirs.step(actions), f"step {n}")
    theirs.close()


def test_gymnasium_makes_it_again_by_its_spec() -> None:
    with TaskVectorEnv(TASK, 3, processes=1, **SETTINGS) as env:
        again = gymnasium.make_vec(env.spec)
        assert isinstance(again, TaskVectorEnv)
        assert again.spec is not None
        assert (again.num_envs, again.spec.max_episode_steps) == (3, 9)
        assert_same(again.reset(seed=1), env.reset(seed=1))
        again.close()


def test_refuses_wrong_calls_with_a_remedy() -> None:
    settings: dict[str, Any]
    for settings in ({"time_limit": 0}, {"action_repeat": 1.5}, {"max_episode_steps": "9"}):
        with pytest.raises(UsageError, match=r"is .*\. Ask for 1 or more"):
            TaskVectorEnv(TASK, 2, processes=1, **settings)
    with pytest.raises(UsageError, match="r2d2 has no gait"):
        TaskVectorEnv(TASK, 2, processes=1, steered=True)
    for keywords in ({"num_envs": 0}, {"num_envs": 2, "processes": 0}):
        with pytest.raises(UsageError, match=r"is 0\. Ask for 1 or more"):
            TaskVectorEnv(TASK, **keywords)
    with pytest.raises(UsageError, match="Ask for 3 processes or for fewer"):
        TaskVectorEnv(TASK, 60, processes=2)
    with pytest.raises(UsageError, match="say for which robot"):
        TaskVectorEnv(TASK.replace("R2D2Env", "SpotEnv"), 1)
    with TaskVectorEnv(TASK, 2, processes=1) as env:
        with pytest.raises(ResetNeeded):
            env.step(np.zeros(2, dtype=np.int64))
        for seed in (-1, [1], [1, -2], [1, 2, 3]):
            with pytest.raises(UsageError, match="`seed` is"):
                env.reset(seed=seed)
        masks = [np.ones(3, dtype=np.bool_), np.ones(2), [True, True], np.array([True, False])]
        for mask in masks:
            with pytest.raises(UsageError, match="reset_mask"):
                env.reset(options={"reset_mask": mask})
        env.reset(seed=0)
        with pytest.raises(UsageError, match="reset_mask"):
            env.reset(options={"reset_mask": np.zeros(2, dtype=np.bool_)})


def test_finds_the_robot_in_the_source() -> None:
    source = TASK.replace("from taskwright.world import R2D2Env", "import omni").replace(
        "class Env(R2D2Env)", "class Env( omni.base.R2D2Env )"
    )
    # Recognised, and then refused by the process that runs it.
    with pytest.raises(ChildFault, match="`omni` is not available"):
        TaskVectorEnv(source, 1)


# The grip on the processes.


def test_closes_twice_and_says_so_afterwards(processes: Any) -> None:
    env = TaskVectorEnv(TASK, 2, processes=2)
    env.reset(seed=0)
    assert len(processes.sandboxed_by(os.getpid())) == 2
    env.close()
    env.close()
    assert env.closed
    assert processes.sandboxed_by(os.getpid()) == []
    for use in (env.reset, lambda: env.step(np.zeros(2, dtype=np.int64))):
        with pytest.raises(ClosedEnvironmentError, match="Make new ones"):
            use()


def test_one_that_is_forgotten_is_closed(processes: Any) -> None:
    env = TaskVectorEnv(TASK, 2, processes=2)
    env.reset(seed=0)
    del env
    gc.collect()
    assert processes.sandboxed_by(os.getpid()) == []


def test_killed_in_the_middle_of_a_step_it_says_so_and_leaves_nothing(
    processes: Any, wait_until: Callable[..., None]
) -> None:
    env = TaskVectorEnv(HANGS, 4, processes=2)
    env.reset(seed=0)
    for _ in range(4):
        env.step(np.zeros(4, dtype=np.int64))
    before = processes.descendants_of(os.getpid())
    children = processes.sandboxed_by(os.getpid())
    busy = {pid: processes.cpu_s(pid) for pid in children}
    killed_at: list[float] = []

    def kill_when_busy() -> None:
        wait_until(lambda: all(processes.cpu_s(pid) > busy[pid] + 0.2 for pid in children))
        killed_at.append(time.monotonic())
        os.kill(children[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_when_busy)
    killer.start()
    with pytest.raises(ChildDied, match=r"^The process that ran the task died \(signal SIGKILL\)"):
        env.step(np.zeros(4, dtype=np.int64))
    # The other child, which goes on for ever, was given a moment and then ended too.
    assert time.monotonic() - killed_at[0] < 3.0
    killer.join()
    left = processes.descendants_of(os.getpid())
    assert not left & set(children)
    assert left <= before
    env.close()
    with pytest.raises(ClosedEnvironmentError):
        env.reset(seed=0)


def test_is_interrupted_without_leaving_an_answer_unread(processes: Any) -> None:
    env = TaskVectorEnv(HANGS, 1)
    env.reset(seed=0)
    for _ in range(4):
        env.step(np.zeros(1, dtype=np.int64))
    # As if somebody pressed Ctrl-C.
    usual = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    with pytest.raises(KeyboardInterrupt):
        env.step(np.zeros(1, dtype=np.int64))
    signal.signal(signal.SIGALRM, usual)
    assert processes.sandboxed_by(os.getpid()) == []
    with pytest.raises(ClosedEnvironmentError):
        env.step(np.zeros(1, dtype=np.int64))


# A task that has broken out of the language and changed the process it runs in.
BREAKOUT = """
(kind,) = [k for k in ().__class__.__base__.__subclasses__() if k.__name__ == "_wrap_close"]
names = {{"__builtins__": kind.__init__.__globals__["__builtins__"], "__name__": "raw"}}
names["__builtins__"]["exec"]({statements!r}, names)
"""
FORGE = """
import math
from taskwright.sandbox.episodes import EpisodeServer
def forged(self): {body}
EpisodeServer.step.__code__ = forged.__code__
"""


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("return {'diagnoses': {'7': 'x'}}", "an environment that it does not have"),
        ("return {'diagnoses': ['x']}", "an unknown answer"),
        ("return {'reward_terms': 'x'}", "an unknown answer"),
        ("return {'reward_terms': ['x'] * 33}", "more than 32 reward terms"),
        ("return {'other': 1}", "an unknown answer"),
        ("self._arrays['reward_terms'][0, 3] = float('inf'); return {}", "a reward term"),
        ("self._arrays['rewards'][0] = float('nan'); return {}", "a reward that is not finite"),
        ("self._arrays['observations'][0, 3] = float('inf'); return {}", "an observation"),
    ],
)
def test_refuses_what_a_lying_process_tells(body: str, detail: str) -> None:
    source = BREAKOUT.format(statements=FORGE.format(body=body)) + TASK
    with TaskVectorEnv(source, 2, processes=1) as env:
        env.reset(seed=0)
        with pytest.raises(ChildProtocolError, match=detail):
            env.step(np.zeros(2, dtype=np.int64))


def test_cuts_short_what_a_lying_process_says() -> None:
    body = "self._arrays['truncated'][:] = 1; return {'diagnoses': {'1': '\\x1b[2J' * 5000}}"
    source = BREAKOUT.format(statements=FORGE.format(body=body)) + TASK
    with TaskVectorEnv(source, 2, processes=1) as env:
        env.reset(seed=0)
        infos = env.step(np.zeros(2, dtype=np.int64))[4]
    said = infos["final_info"]["diagnosis"][1]
    assert len(said) <= 2000
    assert "\x1b" not in said
