"""The stages of a check, in their order; each builds on the stages before."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ...task import Stage
from ...world.robots import robot_of
from ...world.task_env import ACTION_REPEAT, TIME_LIMIT
from .episode import CheckedEpisode, play
from .falling import check_fall, idling
from .rejection import Rejection
from .scripts import IDLE, RANDOM, idle_action, repeated, script_names
from .source import check_policy, check_syntax, draws_random_numbers, fixed_seeds
from .world import CheckedEnv, plain_state

RESET_SEEDS, START_SEEDS = 5, 3
"""How many episodes are checked at their beginnings: where a task places bodies at random, one is
too few."""
SETTLING_ACTIONS = 15
"""One second, long enough to see whether the robot falls."""
SHORT_ACTIONS = 25
"""1.7 s, in which R2D2 drives 12 m."""
FULL_ACTIONS = TIME_LIMIT // ACTION_REPEAT
FULL_EPISODES = 2
MIN_PHYSICS_STEPS = 15
"""A quarter of a second, in which no robot gets anywhere."""
TRIVIAL_SHARE = 0.7
"""The share of the scripts. Where any motion counts as success, six of R2D2's seven scripts
succeed; on OMNI-EPIC's staircase, which leads down on both sides, four do."""
MORE_IDLE_SEEDS = (101, 102)
"""A task that doing nothing solves is rejected if doing nothing solves these episodes too."""
MAX_STEP_CPU_S = 0.004
"""Per physics step; an ordinary task takes 0.0001 s."""
MAX_RESET_CPU_S = 2.0


class Check:
    """The checks of one task; `stages` names them in the order in which they are to be run."""

    def __init__(self, source: str, robot: str) -> None:
        self.source = source
        self.robot = robot
        self.doing = "the task"
        """The task code that is being run, for the message in case it raises."""
        self.episodes: list[CheckedEpisode] = []
        self.stages: dict[Stage, Callable[[], None]] = {
            "syntax": lambda: check_syntax(source),
            "policy": lambda: check_policy(source),
            "load": self.load,
            "reset": self.reset,
            "physics": self.physics,
            "step": self.step,
            "time": self.time,
            "long": self.long,
            "success": self.success,
            "reward": self.reward,
            "seeding": self.seeding,
        }

    def load(self) -> None:
        self.doing = "loading the module"
        self.env = CheckedEnv(self.source)
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
        started = time.process_time()
        self.env.build(episode_seed=0)
        self.build_cpu_s = time.process_time() - started

    def reset(self) -> None:
        self.doing = "`reset`"
        started = time.process_time()
        observation = self.env.task_reset()
        cpu_s = self.build_cpu_s + time.process_time() - started
        if cpu_s > MAX_RESET_CPU_S:
            raise Rejection(
                f"`__init__` and `reset` take {cpu_s:.1f} s of computing; at most "
                f"{MAX_RESET_CPU_S:g} s is allowed.",
                "Too many bodies are created, or a loop runs too often.",
                "Use fewer bodies and shorter loops; both methods run in every episode.",
            )
        expected = self.env.robot.get_observation()
        if not isinstance(observation, np.ndarray) or observation.shape != expected.shape:
            kind = "None" if observation is None else f"a {type(observation).__name__}"
            if isinstance(observation, np.ndarray):
                kind = f"an array of shape {observation.shape}"
            raise Rejection(
                f"`reset` returned {kind} instead of the observation.",
                "`reset` must return what `super().reset()` returned.",
                "Begin with `observation = super().reset()` and end with `return observation`.",
            )
        self.beginnings = set()
        for seed in range(RESET_SEEDS):
            self.env.reset(seed=seed)
            self.env.check_overlap()
            self.beginnings.add(f"{self.env.poses()} {plain_state(self.env.env)}")

    def physics(self) -> None:
        self.env.check_physics(self.robot, "`reset`")

    def step(self) -> None:
        for seed in range(START_SEEDS):
            self.env.reset(seed=seed)
            self._check_start()
        self._play(IDLE, 0, SETTLING_ACTIONS, settling=True)
        for seed, script in enumerate(repeated(self.env.action_space), 1):
            self._play(script, seed, SHORT_ACTIONS)
        longest = max(self.episodes, key=lambda episode: episode.physics_steps)
        if longest.terminated and longest.physics_steps < MIN_PHYSICS_STEPS:
            raise Rejection(
                f"Whatever the robot does, the episode ends within {longest.physics_steps} "
                f"physics steps ({longest.physics_steps * self.env.env.dt:.2f} s).",
                "`get_terminated` becomes true by itself, before anything can be accomplished.",
                "Let `get_terminated` ask for a failure that the robot can avoid"
                + ("." if idling(self.robot).stands else ", and not for its sinking as it lands."),
            )

    def _check_start(self) -> None:
        """Nothing is decided before the robot has acted, and one step is one physics step."""
        env, client = self.env, self.env.client
        self.doing = "`get_success` right after `reset`"
        if env.task_success():
            raise _decided_at_start("successful", "get_success")
        for number in range(ACTION_REPEAT):
            self.doing = f"`step` number {number + 1} of an episode"
            before = client.steps
            result = env.task_step(idle_action(env.action_space))
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
            if result[3]:
                raise _decided_at_start("truncated", "get_truncated")
            if env.task_success():
                raise _decided_at_start("successful", "get_success")

    def _play(self, script: str, seed: int, actions: int, settling: bool = False) -> CheckedEpisode:
        """Play an episode under watch. `settling`: the robot idles and is to stand still."""
        self.doing = "`reset`"
        for episode in play(self.env, script, seed, actions):
            self.env.check_speeds(self.doing, settling)
            self.env.check_whole(episode.diagnosis, self.doing)
            if settling:
                ended = episode.terminated or episode.truncated
                check_fall(self.env.fall, self.env, self.robot, ended=ended)
            if episode.physics_steps > SHORT_ACTIONS * ACTION_REPEAT:
                # Otherwise an episode whose steps grow ever slower would be played to its end.
                self._check_time([episode])
            self.doing = f"step {self.env.physics_steps} of an episode with {script}"
        self.env.check_physics(self.robot, f"an episode with {script}")
        self.episodes.append(episode)
        return episode

    def time(self) -> None:
        self._check_time(self.episodes)

    def _check_time(self, episodes: list[CheckedEpisode]) -> None:
        physics_steps = sum(episode.physics_steps for episode in episodes)
        step_cpu_s = sum(episode.cpu_s for episode in episodes) / physics_steps
        if step_cpu_s > MAX_STEP_CPU_S:
            raise Rejection(
                f"A step takes {step_cpu_s * 1000:.1f} ms of computing; at most "
                f"{MAX_STEP_CPU_S * 1000:g} ms is allowed.",
                "Too many bodies touch each other, or the task computes too much.",
                "Use fewer bodies, move loops over many items out of `step`, and let no list grow "
                "with every step.",
            )

    def long(self) -> None:
        """Two episodes to the time limit, for faults that only show late.

        Where idle or random actions end an episode before, scripts that lasted are tried; the last
        first, since what R2D2 does on the spot is computed sooner than driving against a wall.
        """
        lasting = [e.script for e in self.episodes if not e.terminated and e.script != IDLE]
        full = 0
        for seed, script in enumerate([IDLE, RANDOM, *reversed(lasting)]):
            if full < FULL_EPISODES:
                episode = self._play(script, seed, FULL_ACTIONS)
                full += episode.physics_steps >= TIME_LIMIT

    def success(self) -> None:
        solved = {episode.script for episode in self.episodes if episode.succeeded}
        if IDLE in solved and all(
            self._play(IDLE, seed, FULL_ACTIONS).succeeded for seed in MORE_IDLE_SEEDS
        ):
            raise Rejection(
                f"Doing nothing succeeds, in each of {1 + len(MORE_IDLE_SEEDS)} episodes.",
                "`get_success` becomes true by the passing of time, or by what bodies do without "
                "the robot.",
                "Let `get_success` ask for something that only the robot's actions can bring "
                "about, or put something in the way of a robot that only waits.",
            )
        scripts = script_names(self.env.action_space)
        if len(solved) > TRIVIAL_SHARE * len(scripts):
            raise Rejection(
                f"Nearly anything succeeds: {len(solved)} of {len(scripts)} scripted behaviours "
                f"do ({', '.join(name for name in scripts if name in solved)}).",
                "`get_success` asks for less than the description says: any motion or any "
                "action brings it about.",
                "Let `get_success` ask for the place, the order or the state that the description "
                "names, with limits that an arbitrary action misses.",
            )

    def reward(self) -> None:
        # A constant term teaches where staying alive is the point; whether anything ends an
        # episode may take longer to see than what was played so far.
        for seed, script in enumerate(repeated(self.env.action_space), 1):
            if not self._rewards_teach():
                self._play(script, seed, FULL_ACTIONS)
        if not self._rewards_teach():
            ranges = self.env.term_ranges
            terms = ", ".join(f"{name!r} is always {low:.4g}" for name, (low, _) in ranges.items())
            raise Rejection(
                f"The rewards tell the robot nothing: {terms or 'there are none'}, whatever it "
                "does, and no episode ends early.",
                "No term depends on what the robot does, or a difference is taken between two "
                "values of the same moment.",
                "Add a term that grows as the robot gets on, such as the speed at which it nears "
                "the goal, and store what it is compared with after it has been compared.",
            )

    def _rewards_teach(self) -> bool:
        varied = any(low != high for low, high in self.env.term_ranges.values())
        return varied or any(episode.terminated for episode in self.episodes)

    def seeding(self) -> None:
        """Seeds make a difference where a task draws; that they alone do, a replay shows."""
        if len(self.beginnings) > 1 or not draws_random_numbers(self.source):
            return
        for call, in_init in fixed_seeds(self.source):
            if not in_init or self._draws_in_reset():
                raise Rejection(
                    f"All episodes begin alike, though random numbers are drawn: line "
                    f"{call.lineno} gives them a fixed seed (`{ast.unparse(call)}`).",
                    "A fixed seed makes every episode draw the same numbers.",
                    "Remove the fixed seed: self.np_random and np.random are seeded for each "
                    "episode. What is meant to be the same in all of them is drawn in `__init__`, "
                    "from a generator of its own: `np.random.default_rng(7)`.",
                )

    def _draws_in_reset(self) -> bool:
        """Whether a second reset of the same world gives another one."""
        self.doing = "`reset`"
        self.env.reset(seed=0)
        before = self.env.poses()
        self.env.task_reset()
        return self.env.poses() != before

    @property
    def played(self) -> list[dict[str, Any]]:
        """The episodes that a fresh process must see alike, in the order they were played in."""
        driven = next(e for e in self.episodes if e.script not in (IDLE, RANDOM))
        random = next(e for e in self.episodes if e.script == RANDOM)
        return [
            {"script": episode.script, "seed": episode.seed, "trace": episode.trace}
            for episode in (driven, random)
        ]


def _decided_at_start(what: str, member: str) -> Rejection:
    return Rejection(
        f"The task is {what} at the start, before the robot has done anything.",
        f"`{member}` is already true where the episode begins.",
        f"Let `{member}` ask for something that only the robot's actions can bring about, and set "
        "everything it reads in `reset`.",
    )
