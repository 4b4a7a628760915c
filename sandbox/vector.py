"""Many environments of one task, spread over sandboxed children: what trials train on.

The parent sends actions and reads observations through shared memory and checks every number it
reads: a child can crash, hang or lie, and the answer is a `ChildFault`, never a wrong array.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .channel import ChildFault, ChildProtocolError, fault_in
from .episodes import Layout
from .memory import shared_memory
from .process import Child
from .world.robots import robot_spaces

LOAD_TIMEOUT_S = 30.0
STEP_TIMEOUT_S = 10.0
"""For one action in every environment of a child: typically 5 ms."""
RESET_TIMEOUT_S = 20.0
LATECOMER_TIMEOUT_S = 1.0

REWARD_LIMIT = 1000.0
"""Terms are within 10 a physics step; beyond this a reward is a mistake and is clipped."""


@dataclass(frozen=True)
class Steps:
    """What one step of all environments gave; arrays have one row per environment.

    `observations` are the ones to act on next. Where an episode ended they already belong to the
    next episode, and `final_observations` holds its last one.
    """

    observations: NDArray[np.float32]
    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    successes: NDArray[np.bool_]
    """Whether the task has been accomplished in the episode so far."""
    final_observations: NDArray[np.float32]


class SandboxedEpisodes:
    """`count` environments of one task in `processes` children. Use as a context manager.

    With `end_on_success`, an episode is truncated as soon as the task is accomplished.
    Every method raises `ChildFault` where the task's code failed in a child.
    """

    def __init__(
        self,
        source: str,
        robot: str,
        count: int,
        processes: int,
        *,
        end_on_success: bool = True,
    ) -> None:
        self.observation_space, self.action_space = robot_spaces(robot)
        assert self.observation_space.shape is not None
        self.count = count
        action_size = int(np.prod(self.action_space.shape or ())) or 1
        layout = Layout(count, self.observation_space.shape[0], action_size)
        shares = np.array_split(np.arange(count), min(processes, count))
        self._children: list[Child] = []
        try:
            with shared_memory(layout.size_bytes) as (descriptor, memory):
                self._arrays = layout.arrays(memory)
                for _ in shares:
                    self._children.append(Child([descriptor]))
            for child, share in zip(self._children, shares, strict=True):
                child.send(
                    {
                        "op": "open",
                        "source": source,
                        "layout": dataclasses.asdict(layout),
                        "first": int(share[0]),
                        "count": len(share),
                        "end_on_success": end_on_success,
                    }
                )
            self._collect("Loading the task", LOAD_TIMEOUT_S)
        except BaseException:
            self.close()
            raise

    def reset(self, seed: int) -> NDArray[np.float32]:
        """Begin a new episode everywhere; which ones follow is settled by `seed` alone."""
        self._send({"op": "reset", "seed": seed})
        self._collect("Resetting the task", RESET_TIMEOUT_S)
        return self._observations("observations")

    def step(self, actions: NDArray[Any]) -> Steps:
        """Act once in every environment. `actions` has one row (or one number) per environment."""
        self._arrays["actions"][:] = np.asarray(actions).reshape(self.count, -1)
        self._send({"op": "step"})
        self._collect("A step of the task", STEP_TIMEOUT_S)
        # Copies, made before they are looked at: a child could change the memory in between.
        rewards = self._arrays["rewards"][:, 0].copy()
        if not np.isfinite(rewards).all():
            raise ChildProtocolError("a reward that is not finite")
        return Steps(
            observations=self._observations("observations"),
            rewards=rewards.clip(-REWARD_LIMIT, REWARD_LIMIT),
            terminated=self._arrays["terminated"][:, 0] != 0,
            truncated=self._arrays["truncated"][:, 0] != 0,
            successes=self._arrays["successes"][:, 0] != 0,
            final_observations=self._observations("final_observations"),
        )

    def _observations(self, name: str) -> NDArray[np.float32]:
        observations: NDArray[np.float32] = self._arrays[name].copy()
        if not np.isfinite(observations).all():
            raise ChildProtocolError("an observation that is not finite")
        return observations.clip(self.observation_space.low, self.observation_space.high)

    def _send(self, message: dict[str, Any]) -> None:
        for child in self._children:
            child.send(message)

    def _collect(self, what: str, timeout_s: float) -> None:
        """Wait for every child's answer, so that none is left unread when one has failed."""
        faults: list[ChildFault] = []
        for child in self._children:
            try:
                # All work at the same time: when one has failed, the others had their time too.
                reply = child.receive(what, timeout_s if not faults else LATECOMER_TIMEOUT_S)
                if reply:
                    faults.append(fault_in(reply))
            except ChildFault as fault:
                faults.append(fault)
        if faults:
            raise faults[0]

    def close(self) -> None:
        for child in self._children:
            child.close()

    def __enter__(self) -> SandboxedEpisodes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
