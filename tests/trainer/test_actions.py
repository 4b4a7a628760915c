"""Actions are drawn as stable-baselines3 would draw them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from stable_baselines3.common.policies import ActorCriticPolicy

from taskwright.sandbox.world.robots import robot_spaces
from taskwright.trainer.actions import Actor


@pytest.mark.parametrize("robot", ["r2d2", "ant"])
def test_probabilities_are_those_of_stable_baselines3(robot):
    observation_space, action_space = robot_spaces(robot)
    torch.manual_seed(0)
    policy = ActorCriticPolicy(observation_space, action_space, lambda _: 1e-3)
    actor, random = Actor(policy), torch.Generator().manual_seed(0)
    observations = torch.randn(64, observation_space.shape[0])
    chosen = actor.choose(observations.numpy(), actor.noise((64,), random))
    assert all(action in action_space for action in chosen.played)
    actions = torch.from_numpy(chosen.actions)
    with torch.inference_mode():
        likely, entropies = actor.evaluate(observations, actions)
        _, expected, expected_entropies = policy.evaluate_actions(observations, actions)
    assert torch.allclose(likely, expected, atol=1e-5)
    assert torch.allclose(torch.from_numpy(chosen.log_probabilities), expected, atol=1e-5)
    assert torch.allclose(entropies, expected_entropies, atol=1e-5)


def test_actions_are_drawn_as_often_as_the_policy_says():
    observation_space, action_space = robot_spaces("r2d2")
    policy = ActorCriticPolicy(observation_space, action_space, lambda _: 1e-3)
    with torch.no_grad():
        policy.action_net.bias.copy_(torch.tensor([2.0, 1.0, 0.0, 0.0, -1.0, -2.0]))
    actor = Actor(policy)
    observations = np.zeros((20_000, observation_space.shape[0]), np.float32)
    noise = actor.noise((len(observations),), torch.Generator().manual_seed(1))
    drawn = np.bincount(actor.choose(observations, noise).actions, minlength=6) / len(observations)
    expected = torch.softmax(policy.action_net.bias.detach(), 0).numpy()
    assert not isinstance(action_space, Box)
    assert drawn == pytest.approx(expected, abs=0.015)
