"""`TaskEnv`: a task as trainers see it, a real Gymnasium environment."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .arguments import MAX_DISTANCE_M, MAX_SPEED
from .base import (
    BaseEnv,
    advance,
    as_bool,
    build_env,
    finite_number,
    has_own_step,
    trusted_robot,
)
from .client import Phase, PhysicsClient
from .contract import ContractError
from .loading import LoadedTask
from .r2d2 import yaw_of
from .rendering import Camera, Image, chase_camera, overview_camera, render
from .robots import robot_of, robot_spaces
from .scene import BOUND, SceneObserver

ACTION_REPEAT = 4
TIME_LIMIT = 1000
"""Physics steps per episode: 16.5 s."""

MAX_SPEED_M_S = 80.0
"""Of any body, sideways and upwards; what rolls off an edge may fall for the rest of the episode.
PyBullet cuts each component at 100 m/s, so that bodies which are thrown apart come near that; a
ball that R2D2 kicks makes up to 30 m/s."""
FARTHEST_M = 2 * MAX_DISTANCE_M
"""From the origin: twice as far as tasks may place anything, and farther than it can fall."""

Observation = NDArray[np.float32]


class TaskEnv(gymnasium.Env[Observation, Any]):
    """One task, given as source code.

    **Observation**: float32 `Box`, the robot's proprioception (see the robot's module) followed by
    the egocentric scene (see `scene`), of the same size in every task of a robot.

    **Action**: the robot's; each is repeated for `action_repeat` physics steps of 0.0165 s.

    **Reward**: the sum of the task's and the robot's named terms over those physics steps;
    `info["reward_terms"]` holds each term, and as `step` what an overridden `step` added.

    **Success**: `info["is_success"]` is True from the step on in which `get_success` said so.

    **Ends**: `terminated` when the task says so; `truncated` after `time_limit` physics steps, and
    when the world breaks.

    **A broken world**: bodies that overlap are thrown apart, and what is squeezed or pushed without
    measure flies off. Where a body moves faster than 80 m/s (down: 1000 m/s), is farther than 20 km
    from the origin or is nowhere (NaN), `info["diagnosis"]` says so in a sentence; otherwise that
    key is missing. Whatever the task's code raises in such a world is not let through. The
    observation is the last one with finite numbers, and the reward holds the terms of the physics
    steps that were completed.

    **Seeds**: the world is built anew for each episode, so `reset(seed=...)` gives the same episode
    in any process and after any other episodes. `reset()` goes on with the stream of seeds.

    Raises `ContractError` where the task breaks its interface, and lets through whatever the task's
    own code raises. `render_mode` "rgb_array" gives pictures by the CPU renderer; `camera` is
    "overview" (the whole scene, standing still) or "chase" (behind the robot).
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012

    def __init__(
        self,
        source: str,
        *,
        action_repeat: int = ACTION_REPEAT,
        time_limit: int = TIME_LIMIT,
        render_mode: str | None = None,
        camera: str = "overview",
        width: int = 320,
        height: int = 240,
    ) -> None:
        self.task = LoadedTask(source)
        self.action_repeat = action_repeat
        self.time_limit = time_limit
        self.render_mode = render_mode
        self.camera, self.width, self.height = camera, width, height
        self.client = PhysicsClient()
        self._has_own_step = has_own_step(self.task.env_class)
        self.observation_space, self.action_space = robot_spaces(robot_of(self.task.env_class))

    @classmethod
    def from_file(cls, path: str | Path, **keywords: Any) -> TaskEnv:
        """The task in a Python file."""
        return cls(Path(path).read_text(encoding="utf-8"), **keywords)

    def build(self, episode_seed: int) -> None:
        """Empty the world and run the task's `__init__` in it; `reset` does this by itself."""
        env = build_env(self.task.env_class, self.client, self.task.seed(episode_seed))
        robot = trusted_robot(env)
        assert robot is not None, "`build_env` has looked"
        self.env, self.robot = env, robot
        self._scene = SceneObserver(self.client, robot.robot_id, robot.mass)
        self._overview: Camera | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        super().reset(seed=seed)
        self.build(int(self.np_random.integers(2**31)))
        with self.client.during(Phase.RESET):
            self.env.reset()
        self.robot.mark_start()
        self.physics_steps = 0
        self._succeeded = False
        self._observation = self._observe(0.0)
        return self._observation, {"is_success": False}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        terms: dict[str, float] = {}
        terminated = truncated = False
        start = self.physics_steps
        diagnosis = ""
        try:
            while self.physics_steps < start + self.action_repeat and not (terminated or truncated):
                terminated, truncated, step_terms = self.physics_step(action)
                for name, value in step_terms.items():
                    terms[name] = terms.get(name, 0.0) + value
            observation = self._observe((self.physics_steps - start) * BaseEnv.dt)
            if not self._looks_sane(observation):
                diagnosis = self._diagnose()
        except Exception:
            # In a world that has broken, a task's own numbers fail next.
            diagnosis = self._diagnose()
            if not diagnosis:
                raise
            observation = self._observation
        reward = sum(terms.values())
        if not math.isfinite(reward):
            raise ContractError(
                "get_task_rewards", f"gave terms that add up to {reward}", "keep each within ±10"
            )
        info: dict[str, Any] = {"is_success": self._succeeded, "reward_terms": terms}
        if diagnosis:
            info["diagnosis"] = diagnosis
            truncated = not terminated
            if not np.isfinite(observation).all():
                observation = self._observation
        self._observation = observation
        return observation, reward, terminated, truncated, info

    def _looks_sane(self, observation: Observation) -> bool:
        """Whether the world is certainly whole. NaN is in no bounds, and nothing is larger than the
        sum of all: five products tell it of any number of bodies."""
        base = self.robot.links["base"]
        velocities, centers = self._scene.velocities.ravel(), self._scene.centers.ravel()
        return bool(
            observation.dot(observation) < math.inf
            and math.hypot(*base.linear_velocity.tolist()) <= MAX_SPEED_M_S
            and math.hypot(*base.position.tolist()) <= FARTHEST_M
            and velocities.dot(velocities) <= MAX_SPEED_M_S**2
            and centers.dot(centers) <= FARTHEST_M**2
        )

    def _diagnose(self) -> str:
        """What is wrong with the world, in a sentence; empty where nothing is."""
        client, robot_id = self.client, self.robot.robot_id
        for body in sorted(client.links, key=lambda body: body != robot_id):
            name = "The robot" if body == robot_id else f"Body {body}"
            states = [(client.getBasePositionAndOrientation(body), client.getBaseVelocity(body)[0])]
            for link in range(client.links[body]):
                state = client.getLinkState(body, link, 1)
                states.append((state[:2], state[6]))
            for (position, orientation), (x, y, z) in states:
                distance = math.hypot(*position)
                if not math.isfinite(distance + math.hypot(*orientation)):
                    return f"{name} is nowhere: its pose is not a number."
                if distance > FARTHEST_M:
                    return f"{name} is {distance:.4g} m from the origin."
                speed = math.hypot(x, y, 0.0 if z < 0.0 else z)
                if not (speed <= MAX_SPEED_M_S and -z <= MAX_SPEED):
                    return f"{name} moves at {math.hypot(x, y, z):.4g} m/s."
        if not np.isfinite(self.robot.get_observation()).all():
            return "The robot feels what is not a number."
        return ""

    def physics_step(self, action: Any) -> tuple[bool, bool, dict[str, float]]:
        """One step of the task's own: whether it terminated or truncated, and its reward terms."""
        with self.client.during(Phase.STEP):
            if self._has_own_step:
                terms, terminated, truncated = self._step_of_task(action)
            else:
                # The same without an observation of the robot, which nobody would look at.
                terms, terminated, truncated = advance(self.env, self.client, self.robot, action)
        self.physics_steps += 1
        with self.client.during(Phase.SCORE):
            success = self.env.get_success()
        if as_bool("get_success", success):
            self._succeeded = True
        truncated = truncated or self.physics_steps >= self.time_limit
        return terminated, truncated, terms

    def _step_of_task(self, action: Any) -> tuple[dict[str, float], bool, bool]:
        """What a `step` that the task has written comes to."""
        client, before = self.client, self.client.steps
        result: Any = self.env.step(action)
        if client.steps != before + 1:
            raise ContractError(
                "step",
                f"advanced the world {client.steps - before} times",
                "call `super().step(action)` exactly once",
            )
        try:
            _, reward, terminated, truncated, info = result
            terms = dict(info["reward_terms"])
        except (TypeError, ValueError, KeyError):
            raise ContractError(
                "step",
                f"returned a {type(result).__name__} that is not what `super().step` gave",
                "return the (observation, reward, terminated, truncated, info) it gave",
            ) from None
        # What a task's own `step` adds to the reward counts like a term that it names.
        added = finite_number("step", reward, "as reward") - sum(terms.values())
        if abs(added) > 1e-9:
            terms["step"] = terms.get("step", 0.0) + added
        return terms, bool(terminated), bool(truncated)

    def _observe(self, elapsed_s: float) -> Observation:
        robot = self.robot
        base = robot.links["base"]
        scene = self._scene.observe(base.position, yaw_of(base.orientation), elapsed_s)
        observation: Observation = np.concatenate([robot.get_observation(), scene])
        return observation.clip(-BOUND, BOUND)

    def render(self) -> Image | None:
        """The world now, shape (height, width, 3), uint8; None without a render mode."""
        if self.render_mode is None:
            return None
        base = self.robot.links["base"]
        if self.camera == "chase":
            camera = chase_camera(base.position, yaw_of(base.orientation))
        else:
            aspect = self.width / self.height
            camera = self._overview or overview_camera(self.client, self.robot.robot_id, aspect)
            self._overview = camera
        return render(self.client, camera, self.width, self.height)

    def close(self) -> None:
        self.client.disconnect()
