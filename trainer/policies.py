"""Who acts in the environments: nobody, chance, a script, or a trained policy."""

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
from ..sandbox.vector import SandboxedEpisodes
from ..task import Robot
from .actions import Actor
from .settings import SETTINGS, Settings
from .vec_env import SandboxedVecEnv

SCRIPTS: dict[Robot, dict[str, tuple[int, ...]]] = {
    "r2d2": {"driving straight ahead": (1,), "driving and jumping ahead": (1, 1, 1, 5)},
    "ant": {},
    "humanoid": {},
}
"""What a robot can do without looking: actions that are repeated over and over, by what they come
to. A walker needs a policy to get anywhere, so it has none."""

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


class Scripted:
    """Repeats a list of actions, whatever it sees."""

    def __init__(self, actions: tuple[int, ...]) -> None:
        self._actions = actions
        self._calls = 0

    def act(self, observations: Observations) -> Actions:
        action = self._actions[self._calls % len(self._actions)]
        self._calls += 1
        return np.full(len(observations), action)


class Trained:
    """A PPO policy, drawing its actions as it did in training; `seed` settles the draws."""

    def __init__(self, model: PPO, seed: int = 0) -> None:
        self._actor = Actor(model.policy)
        self._random = torch.Generator().manual_seed(seed)

    def act(self, observations: Observations) -> Actions:
        noise = self._actor.noise((len(observations),), self._random)
        return self._actor.choose(observations, noise).played


def make_model(episodes: SandboxedEpisodes, seed: int, settings: Settings = SETTINGS) -> PPO:
    """The networks of a policy for these episodes, with weights drawn by `seed`."""
    env = SandboxedVecEnv(episodes)
    keywords = settings.for_stable_baselines3
    rollout = settings.steps * episodes.count
    if rollout % settings.batch_size:
        # Few environments, to be played in and not to learn from: it would warn.
        keywords["batch_size"] = rollout
    return PPO("MlpPolicy", env, seed=seed, device="cpu", **keywords)


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
