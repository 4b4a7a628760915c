"""The network that every learner trains: it is what acts, what is kept, and what is begun from.

Two multi-layer perceptrons: one says what to do, the other what a state is worth. The parts have
the names, the order and the first weights that stable-baselines3's `MlpPolicy` gives them, so that
either reads the other's weights. No activation has weights of its own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray
from torch import Tensor, nn

from ..policy_files import Activation
from .activation import NormalisedReLU

HIDDEN = (128, 128)
"""Widths of the hidden layers."""

ACTIVATIONS: Mapping[Activation, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "normalised_relu": NormalisedReLU,
}

Weights = dict[str, Tensor]
"""By their names in the network's `state_dict`."""


class PolicyNetwork(nn.Module):
    """A policy for the actions that tasks have: it draws one of several, or so many numbers from a
    normal distribution with a deviation of its own for each.

    Args:
        observation_space: Of shape (size,).
        action_space: `Discrete`, or a `Box` of shape (actions,).
        seed: Settles the first weights.
        hidden: Widths of the hidden layers.
        value_hidden: Those of the layers that say what a state is worth, where they differ.
        activation: What follows each hidden layer.
    """

    def __init__(
        self,
        observation_space: gymnasium.Space[Any],
        action_space: gymnasium.Space[Any],
        seed: int,
        hidden: tuple[int, ...] = HIDDEN,
        value_hidden: tuple[int, ...] | None = None,
        activation: Activation = "tanh",
    ) -> None:
        super().__init__()
        (size,) = observation_space.shape or ()
        self.action_space = action_space
        self.hidden, self.value_hidden = hidden, value_hidden or hidden
        self.activation = activation
        self.chooses, outputs = outputs_for(action_space)
        if not self.chooses:
            self.log_std = nn.Parameter(torch.zeros(outputs))
        # The chance that everybody else draws from is left as it is.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.mlp_extractor: Any = nn.ModuleDict(
                {
                    "policy_net": _layers(size, self.hidden, activation),
                    "value_net": _layers(size, self.value_hidden, activation),
                }
            )
            self.action_net = nn.Linear(hidden[-1], outputs)
            self.value_net = nn.Linear(self.value_hidden[-1], 1)
            for part, gain in (
                (self.mlp_extractor, math.sqrt(2.0)),
                (self.action_net, 0.01),
                (self.value_net, 1.0),
            ):
                part.apply(functools.partial(_begin, gain=gain))

    @property
    def shape(self) -> tuple[object, ...]:
        """Networks of one shape can go on from each other's weights."""
        return self.hidden, self.value_hidden, self.activation

    @classmethod
    def of_stable_baselines3(cls, policy: Any) -> PolicyNetwork:
        """The network of an `MlpPolicy`. They share their tensors: what one learns, both do."""
        network = cls(policy.observation_space, policy.action_space, 0, tuple(policy.net_arch))
        for part in ("mlp_extractor", "action_net", "value_net"):
            setattr(network, part, getattr(policy, part))
        if not network.chooses:
            network.log_std = policy.log_std
        return network

    def weights(self) -> Weights:
        """A copy of the weights."""
        return {name: each.detach().clone() for name, each in self.state_dict().items()}

    @property
    def is_finite(self) -> bool:
        """Whether all weights are numbers; training that goes wrong makes others of them."""
        return all(bool(each.isfinite().all()) for each in self.state_dict().values())

    def noise(self, shape: tuple[int, ...], random: torch.Generator) -> Tensor:
        """All the chance that `choose` needs, for many choices at once."""
        outputs = self.action_net.out_features
        if self.chooses:
            # The difference of two is logistic: the largest of logits with such noise is drawn with
            # the probability that the logits say (Gumbel 1954).
            uniform = torch.rand((*shape, outputs), generator=random)
            return -torch.log(-torch.log(uniform.clamp(1e-20, 1.0 - 1e-7)))
        return torch.randn((*shape, outputs), generator=random)

    def choose(self, observations: NDArray[np.float32], noise: Tensor) -> NDArray[Any]:
        """Draw an action for each observation, without what stable-baselines3 does around it:
        choosing 8 of them takes a fifth of the time.

        Args:
            observations: Of shape (n, size).
            noise: What `noise((n,), random)` gave.

        Returns:
            Shape (n,), or (n, actions) within the bounds of the space.
        """
        with torch.inference_mode():
            out = self.action_net(self.mlp_extractor.policy_net(torch.from_numpy(observations)))
            if self.chooses:
                chosen: NDArray[np.int64] = (out + noise).argmax(dim=1).numpy()
                return chosen
            assert isinstance(self.action_space, Box)
            drawn = (out + noise * self.log_std.exp()).numpy()
            within: NDArray[np.float32] = np.clip(
                drawn, self.action_space.low, self.action_space.high
            )
            return within


def outputs_for(action_space: gymnasium.Space[Any]) -> tuple[bool, int]:
    """Whether a policy chooses among actions, and how many; else how many numbers one has."""
    if isinstance(action_space, Discrete):
        return True, int(action_space.n)
    assert isinstance(action_space, Box), "tasks have no other action spaces"
    return False, math.prod(action_space.shape)


def _layers(size: int, hidden: tuple[int, ...], activation: Activation) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(size, width), ACTIVATIONS[activation]()]
        size = width
    return nn.Sequential(*layers)


def _begin(module: nn.Module, gain: float) -> None:
    """Orthogonal weights, and no biases."""
    if isinstance(module, nn.Linear):
        nn.init.orthogonal_(module.weight, gain=gain)
        module.bias.data.fill_(0.0)
