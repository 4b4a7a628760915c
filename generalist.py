"""The nouns of a generalist: one policy that learns many tasks of a robot."""

from __future__ import annotations

from dataclasses import dataclass, field

from .task import Noun, Rate, Real, Robot, Whole


@dataclass(frozen=True)
class GeneralistPoint(Noun):
    """One point of the learning curves of a policy that trains on many tasks."""

    steps: Whole
    """Agent steps so far, in all tasks together."""
    seconds: Real
    success: dict[str, Rate]
    """By `task_id`, the success rate over the latest training episodes; tasks that were not yet
    trained on are left out."""
    episodes: dict[str, Whole]
    """By `task_id`, the training episodes since the point before; of tasks that had any."""


@dataclass(frozen=True)
class TaskSkill(Noun):
    """How well a policy does one task."""

    task_id: str
    title: str
    successes: Whole
    episodes: Whole
    """Evaluation episodes, on fresh seeds."""
    interval: tuple[Rate, Rate]
    """95 % Wilson score interval of the success rate."""
    mean_return: Real
    trained_episodes: Whole
    alone: Rate | None = None
    """Success rate of the policy that was trained on this task alone, as its record tells it."""

    @property
    def success_rate(self) -> float:
        """Share of the evaluation episodes that succeed, from 0 to 1."""
        return self.successes / self.episodes


@dataclass(frozen=True)
class Generalist(Noun):
    """One policy for many tasks of one robot: how it was trained, and what it can do."""

    name: str
    robot: Robot
    sampler: str
    seed: int
    steps: Whole = 0
    """Agent steps it has been trained for."""
    seconds: Real = 0.0
    finished: bool = False
    """Whether all of `tasks` have been evaluated after these steps."""
    tasks: tuple[TaskSkill, ...] = ()
    interval: tuple[Rate, Rate] | None = None
    """95 % Wilson score interval of the success rate of all evaluation episodes together."""
    dropped: dict[str, str] = field(default_factory=dict)
    """By `task_id`, why a task was given up: its code failed."""
    curve: tuple[GeneralistPoint, ...] = ()
    updated_at: str = ""
    """UTC, ISO 8601."""

    @property
    def success_rate(self) -> float | None:
        """Mean over the tasks evaluated; None before the first."""
        rates = [skill.success_rate for skill in self.tasks]
        return sum(rates) / len(rates) if rates else None
