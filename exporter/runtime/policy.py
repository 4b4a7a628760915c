"""The trained policies, as plain numbers: read without pickle, run with numpy alone.

A policy is a multi-layer perceptron, as stable-baselines3's PPO trains it. After each hidden layer
comes its `activation`: `tanh`, or `normalised_relu`, which is layer normalisation without weights
of its own and a rectified linear unit. The file holds one array for each entry of the `state_dict`,
under the same name, so that

    model = PPO("MlpPolicy", env, policy_kwargs=policy.policy_kwargs)
    model.policy.load_state_dict({k: torch.from_numpy(v) for k, v in policy.arrays.items()})

goes on training it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .catalogue import HERE, PACKAGE, find

LAYER = "mlp_extractor.policy_net.{}."
NORMALISATION_EPSILON = 1e-5
"""Added to the variance, as torch does."""


def normalised_relu(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Layer normalisation along the last axis, then the positive part."""
    apart = values - values.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((apart**2).mean(axis=-1, keepdims=True) + NORMALISATION_EPSILON)
    rectified: NDArray[np.float32] = np.maximum(apart / deviation, 0.0)
    return rectified


ACTIVATIONS: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "tanh": np.tanh,
    "normalised_relu": normalised_relu,
}


class Policy:
    """A policy in a file. Raises OSError or ValueError where it is missing or damaged."""

    def __init__(self, path: str | Path) -> None:
        with np.load(path, allow_pickle=False) as file:
            self.arrays: dict[str, NDArray[np.float32]] = {name: file[name] for name in file.files}
        self.activation = str(self.arrays.pop("activation", "tanh"))
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"{path} has an unknown activation: {self.activation}")
        self._activate = ACTIVATIONS[self.activation]
        self.is_discrete = "log_std" not in self.arrays
        self._layers: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        # Every second module is the activation after a layer.
        while (name := LAYER.format(2 * len(self._layers))) + "weight" in self.arrays:
            self._layers.append((self.arrays[name + "weight"], self.arrays[name + "bias"]))
        self._head = self.arrays["action_net.weight"], self.arrays["action_net.bias"]

    @property
    def policy_kwargs(self) -> dict[str, Any]:
        """What `PPO("MlpPolicy", ...)` is to be given, so that the arrays fit."""
        keywords: dict[str, Any] = {"net_arch": [len(bias) for _, bias in self._layers]}
        if self.activation == "normalised_relu":
            keywords["activation_fn"] = _normalised_relu_of_torch()
        return keywords

    def outputs(self, observations: Any) -> NDArray[np.float32]:
        """Logits, or the mean of each action: (..., actions), for observations (..., size)."""
        values = np.asarray(observations, np.float32)
        for weight, bias in self._layers:
            values = self._activate(values @ weight.T + bias)
        weight, bias = self._head
        outputs: NDArray[np.float32] = values @ weight.T + bias
        return outputs

    def act(
        self,
        observations: Any,
        rng: np.random.Generator | None = None,
        *,
        deterministic: bool = False,
    ) -> NDArray[Any]:
        """An action for each observation. Actions are drawn, as they were when the policy was
        trained and its success was counted, unless `deterministic` takes the likeliest."""
        outputs = self.outputs(observations)
        rng = rng or np.random.default_rng()
        if self.is_discrete:
            # The largest of logits with Gumbel noise is a draw from their softmax.
            noise = 0.0 if deterministic else rng.gumbel(size=outputs.shape)
            return np.asarray((outputs + noise).argmax(axis=-1))
        if not deterministic:
            spread = np.exp(self.arrays["log_std"])
            outputs = outputs + spread * rng.standard_normal(outputs.shape).astype(np.float32)
        return np.clip(outputs, -1.0, 1.0)


def load_policy(task: str) -> Policy:
    """The trained policy of a task; of a robot that walks, it chooses among the commands of the
    gait, as in `make(task, steered=True)`. Raises FileNotFoundError where the package has none."""
    entry = find(task)
    if entry["policy"] is None:
        raise FileNotFoundError(
            f"{PACKAGE} has no policy for {entry['name']}. `taskwright export --policies` brings "
            "the policies of learned tasks along."
        )
    return Policy(HERE / entry["policy"])


def _normalised_relu_of_torch() -> type[Any]:
    """The same as `normalised_relu`, as a module of torch, which need not be installed else."""
    from torch import nn
    from torch.nn import functional

    class NormalisedReLU(nn.Module):  # type: ignore[misc, unused-ignore]
        def forward(self, values: Any) -> Any:
            normalised = functional.layer_norm(values, values.shape[-1:], eps=NORMALISATION_EPSILON)
            return functional.relu(normalised)

    return NormalisedReLU
