"""Observes what a task's `get_success` reads, and whether any of it ever changes. This is measured
where no success was seen, since the task may ask for something impossible.

Runs inside the sandboxed process; the parent's side is `trainer/evidence/experiments.py`.
"""

from __future__ import annotations

import functools
import math
import mmap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..task import Noun, to_json
from ..world import TaskEnv
from .episodes import action_for
from .faults import fault_of

MAX_BODIES = 64
MAX_NAME_CHARACTERS = 60

_OF_ONE = (
    "getBasePositionAndOrientation",
    "getBaseVelocity",
    "getLinkState",
    "getLinkStates",
    "getJointState",
    "getJointStates",
    "getAABB",
)
_OF_TWO = ("getContactPoints", "getClosestPoints")
_OF_A_PLACE = ("getOverlappingObjects", "rayTest", "rayTestBatch")


@dataclass(frozen=True)
class BodyRead(Noun):
    """A body other than the robot that `get_success` asks about."""

    body: int
    name: str
    """The attribute of the task that holds it, such as `ball`; empty where none does."""
    contacts_only: bool
    """Whether nothing but its contacts was asked for."""
    solid: bool
    """Whether it has a collision shape."""
    mass: float
    """kg; 0 fixes it in place."""
    moved_m: float
    """How far it has been from where it was after the reset, the most in any episode."""
    touched: bool
    """Whether the robot has touched it."""


@dataclass(frozen=True)
class SuccessReads(Noun):
    """What `get_success` read of the world in some episodes."""

    episodes: int
    steps: int
    """Agent steps of all episodes."""
    robot: bool
    """Whether it read anything of the robot's own: contacts with the robot do not count."""
    places: bool
    """Whether it asked what is at some place, whatever that is."""
    changed: bool
    """Whether any answer to it has changed within an episode."""
    bodies: tuple[BodyRead, ...]
    successes: int


def read_success(
    shared: Sequence[int], source: str, episodes: list[dict[str, Any]]
) -> dict[str, Any]:
    """Play episodes, each given by its seed and actions, and tell a `SuccessReads`."""
    try:
        reader = _Reader(source)
        for episode in episodes:
            reader.play(**episode)
    except Exception as error:
        return {**fault_of(error, "an episode", source)}
    data = to_json(reader.summary()).encode()
    memory = mmap.mmap(shared[0], 0)
    memory[: len(data)] = data
    memory.close()
    return {"bytes": len(data)}


class _Reader(TaskEnv):
    """A world that records the calls of `get_success`."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._asking = False
        self._reads_robot = self._reads_places = self._changed = False
        self._asked: dict[int, set[str]] = {}
        """The calls about each body."""
        self._answers: dict[tuple[Any, ...], Any] = {}
        """What each call gave first in this episode."""
        self._names: dict[int, str] = {}
        self._masses: dict[int, float] = {}
        self._solid: dict[int, bool] = {}
        self._moved: dict[int, float] = {}
        self._touched: set[int] = set()
        self._counts = [0, 0, 0]
        for name in (*_OF_ONE, *_OF_TWO, *_OF_A_PLACE):
            setattr(self.client, name, self._overheard(name, getattr(self.client, name)))

    def build(self, episode_seed: int) -> None:
        super().build(episode_seed)
        self._answers.clear()
        ask = self.env.get_success

        def asked() -> Any:
            self._asking = True
            # Cached answers are dropped, so that they are asked for again and recorded.
            self.client.motion += 1
            try:
                return ask()
            finally:
                self._asking = False

        # This wrapper takes the place of the task's own method, so that all callers come here.
        vars(self.env)["get_success"] = asked

    def _overheard(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call, updated=())
        def wrapper(*arguments: Any, **keywords: Any) -> Any:
            answer = call(*arguments, **keywords)
            if self._asking:
                self._note(name, arguments, keywords, answer)
            return answer

        return wrapper

    def _note(
        self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any], answer: Any
    ) -> None:
        given = [*arguments, *keywords.values()]
        count = 1 if name in _OF_ONE else 2 if name in _OF_TWO else 0
        bodies = {int(value) for value in given[:count] if type(value) is int}
        robot = self.robot.robot_id
        if name in _OF_A_PLACE or (count == 2 and len(bodies) < 2):
            self._reads_places = True
        self._reads_robot |= count == 1 and robot in bodies
        for body in bodies - {robot}:
            self._asked.setdefault(body, set()).add(name)
        # Of contacts only their existence counts: their positions change even while a body rests.
        value = bool(answer) if count == 2 else answer
        key = (name, *map(str, given))
        first = self._answers.setdefault(key, value)
        self._changed |= not _alike(first, value)

    def play(self, seed: int, actions: list[Any]) -> None:
        """An episode, to its end or that of the actions."""
        self.reset(seed=seed)
        robot = self.robot.robot_id
        self._look_at_task()
        starts = {body: self._position(body) for body in self.client.links if body != robot}
        success = False
        for action in actions:
            _, _, terminated, truncated, info = self.step(action_for(self, np.array(action)))
            success = success or info["is_success"]
            self._counts[1] += 1
            for body in self._asked:
                if body in starts and body in self.client.links:
                    way = math.dist(starts[body], self._position(body))
                    self._moved[body] = max(self._moved.get(body, 0.0), way)
                    if self.client.getContactPoints(robot, body):
                        self._touched.add(body)
            if terminated or truncated:
                break
        self._look_at_task()
        self._counts[0] += 1
        self._counts[2] += success

    def _position(self, body: int) -> tuple[float, ...]:
        return tuple(self.client.getBasePositionAndOrientation(body)[0])

    def _look_at_task(self) -> None:
        """The names and facts of the bodies that are there."""
        bodies = set(self.client.links)
        for name, value in vars(self.env).items():
            if type(value) is int and value in bodies and not name.startswith("_BaseEnv"):
                self._names.setdefault(value, name[:MAX_NAME_CHARACTERS])
        for body in bodies:
            if body not in self._masses:
                self._masses[body] = float(self.client.getDynamicsInfo(body, -1)[0])
                links = range(-1, self.client.links[body])
                self._solid[body] = body in self.client.height_fields or any(
                    self.client.getCollisionShapeData(body, link) for link in links
                )

    def summary(self) -> SuccessReads:
        known = [body for body in self._asked if body in self._masses][:MAX_BODIES]
        return SuccessReads(
            episodes=self._counts[0],
            steps=self._counts[1],
            robot=self._reads_robot,
            places=self._reads_places,
            changed=self._changed,
            bodies=tuple(
                BodyRead(
                    body,
                    self._names.get(body, ""),
                    self._asked[body] <= set(_OF_TWO),
                    self._solid[body],
                    self._masses[body],
                    round(self._moved.get(body, 0.0), 4),
                    body in self._touched,
                )
                for body in known
            ),
            successes=self._counts[2],
        )


def _alike(first: Any, value: Any) -> bool:
    """Whether two answers are the same but for rounding."""
    if isinstance(first, bool) or not isinstance(first, tuple | list):
        return bool(first == value)
    try:
        return bool(np.allclose(_numbers(first), _numbers(value), atol=1e-3))
    except (ValueError, TypeError):
        return bool(first == value)


def _numbers(value: Any) -> list[float]:
    if isinstance(value, tuple | list):
        return [number for part in value for number in _numbers(part)]
    return [float(value)]
