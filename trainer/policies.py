"""Who acts in the environments: nobody, chance, a script, or a trained policy."""

from __future__ import annotations

import io
import os
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
from .settings import PPO_SETTINGS
from .vec_env import SandboxedVecEnv

PLAYED_TEMPERATURE = 0.7
"""Of the actions that a learned policy is examined, kept and played with: chance that training
needs in order to explore makes it fail. Without any it would fail more, where it is stuck."""
START_TEMPERATURE = 3.0
"""Of the actions of a kept policy that training begins from: one that is sure of itself explores
nothing new."""

SCRIPTS: dict[Robot, dict[str, tuple[int, ...]]] = {
    "r2d2": {"driving straight ahead": (1,), "driving and jumping ahead": (1, 1, 1, 5)},
    "ant": {"walking straight ahead": (1,)},
    "humanoid": {},
}
"""What a robot can do without looking: actions that are repeated over and over, by what they come
to; the Ant's are commands of its gait. Without one, a walker gets nowhere."""

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
    """A learned policy, drawing its actions as its file says; `seed` settles the draws."""

    def __init__(self, model: PPO, seed: int = 0) -> None:
        self._actor = Actor(model.policy)
        self._random = torch.Generator().manual_seed(seed)

    def act(self, observations: Observations) -> Actions:
        noise = self._actor.noise((len(observations),), self._random)
        return self._actor.choose(observations, noise)


def make_model(episodes: SandboxedEpisodes, seed: int) -> PPO:
    """The networks of a policy for these episodes, with weights drawn by `seed`."""
    env = SandboxedVecEnv(episodes)
    keywords = PPO_SETTINGS.for_stable_baselines3
    rollout = PPO_SETTINGS.steps * episodes.count
    if rollout % PPO_SETTINGS.batch_size:
        # Few environments, to be played in and not to learn from: it would warn.
        keywords["batch_size"] = rollout
    return PPO("MlpPolicy", env, seed=seed, device="cpu", **keywords)


def at_temperature(weights: dict[str, Any], temperature: float) -> dict[str, Any]:
    """The weights of a categorical policy that does the same, surer of it where `temperature` is
    below 1 and less sure above: the logits are divided by it."""
    return {
        name: each / temperature if name.startswith("action_net.") else each
        for name, each in weights.items()
    }


def fits(weights: dict[str, Any], model: PPO) -> bool:
    """Whether the weights are of a policy with the model's observations and actions. Those of an
    archive may be of a time when a robot had others."""
    shapes = {name: each.shape for name, each in model.policy.state_dict().items()}
    return shapes == {name: each.shape for name, each in weights.items()}


def load_policy(model: PPO, path: str | Path) -> None:
    """Give a model the weights in a policy file. Raises BrokenError where they do not fit."""
    weights = load_parameters(path)
    if not fits(weights, model):
        raise BrokenError(
            f"The policy {path} has other observations or actions than the robot has now.",
            "Train the task again: taskwright train RUN_DIR TASK.",
        )
    model.policy.load_state_dict(weights)


def load_parameters(path: str | Path) -> dict[str, Any]:
    """The network weights in a policy file of stable-baselines3.

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


def write_policy(path: Path, policy: io.BytesIO) -> None:
    """Write a policy file: whole and lasting once it has its name, whatever happens meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.write(policy.getbuffer())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
