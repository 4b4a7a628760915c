"""When a trial asks whether its task is learned, and when it gives up.

Both follow from the training episodes alone, so that the same seed gives the same verdict whatever
the clock says. Where the numbers come from, and how often the rules err: docs/verdict.md.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from ...task import CurvePoint
from ..learners.learner import SEEN_SUCCESS_RATE, TrainingEpisode

WINDOW_EPISODES = 50
"""Training episodes over which the success rate is watched, the same number in every environment:
counting whichever end first would favour short episodes, and successful ones are short."""
PART_WINDOW_EPISODES = 88
"""The same for a network that acts in some of the environments. Its window moves on by fewer
episodes at a time, so one as short as the other would look good by chance more often."""
WINDOW_SUCCESS_RATE = 0.9
"""Above the rate asked for, so that the evaluation rarely disappoints."""

SPAN_STEPS = 12_000
"""Points of a curve are looked at in spans of this length: one point holds few episodes."""
SUCCESS_STEP, FAILURE_SHARE = 0.05, 0.1
"""By how much the success rate of a span must surpass all spans before to count as progress, or
what share of the failures must be gone, whichever is less: the last ones take longest."""
RETURN_STEP = 0.05
"""The same of the mean return, as a share of all that the returns of the curve have risen so far.
Counts only until the task is accomplished now and then: afterwards success is what matters."""

PROMISE, PROMISE_SPANS = 4.0, 3
"""Patience is 1 + PROMISE times the success rate as long, that of the best of the last spans. What
succeeds now and then is worth more of the budget than what never does: the way from one success in
three to nine in ten is long, and curves waver most on it."""


class SuccessWindow:
    """The last training episodes of the environments in which a network acts.

    Args:
        environments: How many there are.
        own: In which of them it acts; None: in all.
    """

    def __init__(self, environments: int, own: Sequence[int] | None = None) -> None:
        own = range(environments) if own is None else own
        episodes = WINDOW_EPISODES if len(own) == environments else PART_WINDOW_EPISODES
        length = math.ceil(episodes / len(own))
        self._last: dict[int, deque[bool]] = {each: deque(maxlen=length) for each in own}

    def add(self, episodes: Iterable[TrainingEpisode]) -> None:
        """Episodes in other environments are left out."""
        for episode in episodes:
            if episode.environment in self._last:
                self._last[episode.environment].append(episode.success)

    def clear(self) -> None:
        """Forget what an earlier policy did."""
        for last in self._last.values():
            last.clear()

    @property
    def success_rate(self) -> float:
        """0.0 until every environment has shown enough."""
        if any(len(last) < (last.maxlen or 0) for last in self._last.values()):
            return 0.0
        recent = list(chain.from_iterable(self._last.values()))
        return sum(recent) / len(recent)

    @property
    def looks_learned(self) -> bool:
        """Whether it is worth asking on fresh seeds."""
        return self.success_rate >= WINDOW_SUCCESS_RATE


@dataclass(frozen=True)
class Span:
    """Some points of a curve together."""

    end_steps: int
    success_rate: float
    mean_return: float


def spans(curve: Sequence[CurvePoint], begun: int = 0) -> list[Span]:
    """The curve since `begun` steps in pieces of `SPAN_STEPS`, the last of at least half of that;
    episodes count alike."""
    pieces: list[Span] = []
    points: list[CurvePoint] = []
    for point in curve:
        points.append(point)
        is_last = point is curve[-1]
        if point.steps - begun >= (SPAN_STEPS / 2 if is_last else SPAN_STEPS):
            episodes = sum(each.episodes for each in points)
            pieces.append(
                Span(
                    point.steps,
                    sum(each.success_rate * each.episodes for each in points) / episodes,
                    sum(each.mean_return * each.episodes for each in points) / episodes,
                )
            )
            points, begun = [], point.steps
    return pieces


def last_progress(pieces: Sequence[Span], begun: int = 0) -> int:
    """The agent steps at which a curve that began at `begun` steps last got better; `begun` where
    it never did."""
    if not pieces:
        return begun
    last = begun
    best_success = 0.0
    first_return = best_return = pieces[0].mean_return
    for piece in pieces:
        step = min(SUCCESS_STEP, FAILURE_SHARE * (1.0 - best_success))
        if piece.success_rate > best_success and piece.success_rate >= best_success + step:
            best_success, last = piece.success_rate, piece.end_steps
        risen = best_return - first_return
        if piece.mean_return > best_return + RETURN_STEP * risen:
            best_return = piece.mean_return
            if best_success < SEEN_SUCCESS_RATE:
                last = piece.end_steps
    return last


def is_hopeless(
    curve: Sequence[CurvePoint], steps: int, patience_steps: float, begun: int = 0
) -> bool:
    """Whether the curve, which began at `begun` steps, has not got better for so long that it is
    not worth going on."""
    pieces = spans(curve, begun)
    best = max((piece.success_rate for piece in pieces[-PROMISE_SPANS:]), default=0.0)
    patience_steps *= 1.0 + PROMISE * best
    return steps - last_progress(pieces, begun) >= patience_steps
