"""A robot in the world: named links and joints whose states are read only when somebody asks.

Reading every link after every physics step costs more than the step. A `Link` therefore fetches
its state on first use and keeps it until the world's `motion` count has changed.
"""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .client import PhysicsClient

Vector = NDArray[np.float64]


def _frozen(values: tuple[float, ...]) -> Vector:
    """A read-only array: task code that wrote into a cached state would corrupt later reads."""
    array = np.array(values)
    array.flags.writeable = False
    return array


class Link:
    """A link of the robot. `base` is the root link (index -1).

    `position` (m), `orientation` (quaternion x, y, z, w), `linear_velocity` (m/s) and
    `angular_velocity` (rad/s) are in the world frame, shapes (3,), (4,), (3,), (3,). The `_init`
    ones hold the state right after loading.
    """

    def __init__(self, client: PhysicsClient, robot_id: int, index: int, name: str) -> None:
        self._p = client
        self.robot_id = robot_id
        self.index = index
        self.name = name
        self.mass: float = client.getDynamicsInfo(robot_id, index)[0]
        self._read_at = -1
        self._state: tuple[Vector, Vector, Vector, Vector]
        self.position_init = self.position
        self.orientation_init = self.orientation
        self.linear_velocity_init = self.linear_velocity
        self.angular_velocity_init = self.angular_velocity

    def _read(self) -> tuple[Vector, Vector, Vector, Vector]:
        if self._read_at != self._p.motion:
            if self.index < 0:
                pose = self._p.getBasePositionAndOrientation(self.robot_id)
                velocity = self._p.getBaseVelocity(self.robot_id)
            else:
                state = self._p.getLinkState(self.robot_id, self.index, 1, 1)
                pose, velocity = state[0:2], state[6:8]
            self._state = (
                _frozen(pose[0]),
                _frozen(pose[1]),
                _frozen(velocity[0]),
                _frozen(velocity[1]),
            )
            self._read_at = self._p.motion
        return self._state

    @property
    def position(self) -> Vector:
        return self._read()[0]

    @property
    def orientation(self) -> Vector:
        return self._read()[1]

    @property
    def linear_velocity(self) -> Vector:
        return self._read()[2]

    @property
    def angular_velocity(self) -> Vector:
        return self._read()[3]


class Joint:
    """A movable joint of the robot: `position` (rad or m) and `velocity`, each of shape (1,)."""

    def __init__(self, client: PhysicsClient, robot_id: int, index: int, name: str) -> None:
        self._p = client
        self.robot_id = robot_id
        self.index = index
        self.name = name
        information = client.getJointInfo(robot_id, index)
        self.lower_limit: float = information[8]
        self.upper_limit: float = information[9]

    @property
    def position(self) -> Vector:
        return np.array(self._p.getJointState(self.robot_id, self.index)[:1])

    @property
    def velocity(self) -> Vector:
        return np.array(self._p.getJointState(self.robot_id, self.index)[1:2])


class Robot:
    """Base of the robots. A subclass says in `load` how its body comes into the world.

    `links` and `joints` are keyed by the names in the robot's model file, `links["base"]` being
    the root; fixed joints are left out of `joints`.
    """

    action_space: ClassVar[gymnasium.Space[Any]]
    proprioception_size: ClassVar[int]
    """How many numbers `get_observation` returns."""

    def __init__(self, client: PhysicsClient) -> None:
        self._p = client
        self.robot_id = robot_id = self.load(client)
        self.links = {"base": Link(client, robot_id, -1, "base")}
        self.joints: dict[str, Joint] = {}
        for index in range(client.getNumJoints(robot_id)):
            information = client.getJointInfo(robot_id, index)
            link_name = information[12].decode()
            self.links[link_name] = Link(client, robot_id, index, link_name)
            if information[2] != client.JOINT_FIXED:
                joint_name = information[1].decode()
                self.joints[joint_name] = Joint(client, robot_id, index, joint_name)
        self.mass = sum(link.mass for link in self.links.values())
        self.mark_start()

    def load(self, client: PhysicsClient) -> int:
        """Load the body at its initial pose; returns its body id."""
        raise NotImplementedError

    def mark_start(self) -> None:
        """Call where an episode begins: positions are observed relative to this one."""
        self.start_position = self.links["base"].position

    def reset(self) -> None:
        """Back to the pose and the velocity right after loading."""
        base = self.links["base"]
        self._p.resetBasePositionAndOrientation(
            self.robot_id, base.position_init, base.orientation_init
        )
        self._p.resetBaseVelocity(
            self.robot_id, base.linear_velocity_init, base.angular_velocity_init
        )

    def apply_action(self, action: Any) -> None:
        """Turn the action into velocities or torques, before the physics step."""
        raise NotImplementedError

    def get_observation(self) -> NDArray[np.float32]:
        """Proprioception: what the robot feels of itself, shape (`proprioception_size`,)."""
        raise NotImplementedError

    def get_rewards(self, action: Any) -> dict[str, float]:
        """The robot's own reward terms, such as the price of energy, per physics step."""
        raise NotImplementedError
