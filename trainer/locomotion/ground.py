"""Where the Ant learns its gait: flat ground and a voice that says where to go."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from ...world.base import BaseEnv, build_env, trusted_robot
from ...world.client.client import PhysicsClient
from ...world.robots.ant import AntEnv
from ...world.robots.gait import GAIT_SIZE, JOINTS, Array, felt, torques
from ...world.task_env import ACTION_REPEAT, TIME_LIMIT

COMMAND_AGENT_STEPS = (2, 60)
"""For how long a command holds: 0.1 to 4 s. Whoever steers changes his mind often."""
STAND_SHARE = 0.15
TOP_SPEED_M_S = 3.0
"""Going faster is not rewarded: it would make for more falls."""


class _Plain(AntEnv):
    """OMNI-EPIC's ground."""

    def __init__(self) -> None:
        super().__init__()
        ground = self.create_box(0.0, [500.0, 500.0, 5.0], [0.0, 0.0, -5.0], [0.5, 0.5, 0.5, 1.0])
        self._p.changeDynamics(ground, -1, lateralFriction=0.8, restitution=0.5)


class Ground(gymnasium.Env[Array, Array]):
    """The Ant, as its gait feels it (see `world.robots.gait`), told where to go, anew every few
    seconds.

    Reward per agent step: the speed along the command up to `TOP_SPEED_M_S`, less 0.3 of the speed
    across it (where the command is to stand: less the speed), 0.5, half the upright share of the
    up vector, less 0.1 of the (compressed) turning speed and of the mean squared torque. An episode
    ends where the torso touches the ground, or after the time limit of every task.
    """

    def __init__(self) -> None:
        self.observation_space = Box(-np.inf, np.inf, (GAIT_SIZE,), np.float32)
        self.action_space = Box(-1.0, 1.0, (JOINTS,), np.float32)
        self.client = PhysicsClient(draws=False)
        world = build_env(_Plain, self.client, np.random.default_rng(), observes=False)
        robot: Any = trusted_robot(world)
        self.robot = robot

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """`options` may hold `command_rad`: the one direction, to the left of ahead, for the whole
        episode."""
        super().reset(seed=seed)
        random = self.np_random
        self.robot.np_random = random
        self.robot.reset()
        yaw = random.uniform(-math.pi, math.pi)
        position, _, _, _ = self.robot.base_state()
        orientation = [0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)]
        self.client.resetBasePositionAndOrientation(self.robot.robot_id, position, orientation)
        self.robot.mark_start()
        self.steps = 0
        if options is None:
            self._new_command()
        else:
            self.command(yaw + options["command_rad"], TIME_LIMIT)
        return self.feel(), {}

    def command(self, angle_rad: float, agent_steps: int) -> None:
        """Say where to go, as an angle in the world: the way to a goal turns when the robot
        does."""
        self.way = np.array([math.cos(angle_rad), math.sin(angle_rad)])
        self._command_ends = self.steps + agent_steps

    def _new_command(self) -> None:
        random = self.np_random
        self.command(random.uniform(-math.pi, math.pi), int(random.integers(*COMMAND_AGENT_STEPS)))
        if random.random() < STAND_SHARE:
            self.way = np.zeros(2)

    def feel(self) -> Array:
        """What the gait feels now, with the present command."""
        state: Array = self.robot.get_observation()
        cosine, sine = state[9:11].tolist()
        x, y = self.way.tolist()
        self._way_seen = (cosine * x + sine * y, cosine * y - sine * x)
        return felt(state, self._way_seen)

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        shares = torques(action, self._way_seen)
        before = np.array(self.robot.base_state()[0][:2])
        fallen = False
        for _ in range(ACTION_REPEAT):
            self.robot.apply_action(shares)
            self.client.stepSimulation()
            fallen = fallen or bool(
                self.client.getContactPoints(self.robot.robot_id, linkIndexA=-1)
            )
        way = np.array(self.robot.base_state()[0][:2]) - before
        velocity = way / (ACTION_REPEAT * BaseEnv.dt)
        feeling = self.feel()
        reward = 0.5 + 0.5 * float(feeling[8]) - 0.1 * abs(float(feeling[5]))
        reward += _obedience(velocity, self.way) - 0.1 * float(np.square(action).mean())
        self.steps += 1
        if self.steps >= self._command_ends:
            self._new_command()
            feeling = self.feel()
        return feeling, reward, fallen, self.steps >= TIME_LIMIT // ACTION_REPEAT, {}

    def close(self) -> None:
        self.client.disconnect()


def _obedience(velocity: Any, way: Any) -> float:
    speed = float(np.hypot(*velocity))
    if not way.any():
        return -speed
    along = float(velocity @ way)
    across = math.sqrt(max(speed * speed - along * along, 0.0))
    return min(along, TOP_SPEED_M_S) - 0.3 * across
