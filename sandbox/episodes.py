"""Episodes inside the sandboxed process: several environments of one task, stepped together.

Numbers travel through memory shared with the parent, in the fixed layout of `Layout`; the
requests and answers themselves are small. An environment whose episode ends is reset at once.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.wrappers import TimeLimit
from numpy.typing import NDArray

from ..world import TaskEnv
from ..world.robots import robot_of
from .faults import fault_of

MAX_TERMS = 32
"""The most reward terms that are reported by name; further ones count in the reward alone."""

_NAMES_AND_TYPES = (
    ("rewards", np.float64),
    ("reward_terms", np.float64),
    ("observations", np.float32),
    ("final_observations", np.float32),
    ("actions", np.float32),
    ("terminated", np.uint8),
    ("truncated", np.uint8),
    ("successes", np.uint8),
)


@dataclass(frozen=True)
class Layout:
    """Sizes of the shared arrays."""

    count: int
    """Environments."""
    observation_size: int
    action_size: int
    """1 for a discrete action."""

    def _columns(self, name: str) -> int:
        if name.endswith("observations"):
            return self.observation_size
        return {"actions": self.action_size, "reward_terms": MAX_TERMS}.get(name, 1)

    @property
    def size_bytes(self) -> int:
        columns = sum(self._columns(n) * np.dtype(t).itemsize for n, t in _NAMES_AND_TYPES)
        return self.count * columns

    def arrays(self, memory: mmap.mmap) -> dict[str, NDArray[Any]]:
        """Views into the memory, each of shape (count, columns)."""
        arrays, offset = {}, 0
        for name, dtype in _NAMES_AND_TYPES:
            shape = (self.count, self._columns(name))
            arrays[name] = np.ndarray(shape, dtype, memory, offset)
            offset += arrays[name].nbytes
        return arrays


def episode_seed(seed: int, environment: int, episode: int) -> int:
    """The seed of one episode: a function of these three numbers alone."""
    return int(np.random.SeedSequence([seed, environment, episode]).generate_state(1)[0])


class EpisodeServer:
    """Answers the requests `open`, `reset`, `begin`, `step` and `film` for one task.

    `shared` are descriptors of memory that the parent reads too; a request uses the first.
    """

    def __init__(self, shared: Sequence[int]) -> None:
        self._shared = shared

    def open(
        self,
        source: str,
        robot: str,
        layout: dict[str, int],
        first: int,
        count: int,
        end_on_success: bool,
        settings: dict[str, Any],
    ) -> dict[str, Any]:
        """Make environments number `first` to `first + count - 1` of the shared layout; `settings`
        are keywords of `TaskEnv`, and `max_episode_steps` of a `TimeLimit` around it."""
        self._source = source
        shape = Layout(**layout)
        memory = mmap.mmap(self._shared[0], shape.size_bytes)
        self._arrays = {k: a[first : first + count] for k, a in shape.arrays(memory).items()}
        self._first = first
        self._end_on_success = end_on_success
        self._terms: dict[str, int] = {}
        steps = settings.pop("max_episode_steps", None)
        try:
            self._tasks = [TaskEnv(source, **settings) for _ in range(count)]
        except Exception as error:
            return self._fault(error, "loading the task")
        self._envs: list[gymnasium.Env[Any, Any]] = list(self._tasks)
        if steps is not None:
            self._envs = [TimeLimit(task, steps) for task in self._tasks]
        return fault_of_robot(self._tasks[0], robot)

    def reset(self, seed: int) -> dict[str, Any]:
        """Begin episode 0 of every environment; that and all to follow are settled by `seed`."""
        self._seed: int | None = seed
        self._episodes = [0] * len(self._envs)
        try:
            for row in range(len(self._envs)):
                self._arrays["observations"][row] = self._begin_episode(row)
        except Exception as error:
            return self._fault(error, "`reset`")
        return {}

    def begin(self, seeds: list[int | None], rows: list[int]) -> dict[str, Any]:
        """Begin an episode in the environments `rows`, each with its seed. As in Gymnasium, the
        episodes to follow there go on with the environment's own stream, and None does too."""
        self._seed = None
        try:
            for row, seed in zip(rows, seeds, strict=True):
                self._arrays["observations"][row] = self._envs[row].reset(seed=seed)[0]
        except Exception as error:
            return self._fault(error, "`reset`")
        return {}

    def _begin_episode(self, row: int) -> NDArray[np.float32]:
        seed = None
        if self._seed is not None:
            seed = episode_seed(self._seed, self._first + row, self._episodes[row])
            self._episodes[row] += 1
        observation: NDArray[np.float32] = self._envs[row].reset(seed=seed)[0]
        return observation

    def step(self) -> dict[str, Any]:
        """Step every environment with its action; reset those whose episode ended.

        The answer holds what has no place in the layout, and most of the time nothing: the names of
        `reward_terms` that were not seen before, in the order of their columns, and `diagnoses` of
        worlds that broke, by the number of the environment.
        """
        arrays = self._arrays
        known = len(self._terms)
        diagnoses: dict[int, str] = {}
        try:
            for row, task in enumerate(self._tasks):
                action = action_for(task, arrays["actions"][row])
                observation, reward, terminated, truncated, info = self._envs[row].step(action)
                success = info["is_success"]
                if self._end_on_success and success and not terminated:
                    truncated = True
                arrays["rewards"][row] = reward
                arrays["terminated"][row] = terminated
                arrays["truncated"][row] = truncated
                arrays["successes"][row] = success
                self._tell_terms(row, info["reward_terms"])
                if "diagnosis" in info:
                    diagnoses[self._first + row] = info["diagnosis"]
                if terminated or truncated:
                    arrays["final_observations"][row] = observation
                    observation = self._begin_episode(row)
                arrays["observations"][row] = observation
        except Exception as error:
            return self._fault(error, f"step {task.physics_steps} of an episode")
        answer: dict[str, Any] = {}
        if len(self._terms) > known:
            answer["reward_terms"] = list(self._terms)[known:]
        if diagnoses:
            answer["diagnoses"] = diagnoses
        return answer

    def _tell_terms(self, row: int, terms: dict[str, float]) -> None:
        """Write reward terms into the columns that their names have; NaN where one is not given."""
        row_terms, columns = self._arrays["reward_terms"][row], self._terms
        row_terms[:] = math.nan
        for name, value in terms.items():
            if name not in columns and len(columns) < MAX_TERMS:
                columns[name] = len(columns)
            if name in columns:
                row_terms[columns[name]] = value

    def film(
        self,
        source: str,
        seed: int,
        actions: list[Any],
        camera: str,
        width: int,
        height: int,
        after: list[int] | None = None,
    ) -> dict[str, Any]:
        """Replay an episode and draw it: a frame after the reset and one after each action, or
        only those `after` so many actions, in rising order.

        Returns how many frames the shared memory holds, and whether the task's success counts only
        at the end.
        """
        self._source = source
        wanted = list(range(len(actions) + 1)) if after is None else after
        shape = (len(wanted), height, width, 3)
        frames = np.ndarray(shape, np.uint8, mmap.mmap(self._shared[0], math.prod(shape)))
        drawn = 0
        try:
            env = TaskEnv(
                source, render_mode="rgb_array", camera=camera, width=width, height=height
            )
            env.reset(seed=seed)
            at_the_end = env.success_at == "end"
            for number in range(len(actions) + 1):
                if number:
                    env.step(action_for(env, np.array(actions[number - 1])))
                if drawn < len(wanted) and number == wanted[drawn]:
                    frames[drawn] = env.render()
                    drawn += 1
            env.close()
        except Exception as error:
            return self._fault(error, "an episode")
        return {"frames": drawn, "at_the_end": at_the_end}

    def _fault(self, error: Exception, doing: str) -> dict[str, Any]:
        return {**fault_of(error, doing, self._source)}


def fault_of_robot(env: TaskEnv, robot: str) -> dict[str, Any]:
    """What is wrong where a task is for another robot; empty where it is for this one."""
    named = robot_of(env.task.env_class)
    if named == robot:
        return {}
    return {
        "symptom": f"The task is for the robot {named}, not for {robot}.",
        "cause": "`Env` derives from another robot's base class.",
        "fix": f"Derive `Env` from the base class of {robot}, or ask for {named}.",
    }


def action_for(env: TaskEnv, numbers: NDArray[Any]) -> Any:
    """The shared numbers of one action as the environment takes it: a robot with a gait takes what
    it was steered by, too."""
    if isinstance(env.action_space, Discrete) or (env.gait is not None and len(numbers) == 1):
        return int(numbers[0])
    assert isinstance(env.action_space, Box)
    return numbers.astype(env.action_space.dtype)
