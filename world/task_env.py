"""`TaskEnv`: a task as trainers see it, a real Gymnasium environment."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from numpy.typing import NDArray

from .actions import read_action
from .base import (
    BaseEnv,
    advance,
    as_bool,
    build_env,
    finite_number,
    has_own_step,
    reward_terms,
    success_at_of,
    trusted_robot,
)
from .client.client import Phase, PhysicsClient
from .contract import ContractError
from .language.loading import LoadedTask
from .limits import TellsItsLimit, longest_episode, positive
from .pictures import egl
from .pictures.camera import Camera, ChaseCamera, overview_camera
from .pictures.rendering import Image, Renderer
from .pictures.vision import Vision
from .robots import ROBOTS, robot_class, robot_of, robot_spaces
from .rotation import yaw_of
from .sanity import diagnose, looks_sane
from .scene import BOUND, SceneObserver
from .unseen import observation_is_seen

ACTION_REPEAT = 4
TIME_LIMIT = 1000
"""Physics steps per episode: 16.5 s."""
NUMPY_DEFAULTS: Any = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
"""What numpy does about numbers it cannot hold, unless the process has it otherwise: libraries do
(Syllabus lets it raise), and an episode must not depend on that."""

_Episode = Literal["none", "running", "ended", "left"]
"""Whether an episode goes on; "left" is one that has ended, and whose acting goes on."""

Observation = Any
"""float32, shape (n,); with `vision` the dict of arrays that `vision` describes."""


class TaskEnv(TellsItsLimit, gymnasium.Env[Observation, Any]):
    """One task, given as source code.

    **Observation**: float32 `Box`, the robot's proprioception (see the robot's module) followed by
    the egocentric scene (see `scene`), of the same size in every task of a robot.

    **Action**: the robot's; each is repeated for `action_repeat` physics steps of 0.0165 s. A robot
    that has a gait also takes a single number, one of the commands of its gait (see `gait`); with
    `steered`, these are the action space. Finite numbers beyond the bounds of a `Box` count as the
    bounds (see `actions`).

    **Reward**: the sum of the task's and the robot's named terms over those physics steps;
    `info["reward_terms"]` holds each term, and as `step` what an overridden `step` added.

    **Success**: `info["is_success"]` is True from the step on in which `get_success` said so. Where
    the task has `success_at = "end"`, it is True only in the last step, if `get_success` says so
    then.

    **Ends**: `terminated` when the task says so; `truncated` after `time_limit` physics steps, and
    when the world breaks. `spec.max_episode_steps` is the time limit in actions. A step after the
    end of an episode gives a warning, and what it returns means nothing.

    **A broken world**: bodies that overlap are thrown apart, and what is squeezed or pushed without
    measure flies off. Where a body moves faster than 80 m/s (down: 1000 m/s), is farther than 20 km
    from the origin or is nowhere (NaN), `info["diagnosis"]` says so in a sentence; otherwise that
    key is missing. Whatever the task's code raises in such a world is not let through. The
    observation is the last one with finite numbers, and the reward holds the terms of the physics
    steps that were completed.

    **Seeds**: the world is built anew for each episode, so `reset(seed=...)` gives the same episode
    in any process and after any other episodes. `reset()` goes on with the stream of seeds.

    **Errors**: what breaks the task's interface is a `ContractError`. Whatever else the task's own
    code raises is let through, from the class and from its methods.
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
        vision: tuple[int, int] | None = None,
        renderer: str = "cpu",
        steered: bool = False,
    ) -> None:
        """Args:
            source: The task's code. Its module is run here, behind the language policy.
            action_repeat: Physics steps for which an action is repeated.
            time_limit: Physics steps of an episode.
            render_mode: "rgb_array" for pictures; None for none.
            camera: "overview" (the whole scene, standing still) or "chase" (behind the robot).
            width: Of a picture, in pixels.
            height: Of a picture, in pixels.
            vision: `(height, width)`, each from 32 to 128, makes the observation a dict of `state`
                (the above), `rgb` and `depth` from the robot's eye; see `vision`.
            renderer: Of pictures and vision: "cpu" draws the same everywhere; "egl" draws with
                OpenGL, otherwise
                shaded; "auto" is "egl" where a GPU is there for it.
            steered: Whether the actions are the commands of the robot's gait.

        Raises:
            ValueError: There is no such camera, render mode or renderer here; a number of steps is
                none; a robot without a gait is to be `steered`.
            LoadError: The source defines no environment.
            ImportError: It is to be steered, and a part of the robot's gait is not installed.
        """
        if camera not in ("overview", "chase"):
            raise ValueError(f'camera is {camera!r}; it must be "overview" or "chase".')
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f'render_mode is {render_mode!r}; it must be "rgb_array" or None.')
        self.task = LoadedTask(source)
        self.action_repeat = positive("action_repeat", action_repeat)
        self.time_limit = positive("time_limit", time_limit)
        self.max_episode_steps = longest_episode(self.time_limit, self.action_repeat)
        self.render_mode = render_mode
        self.camera, self.width, self.height = camera, width, height
        self._vision = None if vision is None else Vision(vision)
        with_egl = egl.wanted(renderer)
        self.client = PhysicsClient(draws=render_mode is not None or vision is not None)
        self.client.phase = Phase.IDLE
        if with_egl:
            egl.load(self.client)
        self._renderer = Renderer(self.client, with_egl)
        self._chase: ChaseCamera | None = None
        self._overview: Camera
        self._has_own_step = has_own_step(self.task.env_class)
        # Otherwise nobody would look at an observation made in every physics step.
        self._task_looks = self._has_own_step and observation_is_seen(source)
        robot = robot_of(self.task.env_class)
        make_gait = robot_class(robot).gait
        if steered and make_gait is None:
            steerable = " and the ".join(name for name, entry in ROBOTS.items() if entry.steered)
            raise ValueError(
                f"The {robot} cannot be steered: it has no gait, as the {steerable} has. Leave "
                "`steered` out."
            )
        self.gait = make_gait() if make_gait else None
        """What moves the joints of a robot that is told where to go; None where it has none."""
        if steered and self.gait is not None:
            self.gait.require()
        state_space, self.action_space = robot_spaces(robot, steered=steered)
        self.observation_space = self._vision.space(state_space) if self._vision else state_space
        self._commands = None if self.gait is None else self.gait.commands
        self._episode: _Episode = "none"
        self.spec = EnvSpec(
            task_env_id(source),
            entry_point=TASK_ENV,
            kwargs={
                "source": source,
                "action_repeat": self.action_repeat,
                "time_limit": self.time_limit,
                "render_mode": render_mode,
                "camera": camera,
                "width": width,
                "height": height,
                "vision": vision,
                "renderer": renderer,
                "steered": steered,
            },
        )

    @classmethod
    def from_file(cls, path: str | Path, **keywords: Any) -> TaskEnv:
        """The task in a Python file.

        Args:
            path: The file, in UTF-8.
            **keywords: The other ones of the class.

        Returns:
            The environment.

        Raises:
            OSError: The file cannot be read. Otherwise what the class raises.
        """
        return cls(Path(path).read_text(encoding="utf-8"), **keywords)

    def build(self, episode_seed: int) -> None:
        """Empty the world, and run the task's module and its `__init__` in it; `reset` does this by
        itself.

        Args:
            episode_seed: Settles all that the task and its robot draw by chance.

        Raises:
            ContractError: The task breaks its interface.
        """
        env_class = self.task.new_class()
        np_random = self.task.seed(episode_seed)
        env = build_env(env_class, self.client, np_random, observes=self._task_looks)
        robot = trusted_robot(env)
        assert robot is not None, "`build_env` has looked"
        # A stream of its own: what the robot draws does not shift what the task draws.
        robot.np_random = np.random.default_rng([episode_seed, 1])
        self.env, self.robot = env, robot
        self.success_at = success_at_of(env)
        self._scene = SceneObserver(self.client, robot.robot_id, robot.mass, robot.unit_m)

    @np.errstate(**NUMPY_DEFAULTS)
    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin a new episode.

        Args:
            seed: Settles the episode, and those after it. None goes on with the stream of seeds.
            options: Is not used; Gymnasium's interface has it.

        Returns:
            The first observation (float32, shape (size,), or the dict of `vision`) and an info in
            which `is_success` is False.

        Raises:
            ClosedEnvironmentError: The environment was closed.
            ContractError: The task breaks its interface.
        """
        self._require_open()
        self._episode = "none"
        super().reset(seed=seed)
        self.build(int(self.np_random.integers(2**31)))
        with self.client.during(Phase.RESET):
            self.env.reset()
        self.robot.mark_start()
        self.physics_steps = 0
        self._succeeded = False
        self._place_camera()
        self._state = self._sense(0.0)
        self._observation = self._observe(self._state)
        self._episode = "running"
        return self._observation, {"is_success": False}

    @np.errstate(**NUMPY_DEFAULTS)
    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Act once, for `action_repeat` physics steps or until the episode ends.

        Args:
            action: One of the action space, or a command of the robot's gait.

        Returns:
            Observation, reward, terminated, truncated and info, as the class describes them.

        Raises:
            ActionError: The action is not in the action space; the task has not seen it. It is a
                ValueError.
            ResetNeeded: No episode has begun.
            ClosedEnvironmentError: The environment was closed.
            ContractError: The task breaks its interface.
        """
        if self._episode != "running":
            self._require_episode()
        action = read_action(action, self.action_space, self._commands)
        terms: dict[str, float] = {}
        terminated = truncated = False
        start = self.physics_steps
        diagnosis = ""
        try:
            act = self._acting(action)
            while self.physics_steps < start + self.action_repeat and not (terminated or truncated):
                terminated, truncated, step_terms = self.physics_step(act())
                for name, value in step_terms.items():
                    terms[name] = terms.get(name, 0.0) + value
            elapsed_s = (self.physics_steps - start) * BaseEnv.dt
            state = self._sense(elapsed_s)
            if not looks_sane(state, self.robot, self._scene):
                diagnosis = diagnose(self.client, self.robot)
        except Exception:
            # In a world that has broken, a task's own numbers fail next.
            diagnosis = diagnose(self.client, self.robot)
            if not diagnosis:
                raise
        reward = sum(terms.values())
        if not math.isfinite(reward):
            raise ContractError(
                "get_task_rewards", f"gave terms that add up to {reward}", "keep each within ±10"
            )
        info: dict[str, Any] = {"is_success": self._succeeded, "reward_terms": terms}
        if diagnosis:
            # Of a world that has broken, the last finite observation is given.
            info["diagnosis"] = diagnosis
            self._end_episode()
            return self._observation, reward, terminated, not terminated, info
        if self._chase is not None:
            base = self.robot.links["base"]
            self._chase.follow(base.position, self._facing(), elapsed_s)
        self._state = state
        self._observation = self._observe(state)
        if terminated or truncated:
            self._end_episode()
        return self._observation, reward, terminated, truncated, info

    def _acting(self, action: Any) -> Callable[[], Any]:
        """What gives the robot's action before each physics step of this agent step."""
        if self.gait is not None:
            is_command = type(action) is int
            self.robot.be_steered(is_command)
            if is_command:
                return self.gait.follow(self.robot, self._state, action)
        return lambda: action

    def _end_episode(self) -> None:
        if self._episode == "running":
            self._episode = "ended"

    def _require_open(self) -> None:
        if self.client.client_id < 0:
            raise ClosedEnvironmentError("The environment was closed. Make a new one.")

    def _require_episode(self) -> None:
        """Raise where there is no episode, and warn where it has ended, as Gymnasium's own do."""
        self._require_open()
        if self._episode == "none":
            raise ResetNeeded("No episode has begun. Call `reset` before `step`.")
        if self._episode == "ended":
            self._episode = "left"
            gymnasium.logger.warn(
                "`step` was called after the episode had ended: what it returns now means "
                "nothing. Call `reset` where `terminated` or `truncated` is True."
            )

    def physics_step(self, action: Any) -> tuple[bool, bool, dict[str, float]]:
        """One step of the task's own, 0.0165 s long.

        Args:
            action: One of the robot's own actions; a command has become one before.

        Returns:
            Whether it terminated the episode, whether it truncated it, and its reward terms by
            name.

        Raises:
            ContractError: The task breaks its interface.
        """
        client = self.client
        client.phase = Phase.STEP
        try:
            if self._has_own_step:
                terms, terminated, truncated = self._step_of_task(action)
            else:
                terms, terminated, truncated = advance(self.env, client, self.robot, action)
            self.physics_steps += 1
            client.phase = Phase.SCORE
            success = self.env.get_success()
        finally:
            client.phase = Phase.IDLE
        truncated = truncated or self.physics_steps >= self.time_limit
        counts = self.success_at == "any" or terminated or truncated
        if as_bool("get_success", success) and counts:
            self._succeeded = True
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
            given = dict(info["reward_terms"])
        except (TypeError, ValueError, KeyError):
            raise ContractError(
                "step",
                f"returned a {type(result).__name__} that is not what `super().step` gave",
                "return the (observation, reward, terminated, truncated, info) it gave",
            ) from None
        terms = reward_terms(given)
        # What a task's own `step` adds to the reward counts like a term that it names.
        added = finite_number("step", reward, "as reward") - sum(terms.values())
        if abs(added) > 1e-9:
            terms["step"] = terms.get("step", 0.0) + added
        return terms, bool(terminated), bool(truncated)

    def _sense(self, elapsed_s: float) -> NDArray[np.float32]:
        """What the agent feels and perceives without eyes."""
        robot = self.robot
        yaw = yaw_of(robot.base_state()[1])
        scene = self._scene.observe(np.array(robot.place()), yaw, elapsed_s)
        return np.concatenate([robot.get_observation(), scene]).clip(-BOUND, BOUND)

    def _observe(self, state: NDArray[np.float32]) -> Observation:
        if self._vision is None:
            return state
        return {"state": state} | self._vision.look(self.client, self._renderer, self.robot)

    def _place_camera(self) -> None:
        if self.render_mode is None:
            return
        robot_id = self.robot.robot_id
        if self.camera == "chase":
            position = self.robot.links["base"].position
            self._chase = ChaseCamera(self.client, robot_id, position, self._facing())
        else:
            # Once: what moves or falls does not take the camera with it.
            self._overview = overview_camera(self.client, robot_id, self.width / self.height)

    def _facing(self) -> NDArray[np.float64]:
        rotation = self.client.getMatrixFromQuaternion(self.robot.links["base"].orientation)
        return np.array(rotation[0::3])

    def render(self) -> Image | None:
        """Draw the world as it is now.

        Returns:
            The picture, shape (height, width, 3), uint8; None without a render mode.

        Raises:
            ResetNeeded: No episode has begun.
            ClosedEnvironmentError: The environment was closed.
        """
        if self.render_mode is None:
            return None
        self._require_open()
        if self._episode == "none":
            raise ResetNeeded("No episode has begun. Call `reset` before `render`.")
        camera = self._overview if self._chase is None else self._chase.camera
        return self._renderer.picture(camera, self.width, self.height)

    def close(self) -> None:
        """Give the world's memory back. Calling it twice is harmless."""
        self._episode = "none"
        self.client.disconnect()


TASK_ENV = f"{TaskEnv.__module__}:{TaskEnv.__name__}"
"""Where Gymnasium finds it."""


def task_env_id(source: str) -> str:
    """What a task's `spec` calls it: by its `task_id`.

    Args:
        source: The task's code.

    Returns:
        An id as Gymnasium has them, such as `taskwright/Task-0123456789ab-v0`.
    """
    return f"taskwright/Task-{hashlib.sha256(source.encode()).hexdigest()[:12]}-v0"
