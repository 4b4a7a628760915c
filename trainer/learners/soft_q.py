"""Soft Q-learning: how a trial learns with a robot that chooses among actions.

One network tells what each action is worth. The policy draws actions with the probabilities
softmax(Q / temperature): the same network, its last layer divided by the temperature, so that it
is a `PolicyNetwork` like any other. The network learns as Munchausen reinforcement learning
does (Vieillard et al. 2020, arXiv 2007.14430), from steps drawn again and again from all that was
seen, several steps ahead, towards a copy of itself that follows slowly. The temperature is what
leaves choices as uncertain as `SoftQSettings` say (after Haarnoja et al. 2018, arXiv 1812.05905).

It learns while the environments are being stepped, in processes of their own. What it learns from
depends on the number of steps alone: the same seed gives the same policy, however many processes
there are and however fast they are.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Annotated, Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Discrete
from numpy.typing import NDArray
from torch.nn import functional

from ...sandbox.vector import SandboxedEpisodes, Steps
from ...task import Between
from ...world.robots import robot_class
from ...world.scene import expand
from ..policy_files import Activation
from .learner import SEEN_SUCCESS_RATE, Learner, Rate, Settings, Share, TrainingEpisode
from .network import PolicyNetwork, Weights
from .replay_buffer import ReplayBuffer


@dataclass(frozen=True)
class SoftQSettings(Settings):
    """The settings of soft Q-learning."""

    activation: Activation = "tanh"
    """What follows each hidden layer. Where it is another one than that of an archived policy,
    training does not begin from that."""
    steps: Annotated[int, Between(1, 1_000)] = 32
    """Steps of each environment in one call of `improve`."""
    first_steps: Annotated[int, Between(0, 10_000_000)] = 2_000
    """Steps of all environments before learning begins."""
    capacity_steps: Annotated[int, Between(1, 2_000_000)] = 300_000
    """Steps that are kept to learn from, of some 700 bytes each."""
    updates_per_step: Annotated[float, Between(0.0, 4.0)] = 0.25
    """Updates of the network for each step of an environment."""
    batch_size: Annotated[int, Between(1, 10_000)] = 128
    """Steps from which one update learns."""
    learning_rate: Rate = 7e-4
    """The learning rate of Adam."""
    max_gradient_norm: Annotated[float, Between(1e-3, 1e6)] = 10.0
    """Gradients of a larger norm are scaled down to it."""
    steps_ahead: Annotated[int, Between(1, 100)] = 3
    """Steps whose rewards are summed before the network's own estimate takes over."""
    target_rate: Share = 0.01
    """The share by which the target network approaches the network with each update."""
    munchausen: Share = 0.9
    """The Munchausen coefficient: this times the temperature times the logarithm of the chosen
    action's probability is added to the reward."""
    least_munchausen: Annotated[float, Between(-100.0, 0.0)] = -1.0
    """The lower bound of temperature times logarithm in the Munchausen term."""
    first_temperature: Annotated[float, Between(1e-4, 10.0)] = 0.03
    """The temperature that training begins with, in normalised rewards."""
    temperature_rate: Annotated[float, Between(0.0, 0.1)] = 0.002
    """The share by which the temperature rises or falls with each update."""
    entropy: Annotated[float, Between(0.0, 10.0)] = 0.7
    """The policy's entropy, in nats, that the temperature keeps; six actions have at most 1.8."""
    last_entropy: Annotated[float, Between(0.0, 10.0)] = 0.25
    """The entropy when all training episodes succeed; it begins to fall when half of them do."""
    last_discount: Annotated[float, Between(0.0, 0.9999)] = 0.98
    """The discount once training has taken long; none where it is not above `discount`. A short
    horizon is learned from soonest, but where it is wise to wait, for a lift, say, it makes the
    robot gamble."""
    horizon_grows_from: Annotated[int, Between(0, 10_000_000)] = 30_000
    """Steps after which the horizon, 1 / (1 - discount), begins to grow to that of the last
    discount, counted from where training has begun or begun anew."""
    horizon_grows_for: Annotated[int, Between(1, 10_000_000)] = 60_000
    """Steps that this takes."""
    own_rewards: Share = 1.0
    """The share of the robot's own reward terms, such as the price of energy, that counts in
    training. Where a task pays little, they teach the robot to stand still."""
    exploration_bonus: Annotated[float, Between(0.0, 100.0)] = 0.3
    """The bonus for the first visit to a place, beside normalised rewards, while hardly any episode
    succeeds; the n-th visit gives this divided by the square root of n."""


class SoftQLearner(Learner):
    """Learns what actions are worth, for robots that choose among actions."""

    settings_class = SoftQSettings
    settings: SoftQSettings

    def __init__(
        self, episodes: SandboxedEpisodes, seed: int, settings: SoftQSettings | None = None
    ) -> None:
        super().__init__(episodes, seed, settings)
        settings = self.settings
        self.network = PolicyNetwork(
            episodes.observation_space,
            episodes.action_space,
            seed,
            settings.hidden,
            activation=settings.activation,
        )
        self._draws = torch.Generator().manual_seed(seed)
        self._random = np.random.default_rng(seed)
        self._place = robot_class(episodes.robot).place_numbers
        (size,) = episodes.observation_space.shape or ()
        capacity = math.ceil(settings.capacity_steps / episodes.count)
        capacity = max(capacity, settings.steps_ahead + 2)
        self.seen = ReplayBuffer(capacity, episodes.count, size)
        self._scale = _ReturnScale(episodes.count)
        self._updates_due = 0.0
        self.restart(self.network.weights())

    @classmethod
    def takes(cls, action_space: gymnasium.Space[Any]) -> bool:
        return isinstance(action_space, Discrete)

    def reset(self, seed: int) -> None:
        self._observations = self.episodes.reset(seed)
        self._earned = np.zeros(self.episodes.count)
        self._paid = np.zeros(self.episodes.count)
        """What the learner was paid in the episode so far: see `own_rewards`."""
        self._lengths = np.zeros(self.episodes.count, dtype=np.int64)
        self._scale.forget_returns()

    def restart(self, weights: Weights) -> None:
        """Go on from the weights of another policy, with all that was seen. They tell which actions
        it prefers; what these are worth is still to be learned."""
        network = self.network
        network.load_state_dict(weights)
        self._begun_steps = self.steps
        self._temperature = self.settings.first_temperature
        self._trunk = network.mlp_extractor.policy_net
        self._head = copy.deepcopy(network.action_net)
        with torch.no_grad():
            for parameter in self._head.parameters():
                parameter.mul_(self._temperature)
        self._parameters = [*self._trunk.parameters(), *self._head.parameters()]
        self._slow_trunk, self._slow_head = copy.deepcopy((self._trunk, self._head))
        self._slow_parameters = [*self._slow_trunk.parameters(), *self._slow_head.parameters()]
        self._optimizer = torch.optim.Adam(
            self._parameters, lr=self.settings.learning_rate, eps=1e-5, fused=True
        )

    def improve(self) -> list[TrainingEpisode]:
        ended: list[TrainingEpisode] = []
        steps = self.settings.steps
        noise = self.network.noise((steps, self.episodes.count), self._draws)
        for number in range(steps):
            observations = self._observations
            actions = self.network.choose(observations, noise[number])
            self.episodes.start(actions)
            self._learn()
            ended += self._note(observations, actions, self.episodes.finish())
        return ended

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
        self._scale.add(rewards + (self._worth_scale - 1.0) * worths, ended, self.discount)
        self.steps += self.episodes.count
        episodes = [
            TrainingEpisode(
                environment=int(n),
                success=bool(succeeded[n]),
                earned=float(self._earned[n]),
                steps=int(self._lengths[n]),
            )
            for n in np.flatnonzero(ended)
        ]
        self._earned[ended] = 0.0
        self._paid[ended] = 0.0
        self._lengths[ended] = 0
        self._recent += [episode.success for episode in episodes]
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
        self._updates_due += self.settings.updates_per_step * self.episodes.count
        while self._updates_due >= 1.0:
            self._update()
            self._updates_due -= 1.0
        self._publish()

    def _publish(self) -> None:
        """Let the policy draw by what the actions are worth now."""
        with torch.no_grad():
            for shown, parameter in zip(
                self.network.action_net.parameters(), self._head.parameters(), strict=True
            ):
                shown.copy_(parameter / self._temperature)

    def _update(self) -> None:
        settings, temperature = self.settings, self._temperature
        batch = self.seen.draw(
            settings.batch_size,
            settings.steps_ahead,
            self.discount,
            1.0 / self._scale.deviation,
            settings.exploration_bonus if self.success_rate < SEEN_SUCCESS_RATE else 0.0,
            self._random,
            self._worth_scale,
        )
        observations = torch.from_numpy(batch.observations)
        actions = torch.from_numpy(batch.actions)[:, None]
        worths = self._head(self._trunk(observations))
        with torch.no_grad():
            now = torch.log_softmax(worths / temperature, dim=1)
            likely = temperature * now.gather(1, actions)[:, 0]
            bonus = settings.munchausen * likely.clamp(min=settings.least_munchausen)
            following = self._slow_head(self._slow_trunk(torch.from_numpy(batch.following)))
            # The soft maximum of what the actions are worth then.
            value = temperature * torch.logsumexp(following / temperature, dim=1)
            target = torch.from_numpy(batch.returns) + bonus
            target += torch.from_numpy(batch.discounts) * value
        loss = functional.smooth_l1_loss(worths.gather(1, actions)[:, 0], target)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters, settings.max_gradient_norm)
        self._optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(self._slow_parameters, self._parameters, settings.target_rate)
        # A little up where choices are more certain than they are to be, else a little down.
        entropy = -float((now.exp() * now).sum(dim=1).mean())
        rate = settings.temperature_rate
        self._temperature *= 1.0 + (rate if entropy < self._entropy else -rate)

    @property
    def discount(self) -> float:
        """The discount by now. Its horizon grows with the steps, as in François-Lavet et al. (2015,
        arXiv 1512.02011) and Schwarzer et al. (2023, arXiv 2305.19452)."""
        settings = self.settings
        taken = self.steps - self._begun_steps
        grown = (taken - settings.horizon_grows_from) / settings.horizon_grows_for
        if grown <= 0.0 or settings.last_discount <= settings.discount:
            return settings.discount
        first, last = 1.0 / (1.0 - settings.discount), 1.0 / (1.0 - settings.last_discount)
        return 1.0 - 1.0 / (first + (last - first) * min(grown, 1.0))

    @property
    def _worth_scale(self) -> float:
        """Success is to stay worth more than going on, as far ahead as the horizon looks by now."""
        return (1.0 - self.settings.discount) / (1.0 - self.discount)

    @property
    def _entropy(self) -> float:
        """What it is to be; it falls as more than half of the episodes succeed."""
        surely = max(2.0 * self.success_rate - 1.0, 0.0)
        first, last = self.settings.entropy, self.settings.last_entropy
        return first + (last - first) * surely


class _ReturnScale:
    """Rewards differ by orders of magnitude between tasks: they are divided by the standard
    deviation of the discounted return so far, as stable-baselines3's `VecNormalize` does."""

    def __init__(self, environments: int) -> None:
        self._returns = np.zeros(environments)
        self._count, self._mean, self._squares = 0.0, 0.0, 0.0

    def forget_returns(self) -> None:
        self._returns[:] = 0.0

    def add(self, rewards: NDArray[np.float64], ended: NDArray[np.bool_], discount: float) -> None:
        self._returns = self._returns * discount + rewards
        # Chan et al. (1983): the moments of two samples together.
        count, mean = len(rewards), float(self._returns.mean())
        total, apart = self._count + count, mean - self._mean
        self._squares += float(((self._returns - mean) ** 2).sum())
        self._squares += apart * apart * self._count * count / total
        self._mean += apart * count / total
        self._count = total
        self._returns[ended] = 0.0

    @property
    def deviation(self) -> float:
        """1.0 where returns have not differed."""
        variance = self._squares / max(self._count, 1.0)
        return float(np.sqrt(variance)) if variance > 1e-8 else 1.0
