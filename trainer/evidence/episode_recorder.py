"""What the steps of a trial show of a task, taken down while policies of growing skill play it.

It looks at what every step tells anyhow: rewards by name, successes, how episodes end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...sandbox.episodes import episode_seed
from ...sandbox.vector import SandboxedEpisodes, Steps
from .repeating import Success

TRAINING, TRAINED = "training", "trained"
"""Who acts while the learner learns, and in the evaluation that settles the verdict."""
SAME = 1e-9
"""Rewards that differ by less are the same."""


@dataclass(frozen=True)
class EpisodeSeen:
    """What is known of an episode that has ended."""

    policy: str
    start: tuple[int, int, int]
    """Seed, environment and number of the episode: where they are equal, episodes begin alike."""
    success: bool
    terminated: bool
    actions: int
    earned: float
    terms: NDArray[np.float64]
    """The sum of each reward term, in the order of `EpisodeRecorder.term_names` as far as it went
    then."""


@dataclass
class Term:
    """What one reward term has been."""

    low: float = np.inf
    high: float = -np.inf
    last_low: float = np.inf
    last_high: float = -np.inf
    """In the last steps of episodes, which are cut short: a constant term is less there."""
    absolute: float = 0.0
    """Sum of its absolute values."""

    def take(self, values: NDArray[np.float64], done: NDArray[np.bool_]) -> None:
        going_on, last = values[~done], values[done]
        if going_on.size:
            self.low = min(self.low, float(going_on.min()))
            self.high = max(self.high, float(going_on.max()))
        if last.size:
            self.last_low = min(self.last_low, float(last.min()))
            self.last_high = max(self.last_high, float(last.max()))
        self.absolute += float(np.abs(values).sum())

    @property
    def constant(self) -> float | None:
        """Its value, where it has been the same in all steps; None where it changes."""
        value = self.low
        if not np.isfinite(value) or self.high - value > SAME:
            return None
        is_less = (
            min(value, 0.0) - SAME <= self.last_low and self.last_high <= max(value, 0.0) + SAME
        )
        return value if is_less or not np.isfinite(self.last_low) else None


class EpisodeRecorder:
    """Takes down what the steps of several policies show.

    `begin` tells which policy acts from now on, and with which seed its episodes begin; `act` is
    given the actions of each step and `watch` what came of them.
    """

    def __init__(self, count: int) -> None:
        self.term_names: list[str] = []
        """In the order of their columns."""
        self.terms: dict[str, Term] = {}
        self.episodes: list[EpisodeSeen] = []
        """All that have ended, in the order of time and environment."""
        self.steps = 0
        self.successes: list[Success] = []
        """Of the policy that acts now, unless it is still being trained."""
        self._columns: dict[tuple[str, ...], NDArray[np.intp]] = {}
        self._policy, self._seed = "", 0
        self._sums = np.zeros((count, 0))
        self._earned = np.zeros(count)
        self._actions = np.zeros(count, dtype=np.int64)
        self._number = np.zeros(count, dtype=np.int64)
        self._acted: list[list[NDArray[np.float32]]] = [[] for _ in range(count)]
        """The actions of each environment's episode so far."""

    def begin(self, policy: str, seed: int) -> None:
        self._policy, self._seed = policy, seed
        self.successes.clear()
        for acted in self._acted:
            acted.clear()
        for numbers in (self._sums, self._earned, self._actions, self._number):
            numbers[:] = 0

    def act(self, actions: NDArray[np.float32]) -> None:
        """The actions of a step, shape (environments, action size)."""
        if self._policy != TRAINING:
            for acted, action in zip(self._acted, actions.copy(), strict=True):
                acted.append(action)

    def watch(self, steps: Steps, names: Sequence[str], terms: NDArray[np.float64]) -> None:
        """A step of all environments; `terms` has a row for each of them and a column for each
        name, NaN where a term was not given."""
        done = steps.terminated | steps.truncated
        columns = self._columns_of(names)
        given = np.nan_to_num(terms)
        self._sums[:, columns] += given
        self._earned += steps.rewards
        self._actions += 1
        self.steps += len(done)
        for name, column in zip(names, given.T, strict=True):
            self.terms[name].take(column, done)
        for row in np.flatnonzero(done):
            self._end(int(row), steps)

    def _columns_of(self, names: Sequence[str]) -> NDArray[np.intp]:
        columns = self._columns.get(tuple(names))
        if columns is None:
            for name in names:
                if name not in self.terms:
                    self.terms[name] = Term()
                    self.term_names.append(name)
                    self._sums = np.pad(self._sums, ((0, 0), (0, 1)))
            columns = np.array([self.term_names.index(name) for name in names], dtype=np.intp)
            self._columns[tuple(names)] = columns
        return columns

    def _end(self, row: int, steps: Steps) -> None:
        self.episodes.append(
            EpisodeSeen(
                self._policy,
                (self._seed, row, int(self._number[row])),
                bool(steps.successes[row]),
                bool(steps.terminated[row]),
                int(self._actions[row]),
                float(self._earned[row]),
                self._sums[row].copy(),
            )
        )
        acted = self._acted[row]
        if acted and steps.successes[row]:
            seed = episode_seed(self._seed, row, int(self._number[row]))
            self.successes.append(Success(seed, tuple(acted), float(self._earned[row])))
        self._acted[row] = []
        self._sums[row] = 0.0
        self._earned[row] = 0.0
        self._actions[row] = 0
        self._number[row] += 1


class WatchedEpisodes(SandboxedEpisodes):
    """Sandboxed episodes with a recorder. Say who acts, in `policy`, before a reset."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.recorder = EpisodeRecorder(self.count)
        self.policy = ""

    def reset(self, seed: int) -> NDArray[np.float32]:
        self.recorder.begin(self.policy, seed)
        return super().reset(seed)

    def start(self, actions: NDArray[Any]) -> None:
        super().start(actions)
        self.recorder.act(self._arrays["actions"])

    def finish(self) -> Steps:
        steps = super().finish()
        self.recorder.watch(steps, *self.reward_terms())
        return steps
