"""The base environment: what a task inherits.

A task is a class `Env` that derives from a robot's environment (`R2D2Env`). It builds its bodies in
`__init__`, places them in `reset`, may act in `step`, and says what counts in `get_task_rewards`,
`get_terminated` and `get_success`. The interface is OMNI-EPIC's, so that its tasks run unchanged.
Trainers do not talk to this class but to `TaskEnv`, which wraps it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .client.client import Phase, PhysicsClient
from .client.task_client import TaskClient, task_client
from .contract import ContractError, describe
from .robot import Robot, RobotView

MAX_NAME_CHARACTERS = 100

Color = Sequence[float]
"""Red, green, blue, opacity, each from 0 to 1."""

SuccessAt = Literal["any", "end"]

_UNSEEN = np.empty(0, dtype=np.float32)

StepResult = tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]


def as_bool(member: str, value: Any) -> bool:
    """A task's yes or no. `numpy.bool_` counts, other truthy values hide mistakes."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise ContractError(member, f"returned {describe(value)}", "return True or False")


def reward_terms(terms: Any) -> dict[str, float]:
    """A task's reward terms as plain floats. Raises ContractError where they are no numbers."""
    if not isinstance(terms, dict):
        raise ContractError(
            "get_task_rewards", f"returned {describe(terms)}", "return a dict of named numbers"
        )
    floats: dict[str, float] = {}
    for name, value in terms.items():
        if not isinstance(name, str) or len(name) > MAX_NAME_CHARACTERS:
            raise ContractError(
                "get_task_rewards",
                f"names a reward with {describe(name)}",
                f"name each with a text of at most {MAX_NAME_CHARACTERS} characters",
            )
        # Nearly all are: worth asking first, in every physics step.
        is_plain = type(value) is float and math.isfinite(value)
        floats[name] = (
            value if is_plain else finite_number("get_task_rewards", value, f"for {name!r}")
        )
    return floats


def finite_number(member: str, value: Any, what: str) -> float:
    """A number that a task gave, as a plain float; `what` says what it is."""
    if not isinstance(value, int | float | np.integer | np.floating | np.bool_):
        raise ContractError(member, f"gave {describe(value)} {what}", "give one plain number")
    if not math.isfinite(value):
        raise ContractError(member, f"gave {value} {what}", "give a finite number")
    return float(value)


class BaseEnv:
    """A physics world with one robot in it.

    Attributes a task may use: `self._p` (PyBullet, bound to this world), `self.robot` (`links`,
    `joints`, `robot_id`), `self.dt` (seconds per physics step), `self.np_random` (seeded anew for
    each episode), `self.action_space`. SI units; positions are world-frame metres and quaternions
    are (x, y, z, w).
    """

    dt: ClassVar[float] = 0.0165
    success_at: SuccessAt = "any"
    """When `get_success` counts: "any" step of an episode, or only its "end"."""

    # The trusted side of the world: names with two underscores are refused in task code.
    __robot_class: ClassVar[type[Robot]]
    __client: PhysicsClient
    __robot: Robot

    _p: TaskClient
    robot: RobotView
    np_random: np.random.Generator

    __observes = True

    def __init_subclass__(cls, robot: type[Robot] | None = None) -> None:
        """`robot` is who is in the worlds of a base class of tasks, such as `R2D2Env`."""
        if robot is not None:
            cls.__robot_class = robot

    def __setattr__(self, name: str, value: Any) -> None:
        # The policy refuses this by name; here no detour reaches it either.
        if name in OWNED_BY_BASE:
            raise ContractError(
                name, "was set by the task", "be left to the base class", "Choose another name."
            )
        object.__setattr__(self, name, value)

    def __init__(self) -> None:
        # `build_env` may have given this instance a world and a random stream already; alone, in a
        # notebook say, it makes its own.
        if not hasattr(self, "_BaseEnv__client"):
            self.__client = PhysicsClient()
        if not hasattr(self, "np_random"):
            vars(self)["np_random"] = np.random.default_rng()
        client = self.__client
        _require(client, Phase.BUILD, "__init__")
        client.resetSimulation()
        client.setGravity(0, 0, -9.8)
        client.setDefaultContactERP(0.9)
        client.setPhysicsEngineParameter(
            fixedTimeStep=BaseEnv.dt,
            numSolverIterations=5,
            numSubSteps=4,
            # Contacts in a fixed order: without it, two runs of one episode drift apart.
            deterministicOverlappingPairs=1,
        )
        self.__robot = robot = self.__robot_class(client)
        vars(self).update(_p=task_client(client, robot.robot_id), robot=RobotView(robot))

    @property
    def action_space(self) -> gymnasium.Space[Any]:
        """The robot's actions."""
        return self.robot.action_space

    # What a task writes.

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Put the robot back where it was loaded.

        A task extends this to place the robot and its bodies, and returns what this returned.

        Args:
            seed: Is not used; Gymnasium's interface has it. A task draws from `self.np_random`.
            options: Is not used either.

        Returns:
            The robot's proprioception, float32, shape (proprioception_size,).

        Raises:
            ContractError: It is called elsewhere than in the task's `reset`.
        """
        _require(self.__client, Phase.RESET, "reset")
        self.__robot.reset()
        return self.__robot.get_observation()

    def step(self, action: Any) -> StepResult:
        """Advance the world by one physics step of `dt` seconds.

        Args:
            action: One of the robot's actions.

        Returns:
            Observation, reward, terminated, truncated and info. The observation is the robot's
            proprioception, float32, shape (proprioception_size,), or (0,) where the task does not
            look at it; `info["reward_terms"]` holds the named rewards whose sum is the reward.

        Raises:
            ContractError: It is called elsewhere than in the task's `step`, or a method of the task
                returns what it must not.
        """
        _require(self.__client, Phase.STEP, "step")
        terms, terminated, truncated = advance(self, self.__client, self.__robot, action)
        observation = self.__robot.get_observation() if self.__observes else _UNSEEN
        return observation, sum(terms.values()), terminated, truncated, {"reward_terms": terms}

    def get_task_rewards(self, action: Any) -> dict[str, float]:
        """The task's reward for this physics step. A task has to define it.

        Args:
            action: The robot's action in this step.

        Returns:
            Reward terms by name, each finite and within -10 and 10; may be empty.
        """
        raise NotImplementedError("get_task_rewards is not defined")

    def get_terminated(self, action: Any) -> bool:
        """Whether the episode ends here, by failure or by having nothing left to do. A task has to
        define it.

        Args:
            action: The robot's action in this step.

        Returns:
            True where it ends.
        """
        raise NotImplementedError("get_terminated is not defined")

    def get_truncated(self, action: Any) -> bool:
        """Whether the episode is cut off for a reason outside the task. The time limit is not the
        task's business, so this is rarely overridden.

        Args:
            action: The robot's action in this step.

        Returns:
            False, unless a task overrides it.
        """
        return False

    def get_success(self) -> bool:
        """Whether the task is accomplished now. A task has to define it.

        Returns:
            True where it is; `success_at` says when that counts.
        """
        raise NotImplementedError("get_success is not defined")

    # Helpers for tasks.

    def create_box(
        self, mass: float, half_extents: Sequence[float], position: Sequence[float], color: Color
    ) -> int:
        """Create a box.

        Args:
            mass: In kg; 0 fixes it in place.
            half_extents: Half its size along x, y and z, m.
            position: Of its centre, (x, y, z), m.
            color: Red, green, blue and opacity, each from 0 to 1.

        Returns:
            Its body id.

        Raises:
            CallError: A value does not fit, the world is full, or it is not the time to build.
        """
        client = self._p
        collision = client.createCollisionShape(client.GEOM_BOX, halfExtents=half_extents)
        visual = client.createVisualShape(
            client.GEOM_BOX, halfExtents=half_extents, rgbaColor=color
        )
        return self._create_body(mass, collision, visual, position)

    def create_sphere(
        self, mass: float, radius: float, position: Sequence[float], color: Color
    ) -> int:
        """Create a sphere.

        Args:
            mass: In kg; 0 fixes it in place.
            radius: In m.
            position: Of its centre, (x, y, z), m.
            color: Red, green, blue and opacity, each from 0 to 1.

        Returns:
            Its body id.

        Raises:
            CallError: As for `create_box`.
        """
        client = self._p
        collision = client.createCollisionShape(client.GEOM_SPHERE, radius=radius)
        visual = client.createVisualShape(client.GEOM_SPHERE, radius=radius, rgbaColor=color)
        return self._create_body(mass, collision, visual, position)

    def create_cylinder(
        self, mass: float, radius: float, height: float, position: Sequence[float], color: Color
    ) -> int:
        """Create an upright cylinder.

        Args:
            mass: In kg; 0 fixes it in place.
            radius: In m.
            height: In m.
            position: Of its centre, (x, y, z), m.
            color: Red, green, blue and opacity, each from 0 to 1.

        Returns:
            Its body id.

        Raises:
            CallError: As for `create_box`.
        """
        client = self._p
        collision = client.createCollisionShape(client.GEOM_CYLINDER, radius=radius, height=height)
        visual = client.createVisualShape(
            client.GEOM_CYLINDER, radius=radius, length=height, rgbaColor=color
        )
        return self._create_body(mass, collision, visual, position)

    def _create_body(
        self, mass: float, collision: int, visual: int, position: Sequence[float]
    ) -> int:
        body: int = self._p.createMultiBody(
            baseMass=mass,
            baseCollisionShapeIndex=collision,
            baseVisualShapeIndex=visual,
            basePosition=position,
        )
        return body

    def get_object_position(self, object_id: int) -> NDArray[np.float64]:
        """Where a body is.

        Args:
            object_id: Its body id.

        Returns:
            The position of its centre in the world frame, shape (3,), m.

        Raises:
            CallError: There is no such body.
        """
        return np.array(self._p.getBasePositionAndOrientation(object_id)[0])

    def get_distance_to_object(self, object_id: int) -> float:
        """How far a body is from the robot.

        Args:
            object_id: Its body id.

        Returns:
            The horizontal distance from the robot's base, or the gripper of an arm, to the body's
            centre, m.

        Raises:
            CallError: There is no such body.
        """
        position = self.get_object_position(object_id)
        x, y, _ = self.__robot.place()
        return float(np.hypot(position[0] - x, position[1] - y))

    def close(self) -> None:
        """Give the world's memory back."""
        _require(self.__client, Phase.OUTSIDE, "close")
        self.__client.disconnect()


def _require(client: PhysicsClient, phase: Phase, member: str) -> None:
    """Raise where a task calls one of the base's methods when it is not that method's turn."""
    if client.phase > phase:
        raise ContractError(
            f"super().{member}",
            f"was called in the {client.phase.name.lower()} phase",
            f"be called in `{member}` only",
        )


STATE_OF_BASE = frozenset({"_p", "robot", "dt", "np_random", "action_space", "observation_space"})
"""What a task reads of its world and may not put anything in the place of."""
OWNED_BY_BASE = STATE_OF_BASE | {
    name for name, value in vars(BaseEnv).items() if callable(value) and not name.startswith("_")
}
"""The same with the methods: a task overrides them in its class, and not on an object of it."""


# Functions and not methods: a task has every method of its environment.


def robot_class_of(env_class: type[BaseEnv]) -> type[Robot]:
    """Who is in the worlds of an environment class."""
    robot_class: type[Robot] = env_class._BaseEnv__robot_class  # type: ignore[attr-defined]
    return robot_class


def build_env(
    env_class: type[BaseEnv],
    client: PhysicsClient,
    np_random: np.random.Generator,
    *,
    observes: bool = True,
) -> BaseEnv:
    """Make an environment in a given world, which is emptied first, with a given random stream.

    Where its `step` is not to observe, it returns an empty observation.
    """
    env = env_class.__new__(env_class)
    vars(env).update(_BaseEnv__client=client, _BaseEnv__observes=observes, np_random=np_random)
    with client.during(Phase.BUILD):
        try:
            env.__init__()  # type: ignore[misc]
        except AttributeError:
            # Without the base's `__init__` there is no `self._p` and no `self.robot`.
            if trusted_robot(env) is not None:
                raise
    if trusted_robot(env) is None:
        raise ContractError("__init__", "did not call super().__init__()", "begin with it")
    return env


def advance(
    env: BaseEnv, client: PhysicsClient, robot: Robot, action: Any
) -> tuple[dict[str, float], bool, bool]:
    """One physics step: its reward terms, and whether it terminated or truncated the episode."""
    robot.apply_action(action)
    client.stepSimulation()
    before, client.phase = client.phase, Phase.REWARD
    try:
        terms = reward_terms(env.get_task_rewards(action))
        client.phase = Phase.SCORE
        terminated = as_bool("get_terminated", env.get_terminated(action))
        truncated = as_bool("get_truncated", env.get_truncated(action))
    finally:
        client.phase = before
    for name, value in robot.get_rewards(action).items():
        terms[name] = terms.get(name, 0.0) + value
    return terms, terminated, truncated


def success_at_of(env: BaseEnv) -> SuccessAt:
    """When a task's success counts, as the task says."""
    at: Any = env.success_at
    if type(at) is not str or at not in ("any", "end"):
        raise ContractError("success_at", f"is {describe(at)}", 'be "any" or "end"')
    return "end" if at == "end" else "any"


def has_own_step(env_class: type[BaseEnv]) -> bool:
    """Whether a task has written a `step`."""
    ours = BaseEnv.__mro__
    return any("step" in vars(cls) for cls in env_class.__mro__ if cls not in ours)


def trusted_robot(env: BaseEnv) -> Robot | None:
    """The robot behind `env.robot`, for trusted code; None where a task has built none."""
    return vars(env).get("_BaseEnv__robot")
