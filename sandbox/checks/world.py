"""What the checks look at in a simulated world: a `TaskEnv` whose inside is in view."""

from __future__ import annotations

import functools
import math
from typing import Any

from ...world import TaskEnv
from ...world.base import as_bool
from ...world.client.client import Phase
from ...world.robot import Robot
from ...world.robots import ROBOTS
from ...world.sanity import MAX_SPEED_M_S
from .falling import FallWatch
from .rejection import Rejection

MAX_OVERLAP_M = 0.02
# Bodies that overlap are thrown apart at once, when no other body has reached any speed yet.
MAX_SETTLING_SPEED_M_S = 20.0
REWARD_TERM_LIMIT = 10.0


class CheckedEnv(TaskEnv):
    """A `TaskEnv` that looks at the reward terms of every physics step, and at its world."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.term_ranges: dict[str, tuple[float, float]] = {}
        """Lowest and highest value of each reward term of the task, over all episodes so far."""

    def reset(self, **keywords: Any) -> tuple[Any, dict[str, Any]]:
        result = super().reset(**keywords)
        self.fall = FallWatch(self)
        return result

    def physics_step(self, action: Any) -> tuple[bool, bool, dict[str, float]]:
        terminated, truncated, terms = super().physics_step(action)
        if not self.fall.is_over:
            self.fall.look()
        robot_terms = self.robot.get_rewards(action)
        for name, total in terms.items():
            value = total - robot_terms.get(name, 0.0)
            if not abs(value) <= REWARD_TERM_LIMIT:
                raise Rejection(
                    f"The reward term {name!r} was {value:.4g} in physics step "
                    f"{self.physics_steps} of an episode; each must stay within "
                    f"-{REWARD_TERM_LIMIT:g} and {REWARD_TERM_LIMIT:g}.",
                    "Raw distances or large bonuses are not scaled, or a difference is taken to a "
                    "value left from an earlier episode.",
                    "Scale the term, clip it with np.clip(value, -10, 10), and set what it is "
                    "compared with in `reset`.",
                )
            if name not in robot_terms:
                low, high = self.term_ranges.get(name, (value, value))
                self.term_ranges[name] = min(low, value), max(high, value)
        return terminated, truncated, terms

    # The task's own methods, without what `TaskEnv` makes of them.

    def task_reset(self) -> Any:
        with self.client.during(Phase.RESET):
            return self.env.reset()

    def task_step(self, action: Any) -> Any:
        with self.client.during(Phase.STEP):
            return self.env.step(action)

    def task_success(self) -> bool:
        """Whether the task is accomplished now: in the midst of an episode only where that
        counts."""
        with self.client.during(Phase.SCORE):
            return as_bool("get_success", self.env.get_success()) and self.success_at == "any"

    def bodies(self) -> list[int]:
        """The ids of all bodies. PyBullet itself lists only the last one of a batch."""
        return list(self.client.links)

    def poses(self) -> list[tuple[Any, ...]]:
        """Position and orientation of every body."""
        return [self.client.getBasePositionAndOrientation(body) for body in self.bodies()]

    def _name(self, body: int) -> str:
        return "The robot" if body == self.robot.robot_id else f"Body {body}"

    def check_overlap(self) -> None:
        robot = self.robot
        self.client.performCollisionDetection()
        contacts = [c for c in self.client.getContactPoints(robot.robot_id) if c[2] != c[1]]
        deepest = min(contacts, key=lambda contact: contact[8], default=None)
        if deepest and deepest[8] < -MAX_OVERLAP_M:
            low, high = self.client.getAABB(deepest[2])
            base = robot.links["base"].position
            raise Rejection(
                f"After `reset` the robot is {-deepest[8]:.2f} m inside body {deepest[2]}, which "
                f"spans {_span(low, high)}; the robot's base is at {_vector(base)}.",
                "The robot or the body is placed so that they overlap.",
                f"{_placing(robot)}, and at least {robot.clearance_m:g} m away sideways from other "
                "bodies that are as high.",
            )

    def check_speeds(self, doing: str, settling: bool) -> None:
        limit = MAX_SETTLING_SPEED_M_S if settling else MAX_SPEED_M_S
        for body in self.bodies():
            x, y, z = self.client.getBaseVelocity(body)[0]
            # A body that rolls off an edge may fall for the rest of the episode.
            speed = math.hypot(x, y, 0.0 if z < 0.0 else z)
            if not speed <= limit:
                raise _broken_world(f"{self._name(body)} moves at {speed:.4g} m/s at {doing}.")

    def check_whole(self, diagnosis: str, doing: str) -> None:
        """The world has not broken in another way that ended the episode."""
        if diagnosis:
            raise _broken_world(f"{diagnosis.removesuffix('.')} at {doing}.")

    def check_physics(self, robot: str, doing: str) -> None:
        """The settings of the world and the robot's body are those of every other task."""
        engine, body = settings_of(robot)
        for name, value in _engine_settings(self).items():
            if value != engine[name]:
                raise Rejection(
                    f"{name} is {value} instead of {engine[name]} after {doing}.",
                    "The task changes the settings of the physics engine.",
                    "Leave gravity and time step alone; every task of a robot shares them.",
                )
        for name, value in _body_settings(self).items():
            if value != body[name]:
                raise Rejection(
                    f"The robot's {name} is {value} instead of {body[name]} after {doing}.",
                    "The task changes the robot, and with it what every policy has learned about "
                    "it.",
                    "Leave the robot as it is; change the mass, friction or restitution of the "
                    "bodies that it meets.",
                )


def _placing(robot: Robot) -> str:
    if robot.is_fixed:
        return "Leave the robot where it is, and put what it is to move lower than it begins"
    return (
        f"Place the robot's base {robot.links['base'].position_init[2]:.3g} m "
        "(`position_init[2]`) above the surface it stands on"
    )


def _broken_world(symptom: str) -> Rejection:
    return Rejection(
        symptom,
        "Bodies overlap where they are created or placed and are thrown apart, or the task gives "
        "one a speed that grows without an end.",
        "Leave space between movable bodies and everything else where they are created or placed, "
        "and bound the speeds and forces that the task sets.",
    )


_ENGINE = {
    "The time step": "fixedTimeStep",
    "The number of substeps": "numSubSteps",
    "The number of solver iterations": "numSolverIterations",
    "Gravity along x": "gravityAccelerationX",
    "Gravity along y": "gravityAccelerationY",
    "Gravity along z": "gravityAccelerationZ",
}
_LINK = {"mass": 0, "friction": 1, "inertia": 2, "restitution": 5, "rolling friction": 6}
_LINK |= {"spinning friction": 7, "contact damping": 8, "contact stiffness": 9}
_JOINT = {"damping": 6, "friction": 7, "lower limit": 8, "upper limit": 9, "strength": 10}


@functools.cache
def settings_of(robot: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of the engine and of the robot in a task that adds nothing."""
    base = ROBOTS[robot].base
    source = f"from taskwright.world import {base}\nclass Env({base}):\n    pass\n"
    env = CheckedEnv(source)
    env.build(episode_seed=0)
    settings = _engine_settings(env), _body_settings(env)
    env.close()
    return settings


def _engine_settings(env: CheckedEnv) -> dict[str, Any]:
    parameters = env.client.getPhysicsEngineParameters()
    return {name: parameters[key] for name, key in _ENGINE.items()}


def _body_settings(env: CheckedEnv) -> dict[str, Any]:
    client, robot = env.client, env.robot
    settings = {}
    for link in robot.links.values():
        dynamics = client.getDynamicsInfo(robot.robot_id, link.index)
        for name, index in _LINK.items():
            settings[f"{name} of the link {link.name!r}"] = dynamics[index]
    for joint in robot.joints.values():
        information = client.getJointInfo(robot.robot_id, joint.index)
        for name, index in _JOINT.items():
            settings[f"{name} of the joint {joint.name!r}"] = information[index]
    return settings


def plain_state(env: Any) -> str:
    """The numbers, texts and lists of them that a task keeps on `self`, as text."""
    texts = {name: repr(value) for name, value in vars(env).items()}
    # Objects of other kinds show their address, which differs from world to world.
    return str({name: text for name, text in texts.items() if " at 0x" not in text})


def _vector(values: Any) -> str:
    return "(" + ", ".join(f"{value:.2f}" for value in values) + ") m"


def _span(low: Any, high: Any) -> str:
    axes = zip("xyz", low, high, strict=True)
    return ", ".join(f"{axis} {a:.2f} to {b:.2f} m" for axis, a, b in axes)
