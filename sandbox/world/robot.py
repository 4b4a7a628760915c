"""A robot in the world: named links and joints whose states are read only when somebody asks.

Reading every link after every physics step costs more than the step. A `Link` therefore fetches
its state on first use and keeps it until the world's `motion` count has changed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .client import PhysicsClient
from .frozen import Frozen

Vector = NDArray[np.float64]

_ASSETS = Path(__file__).parent / "assets"


def _read_only(values: tuple[float, ...]) -> Vector:
    """A read-only array: task code that wrote into a cached state would corrupt later reads."""
    array = np.array(values)
    array.flags.writeable = False
    return array


class _Reading:
    """What was last read of a link, and at which `motion` count of the world."""

    __slots__ = ("motion", "state")

    def __init__(self) -> None:
        self.motion = -1
        self.state: tuple[Vector, Vector, Vector, Vector]


class Link(Frozen):
    """A link of the robot. `base` is the root link (index -1).

    `position` (m), `orientation` (quaternion x, y, z, w), `linear_velocity` (m/s) and
    `angular_velocity` (rad/s) are in the world frame, shapes (3,), (4,), (3,), (3,). The `_init`
    ones hold the state right after loading.
    """

    robot_id: int
    index: int
    name: str
    mass: float
    position_init: Vector
    orientation_init: Vector
    linear_velocity_init: Vector
    angular_velocity_init: Vector
    __client: PhysicsClient
    __reading: _Reading

    def __init__(self, client: PhysicsClient, robot_id: int, index: int, name: str) -> None:
        vars(self).update(
            robot_id=robot_id,
            index=index,
            name=name,
            mass=client.getDynamicsInfo(robot_id, index)[0],
            _Link__client=client,
            _Link__reading=_Reading(),
        )
        vars(self).update(
            position_init=self.position,
            orientation_init=self.orientation,
            linear_velocity_init=self.linear_velocity,
            angular_velocity_init=self.angular_velocity,
        )

    def __state(self) -> tuple[Vector, Vector, Vector, Vector]:
        client, reading = self.__client, self.__reading
        if reading.motion != client.motion:
            if self.index < 0:
                pose = client.getBasePositionAndOrientation(self.robot_id)
                velocity = client.getBaseVelocity(self.robot_id)
            else:
                state = client.getLinkState(self.robot_id, self.index, 1, 1)
                pose, velocity = state[0:2], state[6:8]
            reading.state = (
                _read_only(pose[0]),
                _read_only(pose[1]),
                _read_only(velocity[0]),
                _read_only(velocity[1]),
            )
            reading.motion = client.motion
        return reading.state

    @property
    def position(self) -> Vector:
        return self.__state()[0]

    @property
    def orientation(self) -> Vector:
        return self.__state()[1]

    @property
    def linear_velocity(self) -> Vector:
        return self.__state()[2]

    @property
    def angular_velocity(self) -> Vector:
        return self.__state()[3]


class Joint(Frozen):
    """A movable joint of the robot: `position` (rad or m) and `velocity`, each of shape (1,)."""

    robot_id: int
    index: int
    name: str
    lower_limit: float
    upper_limit: float
    __client: PhysicsClient

    def __init__(self, client: PhysicsClient, robot_id: int, index: int, name: str) -> None:
        information = client.getJointInfo(robot_id, index)
        vars(self).update(
            robot_id=robot_id,
            index=index,
            name=name,
            lower_limit=information[8],
            upper_limit=information[9],
            _Joint__client=client,
        )

    @property
    def position(self) -> Vector:
        return np.array(self.__client.getJointState(self.robot_id, self.index)[:1])

    @property
    def position_norm(self) -> Vector:
        """The position as a share of its range: -1 at the lower limit, 1 at the upper."""
        middle = (self.lower_limit + self.upper_limit) / 2
        return 2 * (self.position - middle) / (self.upper_limit - self.lower_limit)

    @property
    def velocity(self) -> Vector:
        return np.array(self.__client.getJointState(self.robot_id, self.index)[1:2])


class Robot:
    """Base of the robots. A subclass says in `load` how its body comes into the world.

    `links` and `joints` are keyed by the names in the robot's model file, `links["base"]` being
    the root; fixed joints are left out of `joints`.
    """

    action_space: ClassVar[gymnasium.Space[Any]]
    proprioception_size: ClassVar[int]
    """How many numbers `get_observation` returns."""
    eye_offset_m: ClassVar[tuple[float, float, float]]
    """Where its eye is in the base's frame; it looks along the base's x axis."""
    clearance_m: ClassVar[float]
    """What is further away from its base, horizontally, does not touch it at its start."""

    np_random: np.random.Generator
    """Where the robot's own chance comes from; `TaskEnv` gives each episode its own."""

    def __init__(self, client: PhysicsClient) -> None:
        self._p = client
        self.np_random = np.random.default_rng()
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


def load_urdf(client: PhysicsClient, name: str, position: Sequence[float], flags: int = 0) -> int:
    """Load a robot from `assets`, with the inertias that its file gives it; returns its body id.

    A world of which no pictures are made does without the looks, which take as long to load as
    everything else.
    """
    flags |= client.URDF_USE_INERTIA_FROM_FILE
    if not client.draws:
        flags |= client.URDF_IGNORE_VISUAL_SHAPES
    robot_id: int = client.loadURDF(str(_ASSETS / name), position, flags=flags)
    return robot_id


class RobotView(Frozen):
    """The robot as a task sees it: all of its state, and none of what moves it."""

    robot_id: int
    links: Mapping[str, Link]
    joints: Mapping[str, Joint]
    mass: float
    action_space: gymnasium.Space[Any]
    __robot: Robot

    def __init__(self, robot: Robot) -> None:
        vars(self).update(
            robot_id=robot.robot_id,
            # Copies: comparing a proxy hands the dict behind it to the other side's `__eq__`.
            links=MappingProxyType(dict(robot.links)),
            joints=MappingProxyType(dict(robot.joints)),
            mass=robot.mass,
            # A space carries the random stream of its `sample`.
            action_space=copy.deepcopy(robot.action_space),
            _RobotView__robot=robot,
        )

    @property
    def start_position(self) -> Vector:
        """Where the robot's base was when the episode began, m."""
        return self.__robot.start_position

    def get_observation(self) -> NDArray[np.float32]:
        """What the robot feels of itself now."""
        return self.__robot.get_observation()
