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

import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from .faults import describe
from .world import TaskEnv

_NAMES_AND_TYPES = (
    ("observations", np.float32),
    ("final_observations", np.float32),
    ("actions", np.float32),
    ("rewards", np.float32),
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
        return self.action_size if name == "actions" else 1

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
    """Answers the requests `open`, `reset`, `step` and `film` for one task.

    `shared` are descriptors of memory that the parent reads too; a request uses the first.
    """

    def __init__(self, shared: Sequence[int]) -> None:
        self._shared = shared

    def open(
        self,
        source: str,
        layout: dict[str, int],
        first: int,
        count: int,
        end_on_success: bool,
    ) -> dict[str, Any]:
        """Make environments number `first` to `first + count - 1` of the shared layout."""
        self._source = source
        shape = Layout(**layout)
        memory = mmap.mmap(self._shared[0], shape.size_bytes)
        self._arrays = {k: a[first : first + count] for k, a in shape.arrays(memory).items()}
        self._first = first
        self._end_on_success = end_on_success
        try:
            self._envs = [TaskEnv(source) for _ in range(count)]
        except Exception as error:
            return self._fault(error, "loading the task")
        return {}

    def reset(self, seed: int) -> dict[str, Any]:
        """Begin episode 0 of every environment."""
        self._seed = seed
        self._episodes = [0] * len(self._envs)
        try:
            for row in range(len(self._envs)):
                self._arrays["observations"][row] = self._begin_episode(row)
        except Exception as error:
            return self._fault(error, "`reset`")
        return {}

    def _begin_episode(self, row: int) -> NDArray[np.float32]:
        seed = episode_seed(self._seed, self._first + row, self._episodes[row])
        observation: NDArray[np.float32] = self._envs[row].reset(seed=seed)[0]
        return observation

    def step(self) -> dict[str, Any]:
        """Step every environment with its action; reset those whose episode ended."""
        arrays = self._arrays
        try:
            for row, env in enumerate(self._envs):
                action = _action(env, arrays["actions"][row])
                observation, reward, terminated, truncated, info = env.step(action)
                success = info["is_success"]
                if self._end_on_success and success and not terminated:
                    truncated = True
                arrays["rewards"][row] = reward
                arrays["terminated"][row] = terminated
                arrays["truncated"][row] = truncated
                arrays["successes"][row] = success
                if terminated or truncated:
                    arrays["final_observations"][row] = observation
                    self._episodes[row] += 1
                    observation = self._begin_episode(row)
                arrays["observations"][row] = observation
        except Exception as error:
            return self._fault(error, f"step {env.physics_steps} of an episode")
        return {}

    def film(
        self,
        source: str,
        seed: int,
        actions: list[Any],
        camera: str,
        width: int,
        height: int,
    ) -> dict[str, Any]:
        """Replay an episode and draw it: a frame after the reset and one after each action.

        Returns how many frames the shared memory holds.
        """
        self._source = source
        shape = (len(actions) + 1, height, width, 3)
        frames = np.ndarray(shape, np.uint8, mmap.mmap(self._shared[0], math.prod(shape)))
        drawn = 0
        try:
            env = TaskEnv(
                source, render_mode="rgb_array", camera=camera, width=width, height=height
            )
            env.reset(seed=seed)
            frames[drawn] = env.render()
            for drawn, action in enumerate(actions, 1):
                env.step(_action(env, np.array(action)))
                frames[drawn] = env.render()
            env.close()
        except Exception as error:
            return self._fault(error, "an episode")
        return {"frames": drawn + 1}

    def _fault(self, error: Exception, doing: str) -> dict[str, Any]:
        fault = describe(error, doing, self._source)
        return {"symptom": fault.symptom, "cause": fault.cause, "fix": fault.fix}


def _action(env: TaskEnv, numbers: NDArray[Any]) -> Any:
    """The shared numbers of one action as the environment's space wants it."""
    if isinstance(env.action_space, Discrete):
        return int(numbers[0])
    assert isinstance(env.action_space, Box)
    return numbers.astype(env.action_space.dtype)
