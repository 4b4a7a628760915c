"""PPO for robots whose joints are moved one by one."""

from __future__ import annotations

import torch

from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.trainer.learners.ppo import PPO_SETTINGS, PPOLearner


def trained(source: str, processes: int) -> tuple[list, dict[str, torch.Tensor]]:
    with SandboxedEpisodes(
        source, "humanoid", count=2, processes=processes, steered=False
    ) as episodes:
        learner = PPOLearner(episodes, 3)
        learner.reset(1)
        ended = learner.improve() + learner.improve()
        assert learner.steps == 2 * 2 * PPO_SETTINGS.steps
        return ended, learner.network.state_dict()


def test_the_same_seed_gives_the_same_policy_in_one_process_and_in_two(easy_source):
    source = easy_source.replace("R2D2Env", "HumanoidEnv")
    source = source.replace("self.x = 0.0", "self.x = self.calls = 0.0")
    source = source.replace("return False", "self.calls += 1\n        return self.calls > 40")
    ended, weights = trained(source, 1)
    assert len(ended) > 20
    assert all(episode.steps <= 11 for episode in ended)
    again_ended, again = trained(source, 2)
    assert again_ended == ended
    assert all(torch.equal(weights[name], again[name]) for name in weights)


def test_it_goes_on_from_other_weights_and_with_other_episodes(easy_source):
    source = easy_source.replace("R2D2Env", "HumanoidEnv")
    with SandboxedEpisodes(source, "humanoid", count=2, processes=1, steered=False) as episodes:
        learner = PPOLearner(episodes, 3)
        begun = {k: v.clone() for k, v in learner.network.state_dict().items()}
        learner.reset(1)
        learner.improve()
        assert not torch.equal(
            learner.network.state_dict()["action_net.weight"], begun["action_net.weight"]
        )
        learner.restart(begun)
        assert all(
            torch.equal(each, begun[name]) for name, each in learner.network.state_dict().items()
        )
        learner.reset(2)
        learner.improve()
        assert learner.steps == 2 * 2 * PPO_SETTINGS.steps
