"""Soft Q-learning: how a trial learns with a robot that chooses among actions.

One network tells what each action is worth (see `action_values`), and learns from steps drawn again
and again from all that was seen. Where a task is not learned soon, a second network of another kind
learns beside it, from the same steps, and each acts in every other environment. Neither kind is
best everywhere: what bounded features find soonest, normalised ones often master first. Learners
that share what they see as in Schmitt et al. (2019, arXiv 1909.11583).

It learns while the environments are being stepped, in processes of their own. What it learns from
depends on the number of steps alone: the same seed gives the same policy, however many processes
there are and however fast they are.
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Discrete
from numpy.typing import NDArray
from torch import Tensor

from ...sandbox.vector import SandboxedEpisodes, Steps
from ...world.robots import robot_class
from ...world.scene import expand
from ..policy_files import Activation
from .action_values import ActionValues, SoftQSettings
from .learner import Learner, TrainingEpisode
from .network import PolicyNetwork, Weights
from .replay_buffer import ReplayBuffer


class SoftQLearner(Learner):
    """Learns what actions are worth, for robots that choose among actions."""

    settings_class = SoftQSettings
    settings: SoftQSettings

    def __init__(
        self, episodes: SandboxedEpisodes, seed: int, settings: SoftQSettings | None = None
    ) -> None:
        super().__init__(episodes, seed, settings)
        self._seed = seed
        self._random = np.random.default_rng(seed)
        self._draws = torch.Generator().manual_seed(seed)
        self._place = robot_class(episodes.robot).place_numbers
        (size,) = episodes.observation_space.shape or ()
        capacity = math.ceil(self.settings.capacity_steps / episodes.count)
        capacity = max(capacity, self.settings.steps_ahead + 2)
        self.seen = ReplayBuffer(capacity, episodes.count, size)
        self.values = [self._begun(self.settings, seed, self._random)]
        """What the actions are worth, as each network has learned it."""
        self.network = self.values[0].network

    @classmethod
    def takes(cls, action_space: gymnasium.Space[Any]) -> bool:
        return isinstance(action_space, Discrete)

    @property
    def networks(self) -> list[PolicyNetwork]:
        return [values.network for values in self.values]

    def actor(self, environment: int) -> int:
        return environment % len(self.values)

    def _begun(
        self, settings: SoftQSettings, seed: int, random: np.random.Generator
    ) -> ActionValues:
        network = PolicyNetwork(
            self.episodes.observation_space,
            self.episodes.action_space,
            seed,
            settings.hidden,
            activation=settings.activation,
        )
        return ActionValues(network, settings, self.episodes.count, random)

    def reset(self, seed: int) -> None:
        self._observations = self.episodes.reset(seed)
        self._earned = np.zeros(self.episodes.count)
        self._paid = np.zeros(self.episodes.count)
        """What the learner was paid in the episode so far: see `own_rewards`."""
        self._lengths = np.zeros(self.episodes.count, dtype=np.int64)
        for values in self.values:
            values.scale.forget_returns()

    def takes_up(self, network: PolicyNetwork) -> bool:
        return network.hidden == network.value_hidden == self.settings.hidden

    def restart(self, weights: Weights, activation: Activation | None = None) -> None:
        """Go on with one network that has other weights, with all that was seen."""
        first, wanted = self.values[0], activation or self.settings.activation
        if first.network.activation != wanted:
            settings = self.settings.but(activation=wanted)
            other = self._begun(settings, self._seed, self._random)
            other.continue_from(first)
            first = other
        first.restart(weights)
        self.values, self.network = [first], first.network

    def _begin_second(self) -> None:
        """A second network, which has learned nothing yet."""
        settings = self.settings.but(
            activation=self.settings.second_activation,
            last_discount=self.settings.second_last_discount,
        )
        seeds = np.random.SeedSequence([self._seed, *b"second"])
        seed = int(seeds.generate_state(1)[0])
        second = self._begun(settings, seed, np.random.default_rng(seeds))
        second.continue_from(self.values[0])
        self.values.append(second)

    def improve(self) -> list[TrainingEpisode]:
        is_due = self.values[0].taken_steps >= self.settings.second_from
        if is_due and len(self.values) == 1 and self.episodes.count > 1:
            self._begin_second()
        ended: list[TrainingEpisode] = []
        steps = self.settings.steps
        noise = self.network.noise((steps, self.episodes.count), self._draws)
        for number in range(steps):
            observations = self._observations
            actions = self._choose(observations, noise[number])
            self.episodes.start(actions)
            self._learn()
            ended += self._note(observations, actions, self.episodes.finish())
        return ended

    def _choose(self, observations: NDArray[np.float32], noise: Tensor) -> NDArray[np.int64]:
        count = len(self.values)
        actions = np.empty(self.episodes.count, np.int64)
        for place, network in enumerate(self.networks):
            own = slice(place, None, count)
            actions[own] = network.choose(observations[own], noise[own])
        return actions

    def _note(
        self, observations: NDArray[np.float32], actions: NDArray[np.int64], steps: Steps
    ) -> list[TrainingEpisode]:
        """Remember a step; returns the episodes that it ended."""
        self._observations = steps.observations
        rewards = self._training_rewards(steps)
        self._earned += steps.rewards
        self._paid += rewards
        self._lengths += 1
        ended = steps.terminated | steps.truncated
        succeeded = ended & steps.successes
        # Success ends an episode here, so this is paid once.
        worths = self.settings.success_worth(self._paid, self._lengths) * succeeded
        rewards = rewards + worths
        led_to = np.where(ended[:, None], steps.final_observations, steps.observations)
        self.seen.add(
            observations,
            actions,
            rewards,
            ended,
            steps.terminated | succeeded,
            led_to,
            expand(led_to[:, self._place]),
            worths,
        )
        for values in self.values:
            values.note(rewards, worths, ended)
        self.steps += self.episodes.count
        episodes = [
            TrainingEpisode(
                environment=int(n),
                network=self.actor(int(n)),
                success=bool(succeeded[n]),
                earned=float(self._earned[n]),
                steps=int(self._lengths[n]),
            )
            for n in np.flatnonzero(ended)
        ]
        self._earned[ended] = 0.0
        self._paid[ended] = 0.0
        self._lengths[ended] = 0
        for episode in episodes:
            self.values[episode.network].recent.append(episode.success)
        return episodes

    def _training_rewards(self, steps: Steps) -> NDArray[np.float64]:
        """The rewards of a step with the share of the robot's own that counts."""
        left_out = 1.0 - self.settings.own_rewards
        if not left_out:
            return steps.rewards
        names, terms = self.episodes.reward_terms()
        own = np.isin(names, robot_class(self.episodes.robot).reward_names)
        rewards: NDArray[np.float64] = steps.rewards - left_out * np.nansum(terms[:, own], axis=1)
        return rewards

    def _learn(self) -> None:
        """The updates that are due for one step of all environments."""
        few = self.seen.steps <= self.settings.steps_ahead
        if few or self.steps < self.settings.first_steps:
            return
        for values in self.values:
            values.learn(self.seen)
