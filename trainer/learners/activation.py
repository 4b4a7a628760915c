"""What follows a hidden layer, beside what torch has. This file imports torch alone: files for
stable-baselines3 carry its class along, so that they are read where Taskwright is not installed.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class NormalisedReLU(nn.Module):
    """Layer normalisation (Ba et al. 2016, arXiv 1607.06450) without weights of its own, then a
    rectified linear unit."""

    def forward(self, values: Tensor) -> Tensor:
        """Any shape; normalised along the last axis."""
        return functional.relu(functional.layer_norm(values, values.shape[-1:]))
