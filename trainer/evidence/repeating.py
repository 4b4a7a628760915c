"""Whether what a policy has shown can be shown again.

An episode follows from the task's source, its seed and the actions alone. So the actions of an
episode that succeeded bring about the same success in a process that has played nothing else. Where
they do not, something has outlived an episode, and a verdict must not rest on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...sandbox.processes.channel import ChildFault
from ...sandbox.vector import SandboxedEpisodes
from ..requests import TrialRequest

REPEATED = 8
"""Successes that are played again at most: where every second one is not honest, 99.6 % of trials
show it, where it is one in five, 83 %."""
SAME = 1e-6
"""Returns that differ by less, in share or in sum, are the same."""


@dataclass(frozen=True)
class Success:
    """An episode that succeeded, as it can be played again."""

    seed: int
    """What `TaskEnv.reset(seed=...)` is given."""
    actions: tuple[NDArray[np.float32], ...]
    """Each of shape (action size,); the last one brought the success."""
    earned: float


def require_repeatable(request: TrialRequest, successes: Sequence[Success]) -> None:
    """Play some of the successes again, each as the first episode of an environment in a fresh
    process. Raises ChildFault where one of them goes otherwise; does nothing where there are none.
    """
    count = min(len(successes), REPEATED)
    if not count:
        return
    # From the first to the last, which has had the most before it.
    chosen = [successes[n] for n in np.linspace(0, len(successes) - 1, count).round().astype(int)]
    with SandboxedEpisodes(request.source, request.robot, count, request.processes) as episodes:
        went_otherwise = count - sum(_repeated(episodes, chosen))
    if went_otherwise:
        raise ChildFault(
            f"Episodes cannot be repeated: of {count} that succeeded, {went_otherwise} went "
            "otherwise when the same seeds and actions were played in a fresh process.",
            "Something outlives an episode, or the task draws from something other than its seed, "
            "such as the order of a set of objects.",
            "Keep state in attributes set in `__init__` or `reset`, draw from self.np_random or "
            "np.random, and keep objects in lists instead of sets.",
        )


def _repeated(episodes: SandboxedEpisodes, chosen: Sequence[Success]) -> NDArray[np.bool_]:
    """Which of the successes, one for each environment, came about again: at the same step and with
    the same return."""
    lengths = np.array([len(success.actions) for success in chosen])
    wanted = np.array([success.earned for success in chosen])
    earned, over = np.zeros(len(chosen)), np.zeros(len(chosen), dtype=np.bool_)
    same = over.copy()
    shape = (len(chosen), *(episodes.action_space.shape or ()))
    episodes.begin([success.seed for success in chosen], ~over)
    for number in range(int(lengths.max())):
        # One that has run out of actions repeats its last one, and is not looked at any more.
        actions = [success.actions[: number + 1][-1] for success in chosen]
        steps = episodes.step(np.reshape(actions, shape))
        earned[~over] += steps.rewards[~over]
        ended = (steps.terminated | steps.truncated) & ~over
        as_before = np.isclose(earned, wanted, rtol=SAME, atol=SAME) & (number + 1 == lengths)
        same[ended] = (steps.successes & as_before)[ended]
        over |= ended
    return same
