"""Checking a task from outside: children run the stages, the parent holds the deadline.

The first child runs every stage and tells what the agent saw in two episodes; a second one, which
has run nothing else, plays these in the opposite order and must see the same. What the two say is
compared here, and whatever a child says is looked at before it is believed.
"""

from __future__ import annotations

import dataclasses
import signal
import time
from typing import Any, get_args

from ..errors import BrokenError
from ..task import Outcome, Stage, Task
from .processes.channel import (
    BROKEN_CHILD_REMEDY,
    ChildDied,
    ChildFault,
    ChildProtocolError,
    ChildTimeout,
    plain_text,
)
from .processes.process import Child

CHECK_TIMEOUT_S = 30.0
"""For all stages together; an ordinary task needs about a second."""


def check_task(task: Task, timeout_s: float = CHECK_TIMEOUT_S) -> Outcome:
    """Check a task in processes of its own.

    Args:
        task: The task. What it does there, hanging and crashing included, gets no further.
        timeout_s: Seconds of wall clock that all stages may take together, once a process is up.

    Returns:
        An outcome, whatever happens: `passed`; `rejected` where the task is at fault, with stage,
        symptom, cause and fix; `broken` where a process cannot start or is killed from outside.
    """
    started = time.monotonic()
    try:
        outcome = _Checking(task, timeout_s).run()
    except BrokenError as error:
        outcome = Outcome.broken(error.message, error.remedy)
    return dataclasses.replace(outcome, seconds=round(time.monotonic() - started, 3))


class _Checking:
    """One check. `stage` is the one at work, for what may come to an end there."""

    def __init__(self, task: Task, timeout_s: float) -> None:
        self._task = task
        self._timeout_s = timeout_s
        self._stage: Stage = "syntax"

    def run(self) -> Outcome:
        """Raises BrokenError where a child does not start."""
        try:
            with Child() as child:
                child.wait_until_ready()
                # From here on it is the task's time.
                self._deadline = time.monotonic() + self._timeout_s
                reply = self._run_stages(child)
            if reply.keys() != {"passed", "played"}:
                return self._failed_in_child(reply)
            played = _played(reply["played"])
            # The world is built anew for each episode, so the order makes no difference.
            played.reverse()
            with Child() as child:
                return self._replay(child, played)
        except ChildTimeout as fault:
            symptom = (
                f"The {self._stage} check did not finish within {self._timeout_s:g} s "
                "and was stopped."
            )
            return Outcome.rejected(self._stage, symptom, fault.cause, fault.fix)
        except ChildDied as fault:
            if fault.status == -signal.SIGKILL:
                # Its own limits end a child by an error or another signal.
                return Outcome.broken(
                    "The process that ran the task was killed from outside.",
                    "Look whether the machine ran out of memory, then run it again.",
                )
            return Outcome.rejected(self._stage, fault.symptom, fault.cause, fault.fix)
        except ChildFault as fault:
            return Outcome.rejected(self._stage, fault.symptom, fault.cause, fault.fix)

    def _run_stages(self, child: Child) -> dict[str, Any]:
        """The last word of the child that runs the stages."""
        child.send({"op": "check", "source": self._task.source, "robot": self._task.robot})
        while True:
            reply = self._receive(child)
            if reply.keys() != {"stage"}:
                return reply
            self._stage = _stage(reply["stage"])

    def _receive(self, child: Child) -> dict[str, Any]:
        left_s = max(self._deadline - time.monotonic(), 0.0)
        return child.receive(f"The {self._stage} check", left_s)

    def _failed_in_child(self, reply: dict[str, Any]) -> Outcome:
        if "broken" in reply:
            return Outcome.broken(plain_text(reply["broken"]), BROKEN_CHILD_REMEDY)
        texts = {name: plain_text(reply.get(name, "")) for name in ("symptom", "cause", "fix")}
        return Outcome.rejected(_stage(reply.get("stage", self._stage)), **texts)

    def _replay(self, child: Child, played: list[dict[str, Any]]) -> Outcome:
        self._stage = "seeding"
        wanted = [
            {"script": e["script"], "seed": e["seed"], "actions": len(e["trace"]) - 1}
            for e in played
        ]
        child.send({"op": "replay", "source": self._task.source, "played": wanted})
        reply = self._receive(child)
        if reply.keys() != {"traces"}:
            return self._failed_in_child(reply)
        traces = [episode["trace"] for episode in played]
        if reply["traces"] == traces:
            return Outcome("passed")
        where = _first_difference(traces, reply["traces"])
        return Outcome.rejected(
            "seeding",
            f"Two episodes with the same seed and actions differ{where}; they were played in two "
            "processes, after different other episodes.",
            "Something outlives an episode, such as a module-level or class-level variable, or the "
            "task draws from something other than its seed: a generator made without one, the "
            "clock, or the order of a set of objects.",
            "Keep state in attributes set in `__init__` or `reset`, draw from self.np_random or "
            "np.random, and keep objects in lists instead of sets.",
        )


def _played(episodes: Any) -> list[dict[str, Any]]:
    """The episodes that a child says it played. Raises ChildProtocolError for anything else."""
    kinds = {"script": str, "seed": int, "trace": list}
    if not (isinstance(episodes, list) and episodes) or not all(
        isinstance(episode, dict)
        and episode.keys() == kinds.keys()
        and all(type(episode[name]) is kind for name, kind in kinds.items())
        and episode["trace"]
        for episode in episodes
    ):
        raise ChildProtocolError("not a list of episodes")
    return episodes


def _first_difference(traces: list[list[Any]], others: Any) -> str:
    """Where the agent first saw something else, as " from action 3 on"."""
    for trace, other in zip(traces, others if isinstance(others, list) else [], strict=False):
        if trace != other and isinstance(other, list):
            pairs = zip(trace, other, strict=False)
            action = next((n for n, (one, two) in enumerate(pairs) if one != two), None)
            return f" from action {len(trace) if action is None else action} on"
    return ""


def _stage(name: Any) -> Stage:
    """A stage that a child names; a name that does not exist is taken for the last one."""
    stages: tuple[Stage, ...] = get_args(Stage)
    return next((stage for stage in stages if stage == name), "seeding")
