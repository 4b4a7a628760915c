"""Whether a robot falls for want of ground. A robot that cannot stand by itself collapses on the
best of grounds while it idles, and nearly as fast.

The two are told apart by what carries the robot. Where nothing does, its centre of mass gains
9.8 m/s downward in each second. Whatever carries it, a floor, a rope or a hand, takes some of that
away, even where the robot touches it for less than a physics step.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from ...world import TaskEnv
from ...world.base import BaseEnv
from ...world.robots import ROBOTS
from .rejection import Rejection
from .scripts import idle_action

WATCHED_S = 1.0
"""How long a robot is watched: time to fall by 4.9 m."""
GRAVITY_M_S2 = 9.8
MAX_FALL_SPEED_M_S = 5.0
"""Reached after a fall of 1.3 m."""
MAX_FALL_SPEED_AT_END_M_S = 1.5
"""The limit where the task ends the episode meanwhile, as it does where a robot misses its
platform: a drop of 0.1 m. A robot is placed nearer to what it stands on."""
MARGIN_M = 0.1
"""How much farther than in its own model file a robot may drop in that case."""
CARRIED_SHARE = 0.2
"""A robot falls freely if less than this share of its weight is carried. PyBullet's damping carries
0.12 at 5 m/s."""
LANDED_M_S = 0.3
"""A robot has landed if what carries it has taken this much of its speed."""
STANDING_SHARE = 0.8
"""A robot stands by itself if it keeps this share of its height; R2D2 keeps 0.94, the Ant 0.3."""


class FallWatch:
    """Watches the robot of a world from the beginning of an episode on; call `look` after each
    physics step."""

    def __init__(self, env: TaskEnv) -> None:
        self._env = env
        self._links = [link for link in env.robot.links.values() if link.mass]
        self._sinking_m_s = self._sinking()
        self._gained_m_s = self._lost_m_s = 0.0
        self.steps = 0
        self.has_landed = False
        """Whether anything has carried the robot since the episode began."""

    def _sinking(self) -> float:
        """How fast the centre of mass moves down; a robot without a mass is fixed."""
        momentum = sum(link.mass * float(link.linear_velocity[2]) for link in self._links)
        return -momentum / sum(link.mass for link in self._links) if self._links else 0.0

    def look(self) -> None:
        self.steps += 1
        before_m_s, self._sinking_m_s = self._sinking_m_s, self._sinking()
        gained_m_s = self._sinking_m_s - before_m_s
        lacking_m_s = (1.0 - CARRIED_SHARE) * GRAVITY_M_S2 * BaseEnv.dt - gained_m_s
        if lacking_m_s < 0.0:
            self._gained_m_s += gained_m_s
        else:
            self._gained_m_s = 0.0
            self._lost_m_s += lacking_m_s
            self.has_landed |= self._lost_m_s > LANDED_M_S

    @property
    def speed_m_s(self) -> float:
        """How fast the robot's centre of mass moves down, as far as it has fallen freely."""
        return min(self._gained_m_s, self._sinking_m_s)

    @property
    def is_over(self) -> bool:
        return self.steps * BaseEnv.dt >= WATCHED_S

    def go_on(self) -> None:
        """Let the robot idle for one more physics step, without the task."""
        self._env.robot.apply_action(idle_action(self._env.action_space))
        self._env.client.stepSimulation()
        self.look()


@dataclass(frozen=True)
class Idling:
    """What a robot does that idles on flat ground, from where it is loaded."""

    stands: bool
    drop_m_s: float
    """How fast it moves down when it lands."""


@functools.cache
def idling(robot: str) -> Idling:
    """What a robot of this name in `ROBOTS` does while it idles."""
    base = ROBOTS[robot].base
    env = TaskEnv(f"from taskwright.world import {base}\nclass Env({base}):\n    pass\n")
    env.build(episode_seed=0)
    client = env.client
    ground = client.createCollisionShape(client.GEOM_BOX, halfExtents=[20.0, 20.0, 0.5])
    client.createMultiBody(0.0, ground, basePosition=[0.0, 0.0, -0.5])
    watch, height_m, drop_m_s = FallWatch(env), env.robot.base_state()[0][2], 0.0
    while not watch.is_over:
        watch.go_on()
        if not watch.has_landed:
            drop_m_s = watch.speed_m_s
    # A robot that is fixed begins at 0 m and stays there.
    stands = env.robot.base_state()[0][2] >= STANDING_SHARE * height_m
    env.close()
    return Idling(stands, drop_m_s)


def check_fall(watch: FallWatch, env: TaskEnv, robot: str, *, ended: bool) -> None:
    """Refuse a task whose robot idles, falls, and has nothing to fall onto.

    Args:
        watch: What has been seen since the episode began.
        env: The world.
        robot: The robot's name in `ROBOTS`.
        ended: Whether the task has ended the episode just now. Then the world goes on by itself
            until it is plain where the robot comes to, and is of no use afterwards.
    """
    seconds, speed_m_s = watch.steps * BaseEnv.dt, watch.speed_m_s
    _check_ground(watch, env, robot)
    while ended and not watch.is_over:
        watch.go_on()
        _check_ground(watch, env, robot)
    own_m_s = idling(robot).drop_m_s
    limit_m_s = math.sqrt(own_m_s**2 + 2.0 * GRAVITY_M_S2 * MARGIN_M)
    if ended and speed_m_s > max(limit_m_s, MAX_FALL_SPEED_AT_END_M_S):
        raise Rejection(
            f"The robot falls: {seconds:.1f} s after `reset`, without acting, it moves down at "
            f"{speed_m_s:.1f} m/s from {_start(env)}, where `get_terminated` ends the episode.",
            "The robot is placed beside the ground that it is to stand on, or high above it, and "
            "`get_terminated` ends the episode before it lands.",
            f"Place the robot's base {env.robot.links['base'].position_init[2]:.3g} m "
            "(`position_init[2]`) above the ground that it is to stand on, which "
            "`get_terminated` must allow for.",
        )


def _check_ground(watch: FallWatch, env: TaskEnv, robot: str) -> None:
    if watch.speed_m_s <= MAX_FALL_SPEED_M_S:
        return
    if watch.has_landed and not idling(robot).stands:
        return  # Whether it slips off its ground is for its actions to decide.
    raise Rejection(
        f"The robot falls: {watch.steps * BaseEnv.dt:.1f} s after `reset`, without acting, it "
        f"moves down at {watch.speed_m_s:.1f} m/s from {_start(env)}.",
        "There is no ground under the robot, or the ground has no collision shape, or it falls "
        "too.",
        "Create the ground with create_box(mass=0.0, ...) and place the robot above it in `reset`.",
    )


def _start(env: TaskEnv) -> str:
    return "(" + ", ".join(f"{number:.2f}" for number in env.robot.start_position) + ") m"
