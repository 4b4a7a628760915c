"""Who acts in the environments: nobody, chance, or a trained policy."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.save_util import load_from_zip_file

from ..errors import BrokenError

PPO_SETTINGS: dict[str, Any] = {
    "n_steps": 128,
    "batch_size": 512,
    "n_epochs": 8,
    "learning_rate": 1e-3,
    "gamma": 0.98,
    "gae_lambda": 0.95,
    "ent_coef": 0.01,
    "policy_kwargs": {"net_arch": [128, 128]},
}

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
    """The network weights in a policy file.

    Only tensors are read: the rest of such a file is pickled, and a run folder may come from
    somebody else. Raises BrokenError where the file is missing or unreadable.
    """
    try:
        _, parameters, _ = load_from_zip_file(path, load_data=False)
        weights: Any = parameters["policy"]
    except (OSError, ValueError, KeyError, RuntimeError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise BrokenError(
            f"The policy {path} cannot be read: {reason}",
            "Train the task again: taskwright train RUN_DIR TASK.",
        ) from None
    return dict(weights)
