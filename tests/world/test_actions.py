"""Actions that a robot has are taken as trainers give them; the others are refused, and the task is
not blamed."""

from __future__ import annotations

import enum
import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from taskwright.sandbox.faults import fault_of
from taskwright.world import ActionError, ContractError, TaskEnv
from taskwright.world.actions import read_action, read_actions

TASK = '''
from taskwright.world import AntEnv


class Env(AntEnv):
    """Stand on a meadow."""

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 1.0], [0.0, 0.0, -1.0], [0.5, 0.6, 0.5, 1.0])
        self.actions = []

    def step(self, action):
        self.actions.append(action)
        return super().step(action)

    def get_task_rewards(self, action):
        return {"height": self.robot.links["base"].position[2]}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''
DRIVES = TASK.replace("AntEnv", "R2D2Env")
SIX, EIGHT = Discrete(6), Box(-1.0, 1.0, (8,), np.float32)


class Command(enum.IntEnum):
    AHEAD = 3


WHOLE = [
    3,
    np.int64(3),
    np.uint8(3),
    np.array(3),
    np.array([3]),
    torch.tensor(3),
    torch.tensor(3).item(),
    Command.AHEAD,
]
NOT_WHOLE: list[Any] = [
    -1,
    6,
    10**30,
    1.7,
    3.0,
    np.float32(3.0),
    np.array(3.0),
    float("nan"),
    float("inf"),
    True,
    np.True_,
    "1",
    b"1",
    None,
    1j,
    [3],
    (3,),
    {},
    [[3]],
    np.array([[3]]),
    np.array([1, 2]),
    np.array([]),
    np.array("3"),
    np.array(3, dtype=object),
    np.array([True]),
    torch.tensor(3.0),
    torch.tensor(True),
    torch.tensor([1, 2]),
    object(),
]
NUMBERS = [
    np.full(8, 0.5, np.float32),
    np.full(8, 0.5),
    np.full(8, 0.5, np.float16),
    [0.5] * 8,
    (0.5,) * 8,
    torch.full((8,), 0.5),
]
NO_NUMBERS: list[Any] = [
    0.5,
    None,
    "forward",
    b"forward",
    {},
    [0.5] * 7,
    [0.5] * 9,
    [[0.5] * 8],
    [[0.5], [0.5, 0.5]],
    ["0.5"] * 8,
    [None] * 8,
    [True] * 8,
    [0.5j] * 8,
    [10**400] * 8,
    np.full((1, 8), 0.5),
    np.full((8, 1), 0.5),
    np.full(8, "0.5"),
    np.full(8, 0.5, dtype=object),
    np.array([0.5] * 7 + [np.nan]),
    np.array([0.5] * 7 + [np.inf]),
    np.array([0.5] * 7 + [-np.inf]),
    torch.full((8,), 0.5, requires_grad=True),
]


@pytest.mark.parametrize("action", WHOLE)
def test_a_whole_number_is_taken_however_it_is_given(action: Any) -> None:
    taken = read_action(action, SIX)
    assert taken == 3
    assert type(taken) is int


@pytest.mark.parametrize("action", NOT_WHOLE)
def test_what_is_no_action_of_a_discrete_space_is_refused(action: Any) -> None:
    with pytest.raises(ActionError, match=r"which does not fit Discrete\(6\): .* from 0 to 5\.$"):
        read_action(action, SIX)


def test_a_space_that_begins_elsewhere_has_other_numbers() -> None:
    assert read_action(-2, Discrete(3, start=-2)) == -2
    with pytest.raises(ActionError, match="from -2 to 0"):
        read_action(1, Discrete(3, start=-2))


@pytest.mark.parametrize("action", NUMBERS)
def test_numbers_are_taken_as_a_copy_of_the_type_of_the_space(action: Any) -> None:
    taken = read_action(action, EIGHT)
    assert taken.dtype == np.float32
    np.testing.assert_array_equal(taken, np.full(8, 0.5, np.float32))
    assert taken is not action
    assert not np.shares_memory(taken, np.asarray(action))


@pytest.mark.parametrize("action", NO_NUMBERS)
def test_what_is_no_action_of_a_box_is_refused(action: Any) -> None:
    with pytest.raises(ActionError, match=r"does not fit Box.*: it must be 8 finite numbers\.$"):
        read_action(action, EIGHT)


@pytest.mark.parametrize("far", [1.5, 1e30, 1e300, 7, -(2**62)])
def test_finite_numbers_beyond_the_bounds_count_as_the_bounds(far: float) -> None:
    action = np.array([far, -far, 0.5, 0.0] * 2)
    bound = np.sign(far)
    np.testing.assert_array_equal(
        read_action(action, EIGHT), np.array([bound, -bound, 0.5, 0.0] * 2, np.float32)
    )


def test_a_message_is_one_line_and_tells_what_was_wrong() -> None:
    bad = {
        "with NaN or infinity in it": np.full(17, np.nan),
        "shape (3, 3) and type float64": np.zeros((3, 3)),
        "(list)": [["long"] * 40] * 40,
        "'one\\ntwo'": "one\ntwo",
    }
    for part, action in bad.items():
        with pytest.raises(ActionError) as refused:
            read_action(action, Box(-1.0, 1.0, (17,)))
        assert part in str(refused.value)
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) < 250


def test_the_error_is_known_to_trainers_and_travels_between_processes() -> None:
    with pytest.raises(ActionError) as refused:
        read_action(7, SIX)
    error = refused.value
    assert isinstance(error, ValueError)
    assert isinstance(error, gymnasium.error.InvalidAction)
    assert not isinstance(error, ContractError)
    # As Gymnasium's `AsyncVectorEnv` raises it again.
    assert str(type(error)(error)) == str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    "actions",
    [
        np.array([1]),
        np.array([[1], [2]]),
        np.array([1, 2, 3]),
        np.array([-1, 0]),
        np.array([0, 6]),
        np.array([1.7, 0.0]),
        np.array([1.0, 2.0]),
        np.array(["1", "2"]),
        np.array([1, None]),
        [True, False],
        [[1, 2], [3]],
        3,
        None,
        "12",
        {0: 1, 1: 2},
    ],
)
def test_one_action_for_each_environment_or_none_is_taken(actions: Any) -> None:
    with pytest.raises(ActionError, match=r"does not fit MultiDiscrete\(\[6 6\]\): give .* of 2 "):
        read_actions(actions, SIX, 2)


def test_actions_of_many_environments_are_taken_as_each_would_be() -> None:
    for actions in ([1, 2], (1, 2), np.array([1, 2], np.uint8), torch.tensor([1, 2])):
        np.testing.assert_array_equal(read_actions(actions, SIX, 2), [1, 2])
    numbers = read_actions(np.full((2, 8), 3.0), EIGHT, 2)
    np.testing.assert_array_equal(numbers, np.ones((2, 8), np.float32))
    for wrong in (np.zeros(8), np.zeros((1, 8)), np.zeros((2, 8, 1)), np.full((2, 8), np.nan)):
        with pytest.raises(ActionError, match="give an array of one action for each of 2"):
            read_actions(wrong, EIGHT, 2)


def test_whole_numbers_may_be_floats_where_that_is_said() -> None:
    np.testing.assert_array_equal(read_actions([1.0, 5.0], SIX, 2, floats_count=True), [1, 5])
    for wrong in ([1.5, 0.0], [6.0, 0.0], [np.nan, 0.0], [np.inf, 0.0]):
        with pytest.raises(ActionError):
            read_actions(wrong, SIX, 2, floats_count=True)


# In an environment.


@pytest.fixture(scope="module")
def ant() -> Iterator[TaskEnv]:
    env = TaskEnv(TASK, action_repeat=1)
    yield env
    env.close()


def seen_by_task(env: TaskEnv) -> list[Any]:
    told: list[Any] = vars(env.env)["actions"]
    return told


@pytest.mark.parametrize("steered", [False, True])
@pytest.mark.parametrize("source", [DRIVES, TASK], ids=["r2d2", "ant"])
def test_a_refused_action_never_reaches_the_task(source: str, steered: bool) -> None:
    if source is DRIVES and steered:
        pytest.skip("R2D2 has no gait")
    env = TaskEnv(source, steered=steered, action_repeat=1)
    env.reset(seed=0)
    for action in [*NOT_WHOLE, *NO_NUMBERS]:
        if source is TASK and isinstance(action, int) and 0 <= action < 9:
            continue
        with pytest.raises(ActionError):
            env.step(action)
    assert seen_by_task(env) == []
    assert env.physics_steps == 0
    # It is none the worse for it.
    assert not env.step(env.action_space.sample())[2]
    env.close()


def test_actions_of_every_type_do_the_same(ant: TaskEnv) -> None:
    states = []
    for action in NUMBERS:
        ant.reset(seed=0)
        states.append([ant.step(action)[:2] for _ in range(3)][-1])
        given = seen_by_task(ant)
        assert {type(each) for each in given} == {np.ndarray}
        assert {each.dtype for each in given} == {np.dtype(np.float32)}
    for observation, reward in states[1:]:
        np.testing.assert_array_equal(observation, states[0][0])
        assert reward == states[0][1]


def test_numbers_beyond_the_bounds_do_and_cost_what_the_bounds_do(ant: TaskEnv) -> None:
    ends = []
    for action in (np.ones(8), np.full(8, 1e200), np.full(8, 5)):
        ant.reset(seed=0)
        ends.append([ant.step(action)[:2] for _ in range(5)][-1])
    for observation, reward in ends[1:]:
        np.testing.assert_array_equal(observation, ends[0][0])
        assert reward == ends[0][1]


def test_what_a_task_does_to_an_action_does_not_reach_who_gave_it() -> None:
    spoils = TASK.replace("self.actions.append(action)", "action[:] = 0.0")
    env = TaskEnv(spoils)
    env.reset(seed=0)
    action = np.full(8, 0.5, np.float32)
    env.step(action)
    assert (action == 0.5).all()
    env.close()


def test_a_wrong_action_is_not_told_as_a_mistake_of_the_task() -> None:
    env = TaskEnv(DRIVES)
    env.reset(seed=0)
    with pytest.raises(ActionError) as refused:
        env.step(9)
    fault = fault_of(refused.value, "step 0 of an episode", DRIVES)
    assert fault.keys() == {"broken"}
    assert fault["broken"].startswith("In step 0 of an episode: The action is 9")
    env.close()


def test_what_a_task_passes_on_is_the_task_s_own_affair() -> None:
    env = TaskEnv(TASK.replace("super().step(action)", 'super().step("ahead")'))
    env.reset(seed=0)
    with pytest.raises(ContractError, match=r"super\(\)\.step"):
        env.step(np.zeros(8))
    env.close()


# Before, after and between episodes.


def test_nothing_is_acted_or_drawn_before_the_first_episode() -> None:
    env = TaskEnv(DRIVES, render_mode="rgb_array")
    for call in (lambda: env.step(0), env.render):
        with pytest.raises(gymnasium.error.ResetNeeded, match="Call `reset`"):
            call()
    env.close()


def test_a_step_after_the_end_gives_one_warning_for_an_episode() -> None:
    env = TaskEnv(DRIVES, time_limit=4)
    for _ in range(2):
        env.reset(seed=0)
        assert env.step(0)[3]
        with pytest.warns(UserWarning, match="after the episode had ended"):
            env.step(0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert env.step(0)[3]
    env.close()


def test_a_closed_environment_says_so() -> None:
    env = TaskEnv(DRIVES, render_mode="rgb_array")
    env.reset(seed=0)
    env.close()
    env.close()
    for call in (lambda: env.step(0), lambda: env.reset(seed=0), env.render):
        with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="Make a new one"):
            call()


def test_a_reset_that_fails_leaves_no_episode_to_go_on_with() -> None:
    fails = """
    def reset(self):
        observation = super().reset()
        self.number = 1 // int(self.np_random.integers(2))
        return observation

    def step("""
    source = DRIVES.replace("\n    def step(", fails)
    env = TaskEnv(source)
    seeds = {}
    for seed in range(10):
        try:
            env.reset(seed=seed)
            seeds["good"] = seed
        except ZeroDivisionError:
            seeds["bad"] = seed
    env.reset(seed=seeds["good"])
    env.step(0)
    with pytest.raises(ZeroDivisionError):
        env.reset(seed=seeds["bad"])
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)
    env.close()
