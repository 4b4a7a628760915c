"""The staged checks of a task, run inside the sandboxed process.

Cheapest first; the first stage that fails ends the check, with a symptom (what was seen), a cause
(what usually makes it happen) and a fix (what to change). The stages:

======= =================================================================================
syntax  the source parses
policy  it says only what the language policy allows
load    it defines one class `Env` with a docstring, whose `__init__` builds a world
reset   `reset` returns the observation soon; the robot stands clear of every body
physics the world's settings and the robot are what the base class made them
step    nothing is decided before the robot has acted; rewards, termination and success are of
        the right kind, the robot stays up, and bodies behave, whatever the robot does
time    a step costs little enough to train on
long    the same holds to the end of two full episodes
success it takes more than doing nothing, or anything at all, to succeed
reward  something in the rewards can teach
seeding an episode follows from its seed and the actions alone, and seeds make a difference
======= =================================================================================

`source` looks at the code before any of it runs, `world` at the simulated world, `scripts` says
what the robot does meanwhile, `episode` plays it, and `stages` holds the stages in their order. The
last part of the last stage, a replay in a process that has run nothing else, is for the parent to
ask for (see `sandbox/checker.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ...world import TaskEnv
from ..faults import fault_of
from .episode import play
from .rejection import Rejection
from .stages import Check


def run_checks(source: str, robot: str, tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Run every stage; `tell` hears of each as it begins.

    Returns `{"passed": True, "played": ...}`, where `played` holds what `replay` must find too, or
    the stage, symptom, cause and fix of the first failure, or the stage and why it is `broken`.
    """
    check = Check(source, robot)
    for stage, run in check.stages.items():
        tell({"stage": stage})
        try:
            run()
        except Rejection as found:
            failure = {"symptom": found.symptom, "cause": found.cause, "fix": found.fix}
            return {"stage": stage, **failure}
        except Exception as error:
            return {"stage": stage, **fault_of(error, check.doing, source)}
    return {"passed": True, "played": check.played}


def replay(source: str, played: list[dict[str, Any]]) -> dict[str, Any]:
    """Play the beginnings of episodes, each given by script, seed and number of actions.

    Each is played in a world of its own, so that what outlives an episode is not there. Returns
    `{"traces": ...}` with what the agent saw in each, or the fault that came up.
    """
    try:
        traces = []
        for wanted in played:
            holes = _blocks_among_holes()
            for episode in play(TaskEnv(source), **wanted):
                trace = episode.trace
            traces.append(trace)
            del holes
    except Exception as error:
        return {**fault_of(error, "an episode in a fresh process", source)}
    return {"traces": traces}


def _blocks_among_holes() -> list[bytes]:
    """Blocks of memory of many sizes, kept so that the free memory between them has no order.

    The order of a set follows from the addresses of its objects, which may be the same in two
    processes that do the same. Objects in such free memory have them in another order.
    """
    blocks = [bytes(size) for size in range(8, 512, 16) for _ in range(500)]
    random.Random(0).shuffle(blocks)
    return blocks[::2]
