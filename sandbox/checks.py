"""The staged checks of a task, run inside the sandboxed process.

Cheapest first; the first stage that fails ends the check, with a symptom (what was seen), a cause
(what usually makes it happen) and a fix (what to change). The stages:

======= =================================================================================
syntax  the source parses
policy  it says only what the language policy allows
load    it defines one class `Env` with a docstring, whose `__init__` builds a world
reset   `reset` returns the observation soon; the robot stands clear of every body
step    rewards, termination and success are of the right kind, the robot stays up, bodies
        behave, and nothing is decided before the robot has acted
seeding the same seed gives the same episode
time    a step costs little enough to train on
======= =================================================================================
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..task import Stage
from .faults import describe
from .policy import parse, refusals
from .world import TaskEnv
from .world.base import as_bool
from .world.client import PhysicsClient
from .world.robots import robot_of

MAX_BODIES = 256
MAX_OVERLAP_M = 0.02
MAX_FALL_SPEED_M_S = 5.0
# The same where the task ends the episode meanwhile, which is what a robot that misses its platform
# comes to. A drop of 0.1 m; a robot is placed nearer to what it stands on.
MAX_FALL_SPEED_AT_END_M_S = 1.5
# A second: long enough to fall faster than `MAX_FALL_SPEED_M_S`.
SETTLING_STEPS = 60
# Bodies that overlap are thrown apart at once; only that counts as an explosion while idle, since a
# body that rolls off an edge may well fall faster than this later on.
MAX_SETTLING_SPEED_M_S = 20.0
MAX_SPEED_M_S = 200.0
REWARD_TERM_LIMIT = 10.0
SEEDS = 5
"""Episodes whose beginnings are looked at."""
EPISODE_ACTIONS = 125
"""Half an episode of 1000 physics steps at an action repeat of 4."""
MAX_STEP_CPU_S = 0.004
"""Per physics step; an ordinary task takes 0.0001 s."""
MAX_RESET_CPU_S = 2.0


class Rejection(Exception):
    """A check failed."""

    def __init__(self, symptom: str, cause: str, fix: str) -> None:
        super().__init__(symptom)
        self.symptom, self.cause, self.fix = symptom, cause, fix


def run_checks(source: str, robot: str, tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Run every stage; `tell` hears of each as it begins.

    Returns `{"passed": True}`, or the stage, symptom, cause and fix of the first failure.
    """
    check = _Check(source, robot)
    stages: list[tuple[Stage, Callable[[], None]]] = [
        ("syntax", check.syntax),
        ("policy", check.policy),
        ("load", check.load),
        ("reset", check.reset),
        ("step", check.step),
        ("seeding", check.seeding),
        ("time", check.time),
    ]
    for stage, run in stages:
        tell({"stage": stage})
        try:
            run()
        except Rejection as found:
            return _failure(stage, found.symptom, found.cause, found.fix)
        except Exception as error:
            fault = describe(error, check.doing, source)
            return _failure(stage, fault.symptom, fault.cause, fault.fix)
    return {"passed": True}


def _failure(stage: Stage, symptom: str, cause: str, fix: str) -> dict[str, Any]:
    return {"stage": stage, "symptom": symptom, "cause": cause, "fix": fix}


class _StrictEnv(TaskEnv):
    """A `TaskEnv` that looks at the reward terms of every physics step."""

    def physics_step(self, action: Any) -> tuple[bool, bool, dict[str, float]]:
        terminated, truncated, terms = super().physics_step(action)
        for name, value in terms.items():
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
        return terminated, truncated, terms


class _Check:
    """The checks of one task; each method is a stage and builds on the stages before."""

    def __init__(self, source: str, robot: str) -> None:
        self.source = source
        self.robot = robot
        self.doing = "the task"
        """What task code is being run, for the message should it raise."""

    def syntax(self) -> None:
        try:
            parse(self.source)
        except SyntaxError as error:
            where = f"line {error.lineno}: " if error.lineno else ""
            text = f" (`{error.text.strip()[:120]}`)" if error.text else ""
            if "```" in self.source:
                cause, fix = "The source holds Markdown fences.", "Keep only the code inside them."
            else:
                cause, fix = (
                    "The source is not valid Python: it is cut off, or holds prose.",
                    "Write one complete Python module and nothing else.",
                )
            raise Rejection(f"SyntaxError, {where}{error.msg}{text}.", cause, fix) from None

    def policy(self) -> None:
        found = refusals(self.source)
        if found:
            more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
            raise Rejection(
                "; ".join(map(str, found[:3])) + more + ".",
                "Tasks are restricted to what a simulated world needs.",
                " ".join(dict.fromkeys(refusal.instead for refusal in found[:3])),
            )

    def load(self) -> None:
        self.doing = "loading the module"
        self.env = _StrictEnv(self.source)
        named = robot_of(self.env.task.env_class)
        if named != self.robot:
            raise Rejection(
                f"The task is for the robot {named}, not for {self.robot}.",
                "`Env` derives from another robot's base class.",
                f"Derive `Env` from the base class of {self.robot}.",
            )
        if not self.env.task.description:
            raise Rejection(
                "`Env` has no docstring.",
                "The docstring is the task's description, which the archive compares.",
                "Begin the class with a docstring: title, description, success, rewards, "
                "termination.",
            )
        self.doing = "`__init__`"
        self.env.build(episode_seed=0)
        bodies = self.client.getNumBodies()
        if bodies > MAX_BODIES:
            raise Rejection(
                f"The world has {bodies} bodies; at most {MAX_BODIES} are allowed.",
                "Bodies are created in a loop that runs too often.",
                "Use fewer and larger bodies.",
            )

    @property
    def client(self) -> PhysicsClient:
        return self.env.env._p

    def reset(self) -> None:
        self.doing = "`reset`"
        started = time.process_time()
        self.env.reset(seed=0)
        cpu_s = time.process_time() - started
        if cpu_s > MAX_RESET_CPU_S:
            raise Rejection(
                f"`__init__` and `reset` take {cpu_s:.1f} s of computing; at most "
                f"{MAX_RESET_CPU_S:g} s is allowed.",
                "Too many bodies are created, or a loop runs too often.",
                "Use fewer bodies and shorter loops; both methods run in every episode.",
            )
        observation = self.env.env.reset()
        expected = self.env.env.robot.get_observation()
        if not isinstance(observation, np.ndarray) or observation.shape != expected.shape:
            kind = "None" if observation is None else f"a {type(observation).__name__}"
            if isinstance(observation, np.ndarray):
                kind = f"an array of shape {observation.shape}"
            raise Rejection(
                f"`reset` returned {kind} instead of the observation.",
                "`reset` must return what `super().reset()` returned.",
                "Begin with `observation = super().reset()` and end with `return observation`.",
            )
        for seed in range(SEEDS):
            # Where a task places bodies by chance, one episode tells little.
            self.env.reset(seed=seed)
            self._check_bodies_finite("after `reset`")
            self._check_overlap()

    def _check_bodies_finite(self, when: str) -> None:
        for body in self._bodies():
            position, orientation = self.client.getBasePositionAndOrientation(body)
            if not all(map(math.isfinite, (*position, *orientation))):
                raise Rejection(
                    f"{self._name(body)} is at {position} {when}.",
                    "A position, orientation or velocity was computed as NaN or infinite.",
                    "Guard divisions and square roots that place bodies.",
                )

    def _bodies(self) -> list[int]:
        return [self.client.getBodyUniqueId(n) for n in range(self.client.getNumBodies())]

    def _name(self, body: int) -> str:
        return "The robot" if body == self.env.env.robot.robot_id else f"Body {body}"

    def _check_overlap(self) -> None:
        robot = self.env.env.robot
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
                "Place the robot's base 0.5 m (`position_init[2]`) above the surface it stands "
                "on, and at least 0.6 m away sideways from other bodies.",
            )

    @property
    def _idle(self) -> Any:
        space = self.env.action_space
        return 0 if space.shape == () else np.zeros(space.shape, dtype=np.float32)

    def step(self) -> None:
        for seed in range(SEEDS):
            self.env.reset(seed=seed)
            self._check_start()
        self._check_episode(seed=0, idle=True)
        for seed in (1, 2):
            self._check_episode(seed=seed, idle=False)

    def _check_start(self) -> None:
        """Nothing is decided before the robot has acted, and one step is one physics step."""
        env, client = self.env.env, self.client
        self.doing = "`get_success` right after `reset`"
        if as_bool("get_success", env.get_success()):
            raise _decided_at_start("successful", "get_success")
        for number in range(self.env.action_repeat):
            self.doing = f"`step` number {number + 1} of an episode"
            before = client.steps
            result: Any = env.step(self._idle)
            if client.steps - before != 1:
                raise Rejection(
                    f"One call of `step` advanced the world {client.steps - before} times.",
                    "`step` must call `super().step(action)` exactly once.",
                    "Call it once: `observation, reward, terminated, truncated, info = "
                    "super().step(action)`.",
                )
            if not isinstance(result, tuple) or len(result) != 5:
                kind = "None" if result is None else f"a {type(result).__name__}"
                if isinstance(result, tuple):
                    kind = f"{len(result)} values"
                raise Rejection(
                    f"`step` returned {kind}; five are expected.",
                    "`step` must return what `super().step(action)` returned.",
                    "End with `return observation, reward, terminated, truncated, info`.",
                )
            if result[2]:
                raise _decided_at_start("terminated", "get_terminated")
            if as_bool("get_success", env.get_success()):
                raise _decided_at_start("successful", "get_success")

    def _check_episode(self, seed: int, idle: bool) -> None:
        kind = "idle" if idle else "random"
        actions = np.random.default_rng(seed)
        self.env.action_space.seed(seed)
        self.env.reset(seed=seed)
        self.physics_steps = 0
        started = time.process_time()
        for _ in range(EPISODE_ACTIONS):
            self.doing = f"step {self.env.physics_steps} of an episode with {kind} actions"
            # Held for a while, random actions get the robot somewhere.
            action = self._idle if idle else self.env.action_space.sample()
            for _ in range(1 if idle else int(actions.integers(1, 6))):
                _, _, terminated, truncated, _ = self.env.step(action)
                settling = idle and self.env.physics_steps <= SETTLING_STEPS
                if settling:
                    self._check_standing(terminated)
                self._check_speeds(settling)
                if terminated or truncated:
                    break
            if terminated or truncated:
                break
        self.physics_steps = self.env.physics_steps
        self.cpu_s = time.process_time() - started

    def _check_standing(self, terminated: bool) -> None:
        """While idle, at the start of an episode, the robot must not fall."""
        robot = self.env.env.robot
        speed = -robot.links["base"].linear_velocity[2]
        if speed > (MAX_FALL_SPEED_AT_END_M_S if terminated else MAX_FALL_SPEED_M_S):
            raise Rejection(
                f"The robot falls: {self.env.physics_steps * self.env.env.dt:.1f} s after `reset`, "
                f"without acting, it moves down at {speed:.1f} m/s from "
                f"{_vector(robot.start_position)}.",
                "There is no ground under the robot, or the ground has no collision shape.",
                "Create the ground with create_box(mass=0.0, ...) and place the robot above it in "
                "`reset`.",
            )

    def _check_speeds(self, settling: bool) -> None:
        limit = MAX_SETTLING_SPEED_M_S if settling else MAX_SPEED_M_S
        for body in self._bodies():
            speed = math.hypot(*self.client.getBaseVelocity(body)[0])
            if not speed <= limit:
                raise Rejection(
                    f"{self._name(body)} moves at {speed:.4g} m/s at {self.doing}.",
                    "Bodies overlap where they are created or placed, and are thrown apart.",
                    "Leave space between movable bodies and everything else at the start.",
                )

    def seeding(self) -> None:
        first, second = self._record_episode(), self._record_episode()
        for number, (one, other) in enumerate(zip(first, second, strict=False)):
            if one != other:
                raise Rejection(
                    f"Two episodes with the same seed and actions differ from action {number} on.",
                    "Something is kept from one episode to the next: a module-level or class-level "
                    "variable, or a random generator made without a seed.",
                    "Keep state in attributes set in `__init__` or `reset`, and draw from "
                    "self.np_random or np.random.",
                )

    def _record_episode(self) -> list[tuple[bytes, float, bool]]:
        self.doing = "an episode with a repeated seed"
        self.env.action_space.seed(3)
        observation, _ = self.env.reset(seed=3)
        record = [(observation.tobytes(), 0.0, False)]
        for _ in range(EPISODE_ACTIONS // 2):
            observation, reward, terminated, truncated, _ = self.env.step(
                self.env.action_space.sample()
            )
            record.append((observation.tobytes(), reward, terminated or truncated))
            if terminated or truncated:
                break
        return record

    def time(self) -> None:
        step_cpu_s = self.cpu_s / max(self.physics_steps, 1)
        if step_cpu_s > MAX_STEP_CPU_S:
            raise Rejection(
                f"A step takes {step_cpu_s * 1000:.1f} ms of computing; at most "
                f"{MAX_STEP_CPU_S * 1000:g} ms is allowed.",
                "Too many bodies touch each other, or the task computes too much.",
                "Use fewer bodies and move loops over many items out of `step`.",
            )


def _decided_at_start(what: str, member: str) -> Rejection:
    return Rejection(
        f"The task is {what} at the start, before the robot has done anything.",
        f"`{member}` is already true where the episode begins.",
        f"Let `{member}` ask for something that only the robot's actions can bring about, and set "
        "everything it reads in `reset`.",
    )


def _vector(values: Any) -> str:
    return "(" + ", ".join(f"{value:.2f}" for value in values) + ") m"


def _span(low: Any, high: Any) -> str:
    axes = zip("xyz", low, high, strict=True)
    return ", ".join(f"{axis} {a:.2f} to {b:.2f} m" for axis, a, b in axes)
