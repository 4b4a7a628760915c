"""The walking robots move as the models that come with PyBullet do, of which they were made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pybullet
import pybullet_data
import pytest

from taskwright.world.client.client import PhysicsClient
from taskwright.world.robots.ant import AntRobot
from taskwright.world.robots.articulated import ArticulatedRobot
from taskwright.world.robots.humanoid import HumanoidRobot

MODELS = [(AntRobot, "ant.xml"), (HumanoidRobot, "humanoid_symmetric.xml")]
MODEL_FLAGS = (
    pybullet.URDF_USE_SELF_COLLISION | pybullet.URDF_USE_SELF_COLLISION_EXCLUDE_ALL_PARENTS
)
STEPS_IN_THE_AIR = 10


@pytest.fixture
def client() -> Iterator[PhysicsClient]:
    client = PhysicsClient()
    yield client
    client.disconnect()


def empty_world(client: PhysicsClient) -> None:
    client.resetSimulation()
    client.setGravity(0, 0, -9.8)
    client.setPhysicsEngineParameter(
        fixedTimeStep=0.0165, numSolverIterations=5, numSubSteps=4, deterministicOverlappingPairs=1
    )


def load_model(client: PhysicsClient, name: str) -> tuple[int, list[int]]:
    """PyBullet's own model and its joints, without their motors."""
    path = Path(pybullet_data.getDataPath()) / "mjcf" / name
    (robot,) = client.loadMJCF(str(path), flags=MODEL_FLAGS)
    joints = []
    for index in range(client.getNumJoints(robot)):
        client.setJointMotorControl2(robot, index, client.POSITION_CONTROL, force=0.0)
        if client.getJointInfo(robot, index)[2] == client.JOINT_REVOLUTE:
            joints.append(index)
    return robot, joints


def motion(client: PhysicsClient, robot: int, joints: list[int], torques: Any) -> Any:
    """Base pose and joint positions after each physics step under the given torques."""
    poses = []
    for row in torques:
        client.setJointMotorControlArray(robot, joints, client.TORQUE_CONTROL, forces=row.tolist())
        client.stepSimulation()
        position, orientation = client.getBasePositionAndOrientation(robot)
        angles = [state[0] for state in client.getJointStates(robot, joints)]
        poses.append([*position, *orientation, *angles])
    return np.array(poses)


@pytest.mark.parametrize(("robot_class", "model"), MODELS)
def test_moves_as_the_bundled_model_does(
    robot_class: type[ArticulatedRobot], model: str, client: PhysicsClient
) -> None:
    limits = np.array([*robot_class.torque_limits_n_m.values()])
    torques = np.random.default_rng(0).uniform(-1, 1, (STEPS_IN_THE_AIR, len(limits))) * limits
    empty_world(client)
    bundled = motion(client, *load_model(client, model), torques)
    empty_world(client)
    robot = robot_class(client)
    joints = [joint.index for joint in robot.joints.values()]
    ours = motion(client, robot.robot_id, joints, torques)
    assert np.ptp(bundled[:, 7:], axis=0).min() > 0.01, "every joint has been moved"
    np.testing.assert_allclose(ours, bundled, atol=1e-6)


@pytest.mark.parametrize(("robot_class", "model"), MODELS)
def test_has_the_bundled_joints_links_and_masses(
    robot_class: type[ArticulatedRobot], model: str, client: PhysicsClient
) -> None:
    empty_world(client)
    bundled, joints = load_model(client, model)
    names = [client.getJointInfo(bundled, joint)[1].decode() for joint in joints]
    limits = [client.getJointInfo(bundled, joint)[8:10] for joint in joints]
    masses = {}
    for link in range(client.getNumJoints(bundled)):
        mass = client.getDynamicsInfo(bundled, link)[0]
        if mass:
            masses[client.getJointInfo(bundled, link)[12].decode()] = mass
    masses["base"] = client.getDynamicsInfo(bundled, -1)[0]
    empty_world(client)
    robot = robot_class(client)
    assert [*robot.joints] == names == [*robot_class.torque_limits_n_m]
    ours = [(joint.lower_limit, joint.upper_limit) for joint in robot.joints.values()]
    np.testing.assert_allclose(ours, limits, atol=1e-6)
    ours_kg = {name: link.mass for name, link in robot.links.items() if link.mass}
    assert ours_kg == pytest.approx(masses)
