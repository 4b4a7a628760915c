"""Many environments of one task, spread over sandboxed children: what trials train on, and what
`vector_env.TaskVectorEnv` shows as Gymnasium's `VectorEnv`.

The parent sends actions and reads observations through shared memory and checks every number it
reads: a child can crash, hang or lie, and the answer is a `ChildFault`, never a wrong array.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from gymnasium.error import ClosedEnvironmentError
from numpy.typing import NDArray

from ..errors import BrokenError
from ..world.actions import read_actions
from ..world.robots import robot_spaces
from .episodes import MAX_TERMS, Layout
from .processes.channel import ChildFault, ChildProtocolError, fault_in, plain_text
from .processes.cores import cores
from .processes.memory import shared_memory
from .processes.process import DEFAULT_MEMORY_MB, Child

LOAD_TIMEOUT_S = 30.0
STEP_TIMEOUT_S = 10.0
"""The timeout of one action in every environment of a child; it typically takes 5 ms."""
RESET_TIMEOUT_S = 20.0
LATECOMER_TIMEOUT_S = 1.0

MEMORY_MB_PER_ENVIRONMENT = 128
"""PyBullet takes 28 MB for most worlds and 60 MB for one with a fine height field."""

REWARD_LIMIT = 1000.0
"""Terms are within 10 a physics step; beyond this a reward is a mistake and is clipped."""

_STEPPING = "A step of the task"
_NEWS = frozenset({"reward_terms", "diagnoses"})
"""The fields that a child's answer to a step may have."""


@dataclass(frozen=True)
class Steps:
    """What one step of all environments gave; arrays have one row per environment.

    `observations` are the ones to act on next. Where an episode ended they already belong to the
    next episode, and `final_observations` holds its last one.
    """

    observations: NDArray[np.float32]
    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    successes: NDArray[np.bool_]
    """Whether the task has been accomplished in the episode so far."""
    final_observations: NDArray[np.float32]
    diagnoses: dict[int, str]
    """Why an environment's world broke, by the environment's number; its episode is truncated."""


def _memory_mb(share: NDArray[np.int64]) -> int:
    """The memory that a child may use for its environments."""
    return max(DEFAULT_MEMORY_MB, MEMORY_MB_PER_ENVIRONMENT * len(share))


class SandboxedEpisodes:
    """`count` environments of one task in `processes` children, by default one per core. Use as a
    context manager.

    With `end_on_success`, an episode is truncated as soon as the task is accomplished. With
    `steered`, the actions of a robot that has a gait are its commands (see `world.gait`): that is
    how it learns tasks. `settings` are keywords of `TaskEnv`, such as `time_limit`.

    Every method raises `ChildFault` where the task's code failed in a child. Then, as after any
    other exception, all children are gone, and further use raises `ClosedEnvironmentError`.
    """

    def __init__(
        self,
        source: str,
        robot: str,
        count: int,
        processes: int | None,
        *,
        end_on_success: bool = True,
        steered: bool = True,
        **settings: Any,
    ) -> None:
        self.robot = robot
        self.observation_space, self.action_space = robot_spaces(robot, steered=steered)
        assert self.observation_space.shape is not None
        self._low, self._high = self.observation_space.low, self.observation_space.high
        self.count = count
        action_size = int(np.prod(self.action_space.shape or ())) or 1
        layout = Layout(count, self.observation_space.shape[0], action_size)
        self._shares = np.array_split(np.arange(count), min(processes or cores(), count))
        """The numbers of each child's environments."""
        self._terms: list[list[str]] = [[] for _ in self._shares]
        """The names of each child's reward terms, in the order of their columns."""
        self._children: list[Child] = []
        with self._closing_at_a_fault():
            with shared_memory(layout.size_bytes) as (descriptor, memory):
                self._arrays = layout.arrays(memory)
                for share in self._shares:
                    self._children.append(Child([descriptor], memory_mb=_memory_mb(share)))
            self._ask(
                [
                    {
                        "op": "open",
                        "source": source,
                        "robot": robot,
                        "layout": dataclasses.asdict(layout),
                        "first": int(share[0]),
                        "count": len(share),
                        "end_on_success": end_on_success,
                        "settings": settings,
                    }
                    for share in self._shares
                ],
                "Loading the task",
                LOAD_TIMEOUT_S,
            )

    def reset(self, seed: int) -> NDArray[np.float32]:
        """Begin a new episode everywhere; `seed` alone decides all episodes that follow."""
        with self._closing_at_a_fault():
            requests = [{"op": "reset", "seed": seed}] * len(self._shares)
            self._ask(requests, "Resetting the task", RESET_TIMEOUT_S)
            return self._observations("observations")

    def begin(
        self, seeds: Sequence[int | None], environments: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Begin a new episode in some environments, each with its own seed, as
        `TaskEnv.reset(seed=...)` does; later ones go on with the environment's stream of seeds.

        `seeds` and `environments` have an entry for each environment. Returns what all of them
        observe, those that go on with their episode too.
        """
        requests = []
        for share in self._shares:
            chosen = share[environments[share]]
            rows = [int(n - share[0]) for n in chosen]
            requests.append({"op": "begin", "seeds": [seeds[n] for n in chosen], "rows": rows})
        with self._closing_at_a_fault():
            self._ask(requests, "Resetting the task", RESET_TIMEOUT_S)
            return self._observations("observations")

    def step(self, actions: NDArray[Any]) -> Steps:
        """Act once in every environment. `actions` has one row (or one number) per environment;
        numbers of discrete actions may be floats, as the memory that they travel in has them."""
        self.start(actions)
        return self.finish()

    def start(self, actions: NDArray[Any]) -> None:
        """Ask for a step of every environment, and do not wait for it: there may be something else
        to do meanwhile. `finish` tells of it; until then, nothing else is asked.

        Raises ActionError, and asks for nothing, where actions are not in the action space."""
        self._require_open()
        numbers = read_actions(actions, self.action_space, self.count, floats_count=True)
        with self._closing_at_a_fault():
            self._arrays["actions"][:] = numbers.reshape(self.count, -1)
            self._send([{"op": "step"}] * len(self._shares))

    def finish(self) -> Steps:
        """Wait for the step that was started."""
        with self._closing_at_a_fault():
            self._require_open()
            answers = self._receive(_STEPPING, STEP_TIMEOUT_S, _NEWS)
            return self._steps(self._heed_all(answers))

    def _steps(self, diagnoses: dict[int, str]) -> Steps:
        """The result of the latest step, read from the shared memory."""
        # Copies, made before they are looked at: a child could change the memory in between.
        rewards = self._arrays["rewards"][:, 0].copy()
        if not np.isfinite(rewards).all():
            raise ChildProtocolError("a reward that is not finite")
        terminated = self._arrays["terminated"][:, 0] != 0
        truncated = self._arrays["truncated"][:, 0] != 0
        observations = self._observations("observations")
        ended = terminated.any() or truncated.any()
        return Steps(
            observations=observations,
            rewards=rewards.clip(-REWARD_LIMIT, REWARD_LIMIT),
            terminated=terminated,
            truncated=truncated,
            successes=self._arrays["successes"][:, 0] != 0,
            final_observations=self._observations("final_observations") if ended else observations,
            diagnoses=diagnoses,
        )

    def reward_terms(self) -> tuple[list[str], NDArray[np.float64]]:
        """The reward of the latest step by name: the names, and for each environment a row with a
        number for each name, NaN where it gave none. Each child tells `MAX_TERMS` names at most."""
        with self._closing_at_a_fault():
            self._require_open()
            values = self._arrays["reward_terms"].copy()
            if np.isinf(values).any():
                raise ChildProtocolError("a reward term that is not finite")
        names = self._terms[0]
        if all(other == names for other in self._terms):
            return names, values[:, : len(names)]
        # Each child has met the names in an order of its own.
        names = list(dict.fromkeys(name for known in self._terms for name in known))
        terms = np.full((self.count, len(names)), np.nan)
        for share, known in zip(self._shares, self._terms, strict=True):
            for column, name in enumerate(known):
                terms[share, names.index(name)] = values[share, column]
        return names, terms

    def _observations(self, name: str) -> NDArray[np.float32]:
        observations: NDArray[np.float32] = self._arrays[name].copy()
        if not np.isfinite(observations).all():
            raise ChildProtocolError("an observation that is not finite")
        return observations.clip(self._low, self._high, out=observations)

    def _heed_all(self, answers: list[dict[str, Any]]) -> dict[int, str]:
        diagnoses: dict[int, str] = {}
        for number, answer in enumerate(answers):
            diagnoses.update(self._heed(number, answer))
        return diagnoses

    def _heed(self, number: int, answer: dict[str, Any]) -> dict[int, str]:
        """Process the words in a child's answer; returns the diagnoses."""
        if not answer:
            return {}
        share, known = self._shares[number], self._terms[number]
        names, diagnoses = answer.get("reward_terms", []), answer.get("diagnoses", {})
        if not isinstance(names, list) or not isinstance(diagnoses, dict):
            raise ChildProtocolError("an unknown answer")
        if len(known) + len(names) > MAX_TERMS:
            raise ChildProtocolError(f"more than {MAX_TERMS} reward terms")
        known += map(plain_text, names)
        numbers = {str(n): int(n) for n in share}
        if not diagnoses.keys() <= numbers.keys():
            raise ChildProtocolError("a diagnosis of an environment that it does not have")
        return {numbers[n]: plain_text(text) for n, text in diagnoses.items()}

    def _ask(
        self,
        requests: Sequence[dict[str, Any]],
        what: str,
        timeout_s: float,
        may_tell: Set[str] = frozenset(),
    ) -> list[dict[str, Any]]:
        """Send each child its request and wait for every answer."""
        self._require_open()
        self._send(requests)
        return self._receive(what, timeout_s, may_tell)

    def _send(self, requests: Sequence[dict[str, Any]]) -> None:
        for child, request in zip(self._children, requests, strict=True):
            child.send(request)

    def _receive(self, what: str, timeout_s: float, may_tell: Set[str]) -> list[dict[str, Any]]:
        """Every child's answer. Raises the first fault, once all children have answered or timed
        out."""
        answers: list[dict[str, Any]] = []
        faults: list[ChildFault | BrokenError] = []
        for child in self._children:
            try:
                # All children work at the same time: when one has timed out, so have the others.
                answer = child.receive(what, timeout_s if not faults else LATECOMER_TIMEOUT_S)
                if not answer.keys() <= may_tell:
                    faults.append(fault_in(answer))
                answers.append(answer)
            except ChildFault as fault:
                faults.append(fault)
        if faults:
            raise faults[0]
        return answers

    @contextlib.contextmanager
    def _closing_at_a_fault(self) -> Iterator[None]:
        """End the children at any exception in the block, since an answer may be left unread."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _require_open(self) -> None:
        if not self._children:
            raise ClosedEnvironmentError(
                "The environments were closed, by `close` or after an error. Make new ones."
            )

    def close(self) -> None:
        """End all children. Calling it twice is harmless."""
        for child in self._children:
            child.close()
        self._children.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
