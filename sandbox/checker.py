"""Checking a task from outside: a child runs the stages, the parent holds the deadline."""

from __future__ import annotations

import dataclasses
import signal
import time
from typing import Any, get_args

from ..errors import BrokenError
from ..task import Outcome, Stage, Task
from .channel import ChildDied, ChildFault, ChildTimeout, plain_text
from .process import Child

CHECK_TIMEOUT_S = 30.0
"""For all stages together; an ordinary task needs under a second."""


def check_task(task: Task, timeout_s: float = CHECK_TIMEOUT_S) -> Outcome:
    """Check a task in a process of its own.

    What the task does there, hanging and crashing included, is a `rejected` Outcome. A child that
    cannot start, or that something outside killed, gives a `broken` one. Raises for neither.
    """
    started = time.monotonic()
    try:
        with Child() as child:
            child.wait_until_ready()
            outcome = _run_stages(child, task, timeout_s)
    except BrokenError as error:
        outcome = Outcome.broken(error.message, error.remedy)
    return dataclasses.replace(outcome, seconds=round(time.monotonic() - started, 3))


def _run_stages(child: Child, task: Task, timeout_s: float) -> Outcome:
    deadline = time.monotonic() + timeout_s
    stage: Stage = "syntax"
    try:
        child.send({"op": "check", "source": task.source, "robot": task.robot})
        while True:
            reply = child.receive(f"The {stage} check", max(deadline - time.monotonic(), 0.0))
            if reply.keys() != {"stage"}:
                return _outcome(reply, stage)
            stage = _stage(reply["stage"])
    except ChildTimeout as fault:
        symptom = f"The {stage} check did not finish within {timeout_s:g} s and was stopped."
        return Outcome.rejected(stage, symptom, fault.cause, fault.fix)
    except ChildDied as fault:
        if fault.status == -signal.SIGKILL:
            # Its own limits end a child by an error or another signal.
            return Outcome.broken(
                "The process that ran the task was killed from outside.",
                "Look whether the machine ran out of memory, then run it again.",
            )
        return Outcome.rejected(stage, fault.symptom, fault.cause, fault.fix)
    except ChildFault as fault:
        return Outcome.rejected(stage, fault.symptom, fault.cause, fault.fix)


def _outcome(reply: dict[str, Any], stage: Stage) -> Outcome:
    if reply == {"passed": True}:
        return Outcome("passed")
    texts = {name: plain_text(reply.get(name, "")) for name in ("symptom", "cause", "fix")}
    return Outcome.rejected(_stage(reply.get("stage", stage)), **texts)


def _stage(name: Any) -> Stage:
    """A stage that a child names; a name that does not exist is taken for the last one."""
    stages: tuple[Stage, ...] = get_args(Stage)
    return next((stage for stage in stages if stage == name), "time")
