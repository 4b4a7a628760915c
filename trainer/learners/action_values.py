"""What actions are worth, as one network learns it from steps of the past.

The policy draws actions with the probabilities softmax(Q / temperature): the same network, its
last layer divided by the temperature, so that it is a `PolicyNetwork` like any other. The network
learns as Munchausen reinforcement learning does (Vieillard et al. 2020, arXiv 2007.14430), several
steps ahead, towards a copy of itself that follows slowly. The temperature is what leaves choices as
uncertain as `SoftQSettings` say (after Haarnoja et al. 2018, arXiv 1812.05905).
"""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ...task import Between
from ..policy_files import Activation
from .learner import RECENT_EPISODES, SEEN_SUCCESS_RATE, Rate, Settings, Share
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
    second_from: Annotated[int, Between(0, 10_000_000)] = 40_000
    """Steps after which a second network learns beside the first, from all that both have seen.
    From then on each acts in every other environment, and whichever succeeds counts. What is
    learned sooner is learned by one network alone."""
    second_activation: Activation = "normalised_relu"
    """What follows each hidden layer of the second network."""
    second_last_discount: Annotated[float, Between(0.0, 0.9999)] = 0.995
    """The last discount of the second network."""
    own_rewards: Share = 1.0
    """The share of the robot's own reward terms, such as the price of energy, that counts in
    training. Where a task pays little, they teach the robot to stand still."""
    exploration_bonus: Annotated[float, Between(0.0, 100.0)] = 0.3
    """The bonus for the first visit to a place, beside normalised rewards, while hardly any episode
    succeeds; the n-th visit gives this divided by the square root of n."""


class ActionValues:
    """One network that learns what actions are worth.

    Args:
        network: The policy that follows from it. Its weights are those that learning begins with.
        settings: How it learns.
        environments: How many environments are stepped together.
        random: Chooses the steps of the past to learn from.
    """

    def __init__(
        self,
        network: PolicyNetwork,
        settings: SoftQSettings,
        environments: int,
        random: np.random.Generator,
    ) -> None:
        self.network = network
        self.settings = settings
        self.recent: deque[bool] = deque(maxlen=RECENT_EPISODES)
        """Whether the last training episodes succeeded in which this network acted."""
        self._random = random
        self._environments = environments
        self.scale = ReturnScale(environments)
        self._updates_due = 0.0
        self._taken_steps = 0
        """Steps of all environments since learning began, or began anew."""
        self.restart(network.weights())

    def restart(self, weights: Weights) -> None:
        """Go on from the weights of another policy. They tell which actions it prefers; what these
        are worth is still to be learned."""
        network = self.network
        network.load_state_dict(weights)
        self._taken_steps = 0
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

    def continue_from(self, other: ActionValues) -> None:
        """Take over what another network knows that has acted so far, except what it has learned:
        how large returns are, and whether episodes succeed."""
        self.scale = copy.deepcopy(other.scale)
        self.recent = other.recent.copy()

    @property
    def taken_steps(self) -> int:
        """Steps of all environments since learning began, or began anew."""
        return self._taken_steps

    @property
    def success_rate(self) -> float:
        """Of the last training episodes; fewer of them count as failures."""
        return sum(self.recent) / RECENT_EPISODES

    def note(
        self, rewards: NDArray[np.float64], worths: NDArray[np.float64], ended: NDArray[np.bool_]
    ) -> None:
        """Take account of a step of every environment, by whomever; shapes (environments,).
        `worths` are what of the `rewards` was the worth of a success."""
        paid = rewards + (self.worth_scale - 1.0) * worths
        self.scale.add(paid, ended, self.discount)
        self._taken_steps += self._environments

    def learn(self, seen: ReplayBuffer) -> None:
        """The updates that are due for one step of all environments."""
        self._updates_due += self.settings.updates_per_step * self._environments
        while self._updates_due >= 1.0:
            self._update(seen)
            self._updates_due -= 1.0
        self._publish()

    def _publish(self) -> None:
        """Let the policy draw by what the actions are worth now."""
        with torch.no_grad():
            for shown, parameter in zip(
                self.network.action_net.parameters(), self._head.parameters(), strict=True
            ):
                shown.copy_(parameter / self._temperature)

    def _update(self, seen: ReplayBuffer) -> None:
        settings, temperature = self.settings, self._temperature
        batch = seen.draw(
            settings.batch_size,
            settings.steps_ahead,
            self.discount,
            1.0 / self.scale.deviation,
            settings.exploration_bonus if self.success_rate < SEEN_SUCCESS_RATE else 0.0,
            self._random,
            self.worth_scale,
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
        grown = (self._taken_steps - settings.horizon_grows_from) / settings.horizon_grows_for
        if grown <= 0.0 or settings.last_discount <= settings.discount:
            return settings.discount
        first, last = 1.0 / (1.0 - settings.discount), 1.0 / (1.0 - settings.last_discount)
        return 1.0 - 1.0 / (first + (last - first) * min(grown, 1.0))

    @property
    def worth_scale(self) -> float:
        """What the worth of a success is multiplied by: it is to stay worth more than
        going on, as far ahead as the horizon looks by now."""
        return (1.0 - self.settings.discount) / (1.0 - self.discount)

    @property
    def _entropy(self) -> float:
        """What it is to be; it falls as more than half of the episodes succeed."""
        surely = max(2.0 * self.success_rate - 1.0, 0.0)
        first, last = self.settings.entropy, self.settings.last_entropy
        return first + (last - first) * surely


class ReturnScale:
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
