"""Who acts in the environments: nobody, chance, a script, or a trained policy."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import BrokenError
from ..task import Robot, Task
from ..world.robots import robot_spaces
from .learners.network import ACTIVATIONS, PolicyNetwork, Weights, outputs_for
from .policy_files import (
    REMEDY,
    Perceptron,
    PolicyHeader,
    perceptron_shapes,
    policy_bytes,
    policy_file,
    policy_in,
)

PLAYED_TEMPERATURE = 0.7
"""The softmax temperature at which a learned policy is examined, kept and played. The randomness
that training needs to explore makes it fail; without any, it would stay where it is stuck."""
START_TEMPERATURE = 3.0
"""The softmax temperature of a warm-start policy: one that is sure of itself explores nothing."""

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

    def __init__(self, network: PolicyNetwork, seed: int = 0) -> None:
        self._network = network
        self._random = torch.Generator().manual_seed(seed)

    def act(self, observations: Observations) -> Actions:
        noise = self._network.noise((len(observations),), self._random)
        return self._network.choose(observations, noise)


def at_temperature(weights: Weights, temperature: float) -> Weights:
    """The weights of a policy that chooses among the same actions, surer of them where
    `temperature` is below 1 and less sure above: the logits are divided by it."""
    return {
        name: each / temperature if name.startswith("action_net.") else each
        for name, each in weights.items()
    }


def load_network(
    observation_space: gymnasium.Space[Any], action_space: gymnasium.Space[Any], path: str | Path
) -> PolicyNetwork:
    """The network in a policy file, of any width and depth.

    Raises:
        BrokenError: Where the file cannot be used, or is of other spaces: a robot may have had
            other observations or actions when it was made.
    """
    return network_in(observation_space, action_space, policy_bytes(path), str(path))


def network_in(
    observation_space: gymnasium.Space[Any],
    action_space: gymnasium.Space[Any],
    data: bytes,
    name: str,
) -> PolicyNetwork:
    """The network in the bytes of a policy file. Raises BrokenError, as `load_network` does, with a
    sentence that says "The policy" and then `name`."""
    arrays, activation = policy_in(data, name)
    parameters = {name: torch.from_numpy(array) for name, array in arrays.items()}
    (size,) = observation_space.shape or ()
    widths = _widths(parameters, "policy_net"), _widths(parameters, "value_net")
    # Looked at before any room is made for them: widths that are claimed may be enormous.
    shapes = perceptron_shapes(size, *outputs_for(action_space), *widths)
    if not all(widths) or shapes != {name: tuple(each.shape) for name, each in parameters.items()}:
        raise BrokenError(
            f"The policy {name} has other observations or actions than the robot has now.", REMEDY
        )
    network = PolicyNetwork(observation_space, action_space, 0, *widths, activation)
    network.load_state_dict(parameters)
    return network


def load_perceptron(robot: Robot, path: str | Path) -> Perceptron:
    """What is in a file of a policy for a robot. Raises BrokenError as `load_network` does."""
    network = load_network(*robot_spaces(robot, steered=True), path)
    arrays = {name: each.numpy() for name, each in network.weights().items()}
    return Perceptron(arrays, network.activation)


def kept_perceptrons(
    folder: Path, tasks: Iterable[Task], complain: Callable[[str], None]
) -> dict[str, Perceptron]:
    """What is in the policy files in a folder, by `task_id`; tasks without one are left out.
    `complain` is given a sentence for each file that cannot be used."""
    found: dict[str, Perceptron] = {}
    for task in tasks:
        path = folder / f"{task.task_id}.zip"
        if os.path.lexists(path):
            try:
                found[task.task_id] = load_perceptron(task.robot, path)
            except BrokenError as error:
                complain(error.message)
    return found


def network_file(
    network: PolicyNetwork, observation_space: gymnasium.Space[Any], **of: Any
) -> bytes:
    """The policy file of a network. `of` are the `robot`, `task_id` and `learner` of its
    `PolicyHeader`."""
    (size,) = observation_space.shape or ()
    chooses, actions = outputs_for(network.action_space)
    header = PolicyHeader(
        observation_size=size,
        chooses=chooses,
        actions=actions,
        hidden=network.hidden,
        activation=network.activation,
        **of,
    )
    arrays = {name: each.numpy() for name, each in network.weights().items()}
    return policy_file(header, arrays)


def for_stable_baselines3(network: PolicyNetwork, observation_space: gymnasium.Space[Any]) -> bytes:
    """A policy as a file that `stable_baselines3.PPO.load` reads and goes on training."""
    # It takes a second to load, and few such files are asked for.
    import cloudpickle  # type: ignore[import-untyped]
    from stable_baselines3 import PPO

    from .learners import activation
    from .learners.ppo import PPO_SETTINGS

    settings = PPO_SETTINGS.but(hidden=network.hidden)
    spaces = _Spaces(observation_space, network.action_space)
    # One environment makes small rollouts: given its batch size here, stable-baselines3 would warn.
    keywords = {**settings.for_stable_baselines3, "batch_size": settings.steps}
    keywords["policy_kwargs"]["activation_fn"] = ACTIVATIONS[network.activation]
    model = PPO("MlpPolicy", spaces, device="cpu", **keywords)
    model.policy.load_state_dict(network.weights())
    model.batch_size = settings.batch_size
    file = io.BytesIO()
    # The file is read where Taskwright is not installed: it carries our activation along.
    cloudpickle.register_pickle_by_value(activation)
    try:
        model.save(file)
    finally:
        cloudpickle.unregister_pickle_by_value(activation)
    return file.getvalue()


class _Spaces(gymnasium.Env[Any, Any]):
    """An environment of which only the spaces matter."""

    def __init__(self, observations: gymnasium.Space[Any], actions: gymnasium.Space[Any]) -> None:
        self.observation_space, self.action_space = observations, actions


def _widths(parameters: dict[str, torch.Tensor], part: str) -> tuple[int, ...]:
    """How wide the layers of a part are."""
    widths: list[int] = []
    # Every second module is the activation after a layer.
    while (bias := parameters.get(f"mlp_extractor.{part}.{2 * len(widths)}.bias")) is not None:
        widths.append(bias.numel())
    return tuple(widths)
