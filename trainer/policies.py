"""Who acts in the environments: nobody, chance, or a trained policy."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, Protocol

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.save_util import load_from_zip_file

from ..errors import BrokenError

Actions = NDArray[Any]
Observations = NDArray[np.float32]


class Policy(Protocol):
    """Chooses one action for each of `n` environments."""

    def act(self, observations: Observations) -> Actions:
        """Observations of shape (n, size) to actions of shape (n,) or (n, action size)."""
        ...


class Idle:
    """Does nothing."""

    def __init__(self, action_space: gymnasium.Space[Any]) -> None:
        self._shape = action_space.shape or ()

    def act(self, observations: Observations) -> Actions:
        return np.zeros((len(observations), *self._shape))


class Random:
    """Samples the action space. Each action is held for a while: jitter would get nowhere."""

    hold_steps = 5

    def __init__(self, action_space: gymnasium.Space[Any], seed: int) -> None:
        self._space = action_space
        self._space.seed(seed)
        self._held: Actions | None = None
        self._calls = 0

    def act(self, observations: Observations) -> Actions:
        if self._held is None or self._calls % self.hold_steps == 0:
            self._held = np.array([self._space.sample() for _ in observations])
        self._calls += 1
        return self._held


class Trained:
    """A PPO policy, sampling its actions as it did in training."""

    def __init__(self, model: PPO) -> None:
        self._model = model

    def act(self, observations: Observations) -> Actions:
        return self._model.predict(observations, deterministic=False)[0]


def load_parameters(path: str | Path) -> dict[str, Any]:
    """The network weights in a policy file: one of stable-baselines3, or one of `write_weights`.

    Only tensors are read: the rest of such a file is pickled, and a run folder may come from
    somebody else. Raises BrokenError where the file is missing or unreadable.
    """
    try:
        if Path(path).suffix == ".npz":
            return _read_weights(path)
        _, parameters, _ = load_from_zip_file(path, load_data=False)
        weights: Any = parameters["policy"]
    except (OSError, ValueError, KeyError, RuntimeError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise BrokenError(
            f"The policy {path} cannot be read: {reason}",
            "Train the task again: taskwright train RUN_DIR TASK.",
        ) from None
    return dict(weights)


def write_weights(path: Path, weights: dict[str, Any]) -> None:
    """Write what a policy acts by, as arrays of half precision: a small file without pickles."""
    acting = {
        name: tensor.numpy().astype(np.float16)
        for name, tensor in weights.items()
        if "value_net" not in name
    }
    np.savez_compressed(path, **acting)


def _read_weights(path: str | Path) -> dict[str, Any]:
    """The weights with those of a critic that sees what the policy sees, and expects nothing."""
    with np.load(path, allow_pickle=False) as arrays:
        weights = {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in arrays}
    for name in [name for name in weights if "policy_net" in name]:
        weights[name.replace("policy_net", "value_net")] = weights[name].clone()
    features = weights["action_net.weight"].shape[1]
    return weights | {
        "value_net.weight": torch.zeros(1, features),
        "value_net.bias": torch.zeros(1),
    }
