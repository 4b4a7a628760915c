"""Who acts in the environments: nobody, chance, a script, or a trained policy."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any, Protocol

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Discrete
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy

from ..errors import BrokenError
from ..sandbox.vector import SandboxedEpisodes
from ..task import Robot
from ..world.robots import robot_spaces
from .learners.actions import Actor
from .learners.settings import PPO_SETTINGS
from .learners.vec_env import SandboxedVecEnv
from .policy_files import REMEDY, Arrays, read_policy

PLAYED_TEMPERATURE = 0.7
"""Of the actions that a learned policy is examined, kept and played with: chance that training
needs in order to explore makes it fail. Without any it would fail more, where it is stuck."""
START_TEMPERATURE = 3.0
"""Of the actions of a kept policy that training begins from: one that is sure of itself explores
nothing new."""

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

    def __init__(self, actions: tuple[Any, ...]) -> None:
        self._actions = actions
        self._calls = 0

    def act(self, observations: Observations) -> Actions:
        action = self._actions[self._calls % len(self._actions)]
        self._calls += 1
        return np.array([action] * len(observations))


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


def fits(weights: dict[str, Any], policy: ActorCriticPolicy) -> bool:
    """Whether the weights are of a policy with these networks."""
    shapes = {name: tuple(each.shape) for name, each in policy.state_dict().items()}
    return shapes == {name: tuple(each.shape) for name, each in weights.items()}


def load_parameters(path: str | Path) -> dict[str, torch.Tensor]:
    """The network weights in a policy file. Raises BrokenError as `read_policy` does."""
    return {name: torch.from_numpy(array) for name, array in read_policy(path).items()}


def load_weights(policy: ActorCriticPolicy, path: str | Path) -> dict[str, torch.Tensor]:
    """The weights in a policy file, for the networks of `policy`, which is left as it is. Raises
    BrokenError where the file cannot be used, or is of other networks: a robot may have had other
    observations or actions when it was made."""
    weights = load_parameters(path)
    if not fits(weights, policy):
        raise _other_robot(path)
    return weights


def load_perceptron(robot: Robot, path: str | Path) -> Arrays:
    """The weights in a file of a policy for a robot, of any width and depth. Raises BrokenError as
    `load_weights` does."""
    arrays = read_policy(path)
    if {name: array.shape for name, array in arrays.items()} != _shapes_for(robot, arrays):
        raise _other_robot(path)
    return arrays


def _shapes_for(robot: Robot, arrays: Arrays) -> dict[str, tuple[int, ...]]:
    """The shapes that the arrays of a multi-layer perceptron have: they follow from how wide its
    layers are, and from what the robot sees and does."""
    observations, actions = robot_spaces(robot, steered=True)
    chooses = isinstance(actions, Discrete)
    outputs = int(actions.n) if isinstance(actions, Discrete) else math.prod(actions.shape or ())
    shapes: dict[str, tuple[int, ...]] = {} if chooses else {"log_std": (outputs,)}
    for part, head, count in (("policy_net", "action_net", outputs), ("value_net", "value_net", 1)):
        width = observations.shape[0]
        # Every second module is the activation after a layer.
        for number in itertools.count(step=2):
            layer = f"mlp_extractor.{part}.{number}"
            if f"{layer}.bias" not in arrays:
                break
            size = arrays[f"{layer}.bias"].size
            shapes |= {f"{layer}.weight": (size, width), f"{layer}.bias": (size,)}
            width = size
        shapes |= {f"{head}.weight": (count, width), f"{head}.bias": (count,)}
    return shapes


def _other_robot(path: str | Path) -> BrokenError:
    return BrokenError(
        f"The policy {path} has other observations or actions than the robot has now.", REMEDY
    )
