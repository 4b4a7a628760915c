"""A worker process of a `TasksVectorEnv`: it plays some of the environments, one after another.

It receives commands as single bytes on its standard input and answers each with a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any, BinaryIO

import numpy as np
from gymnasium.spaces import Space

from .catalogue import source
from .conventions import wrapped
from .shared import MAX_TERMS, NO_SEED, Shared
from .world import TaskEnv

RESET, STEP = b"r", b"s"


def main() -> None:
    """Serve until the standard input ends."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    # What a task prints goes where errors go, and not between the answers.
    os.dup2(2, 1)
    commands: BinaryIO = sys.stdin.buffer
    try:
        worker = Worker(json.loads(commands.readline()))
        _answer(answers, {})
        while command := commands.read(1):
            _answer(answers, worker.reset() if command == RESET else worker.step())
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    except Exception:
        _answer(answers, {"error": traceback.format_exc()})


def _answer(answers: Any, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")


class Worker:
    """The environments from `first` on, one for each name."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._envs = [
            wrapped(
                TaskEnv(source(name), **plan["keywords"]),
                plan["max_episode_steps"],
                plan["disable_env_checker"],
            )
            for name in plan["names"]
        ]
        self._first, self._mode = plan["first"], plan["mode"]
        space: Space[Any] = self._envs[0].action_space
        size = self._envs[0].observation_space.shape[0]  # type: ignore[index]
        self._shared = Shared(plan["path"], plan["count"], size, _action(space))
        self._ended = [False] * len(self._envs)
        self._columns: dict[str, int] = {}
        self._answer: dict[str, Any] = {}

    def reset(self) -> dict[str, Any]:
        """Begin new episodes where the memory says so."""
        self._answer = {}
        for n, i in self._places():
            if self._shared.chosen[i]:
                seed = int(self._shared.seeds[i])
                self._begin(n, i, None if seed == NO_SEED else seed)
        return self._answer

    def step(self) -> dict[str, Any]:
        """One step of each environment; what has ended is begun anew as the mode says."""
        self._answer = {}
        shared = self._shared
        shared.terms[self._first : self._first + len(self._envs)] = np.nan
        for n, i in self._places():
            if self._ended[n] and self._mode == "next_step":
                shared.rewards[i] = 0.0
                self._begin(n, i, None)
                continue
            observation, reward, terminated, truncated, info = self._envs[n].step(shared.actions[i])
            shared.rewards[i], shared.successes[i] = reward, info["is_success"]
            shared.terminated[i], shared.truncated[i] = terminated, truncated
            self._tell_terms(i, info["reward_terms"])
            if "diagnosis" in info:
                self._answer.setdefault("diagnoses", {})[i] = info["diagnosis"]
            self._ended[n] = terminated or truncated
            if self._ended[n] and self._mode == "same_step":
                shared.final_observations[i] = observation
                shared.observations[i] = self._envs[n].reset()[0]
                self._ended[n] = False
            else:
                shared.observations[i] = observation
        return self._answer

    def _begin(self, n: int, i: int, seed: int | None) -> None:
        shared = self._shared
        shared.observations[i] = self._envs[n].reset(seed=seed)[0]
        shared.terminated[i] = shared.truncated[i] = shared.successes[i] = False
        self._ended[n] = False

    def _tell_terms(self, i: int, terms: dict[str, float]) -> None:
        for name, value in terms.items():
            column = self._columns.get(name)
            if column is None:
                if len(self._columns) == MAX_TERMS:
                    continue
                column = self._columns[name] = len(self._columns)
                self._answer["columns"] = list(self._columns)
            self._shared.terms[i, column] = value

    def _places(self) -> list[tuple[int, int]]:
        """Of each environment its number here, and among all."""
        return [(n, self._first + n) for n in range(len(self._envs))]


def _action(space: Space[Any]) -> Any:
    """An action, for its shape and type."""
    return np.zeros(space.shape or (), space.dtype)
