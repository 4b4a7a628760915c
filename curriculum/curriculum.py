"""What a curriculum is given and must answer. Its tasks are numbers from 0; the sampler has ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Tables = dict[str, list[Any]]
"""Lists with an entry for each task, in their order, of what JSON can hold."""


@dataclass(frozen=True)
class EpisodeOutcome:
    """How an episode of a task ended."""

    success: float
    """Whether the task was accomplished, or the share of it that was: from 0 to 1."""
    value_loss: float | None = None
    """How wrong the agent's value function was, the mean over the episode of the absolute
    advantage; None where the trainer does not say."""


class Curriculum(Protocol):
    """Says how good it would be to train on each of `count` tasks."""

    def weights(self) -> Numbers:
        """Chances of all tasks, shape (count,): none negative, their sum one."""
        ...

    def update(self, task: int, episode: EpisodeOutcome) -> None:
        """Learn from an episode of a task."""
        ...

    def tables(self) -> Tables:
        """All that it has learned, by task. What else it works with must follow from this, so that
        a task can be taken out of it, or put in as it is in a new curriculum."""
        ...

    def restore(self, tables: Tables) -> None:
        """Go on from `tables`, exactly."""
        ...


class Uniform:
    """Every task alike: the baseline to beat."""

    def __init__(self, count: int) -> None:
        self._weights = np.full(count, 1 / count)

    def weights(self) -> Numbers:
        return self._weights

    def update(self, task: int, episode: EpisodeOutcome) -> None:
        pass

    def tables(self) -> Tables:
        return {}

    def restore(self, tables: Tables) -> None:
        pass


def normalised(weights: Numbers) -> Numbers:
    """Weights as chances; all alike where they are all zero."""
    total = weights.sum()
    if total <= 0.0:
        return np.full(len(weights), 1 / len(weights))
    chances: Numbers = weights / total
    return chances
