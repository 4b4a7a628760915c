"""The learner gives the same policy whatever steps its environments, and in a known file format."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy

from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.sandbox.world.robots import robot_spaces
from taskwright.task import ROBOT_BASES
from taskwright.trainer.actions import Actor
from taskwright.trainer.learner import Learner, _advantages
from taskwright.trainer.settings import SETTINGS

SMALL = SETTINGS.but(steps=32, batch_size=64, epochs=2)


def trained(source: str, robot: str, processes: int) -> tuple[list, dict[str, torch.Tensor]]:
    with SandboxedEpisodes(source, robot, count=4, processes=processes) as episodes:
        learner = Learner(episodes, 3, SMALL)
        learner.reset(1)
        ended = learner.improve() + learner.improve() + learner.improve()
        assert learner.steps == 3 * 32 * 4
        return ended, learner.model.policy.state_dict()


@pytest.mark.parametrize("robot", ["r2d2", "ant"])
def test_the_same_seed_gives_the_same_policy_in_one_process_and_in_several(easy_source, robot):
    # Episodes of half a second, so that many end.
    source = easy_source.replace("R2D2Env", ROBOT_BASES[robot]).replace(
        "self.x = 0.0", "self.x = self.calls = 0.0"
    )
    source = source.replace("return False", "self.calls += 1\n        return self.calls > 40")
    ended, weights = trained(source, robot, 1)
    assert len(ended) > 20
    again_ended, again = trained(source, robot, 3)
    assert again_ended == ended
    assert all(torch.equal(weights[name], again[name]) for name in weights)


def test_a_gentle_start_spares_the_actor_first_and_then_keeps_it_near(easy_source):
    source = easy_source.replace("R2D2Env", ROBOT_BASES["ant"])
    rollout = SMALL.steps * 4
    gentle = SMALL.but(critic_steps=rollout + 1, largest_divergence=0.0, learning_rate=0.01)
    with SandboxedEpisodes(source, "ant", count=4, processes=1) as episodes:
        learner = Learner(episodes, 3, SMALL)
        learner.reset(1)
        policy = learner.model.policy

        def moved(before: dict[str, torch.Tensor]) -> set[str]:
            after = policy.state_dict()
            return {name for name in before if not torch.equal(before[name], after[name])}

        begun = {name: each.clone() for name, each in policy.state_dict().items()}
        learner.restart(begun, gentle)
        learner.improve()
        assert moved(begun)
        assert all("value_net" in name for name in moved(begun))

        # Nothing has been updated yet when the divergence is first asked for, and an epoch moves
        # the policy further than is allowed here: one epoch is made of two.
        spared = {name: each.clone() for name, each in policy.state_dict().items()}
        learner.improve()
        assert "action_net.weight" in moved(spared)
        once = policy.optimizer.state[policy.action_net.weight]["step"]
        assert once == rollout // SMALL.batch_size


def test_new_places_count_for_the_curious_until_episodes_succeed(
    easy_source,
):
    with SandboxedEpisodes(easy_source, "r2d2", count=2, processes=1) as episodes:
        learner = Learner(episodes, 3, SMALL)
        learner.reset(1)
        learner._collect()
        learner._rollout.ended[:] = False
        learner._rollout.ended[4, 1] = True
        assert not learner._exploration_bonus().any()
        learner.curious = True
        bonus = learner._exploration_bonus()
        # To begin anew is no merit.
        assert bonus.shape == (SMALL.steps, 2)
        assert bonus[4, 1] == 0.0
        assert ((bonus > 0.0) & (bonus <= SMALL.exploration_bonus)).sum() == bonus.size - 1
        learner._recent += [True] * 3
        assert not learner._exploration_bonus().any()


@pytest.mark.parametrize(("successes", "share"), [(0, 1.0), (25, 1.0), (40, 0.4), (50, 0.2)])
def test_the_learning_rate_falls_once_half_of_the_episodes_succeed(easy_source, successes, share):
    with SandboxedEpisodes(easy_source, "r2d2", count=2, processes=1) as episodes:
        learner = Learner(episodes, 3, SMALL)
        learner.reset(1)
        learner._collect()
        learner._recent.clear()
        learner._recent += [True] * successes + [False] * (50 - successes)
        learner._update()
        (group,) = learner.model.policy.optimizer.param_groups
        assert group["lr"] == pytest.approx(share * SMALL.learning_rate)


def test_stable_baselines3_reads_what_was_learned_and_acts_alike(easy_source, tmp_path):
    with SandboxedEpisodes(easy_source, "r2d2", count=2, processes=1) as episodes:
        learner = Learner(episodes, 0, SMALL)
        learner.reset(0)
        learner.improve()
        learner.model.save(tmp_path / "policy.zip")
    loaded = PPO.load(tmp_path / "policy.zip", device="cpu")
    observations = np.random.default_rng(0).normal(size=(5, 157)).astype(np.float32)
    actor = Actor(learner.model.policy)
    chosen = actor.choose(observations, torch.zeros(5, 6))
    assert list(chosen.played) == list(loaded.predict(observations, deterministic=True)[0])


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


def test_advantages_look_ahead_to_the_end_of_an_episode_and_beyond_where_it_was_cut_off():
    # Two environments: in the first an episode is over after the first step, in the second it is
    # cut off there, where it was worth 7.
    rewards = np.array([[1.0, 1.0], [2.0, 2.0]], np.float32)
    values = np.zeros((2, 2), np.float32)
    ended = np.array([[True, True], [False, False]])
    cut = np.array([[0.0, 7.0], [0.0, 0.0]], np.float32)
    last = np.array([4.0, 4.0], np.float32)
    advantages = _advantages(rewards, values, last, cut, ended, discount=0.5, trace=1.0)
    assert advantages.tolist() == [[1.0, 1.0 + 0.5 * 7.0], [2.0 + 0.5 * 4.0] * 2]
