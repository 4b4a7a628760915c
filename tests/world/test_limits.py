"""`spec` tells how long an episode may be, whatever the environment was made with."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.wrappers import TimeAwareObservation, TimeLimit

from taskwright.world import TaskEnv
from taskwright.world.limits import LimitedSpec, longest_episode

LENGTHS: list[tuple[dict[str, Any], int]] = [
    ({}, 250),
    ({"time_limit": 40}, 10),
    ({"time_limit": 41}, 11),
    ({"action_repeat": 1, "time_limit": 7}, 7),
    ({"action_repeat": 3, "time_limit": 10}, 4),
    ({"action_repeat": np.int64(2), "time_limit": np.int64(8)}, 4),
    ({"time_limit": 1200}, 300),
]


@pytest.fixture(autouse=True)
def no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def steps_of(env: gymnasium.Env[Any, Any]) -> int:
    """Actions in an episode that nothing but time ends."""
    env.reset(seed=0)
    for steps in range(1, 1000):
        *_, terminated, truncated, _ = env.step(0)
        assert not terminated
        if truncated:
            return steps
    raise AssertionError("it never ended")


@pytest.mark.parametrize(("keywords", "steps"), LENGTHS)
def test_the_spec_of_a_task_tells_its_longest_episode(
    easy_source: str, keywords: dict[str, Any], steps: int
) -> None:
    env = TaskEnv(easy_source, **keywords)
    assert env.spec is not None
    assert env.spec.max_episode_steps == env.max_episode_steps == steps == steps_of(env)
    assert TimeAwareObservation(env).observation_space.contains(
        np.append(env.reset(seed=0)[0], steps).astype(np.float32)
    )
    env.close()


@pytest.mark.parametrize(("keywords", "steps"), LENGTHS)
def test_gymnasium_makes_the_same_environment_again(
    easy_source: str, keywords: dict[str, Any], steps: int
) -> None:
    env = TaskEnv(easy_source, **keywords)
    assert env.spec is not None
    for spec in (env.spec, copy.deepcopy(env.spec), pickle.loads(pickle.dumps(env.spec))):
        again = gymnasium.make(spec)
        assert again.spec is not None
        assert again.spec.max_episode_steps == steps
        np.testing.assert_array_equal(again.reset(seed=3)[0], env.reset(seed=3)[0])
        again.close()
    json = EnvSpec.from_json(env.spec.to_json())
    assert json.max_episode_steps == steps
    again = gymnasium.make(json)
    assert steps_of(again) == steps
    again.close()
    env.close()


def test_the_spec_names_the_task_by_its_id(easy_source: str) -> None:
    env, other = TaskEnv(easy_source), TaskEnv(easy_source + "\n")
    assert env.spec is not None
    assert other.spec is not None
    assert env.spec.id != other.spec.id
    assert str(env) == f"<TaskEnv<{env.spec.id}>>"
    env.close()
    other.close()


def test_a_shorter_limit_around_it_is_told_and_a_longer_one_changes_nothing(
    easy_source: str,
) -> None:
    for outer, steps in ((3, 3), (10, 10), (400, 10)):
        env = TimeLimit(TaskEnv(easy_source, time_limit=40), outer)
        assert env.spec is not None
        assert env.spec.max_episode_steps == steps == steps_of(env)
        env.close()


def test_a_spec_that_is_given_keeps_all_else() -> None:
    given = EnvSpec("a/B-v3", "x:y", reward_threshold=2.0, kwargs={"k": 1}, max_episode_steps=99)
    for own, steps in ((50, 50), (99, 99), (100, 99)):
        limited = LimitedSpec.of(given, own)
        assert limited.max_episode_steps == steps
        assert (limited.id, limited.version, limited.kwargs) == ("a/B-v3", 3, {"k": 1})
        assert limited.reward_threshold == 2.0
        limited.max_episode_steps = None
        assert limited.max_episode_steps == own
    assert given.max_episode_steps == 99


def test_a_spec_may_be_taken_away(easy_source: str) -> None:
    env = TaskEnv(easy_source)
    env.spec = None
    assert env.spec is None
    env.close()


@pytest.mark.parametrize("name", ["action_repeat", "time_limit"])
@pytest.mark.parametrize("value", [0, -4, 2.5, "4", None, True])
def test_steps_that_are_no_number_are_refused(easy_source: str, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} is .* must be a whole number, one or more"):
        TaskEnv(easy_source, **{name: value})


def test_a_last_action_may_be_shorter() -> None:
    assert [longest_episode(limit, 4) for limit in (1, 4, 5, 1000)] == [1, 1, 2, 250]


def test_a_render_mode_that_there_is_not_is_refused(easy_source: str) -> None:
    with pytest.raises(ValueError, match="render_mode is 'human'; it must be \"rgb_array\""):
        TaskEnv(easy_source, render_mode="human")
