"""Actions from a policy's networks, without what stable-baselines3 does around them: choosing 8 of
them takes a fifth of the time. Both kinds of policy that tasks have: categorical for R2D2's six
actions, diagonal Gaussian for the torques of Ant and Humanoid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray
from torch import Tensor

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Chosen:
    """Actions for some environments."""

    actions: NDArray[Any]
    """As the policy has drawn them, of shape (n,) or (n, action size)."""
    log_probabilities: NDArray[np.float32]
    played: NDArray[Any]
    """As the environments take them: within the bounds of their space."""


class Actor:
    """Draws actions from a stable-baselines3 policy, and tells how likely it would draw others."""

    def __init__(self, policy: Any) -> None:
        self._features = policy.mlp_extractor.policy_net
        self._head = policy.action_net
        space = policy.action_space
        self._is_discrete = isinstance(space, Discrete)
        assert self._is_discrete or isinstance(space, Box), "tasks have no other action spaces"
        self._size = 0 if self._is_discrete else space.shape[0]
        self._bounds: Any = None if self._is_discrete else (space.low, space.high)
        self._log_deviation: Any = None if self._is_discrete else policy.log_std

    def noise(self, shape: tuple[int, ...], random: torch.Generator) -> Tensor:
        """All the chance that `choose` needs, for many choices at once."""
        if self._is_discrete:
            # The difference of two is logistic: the largest of logits with such noise is drawn with
            # the probability that the logits say (Gumbel 1954).
            uniform = torch.rand((*shape, self._head.out_features), generator=random)
            return -torch.log(-torch.log(uniform.clamp(1e-20, 1.0 - 1e-7)))
        return torch.randn((*shape, self._size), generator=random)

    def choose(self, observations: NDArray[np.float32], noise: Tensor) -> Chosen:
        """One action for each of `n` observations of shape (n, size)."""
        with torch.inference_mode():
            out = self._head(self._features(torch.from_numpy(observations)))
            if self._log_deviation is None:
                logarithms = torch.log_softmax(out, dim=1)
                chosen = (logarithms + noise).argmax(dim=1)
                likely = logarithms.gather(1, chosen[:, None])[:, 0]
                actions = chosen.numpy()
                return Chosen(actions, likely.numpy(), actions)
            chosen = out + noise * self._log_deviation.exp()
            likely = self._density(chosen, out)
            actions = chosen.numpy()
            return Chosen(actions, likely.numpy(), np.clip(actions, *self._bounds))

    def evaluate(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithms of the probabilities of actions, and the entropies of what they were drawn
        from, both of shape (n,), with gradients."""
        out = self._head(self._features(observations))
        if self._log_deviation is None:
            logarithms = torch.log_softmax(out, dim=1)
            likely = logarithms.gather(1, actions[:, None])[:, 0]
            return likely, -(logarithms.exp() * logarithms).sum(dim=1)
        entropy = (0.5 + HALF_LOG_TWO_PI + self._log_deviation).sum()
        return self._density(actions, out), entropy.expand(len(actions))

    def _density(self, actions: Tensor, means: Tensor) -> Tensor:
        distances = (actions - means) / self._log_deviation.exp()
        logarithms = -0.5 * distances**2 - self._log_deviation - HALF_LOG_TWO_PI
        total: Tensor = logarithms.sum(dim=1)
        return total
