"""What runs inside a sandboxed process, which the fork server has just made.

Whatever task code raises becomes an answer; whatever it prints is dropped.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

from ..isolation import confine
from ..isolation.limits import die_with_parent, set_name
from ..isolation.probes import run_probe
from .messages import Messages


def serve(server_pid: int, descriptors: Sequence[int], confinement: dict[str, Any]) -> None:
    """Give up everything that task code has no use for, then answer requests until hung up on.

    `descriptors` are those to read requests from and write replies to, followed by memory that is
    shared with the parent; `confinement` is what `confine` wants to know.
    """
    os.setsid()
    die_with_parent(server_pid)
    set_name("taskwright-task")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    ruleset = confinement["ruleset"]
    _close_all_but({0, 1, 2, *descriptors, ruleset})
    isolation = confine(**confinement)
    if ruleset is not None:
        os.close(ruleset)

    # The server has loaded these already.
    from ..checks import replay, run_checks
    from ..episodes import EpisodeServer
    from ..playing import PlayServer
    from ..replays import record
    from ..success_reads import read_success

    messages = Messages(*descriptors[:2])
    episodes = EpisodeServer(descriptors[2:])
    play = PlayServer(descriptors[2:])
    operations: dict[str, Callable[..., dict[str, Any]]] = {
        "check": functools.partial(run_checks, tell=messages.write),
        "replay": replay,
        "open": episodes.open,
        "reset": episodes.reset,
        "begin": episodes.begin,
        "step": episodes.step,
        "film": episodes.film,
        "record": functools.partial(record, descriptors[2:]),
        "read_success": functools.partial(read_success, descriptors[2:]),
        "play": play.open,
        "play_begin": play.begin,
        "play_act": play.act,
        "walk_through": play.walk_through,
        "probe": run_probe,
    }
    messages.write({"isolation": dataclasses.asdict(isolation)})
    while (request := messages.read()) is not None:
        operation = operations[request.pop("op")]
        messages.write(operation(**request))
    os._exit(0)


def _close_all_but(kept: set[int | None]) -> None:
    """Close every descriptor of the server, above all its connection to our parent."""
    numbers = sorted(number for number in kept if number is not None)
    for number, following in itertools.pairwise([*numbers, os.sysconf("SC_OPEN_MAX")]):
        os.closerange(number + 1, following)
