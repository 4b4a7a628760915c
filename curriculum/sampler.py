"""`TaskSampler`: which task next. What a training loop holds::

sampler = TaskSampler(task_ids, "learning_progress", seed=0)
task_id = sampler.sample()
...  # an episode of that task
sampler.update(task_id, success=success)
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .alp_gmm import AlpGmm
from .curriculum import Curriculum, EpisodeOutcome, Numbers, Uniform, normalised
from .learning_progress import LearningProgress
from .level_replay import PrioritisedLevelReplay

CURRICULA: dict[str, Callable[..., Curriculum]] = {
    "learning_progress": LearningProgress,
    "alp_gmm": AlpGmm,
    "plr": PrioritisedLevelReplay,
    "uniform": Uniform,
}
STATE_VERSION = 1


class TaskSampler:
    """Draws tasks by a curriculum, from what it is told of the episodes that were played.

    Every task is drawn `first_visits` times before the curriculum is asked at all: nothing can be
    said of a task that nobody has tried. From then on each keeps a share of `floor / tasks`, since
    learning one task can make another learnable, which only trying it will tell::

        P = (1 - floor) P_curriculum + floor / tasks

    What is drawn follows from the seed, the calls and their order. Several tasks may be drawn
    before the first is told of.

    Args:
        task_ids: The tasks; at least one, and none twice.
        curriculum: A name in `CURRICULA`. `curriculum` says which paper each comes from.
        seed: Settles what is drawn.
        floor: Share of the draws that all tasks have alike, from 0 to 1.
        first_visits: Draws of each task before the curriculum is asked; `uniform` does without.
        **settings: Keywords of the curriculum: for `alp_gmm` the `embeddings` of the tasks, shape
            (tasks, size); for `learning_progress` perhaps `baselines`, shape (tasks,).

    Raises:
        ValueError: An argument does not fit.
    """

    def __init__(
        self,
        task_ids: Sequence[str],
        curriculum: str = "learning_progress",
        *,
        seed: int = 0,
        floor: float = 0.2,
        first_visits: int = 2,
        **settings: ArrayLike | None,
    ) -> None:
        ids = list(task_ids)
        if not ids or len(set(ids)) < len(ids):
            raise ValueError(
                "`task_ids` is empty." if not ids else "`task_ids` names a task twice."
            )
        if curriculum not in CURRICULA:
            known = ", ".join(CURRICULA)
            raise ValueError(f"There is no curriculum {curriculum!r}; there are {known}.")
        if not 0.0 <= floor <= 1.0:
            raise ValueError(f"`floor` is {floor}; it must be from 0 to 1.")
        self.curriculum_name = curriculum
        self._curriculum = CURRICULA[curriculum](len(ids), **settings)
        self._floor = floor
        self._first_visits = 0 if curriculum == "uniform" else first_visits
        self._ids = ids
        self._numbers = {task_id: number for number, task_id in enumerate(ids)}
        self._draws = np.zeros(len(ids), np.int64)
        self._is_in = np.ones(len(ids), np.bool_)
        self._random = np.random.default_rng(seed)

    @property
    def task_ids(self) -> list[str]:
        """The tasks that can be drawn."""
        return [self._ids[number] for number in np.flatnonzero(self._is_in)]

    @property
    def draws(self) -> dict[str, int]:
        """How often each task has been drawn."""
        return dict(zip(self._ids, self._draws.tolist(), strict=True))

    def probabilities(self) -> dict[str, float]:
        """The chance of each task to be drawn next.

        Returns:
            A number from 0 to 1 by `task_id`; 0 for tasks that were dropped. Their sum is 1.
        """
        return dict(zip(self._ids, self._chances().tolist(), strict=True))

    def sample(self) -> str:
        """Draw a task to train on.

        Returns:
            Its `task_id`.
        """
        chances = self._chances()
        # As `Generator.choice` does it, which makes three times as much ado of it.
        number = int(np.searchsorted(np.cumsum(chances), self._random.random(), side="right"))
        number = min(number, int(np.flatnonzero(chances)[-1]))
        self._draws[number] += 1
        return self._ids[number]

    def update(
        self,
        task_id: str,
        *,
        success: float,
        value_loss: float | None = None,
    ) -> None:
        """Tell of an episode that was played.

        Args:
            task_id: The task it was played in; one that was dropped will do.
            success: Whether the episode accomplished the task, or to which share, from 0 to 1.
            value_loss: Mean of the absolute advantages, which `plr` goes by; None where the trainer
                does not know it.

        Raises:
            ValueError: There is no such task, or a number is out of its range.
        """
        if task_id not in self._numbers:
            raise ValueError(f"There is no task {task_id!r} in this sampler.")
        for name, value, most in (("success", success, 1.0), ("value_loss", value_loss, math.inf)):
            if value is not None and not 0.0 <= value <= most:
                raise ValueError(f"`{name}` is {value}; it must be a number from 0 to {most:g}.")
        loss = None if value_loss is None else float(value_loss)
        self._curriculum.update(self._numbers[task_id], EpisodeOutcome(float(success), loss))

    def drop(self, task_id: str) -> None:
        """Never draw a task again, such as one that breaks.

        Args:
            task_id: The task.

        Raises:
            ValueError: There is no such task, or it is the last one.
        """
        if task_id not in self._numbers:
            raise ValueError(f"There is no task {task_id!r} in this sampler.")
        if self.task_ids == [task_id]:
            raise ValueError(f"{task_id!r} is the last task; no other could be drawn.")
        self._is_in[self._numbers[task_id]] = False

    def _chances(self) -> Numbers:
        few = self._is_in & (self._draws < self._first_visits)
        if few.any():
            return normalised(few.astype(np.float64))
        there = self._is_in.astype(np.float64)
        wanted = self._curriculum.weights() * there
        wanted = normalised(wanted if wanted.any() else there)
        chances: Numbers = (1.0 - self._floor) * wanted + self._floor * normalised(there)
        return chances

    def state(self) -> dict[str, Any]:
        """All that it has learned.

        Returns:
            A dict of plain values, fit for JSON, which `restore` takes.
        """
        tables = {"draws": self._draws.tolist(), "is_in": self._is_in.tolist()}
        tables.update(self._curriculum.tables())
        return {
            "version": STATE_VERSION,
            # States were first written when a curriculum was called a strategy.
            "strategy": self.curriculum_name,
            "random": self._random.bit_generator.state,
            "tasks": {
                task_id: {name: table[number] for name, table in tables.items()}
                for task_id, number in self._numbers.items()
            },
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, as if nothing had been in between.

        Args:
            state: What `state` gave, perhaps in a sampler with other tasks: those of it that are
                here go on, others begin.

        Raises:
            ValueError: It is the state of another curriculum or version.
        """
        if state.get("version") != STATE_VERSION or state.get("strategy") != self.curriculum_name:
            theirs = f"{state.get('strategy')!r}, version {state.get('version')!r}"
            raise ValueError(
                f"This is the state of {theirs}; expected was {self.curriculum_name!r}, version "
                f"{STATE_VERSION}."
            )
        mine = self.state()["tasks"]
        tasks = {task_id: state["tasks"].get(task_id, mine[task_id]) for task_id in self._numbers}
        tables = {
            name: [row[name] for row in tasks.values()] for name in next(iter(tasks.values()))
        }
        self._draws = np.array(tables.pop("draws"), np.int64)
        self._is_in = np.array(tables.pop("is_in"), np.bool_)
        self._curriculum.restore(tables)
        self._random.bit_generator.state = state["random"]

    def to_json(self) -> str:
        """All that it has learned, as text.

        Returns:
            `state()` as JSON.
        """
        return json.dumps(self.state(), allow_nan=False)
