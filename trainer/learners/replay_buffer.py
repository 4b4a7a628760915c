"""What a learner has seen: steps of several environments, drawn again and again to learn from.

Rewards are kept as the task gave them. By what they are divided, and what a place is worth for
being new, changes while more is seen, so both are looked up when a step is drawn.

Being somewhere new is worth a little. Rewards of generated tasks often lead half of the way: to a
lever, say, and not from there to the door that it opens. A robot that has learned to earn them
stays where they end. Counts of how often each place was visited send it on (Bellemare et al. 2016,
arXiv 1606.01868; Tang et al. 2017, arXiv 1611.04717), and what they are worth fades by itself. What
was gained by it: docs/verdict.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CELL_M = 1.0
"""Places in one cell of a grid are one place."""


@dataclass(frozen=True)
class Batch:
    """What followed from `count` choices, `n` steps on or to the end of the episode."""

    observations: NDArray[np.float32]
    """(count, size): what was observed when a choice was made."""
    actions: NDArray[np.int64]
    """(count,): what was chosen."""
    returns: NDArray[np.float32]
    """(count,): the discounted rewards of the steps."""
    following: NDArray[np.float32]
    """(count, size): what was observed after them."""
    discounts: NDArray[np.float32]
    """(count,): what the value of what follows is worth; 0 where the episode was over."""


class VisitCounts:
    """How often each cell was visited, counted from where an episode began."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, ...], int] = {}
        self._counts = np.zeros(64, np.int64)

    def add(self, places: NDArray[np.floating]) -> NDArray[np.int64]:
        """Count visits. `places` are in m, shape (n, 3); returns the numbers of their cells, shape
        (n,)."""
        cells = np.floor(places / CELL_M).astype(np.int64)
        numbers = [
            self._numbers.setdefault(tuple(cell), len(self._numbers)) for cell in cells.tolist()
        ]
        while len(self._numbers) > len(self._counts):
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
        np.add.at(self._counts, numbers, 1)
        return np.array(numbers, np.int64)

    def rarity(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """1 / sqrt(n) for each cell, n being how often it has been visited by now. Any shape."""
        rarity: NDArray[np.float64] = 1.0 / np.sqrt(self._counts[numbers])
        return rarity


class ReplayBuffer:
    """The last `capacity` steps of so many `environments`, which all step together."""

    def __init__(self, capacity: int, environments: int, observation_size: int) -> None:
        # Memory is taken as it is written to: a short trial takes little of it.
        shape = (capacity, environments)
        self._observations = np.zeros((*shape, observation_size), np.float32)
        self._actions = np.zeros(shape, np.int64)
        self._rewards = np.zeros(shape, np.float32)
        self._worths = np.zeros(shape, np.float32)
        """What of them was the worth of a success."""
        self._ended = np.zeros(shape, np.bool_)
        self._over = np.zeros(shape, np.bool_)
        self._cells = np.zeros(shape, np.int64)
        self._last = np.zeros(shape, np.int64)
        """Where an episode ended, the number of its last observation in `_last_observations`."""
        self._last_observations = np.zeros((64, observation_size), np.float32)
        self._ends = 0
        self._capacity = capacity
        self.steps = 0
        """How many have been added, each of all environments."""
        self.visits = VisitCounts()

    def add(
        self,
        observations: NDArray[np.float32],
        actions: NDArray[np.int64],
        rewards: NDArray[np.float64],
        ended: NDArray[np.bool_],
        over: NDArray[np.bool_],
        led_to: NDArray[np.float32],
        places: NDArray[np.floating],
        worths: NDArray[np.float64] | float = 0.0,
    ) -> None:
        """A step of every environment; arrays have a row for each. `worths` are what of the
        `rewards` was the worth of a success. `over` says that nothing would
        have followed where an episode `ended`, `led_to` is what was observed after the step, in the
        same episode, and `places` (environments, 3), in m, where."""
        place = self.steps % self._capacity
        self._observations[place] = observations
        self._actions[place] = actions
        self._rewards[place] = rewards
        self._worths[place] = worths
        self._ended[place] = ended
        self._over[place] = over
        self._cells[place] = self.visits.add(places)
        for environment in np.flatnonzero(ended):
            if self._ends == len(self._last_observations):
                self._last_observations = np.concatenate([self._last_observations] * 2)
            self._last_observations[self._ends] = led_to[environment]
            self._last[place, environment] = self._ends
            self._ends += 1
        self.steps += 1

    def draw(
        self,
        count: int,
        steps_ahead: int,
        discount: float,
        reward_scale: float,
        exploration_bonus: float,
        random: np.random.Generator,
        worth_scale: float = 1.0,
    ) -> Batch:
        """Chance choices of the past that `steps_ahead` steps have followed. Rewards are multiplied
        by `reward_scale`; coming to a place is worth `exploration_bonus` / sqrt(n) on top, where n
        is how often it has been visited by now. The worths of successes are first multiplied by
        `worth_scale`. Needs more than `steps_ahead` steps."""
        known = min(self.steps, self._capacity)
        begun = self.steps - 1 - random.integers(steps_ahead, known, count)
        environments = random.integers(self._ended.shape[1], size=count)
        places = (begun[:, None] + np.arange(steps_ahead)) % self._capacity
        at = places, environments[:, None]
        ended = self._ended[at]
        # Up to the end of the episode and no further.
        counts = np.cumsum(ended, axis=1) - ended == 0
        rewards = self._rewards[at]
        if worth_scale != 1.0:
            rewards = rewards + (worth_scale - 1.0) * self._worths[at]
        rewards = rewards * reward_scale
        if exploration_bonus:
            rewards += exploration_bonus * self.visits.rarity(self._cells[at])
        returns = (rewards * counts) @ discount ** np.arange(steps_ahead)
        length = counts.sum(axis=1)
        last = places[np.arange(count), length - 1]
        following = self._observations[(last + 1) % self._capacity, environments]
        stopped = self._ended[last, environments]
        numbers = self._last[last[stopped], environments[stopped]]
        following[stopped] = self._last_observations[numbers]
        discounts = np.where(self._over[last, environments], 0.0, discount**length)
        return Batch(
            self._observations[places[:, 0], environments],
            self._actions[places[:, 0], environments],
            returns.astype(np.float32),
            following,
            discounts.astype(np.float32),
        )
