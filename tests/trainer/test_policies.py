"""Policies and their files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from taskwright.errors import BrokenError
from taskwright.task import ROBOTS, STEERED, Robot
from taskwright.trainer.learners.network import ACTIVATIONS, PolicyNetwork
from taskwright.trainer.policies import (
    at_temperature,
    for_stable_baselines3,
    load_perceptron,
    network_file,
)
from taskwright.trainer.policy_files import Activation
from taskwright.world.robots import robot_spaces


def test_a_colder_policy_is_surer_of_the_same_actions() -> None:
    network = PolicyNetwork(*robot_spaces("r2d2"), seed=3)
    seen = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 157)).astype(np.float32))

    def logits() -> torch.Tensor:
        with torch.no_grad():
            return network.action_net(network.mlp_extractor.policy_net(seen))[0]

    with torch.no_grad():
        value = network.value_net(network.mlp_extractor.value_net(seen))
    odds = logits()
    network.load_state_dict(at_temperature(network.weights(), 0.5))
    torch.testing.assert_close(logits(), 2.0 * odds)
    with torch.no_grad():
        assert torch.equal(network.value_net(network.mlp_extractor.value_net(seen)), value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("robot", ROBOTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_stable_baselines3_loads_a_policy_and_acts_alike(
    robot: Robot, activation: Activation, tmp_path: Path
) -> None:
    observations, actions = robot_spaces(robot, steered=True)
    network = PolicyNetwork(observations, actions, seed=3, hidden=(16, 8), activation=activation)
    path = tmp_path / "policy.zip"
    path.write_bytes(for_stable_baselines3(network, observations))
    loaded = PPO.load(path, device="cpu")
    seen = np.random.default_rng(0).normal(size=(5, *observations.shape)).astype(np.float32)
    ours = network.choose(seen, torch.zeros(5, network.action_net.out_features))
    theirs, _ = loaded.predict(seen, deterministic=True)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_stable_baselines3_loads_a_policy_where_taskwright_is_not_installed(
    tmp_path: Path,
) -> None:
    observations, actions = robot_spaces("r2d2")
    network = PolicyNetwork(observations, actions, seed=3, activation="normalised_relu")
    (tmp_path / "policy.zip").write_bytes(for_stable_baselines3(network, observations))
    code = (
        "import sys; sys.modules['taskwright'] = None\n"
        "from stable_baselines3 import PPO\n"
        "print(PPO.load('policy.zip', device='cpu').policy.activation_fn.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "NormalisedReLU", done.stderr


@pytest.mark.parametrize("robot", STEERED)
def test_a_policy_that_moves_joints_is_not_taken_for_one_that_steers(
    robot: Robot, tmp_path: Path
) -> None:
    """Archives have such policies of the time before the robot had a gait."""
    for steered in (True, False):
        observations, actions = robot_spaces(robot, steered=steered)
        network = PolicyNetwork(observations, actions, seed=3, hidden=(16, 16))
        path = tmp_path / "policy.zip"
        path.write_bytes(
            network_file(network, observations, robot=robot, task_id="0" * 12, learner="ppo")
        )
        if steered:
            assert load_perceptron(robot, path)
        else:
            with pytest.raises(BrokenError, match="has other observations or actions"):
                load_perceptron(robot, path)
