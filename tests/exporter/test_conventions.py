"""An exported package takes what Gymnasium's own `make` and `make_vec` take, tells its limits, and
refuses wrong actions, whichever way in is used."""

from __future__ import annotations

import copy
import importlib
import pickle
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeAwareObservation

LENGTHS: list[tuple[dict[str, Any], int]] = [
    ({"time_limit": 40}, 10),
    ({"action_repeat": 2, "time_limit": 30}, 15),
    ({"max_episode_steps": 3}, 3),
    ({"max_episode_steps": 70, "time_limit": 40}, 10),
    ({"max_episode_steps": -1, "time_limit": np.int64(40)}, 10),
    ({"max_episode_steps": None, "disable_env_checker": True, "time_limit": 40}, 10),
    ({"disable_env_checker": False, "time_limit": 40}, 10),
]


@pytest.fixture(autouse=True)
def no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # What earlier tests have left to be collected is not told of here.
        warnings.simplefilter("ignore", pytest.PytestUnraisableExceptionWarning)
        yield


def steps_of(env: gymnasium.Env[Any, Any]) -> int:
    env.reset(seed=1)
    return next(n for n in range(1, 999) if env.step(0)[3])


def steps_of_each(envs: gymnasium.vector.VectorEnv[Any, Any, Any]) -> int:
    envs.reset(seed=1)
    actions = np.zeros(envs.num_envs, np.int64)
    return next(n for n in range(1, 999) if envs.step(actions)[3].all())


def test_without_keywords_an_episode_has_250_steps_as_the_spec_says(imported: ModuleType) -> None:
    for env in (gymnasium.make(imported.task_ids()[0]), imported.make(imported.task_ids()[0])):
        assert env.spec is not None
        assert env.spec.max_episode_steps == 250 == steps_of(env)
        env.close()


@pytest.mark.parametrize(("keywords", "steps"), LENGTHS)
def test_the_spec_tells_how_long_an_episode_may_be(
    imported: ModuleType, keywords: dict[str, Any], steps: int
) -> None:
    task = imported.task_ids()[0]
    for make in (gymnasium.make, imported.make):
        env = make(task, **keywords)
        assert env.spec.id == task.split(":")[1]
        assert env.spec.max_episode_steps == steps == steps_of(env)
        TimeAwareObservation(env)
        for spec in (env.spec, pickle.loads(pickle.dumps(copy.deepcopy(env.spec)))):
            again = gymnasium.make(spec)
            assert again.spec.max_episode_steps == steps == steps_of(again)
            again.close()
        env.close()


@pytest.mark.parametrize(("keywords", "steps"), LENGTHS[1::2])
def test_a_vector_takes_the_keywords_of_gymnasiums_own(
    imported: ModuleType, keywords: dict[str, Any], steps: int
) -> None:
    task = imported.task_ids()[0]
    ours = gymnasium.make_vec(task, num_envs=2, processes=1, **keywords)
    assert type(ours).__name__ == "TasksVectorEnv"
    sync = gymnasium.make_vec(task, num_envs=2, vectorization_mode="sync", **keywords)
    for envs in (ours, sync):
        assert envs.spec.max_episode_steps == steps == steps_of_each(envs)
    again = gymnasium.make_vec(ours.spec)
    assert again.num_envs == 2
    assert again.spec.max_episode_steps == steps
    for envs in (ours, sync, again):
        envs.close()


def test_a_limit_around_a_vector_gives_what_gymnasiums_own_gives(imported: ModuleType) -> None:
    name = imported.metadata(imported.task_ids()[0])["name"]
    modes: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP}
    ours = imported.make_vec(name, 2, max_episode_steps=3, **modes)
    theirs = SyncVectorEnv([lambda: imported.make(name, max_episode_steps=3)] * 2, **modes)
    np.testing.assert_array_equal(ours.reset(seed=4)[0], theirs.reset(seed=4)[0])
    for _ in range(8):
        actions = np.array([1, 4])
        for mine, expected in zip(ours.step(actions)[:4], theirs.step(actions)[:4], strict=True):
            np.testing.assert_array_equal(mine, expected)
    ours.close()
    theirs.close()


def test_a_suite_tells_its_limit(imported: ModuleType) -> None:
    suite = gymnasium.make(
        f"{imported.__name__}:{imported.metadata()['suite']}-v0", time_limit=40, max_open=1
    )
    assert suite.spec is not None
    assert suite.spec.max_episode_steps == 10 == steps_of(suite)
    again = gymnasium.make(suite.spec)
    assert steps_of(again) == 10
    again.close()
    suite.close()
    names = [imported.metadata(task)["name"] for task in imported.task_ids()]
    some = imported.make(names[:1], time_limit=8)
    assert some.spec.max_episode_steps == 2
    assert gymnasium.make(some.spec).unwrapped.tasks == names[:1]  # type: ignore[attr-defined]
    some.close()


def test_pictures_come_in_lists_where_gymnasium_is_asked_for_them(imported: ModuleType) -> None:
    env = gymnasium.make(imported.task_ids()[0], render_mode="rgb_array_list", width=32, height=24)
    env.reset(seed=0)
    env.step(1)
    pictures: Any = env.render()
    assert [picture.shape for picture in pictures] == [(24, 32, 3)] * 2
    env.close()


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"max_episode_steps": 0}, "max_episode_steps is 0; it must be a whole number"),
        ({"max_episode_steps": "ten"}, "max_episode_steps is 'ten'"),
        ({"max_episode_steps": 2.5}, "max_episode_steps is 2.5"),
        ({"time_limit": 0}, "time_limit is 0; it must be"),
        ({"action_repeat": -1}, "action_repeat is -1; it must be"),
        ({"camera": "top"}, "camera is 'top'"),
        ({"steered": True}, "cannot be steered"),
        ({"colour": "red"}, "unexpected keyword argument 'colour'"),
    ],
)
def test_a_wrong_keyword_is_told_in_one_line_before_any_process_starts(
    imported: ModuleType, keywords: dict[str, Any], said: str
) -> None:
    for make in (imported.make, lambda task, **given: imported.make_vec(task, 2, **given)):
        with pytest.raises((ValueError, TypeError), match=said) as refused:
            make(imported.task_ids()[0], **keywords)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"num_envs": "2"}, "num_envs is '2'"),
        ({"processes": -1}, "processes is -1"),
        ({"vectorization_mode": "sync"}, "vectorization_mode is not for these environments"),
        ({"vector_kwargs": {"shared_memory": True}}, "vector_kwargs is not for these"),
        ({"wrappers": [TimeAwareObservation]}, "wrappers is not for these environments"),
        ({"sandboxed": True, "autoreset_mode": "next_step"}, "same_step only"),
        ({"sandboxed": True, "disable_env_checker": False}, "have no checker"),
        ({"sandboxed": True, "render_mode": "rgb_array"}, "give numbers only"),
    ],
)
def test_what_is_not_for_a_vector_is_told_in_one_line(
    imported: ModuleType, keywords: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        imported.make_vec(imported.task_ids()[0], **{"num_envs": 2, **keywords})
    assert "\n" not in str(refused.value)


# Actions.

WRONG = [-1, 6, 1.7, 3.0, "1", None, True, float("nan"), [3], np.array([1, 2])]
WRONG_FOR_TWO = [
    np.array([-1, 0]),
    np.array([0, 7]),
    np.array([1.7, 0.0]),
    np.array([2]),
    np.zeros((2, 1), np.int64),
    2,
    None,
    ["ahead", "back"],
    [True, False],
]


@pytest.mark.parametrize(
    "make",
    [
        lambda package: gymnasium.make(package.task_ids()[0]),
        lambda package: package.make(package.task_ids()[0]),
        lambda package: package.make(),
        lambda package: package.make(package.task_ids()[0], sandboxed=True),
    ],
    ids=["by id", "plain", "suite", "sandboxed"],
)
def test_an_environment_refuses_what_is_no_action(
    imported: ModuleType, make: Callable[[ModuleType], gymnasium.Env[Any, Any]]
) -> None:
    error = importlib.import_module(f"{imported.__name__}.world").ActionError
    env = make(imported)
    with pytest.raises(ResetNeeded):
        env.step(0)
    env.reset(seed=0)
    for action in WRONG:
        with pytest.raises(error, match="whole number from 0 to 5"):
            env.step(action)
    for action in (3, np.int64(3), np.array(3), np.array([3])):
        env.step(action)
    env.close()
    with pytest.raises((ClosedEnvironmentError, ResetNeeded)):
        env.step(0)


@pytest.mark.parametrize("sandboxed", [False, True])
def test_a_vector_refuses_what_is_no_action_for_each(imported: ModuleType, sandboxed: bool) -> None:
    envs = imported.make_vec(imported.task_ids()[0], 2, sandboxed=sandboxed)
    with pytest.raises(ResetNeeded):
        envs.step(np.zeros(2, np.int64))
    envs.reset(seed=0)
    for actions in WRONG_FOR_TWO:
        with pytest.raises(ValueError, match="does not fit MultiDiscrete"):
            envs.step(actions)
    # They are none the worse for it.
    for actions in (np.array([1, 5]), [1, 5], np.array([1, 5], np.uint8)):
        envs.step(actions)
    envs.close()
    with pytest.raises(ClosedEnvironmentError):
        envs.step(np.zeros(2, np.int64))


def test_gymnasiums_own_processes_pass_the_refusal_on(imported: ModuleType) -> None:
    error = importlib.import_module(f"{imported.__name__}.world").ActionError
    envs = gymnasium.make_vec(
        imported.task_ids()[0],
        num_envs=2,
        vectorization_mode="async",
        vector_kwargs={"context": "fork"},
    )
    envs.reset(seed=0)
    warnings.simplefilter("ignore")  # Gymnasium tells the traceback of its process in one.
    with pytest.raises(error, match="The action is 7"):
        envs.step(np.array([0, 7]))
    envs.close()


def test_lerobots_scores_are_finite_numbers_of_any_size(imported: ModuleType) -> None:
    lerobot = importlib.import_module(f"{imported.__name__}.lerobot")
    env = lerobot.LeRobotEnv("DriveAheadNow")
    for call in (lambda: env.step(np.zeros(6)), env.render):
        with pytest.raises(ResetNeeded):
            call()
    env.reset(seed=0)
    for scores in (np.zeros(5), 3, None, [np.nan] * 6, ["1"] * 6, np.zeros((1, 6))):
        with pytest.raises(ValueError, match="6 finite numbers"):
            env.step(scores)
    # The highest is taken: 2, which is to drive back.
    plain = imported.make("DriveAheadNow")
    plain.reset(seed=0)
    scores = np.array([5.0, 7.0, 8.0, -9.0, 0.0, 1.0])
    np.testing.assert_array_equal(env.step(scores)[0]["agent_pos"], plain.step(2)[0])
    env.close()
    plain.close()


def test_episodes_that_have_ended_are_begun_by_hand_where_that_is_the_mode(
    imported: ModuleType,
) -> None:
    envs = imported.make_vec(imported.task_ids()[0], 2, autoreset_mode="disabled", time_limit=4)
    envs.reset(seed=0)
    assert envs.step([0, 0])[3].all()
    with pytest.raises(ResetNeeded, match=r"environments \[0, 1\] have ended"):
        envs.step([0, 0])
    envs.reset(options={"reset_mask": np.array([True, False])})
    with pytest.raises(ResetNeeded, match=r"environments \[1\] have ended"):
        envs.step([0, 0])
    for seed in (-1, [1], "one", [1, 2.5]):
        with pytest.raises(ValueError, match="seed is"):
            envs.reset(seed=seed)
    for mask in ([True], [1, 0], "both"):
        with pytest.raises(ValueError, match="reset_mask"):
            envs.reset(options={"reset_mask": mask})
    envs.reset()
    assert envs.step([0, 0])[3].all()
    envs.close()
