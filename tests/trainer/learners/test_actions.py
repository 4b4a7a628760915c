"""Actions are drawn as stable-baselines3 would draw them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from stable_baselines3.common.policies import ActorCriticPolicy

from taskwright.trainer.learners.actions import Actor
from taskwright.world.robots import robot_spaces

DRAWS = 20_000


def test_torques_are_drawn_as_the_policy_says_and_kept_within_bounds():
    observation_space, action_space = robot_spaces("ant")
    torch.manual_seed(0)
    policy = ActorCriticPolicy(observation_space, action_space, lambda _: 1e-3)
    with torch.no_grad():
        policy.log_std.fill_(-2.0)
        policy.action_net.bias[0] = 1.0
    actor = Actor(policy)
    observations = np.zeros((DRAWS, observation_space.shape[0]), np.float32)
    noise = actor.noise((DRAWS,), torch.Generator().manual_seed(1))
    drawn = actor.choose(observations, noise)
    assert all(action in action_space for action in drawn[:64])
    expected = policy.get_distribution(torch.from_numpy(observations[:1])).distribution
    # The first is cut at its bound half of the time; the others never come near theirs.
    mean, deviation = expected.mean.detach().numpy()[0], expected.stddev.detach().numpy()[0]
    assert np.mean(drawn[:, 0] == action_space.high[0]) == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(drawn[:, 1:].mean(axis=0), mean[1:], atol=0.005)
    np.testing.assert_allclose(drawn[:, 1:].std(axis=0), deviation[1:], rtol=0.03)


def test_choices_are_drawn_as_often_as_the_policy_says():
    observation_space, action_space = robot_spaces("r2d2")
    policy = ActorCriticPolicy(observation_space, action_space, lambda _: 1e-3)
    with torch.no_grad():
        policy.action_net.bias.copy_(torch.tensor([2.0, 1.0, 0.0, 0.0, -1.0, -2.0]))
    actor = Actor(policy)
    observations = np.zeros((DRAWS, observation_space.shape[0]), np.float32)
    noise = actor.noise((DRAWS,), torch.Generator().manual_seed(1))
    drawn = np.bincount(actor.choose(observations, noise), minlength=6) / DRAWS
    expected = torch.softmax(policy.action_net.bias.detach(), 0).numpy()
    assert drawn == pytest.approx(expected, abs=0.015)
