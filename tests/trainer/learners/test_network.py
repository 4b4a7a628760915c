"""The network begins as that of stable-baselines3 does, and draws actions as it would."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from stable_baselines3.common.policies import ActorCriticPolicy

from taskwright.task import ROBOTS, Robot
from taskwright.trainer.learners.network import HIDDEN, PolicyNetwork
from taskwright.world.robots import robot_spaces

DRAWS = 20_000


@pytest.mark.parametrize("steered", [True, False])
@pytest.mark.parametrize("robot", ROBOTS)
def test_it_begins_with_the_weights_that_stable_baselines3_draws(robot: Robot, steered: bool):
    spaces = robot_spaces(robot, steered=steered)
    before = torch.random.get_rng_state()
    ours = PolicyNetwork(*spaces, seed=5).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before), "others draw on as if it were not"
    torch.manual_seed(5)
    theirs = ActorCriticPolicy(*spaces, lambda _: 1e-3, net_arch=[*HIDDEN]).state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_what_stable_baselines3_learns_is_there_at_once():
    policy = ActorCriticPolicy(*robot_spaces("humanoid"), lambda _: 1e-3, net_arch=[8])
    network = PolicyNetwork.of_stable_baselines3(policy)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(1.0)
    theirs = policy.state_dict()
    assert theirs.keys() == network.state_dict().keys()
    assert all(torch.equal(each, theirs[name]) for name, each in network.state_dict().items())


def test_torques_are_drawn_as_the_policy_says_and_kept_within_bounds():
    observation_space, action_space = robot_spaces("ant")
    torch.manual_seed(0)
    policy = ActorCriticPolicy(observation_space, action_space, lambda _: 1e-3, net_arch=[*HIDDEN])
    with torch.no_grad():
        policy.log_std.fill_(-2.0)
        policy.action_net.bias[0] = 1.0
    actor = PolicyNetwork.of_stable_baselines3(policy)
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
    policy = ActorCriticPolicy(observation_space, action_space, lambda _: 1e-3, net_arch=[*HIDDEN])
    with torch.no_grad():
        policy.action_net.bias.copy_(torch.tensor([2.0, 1.0, 0.0, 0.0, -1.0, -2.0]))
    actor = PolicyNetwork.of_stable_baselines3(policy)
    observations = np.zeros((DRAWS, observation_space.shape[0]), np.float32)
    noise = actor.noise((DRAWS,), torch.Generator().manual_seed(1))
    drawn = np.bincount(actor.choose(observations, noise), minlength=6) / DRAWS
    expected = torch.softmax(policy.action_net.bias.detach(), 0).numpy()
    assert drawn == pytest.approx(expected, abs=0.015)
