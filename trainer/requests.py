"""What the trainer is asked to do, as plain data: it can be sent to another process or machine.

Kept apart from the work itself so that asking does not load torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ..sandbox.recording import Agent
from ..task import Noun, Robot


@dataclass(frozen=True)
class ArchivedPolicy(Noun):
    """A policy learned on another task."""

    task_id: str
    title: str
    path: str


@dataclass(frozen=True)
class TrialRequest(Noun):
    """All that a trial needs to know. The limits and rates are explained in `config`."""

    source: str
    robot: Robot
    seed: int
    policy_path: str
    """Where the trained policy is written, whether it has learned the task or not."""
    max_steps: int
    patience_steps: int
    max_seconds: float
    processes: int
    environments: int
    learned_success_rate: float
    easy_success_rate: float
    screening_episodes: int
    evaluation_episodes: int
    learner: str = "auto"
    """Who trains, as `learners.LEARNERS` names them; `auto`: whoever suits the robot's actions."""
    learners: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Settings of single learners that differ from their own."""
    archived: tuple[ArchivedPolicy, ...] = ()
    """Policies of the nearest kept tasks, nearest first."""


@dataclass(frozen=True)
class GeneralistTask(Noun):
    """A task that a generalist is to learn."""

    task_id: str
    title: str
    source: str
    alone: float | None = None
    """Success rate of the policy that was trained on this task alone."""
    baseline: float = 0.0
    """Success rate of random actions."""
    embedding: tuple[float, ...] = ()
    """Where it lies among the tasks; needed by the sampler `alp_gmm` only."""


@dataclass(frozen=True)
class GeneralistRequest(Noun):
    """Train one policy on many tasks of a robot."""

    name: str
    robot: Robot
    tasks: tuple[GeneralistTask, ...]
    sampler: str
    seed: int
    policy_path: str
    """Where the policy is written, and what a later command goes on from; while training too."""
    max_steps: int
    """Agent steps, in all tasks together and with those of commands before."""
    max_seconds: float
    """Wall-clock limit of the training in this command."""
    slots: int
    """Tasks trained on at the same time."""
    evaluation_episodes: int
    processes: int
    """That step the environments of an evaluation. No result depends on it."""


@dataclass(frozen=True)
class FilmRequest(Noun):
    """What to draw. The ending of `path` settles the kind: a .png is a still picture, of how an
    episode begins or of several frames of it."""

    source: str
    robot: Robot
    path: str
    seed: int = 0
    policy_path: str | None = None
    """Who acts in a film; random actions where None."""
    camera: Literal["overview", "chase"] = "overview"
    width: int = 320
    height: int = 240
    """Of one agent's picture, in pixels."""
    beside_untrained: bool = False
    """Whether a film shows, on its left, what the same network did before it was trained, in an
    episode that begins alike; both halves are labelled."""
    frames: int = 0
    """How many frames of an episode a still picture shows, each with its time; 0 shows how an
    episode begins, and nobody acts."""


@dataclass(frozen=True)
class Film(Noun):
    """What was drawn."""

    path: str
    frames: int
    """How many; of a still picture, the frames it shows."""
    success: bool | None = None
    """Whether the filmed episode succeeds; None for how an episode begins."""
    apart_s: float = 0.0
    """Seconds from one moment of a still picture to the next."""
    at_the_end: bool = False
    """Whether the task's success counts only at the end of an episode."""


@dataclass(frozen=True)
class ReplayRequest(Noun):
    """Which episodes to write down. All of them begin alike, so that they can be compared."""

    source: str
    robot: Robot
    path: str
    agents: tuple[Agent, ...]
    """Who acts, an episode each; the first settles how all begin, by one that it succeeds in."""
    seed: int = 0
    policy_path: str | None = None
    """Of the trained agent."""


@dataclass(frozen=True)
class Replay(Noun):
    """What was written down."""

    path: str
    frames: int
    """Of all episodes together."""
    size_bytes: int
