"""The walkers that come with the package: they load, they walk, and trials begin with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.policies import ActorCriticPolicy

from taskwright.sandbox.world.robots import robot_spaces
from taskwright.sandbox.world.task_env import TaskEnv
from taskwright.trainer.locomotion import pretrained
from taskwright.trainer.plans import TrialPlan
from taskwright.trainer.policies import load_parameters, write_weights
from taskwright.trainer.trial import run_trial

BEACON = Path(__file__).parents[3] / "examples/tasks/ant/walk_to_beacon.py"
WALKERS = {walker.task_id: walker for walker in pretrained("ant")}


def policy_of(walker: str) -> ActorCriticPolicy:
    policy = ActorCriticPolicy(*robot_spaces("ant"), lambda _: 0.0, net_arch=[128, 128])
    policy.load_state_dict(load_parameters(WALKERS[walker].path))
    return policy


def test_the_ant_has_walkers_and_the_driving_robot_none() -> None:
    assert set(WALKERS) == {"ant-ahead", "ant-nearest", "ant-stand"}
    assert pretrained("r2d2") == ()
    assert all(walker.shipped for walker in WALKERS.values())


def test_walkers_are_small_files_without_pickles() -> None:
    for walker in WALKERS.values():
        assert Path(walker.path).stat().st_size < 200_000
        with np.load(walker.path, allow_pickle=False) as arrays:
            assert all(np.isfinite(arrays[name]).all() for name in arrays)


def test_weights_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = policy_of("ant-nearest").state_dict()
    write_weights(tmp_path / "walker.npz", written)
    read = load_parameters(tmp_path / "walker.npz")
    assert read.keys() == written.keys()
    assert all(torch.equal(read[name], written[name]) for name in written)


def test_a_critic_begins_with_what_the_walker_sees_and_expects_nothing() -> None:
    policy = policy_of("ant-nearest")
    observations = torch.randn(4, robot_spaces("ant")[0].shape[0])
    assert torch.equal(policy.predict_values(observations), torch.zeros(4, 1))
    assert policy.mlp_extractor.value_net[0].weight.abs().sum() > 0


def test_the_nearest_walker_comes_to_a_beacon_that_it_was_never_trained_on() -> None:
    policy = policy_of("ant-nearest")
    torch.manual_seed(0)
    env = TaskEnv.from_file(BEACON)
    arrived = 0
    for seed in range(3):
        observation, info = env.reset(seed=seed)
        ended = False
        while not ended and not info["is_success"]:
            action, _ = policy.predict(observation, deterministic=True)
            observation, _, terminated, truncated, info = env.step(action)
            ended = terminated or truncated
        arrived += info["is_success"]
    env.close()
    assert arrived >= 2


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., TrialPlan]:
    """Makes a plan for a trial that may begin with the walkers."""

    def make(source: str, **fields: Any) -> TrialPlan:
        return TrialPlan(
            source=source,
            robot="ant",
            seed=0,
            policy_path=str(tmp_path / "policy.zip"),
            max_steps=60_000,
            max_seconds=600.0,
            processes=2,
            easy_success_rate=0.5,
            archived=pretrained("ant"),
            **fields,
        )

    return make


@pytest.mark.slow
def test_what_a_walker_can_do_already_is_learned_and_not_too_easy(
    plan: Callable[..., TrialPlan],
) -> None:
    # As near as the walker surely gets, so that little training is needed.
    near = BEACON.read_text(encoding="utf-8").replace("uniform(4, 10)", "uniform(3, 4)")
    trial = run_trial(
        plan(
            near,
            patience_steps=60_000,
            environments=16,
            learned_success_rate=0.7,
            screening_episodes=16,
            evaluation_episodes=32,
        )
    )
    assert trial.verdict == "learned"
    assert trial.warm_start == "ant-nearest"


@pytest.mark.slow
def test_what_a_walker_cannot_be_taught_is_not_begun_from_scratch(
    plan: Callable[..., TrialPlan],
) -> None:
    source = BEACON.read_text(encoding="utf-8")
    nowhere = source[: source.index("        return", source.index("def get_success"))]
    trial = run_trial(
        plan(
            nowhere + "        return False\n",
            patience_steps=2_000,
            environments=4,
            learned_success_rate=0.8,
            screening_episodes=4,
            evaluation_episodes=4,
        )
    )
    assert (trial.verdict, trial.rule) == ("too_hard", "hopeless")
    assert trial.warm_start == "ant-nearest"
    assert trial.abandoned_start is None
    # The first span may be better than what came before, but half of the patience is not the end.
    assert trial.steps >= 2_000
