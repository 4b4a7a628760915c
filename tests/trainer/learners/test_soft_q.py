"""The learner gives the same policy whatever steps its environments, and in a known file format."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.task import ROBOT_BASES
from taskwright.trainer.learners.action_values import ReturnScale, SoftQSettings
from taskwright.trainer.learners.learner import TrainingEpisode
from taskwright.trainer.learners.soft_q import SoftQLearner

SMALL = SoftQSettings().but(steps=16, first_steps=64, batch_size=32)


def odds(learner: SoftQLearner, observations) -> torch.Tensor:
    """The probability of each action."""
    network = learner.network
    with torch.no_grad():
        features = network.mlp_extractor.policy_net(torch.from_numpy(observations))
        return torch.softmax(network.action_net(features), dim=1)


@pytest.fixture
def learner(easy_source):
    with SandboxedEpisodes(easy_source, "r2d2", count=2, processes=1) as episodes:
        learner = SoftQLearner(episodes, 3, SMALL)
        learner.reset(1)
        yield learner


def trained(source: str, robot: str, processes: int) -> tuple[list[TrainingEpisode], dict]:
    with SandboxedEpisodes(source, robot, count=4, processes=processes) as episodes:
        learner = SoftQLearner(episodes, 3, SMALL)
        learner.reset(1)
        ended = [episode for _ in range(6) for episode in learner.improve()]
        assert learner.steps == 6 * 16 * 4
        return ended, learner.network.state_dict()


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


@pytest.mark.parametrize("share", [1.0, 0.25, 0.0])
def test_of_the_robots_own_rewards_the_share_counts_that_was_asked_for(easy_source, share):
    """A task that pays nothing itself: all there is to earn is the price of energy."""
    source = easy_source[: easy_source.index("    def get_task_rewards")]
    source += """    def get_task_rewards(self, action):
        return {"nothing": 0.0}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
"""
    with SandboxedEpisodes(source, "r2d2", count=4, processes=1) as episodes:
        learner = SoftQLearner(episodes, 3, SMALL.but(own_rewards=share))
        learner.reset(1)
        observations = learner._observations
        for action, price in ((0, 0.0), (1, -0.2)):
            actions = np.full(4, action)
            episodes.start(actions)
            steps = episodes.finish()
            learner._note(observations, actions, steps)
            assert steps.rewards == pytest.approx(4 * price)
            kept = learner.seen._rewards[learner.seen.steps - 1]
            assert kept == pytest.approx(share * 4 * price)
        # A curve shows what the task itself pays.
        assert learner._earned == pytest.approx(-0.8)


def test_what_pays_is_done_more_often(easy_source):
    """Driving ahead pays in the easy task, and nothing else does."""
    with SandboxedEpisodes(easy_source, "r2d2", count=8, processes=2) as episodes:
        learner = SoftQLearner(episodes, 0)
        observations = episodes.reset(5)
        learner.reset(0)

        def ahead() -> float:
            return float(odds(learner, observations)[:, 1].mean())

        before = ahead()
        while learner.steps < 4_000:
            learner.improve()
        assert before == pytest.approx(1 / 6, abs=0.05)
        assert ahead() > 0.5


def test_the_policy_draws_by_what_actions_are_worth(learner):
    for _ in range(4):
        learner.improve()
    observations = torch.from_numpy(learner._observations)
    with torch.no_grad():
        values = learner.values[0]
        worths = values._head(values._trunk(observations))
        expected = torch.softmax(worths / values._temperature, dim=1)
        shown = odds(learner, learner._observations)
    torch.testing.assert_close(shown, expected)


def test_choices_get_as_uncertain_as_they_are_to_be(easy_source):
    settings = SMALL.but(temperature_rate=0.05, first_temperature=3.0, entropy=1.2)
    with SandboxedEpisodes(easy_source, "r2d2", count=4, processes=1) as episodes:
        learner = SoftQLearner(episodes, 3, settings)
        learner.reset(1)
        entropies = []
        while learner.steps < 1_600:
            learner.improve()
            likely = odds(learner, learner._observations)
            entropies.append(float(-(likely * likely.log()).sum(dim=1).mean()))
        # From where nothing was preferred to what is asked for.
        assert entropies[0] > 1.7
        assert 0.8 < np.mean(entropies[-8:]) < 1.6


@pytest.mark.parametrize(("successes", "entropy"), [(0, 0.7), (25, 0.7), (40, 0.43), (50, 0.25)])
def test_choices_get_surer_once_half_of_the_episodes_succeed(learner, successes, entropy):
    values = learner.values[0]
    values.recent += [True] * successes + [False] * (50 - successes)
    assert values._entropy == pytest.approx(entropy)


@pytest.mark.parametrize(
    ("steps", "horizon"),
    [(0, 50.0), (30_000, 50.0), (60_000, 125.0), (90_000, 200.0), (1e6, 200.0)],
)
def test_the_horizon_grows_where_training_takes_long(learner, steps, horizon):
    values = learner.values[0]
    values.settings = SoftQSettings(
        discount=0.98, last_discount=0.995, horizon_grows_from=30_000, horizon_grows_for=60_000
    )
    values._taken_steps = int(steps)
    assert 1.0 / (1.0 - values.discount) == pytest.approx(horizon)
    assert values.worth_scale == pytest.approx(horizon / 50.0)
    values.settings = values.settings.but(last_discount=0.9)
    assert values.discount == 0.98


def test_new_places_count_until_episodes_succeed(learner, monkeypatch):
    worths = []

    def draw(count, steps, discount, scale, exploration_bonus, *more):
        worths.append(exploration_bonus)
        return original(count, steps, discount, scale, exploration_bonus, *more)

    original = learner.seen.draw
    monkeypatch.setattr(learner.seen, "draw", draw)
    for _ in range(3):
        learner.improve()
    assert set(worths) == {SMALL.exploration_bonus}
    worths.clear()
    learner.values[0].recent += [True] * 3
    learner.improve()
    assert set(worths) == {0.0}


def test_a_policy_to_begin_with_acts_as_it_did(learner):
    weights = {name: torch.randn_like(each) for name, each in learner.network.state_dict().items()}
    learner.restart(weights)
    shown = learner.network.state_dict()
    assert all(torch.equal(shown[name], weights[name]) for name in weights)
    learner.values[0]._publish()
    torch.testing.assert_close(shown["action_net.weight"], weights["action_net.weight"])


TWO = SMALL.but(second_from=256)


def test_a_second_network_acts_in_every_other_environment_once_training_takes_long(easy_source):
    source = easy_source.replace("return False", "return self.x > 0.1")
    with SandboxedEpisodes(source, "r2d2", count=4, processes=1) as episodes:
        learner = SoftQLearner(episodes, 3, TWO)
        learner.reset(1)
        while learner.steps < TWO.second_from:
            assert {episode.network for episode in learner.improve()} <= {0}
            assert len(learner.networks) == 1
        ended = [episode for _ in range(20) for episode in learner.improve()]
        first, second = learner.networks
        assert first is learner.network
        assert (first.activation, second.activation) == ("tanh", "normalised_relu")
        assert {(each.environment, each.network) for each in ended} == {
            (0, 0),
            (1, 1),
            (2, 0),
            (3, 1),
        }
        assert [learner.actor(n) for n in range(4)] == [0, 1, 0, 1]
        # Both have learned, from what both have seen.
        for values in learner.values:
            assert values.taken_steps > 0
            assert not torch.equal(values._slow_parameters[0], values._parameters[0])
        assert learner.seen.steps * 4 == learner.steps


def test_two_networks_learn_alike_however_many_processes_there_are(easy_source):
    shown = []
    for processes in (1, 3):
        with SandboxedEpisodes(easy_source, "r2d2", count=4, processes=processes) as episodes:
            learner = SoftQLearner(episodes, 3, TWO)
            learner.reset(1)
            for _ in range(8):
                learner.improve()
            shown.append([network.weights() for network in learner.networks])
    one, several = shown
    assert len(one) == len(several) == 2
    for weights, again in zip(one, several, strict=True):
        assert all(torch.equal(weights[name], again[name]) for name in weights)


def test_going_on_from_a_policy_begins_with_one_network_of_its_kind(easy_source):
    with SandboxedEpisodes(easy_source, "r2d2", count=4, processes=1) as episodes:
        learner = SoftQLearner(episodes, 3, TWO)
        learner.reset(1)
        for _ in range(6):
            learner.improve()
        tanh, normalised = learner.networks
        assert learner.takes_up(tanh)
        assert learner.takes_up(normalised)
        weights = normalised.weights()
        learner.restart(weights, "normalised_relu")
        (network,) = learner.networks
        assert network is learner.network
        assert network.activation == "normalised_relu"
        assert all(torch.equal(network.weights()[name], weights[name]) for name in weights)
        learner.improve()
        learner.restart(tanh.weights())
        assert [each.activation for each in learner.networks] == ["tanh"]
        # A second one begins anew when this one has been at it as long.
        while learner.values[0].taken_steps < TWO.second_from:
            learner.improve()
        learner.improve()
        assert len(learner.networks) == 2


def test_rewards_are_measured_by_how_much_returns_differ():
    scale = ReturnScale(2)
    assert scale.deviation == 1.0
    nothing = np.array([False, False])
    returns = []
    carried = np.zeros(2)
    random = np.random.default_rng(0)
    for _ in range(50):
        rewards, ended = random.normal(3.0, 2.0, 2), random.random(2) < 0.2
        carried = 0.5 * carried + rewards
        returns.append(carried)
        scale.add(rewards, ended, 0.5)
        carried = np.where(ended, 0.0, carried)
    assert scale.deviation == pytest.approx(np.std(returns))
    scale.forget_returns()
    scale.add(np.array([1.0, 1.0]), nothing, 0.5)
    assert scale.deviation == pytest.approx(np.std([*returns, [1.0, 1.0]]))
