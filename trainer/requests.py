"""What the trainer is asked to do, as plain data: it can be sent to another process or machine.

No request names a file of a machine. What is in a file, such as a policy, is named by the SHA-256
of its bytes in hex, and whoever asks sends the bytes along (`Inputs`). What the trainer makes, such
as a film, it gives back as bytes.

Kept apart from the work itself so that asking does not load torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from ..generalist import Generalist, GeneralistPoint
from ..sandbox.recording import Agent
from ..task import Noun, Robot

Inputs = Mapping[str, bytes]
"""The files that a request names, by the SHA-256 of their bytes in hex."""
NO_INPUTS: Inputs = MappingProxyType({})


@dataclass(frozen=True)
class ArchivedPolicy(Noun):
    """A policy learned on another task."""

    task_id: str
    title: str
    digest: str
    """Names the policy file among the inputs."""


@dataclass(frozen=True)
class TrialRequest(Noun):
    """All that a trial needs to know. The limits and rates are explained in `config`."""

    source: str
    robot: Robot
    seed: int
    max_steps: int
    patience_steps: int
    max_seconds: float
    processes: int | None
    """That step the environments; None: as many as suit the machine that does it. No result depends
    on it."""
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
    max_steps: int
    """Agent steps, in all tasks together and with those of commands before."""
    max_seconds: float | None
    """Wall-clock limit of the training in this command; None: none."""
    slots: int
    """Tasks trained on at the same time."""
    evaluation_episodes: int
    processes: int | None
    """That step the environments of an evaluation; None: as many as suit the machine that does it.
    No result depends on it."""
    checkpoint: str | None = None
    """Names, among the inputs, the policy that an earlier command has left, to go on from."""


@dataclass(frozen=True)
class GeneralistNews(Noun):
    """How the training of a generalist goes, at one moment of it."""

    generalist: Generalist
    """All that has come of it so far."""
    now: GeneralistPoint
    """How the tasks are doing in training at this moment."""
    checkpoint: bytes
    """The policy at this moment, with all that is needed to go on; empty where nothing was trained
    yet."""


@dataclass(frozen=True)
class FilmRequest(Noun):
    """What to draw."""

    source: str
    robot: Robot
    format: Literal["png", "gif", "mp4"] = "png"
    """A `png` is a still picture, of how an episode begins or of several frames of it; the others
    are films."""
    seed: int = 0
    policy: str | None = None
    """Names the policy file, among the inputs, of who acts; random actions where None."""
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
    """What was drawn, told beside the file itself."""

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
    agents: tuple[Agent, ...]
    """Who acts, an episode each; the first settles how all begin, by one that it succeeds in."""
    seed: int = 0
    policy: str | None = None
    """Names the policy file, among the inputs, of the trained agent."""


@dataclass(frozen=True)
class Replay(Noun):
    """What was written down, told beside the file itself."""

    frames: int
    """Of all episodes together."""
    size_bytes: int
