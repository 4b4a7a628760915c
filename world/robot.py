"""A robot in the world: named links and joints whose states are read only when somebody asks.

Reading every link after every physics step costs more than the step. A `Link` therefore fetches
its state on first use and keeps it until the world's `motion` count has changed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .client.client import PhysicsClient
from .contract import UnavailableError
from .frozen import Frozen
from .manual import Control, Driving, Words
from .scene import compress_number

if TYPE_CHECKING:
    from gymnasium.spaces import Discrete

Vector = NDArray[np.float64]
Numbers = tuple[float, ...]
Triple = tuple[float, float, float]
_Facts = dict[str, Any]
BaseState = tuple[Triple, tuple[float, float, float, float], Triple, Triple]

_ASSETS = Path(__file__).parent / "robots" / "assets"


def read_only(values: tuple[float, ...]) -> Vector:
    """Numbers as an array for whoever asked, made anew each time: numpy has ways to write into an
    array that is marked as read-only, and then nobody else must have it. The mark tells a task that
    writing there moves nothing."""
    array = np.array(values)
    array.setflags(write=False)
    return array


class _Reading:
    """What was last read of a link, and at which `motion` counts of the world."""

    __slots__ = ("pose", "pose_at", "velocity", "velocity_at")

    def __init__(self) -> None:
        self.pose_at = self.velocity_at = -1
        self.pose: tuple[Numbers, Numbers]
        self.velocity: tuple[Numbers, Numbers]


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
    __client: PhysicsClient
    __reading: _Reading
    __loaded: BaseState

    def __init__(
        self, client: PhysicsClient, robot_id: int, facts: _Facts, loaded: BaseState
    ) -> None:
        vars(self).update(
            facts,
            robot_id=robot_id,
            _Link__client=client,
            _Link__reading=_Reading(),
            _Link__loaded=loaded,
        )

    def __pose(self) -> tuple[Numbers, Numbers]:
        client, reading = self.__client, self.__reading
        if reading.pose_at != client.motion:
            if self.index < 0:
                position, orientation = client.getBasePositionAndOrientation(self.robot_id)
            else:
                position, orientation = client.getLinkState(self.robot_id, self.index, 0, 1)[:2]
            reading.pose = position, orientation
            reading.pose_at = client.motion
        return reading.pose

    def __velocity(self) -> tuple[Numbers, Numbers]:
        client, reading = self.__client, self.__reading
        if reading.velocity_at != client.motion:
            if self.index < 0:
                linear, angular = client.getBaseVelocity(self.robot_id)
            else:
                linear, angular = client.getLinkState(self.robot_id, self.index, 1, 1)[6:8]
            reading.velocity = linear, angular
            reading.velocity_at = client.motion
        return reading.velocity

    @property
    def position(self) -> Vector:
        return read_only(self.__pose()[0])

    @property
    def orientation(self) -> Vector:
        return read_only(self.__pose()[1])

    @property
    def linear_velocity(self) -> Vector:
        return read_only(self.__velocity()[0])

    @property
    def angular_velocity(self) -> Vector:
        return read_only(self.__velocity()[1])

    @property
    def position_init(self) -> Vector:
        return read_only(self.__loaded[0])

    @property
    def orientation_init(self) -> Vector:
        return read_only(self.__loaded[1])

    @property
    def linear_velocity_init(self) -> Vector:
        return read_only(self.__loaded[2])

    @property
    def angular_velocity_init(self) -> Vector:
        return read_only(self.__loaded[3])


class Joint(Frozen):
    """A movable joint of the robot: `position` (rad or m) and `velocity`, each of shape (1,)."""

    robot_id: int
    index: int
    name: str
    lower_limit: float
    upper_limit: float
    __client: PhysicsClient

    def __init__(self, client: PhysicsClient, robot_id: int, facts: _Facts) -> None:
        vars(self).update(facts, robot_id=robot_id, _Joint__client=client)

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


class Gait(Protocol):
    """What carries a robot, or the gripper of an arm, where it is told to go. One object serves all
    worlds of a process, so it keeps nothing of any of them."""

    @property
    def commands(self) -> Discrete:
        """What can be told it."""

    def require(self) -> None:
        """Raise ImportError where something of it is missing on this machine."""

    def follow(self, robot: Robot, state: NDArray[np.float32], command: int) -> Callable[[], Any]:
        """Follow a command for one agent step.

        Args:
            robot: Who is told.
            state: What the agent has observed, of which the beginning is the robot's own state.
            command: One of `commands`.

        Returns:
            What gives the robot's action; called before each of the physics steps.
        """


class Robot:
    """Base of the robots. A subclass holds all that is known of its robot, and says in `load` how
    its body comes into the world.

    `links` and `joints` are keyed by the names in the robot's model file, `links["base"]` being the
    root; fixed joints are left out of `joints`.

    Args:
        client: The world into which it is loaded.
    """

    action_space: ClassVar[gymnasium.Space[Any]]
    proprioception_size: ClassVar[int]
    """How many numbers `get_observation` returns."""
    place_numbers: ClassVar[slice]
    """Which of them tell the way from where the episode began: x, y, z (m, compressed)."""
    reward_names: ClassVar[tuple[str, ...]]
    """The terms that `get_rewards` gives."""
    unit_m: ClassVar[float] = 1.0
    """The length that is 1 in what its agents observe. Networks take numbers around 1 best, so a
    robot that works at arm's length has a shorter one."""
    eye_offset_m: ClassVar[tuple[float, float, float]]
    """Where its eye is in the base's frame; it looks along the base's x axis."""
    eye_pitch_deg: ClassVar[float] = 0.0
    """How far it looks up; negative to look down."""
    is_fixed: ClassVar[bool] = False
    """Whether its base is bolted to where it is placed, so that it needs no ground."""
    clearance_m: ClassVar[float]
    """What is further away from its base, horizontally, does not touch it at its start."""
    words: ClassVar[Words]
    """What a model is told of it."""
    offers: ClassVar[tuple[str, ...]] = ()
    """Its own properties and methods that tasks have in `self.robot`, beside `links` and `joints`.
    The first sentence of the docstring of each is what a model is told of it."""

    gait: ClassVar[Callable[[], Gait] | None] = None
    """Makes the gait that carries it where it is told to go; None where it has none."""
    scripts: ClassVar[Mapping[str, tuple[Any, ...]]] = MappingProxyType({})
    """What it can do without looking: actions that are repeated over and over, by what they come
    to. They are those that agents have, so where it has a gait they are commands. A trial tries
    each of them before it trains."""
    controls: ClassVar[tuple[Control, ...]] = ()
    """What a person can drive it with. Where there is nothing, it cannot be played."""
    not_played: ClassVar[str] = "it has no keys"
    """Why a person cannot drive it, where that is so."""

    np_random: np.random.Generator
    """Where the robot's own chance comes from; `TaskEnv` gives each episode its own."""

    def __init__(self, client: PhysicsClient) -> None:
        self._p = client
        self.np_random = np.random.default_rng()
        self.robot_id = robot_id = self.load(client)
        if type(self) not in _ANATOMY:
            _ANATOMY[type(self)] = _read_links(client, robot_id), _read_joints(client, robot_id)
        links, joints = _ANATOMY[type(self)]
        self.links = {facts["name"]: Link(client, robot_id, facts, at) for facts, at in links}
        self._loaded = links[0][1]
        """The state of the base right after loading."""
        self.joints = {facts["name"]: Joint(client, robot_id, facts) for facts in joints}
        self.mass = sum(link.mass for link in self.links.values())
        self._base_read_at = -1
        self.mark_start()

    def load(self, client: PhysicsClient) -> int:
        """Load the body at its initial pose.

        Args:
            client: The world into which it is loaded.

        Returns:
            Its body id.
        """
        raise NotImplementedError

    @classmethod
    def choose_action(cls, driving: Driving) -> list[float]:
        """The action for what a person who drives wants.

        Args:
            driving: Which controls are held or were pressed, and how the robot moves.

        Returns:
            The numbers of an agent's action; a single one where the actions are counted.
        """
        raise NotImplementedError

    def place(self) -> Triple:
        """Where the robot is: its base, or the part of it that acts on other bodies where the base
        does not go to them.

        Returns:
            The position in the world frame, (x, y, z), m. Other bodies are observed from there.
        """
        return self.base_state()[0]

    def mark_start(self) -> None:
        """Call where an episode begins: positions are observed relative to this one."""
        self._start = self.place()

    @property
    def start_position(self) -> Vector:
        """Where the robot was when the episode began, m (see `place`)."""
        return read_only(self._start)

    @classmethod
    def compressed(cls, number: float) -> float:
        """A length or a speed as it is observed.

        Args:
            number: In m or m/s.

        Returns:
            In units of `unit_m`, compressed.
        """
        return compress_number(number / cls.unit_m)

    def compressed_way(self, position: Triple) -> list[float]:
        """The way from where the episode began to a position.

        Args:
            position: In the world frame, (x, y, z), m.

        Returns:
            Three numbers, along the axes of the world: for a way of d `unit_m`, ln(1 + |d|) with
            the sign of d, within `scene.BOUND`.
        """
        pairs = zip(position, self._start, strict=True)
        return [self.compressed(now - start) for now, start in pairs]

    def base_state(self) -> BaseState:
        """The state of the base in the world frame, as plain numbers: in these small sums they are
        several times as fast as arrays.

        Returns:
            Its position (x, y, z; m), orientation (quaternion x, y, z, w), linear velocity (m/s)
            and angular velocity (rad/s).
        """
        client = self._p
        if self._base_read_at != client.motion:
            self._base_state: BaseState = (
                *client.getBasePositionAndOrientation(self.robot_id),
                *client.getBaseVelocity(self.robot_id),
            )
            self._base_read_at = client.motion
        return self._base_state

    def reset(self) -> None:
        """Back to the pose and the velocity right after loading."""
        position, orientation, linear, angular = self._loaded
        self._p.resetBasePositionAndOrientation(self.robot_id, position, orientation)
        self._p.resetBaseVelocity(self.robot_id, linear, angular)

    def be_steered(self, steered: bool) -> None:
        """Get ready to be steered by its gait, or to be moved by its own actions; called before
        each action of an agent. Most robots have nothing to do for it.

        Args:
            steered: Whether the next action is a command of its gait.
        """

    def apply_action(self, action: Any) -> None:
        """Turn the action into velocities or torques, before the physics step.

        Args:
            action: One of `action_space`, as `actions.read_action` gives it.
        """
        raise NotImplementedError

    def get_observation(self) -> NDArray[np.float32]:
        """Proprioception: what the robot feels of itself now.

        Returns:
            float32, shape (proprioception_size,). The robot's module says what each number is.
        """
        raise NotImplementedError

    def get_rewards(self, action: Any) -> dict[str, float]:
        """The robot's own reward terms, such as the price of energy.

        Args:
            action: The action in this physics step.

        Returns:
            The terms for one physics step, by the names in `reward_names`.
        """
        raise NotImplementedError


_ANATOMY: dict[type[Robot], tuple[list[tuple[_Facts, BaseState]], list[_Facts]]] = {}
"""What is the same whenever a robot is loaded: asking for it takes longer than loading. Every world
of this process shares it, so it holds nothing that a task could write into."""


def _read_links(client: PhysicsClient, robot_id: int) -> list[tuple[_Facts, BaseState]]:
    """The public attributes of every link and its state right after loading, the base first."""
    links = []
    for index in range(-1, client.getNumJoints(robot_id)):
        if index < 0:
            name = "base"
            state = *client.getBasePositionAndOrientation(robot_id), (0.0,) * 3, (0.0,) * 3
        else:
            name = client.getJointInfo(robot_id, index)[12].decode()
            link_state = client.getLinkState(robot_id, index, 1, 1)
            state = *link_state[:2], *link_state[6:8]
        mass = client.getDynamicsInfo(robot_id, index)[0]
        links.append((_Facts(index=index, name=name, mass=mass), state))
    return links


def _read_joints(client: PhysicsClient, robot_id: int) -> list[_Facts]:
    """The public attributes of every joint that moves."""
    informations = [client.getJointInfo(robot_id, n) for n in range(client.getNumJoints(robot_id))]
    return [
        _Facts(
            index=information[0],
            name=information[1].decode(),
            lower_limit=information[8],
            upper_limit=information[9],
        )
        for information in informations
        if information[2] != client.JOINT_FIXED
    ]


def load_urdf(
    client: PhysicsClient,
    name: str,
    position: Sequence[float],
    flags: int = 0,
    *,
    is_fixed: bool = False,
) -> int:
    """Load a robot from `assets`, with the inertias that its file gives it; returns its body id.

    A world of which no pictures are made gets its plain twin, which loads in a fraction of the
    time (see `docs/make_robots.py`).
    """
    path = _ASSETS / (f"{name}.urdf" if client.draws else f"{name}_plain.urdf")
    flags |= client.URDF_USE_INERTIA_FROM_FILE
    robot_id: int = client.loadURDF(str(path), position, useFixedBase=is_fixed, flags=flags)
    return robot_id


class RobotView(Frozen):
    """The robot as a task sees it: all of its state, and none of what moves it."""

    robot_id: int
    links: Mapping[str, Link]
    joints: Mapping[str, Joint]
    mass: float
    __robot: Robot

    def __init__(self, robot: Robot) -> None:
        vars(self).update(
            robot_id=robot.robot_id,
            # Copies: comparing a proxy hands the dict behind it to the other side's `__eq__`.
            links=MappingProxyType(dict(robot.links)),
            joints=MappingProxyType(dict(robot.joints)),
            mass=robot.mass,
            _RobotView__robot=robot,
        )

    @property
    def action_space(self) -> gymnasium.Space[Any]:
        """A copy, since a space carries the random stream of its `sample`."""
        return copy.deepcopy(self.__robot.action_space)

    @property
    def start_position(self) -> Vector:
        """Where the robot was when the episode began, m: its base, or the gripper of an arm."""
        return self.__robot.start_position

    def get_observation(self) -> NDArray[np.float32]:
        """What the robot feels of itself now."""
        return self.__robot.get_observation()

    def __getattr__(self, name: str) -> Any:
        """What this robot offers and others do not."""
        if name.startswith("_"):
            raise AttributeError(name)
        robot = self.__robot
        if name not in robot.offers:
            names = ("links", "joints", "robot_id", "mass", *robot.offers, "start_position")
            raise UnavailableError(
                f"self.robot.{name}", f"Use {', '.join(names[:-1])} and {names[-1]}."
            )
        found = getattr(robot, name)
        # A function of ours, because a bound method has the robot with it.
        return (lambda *arguments: found(*arguments)) if callable(found) else found
