"""Which strategy a journey follows: a bandit, by what each strategy has earned.

`choose_start` uses Thompson sampling (Thompson 1933): each strategy's chance to get a task kept is
drawn from what is known of it, and the highest draw wins. All that is known follows from the
records: nothing else is stored, and a run that was cut off chooses as it would have. A share of the
journeys explores, whatever has paid: easy tasks are kept most often, and a bandit alone would end
with them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...archive.history import following
from ...config import StrategyConfig
from ...task import Record
from . import STRATEGIES, strategy_named
from .strategy import IdeaStrategy, Situation, Start

FIRST = "frontier"
"""Needs nothing to start from: every run begins with it, whichever strategies are enabled."""


@dataclass(frozen=True)
class Weight:
    """What a strategy has earned so far."""

    tried: int
    """Its journeys that ended, less those that broke."""
    kept: int
    chance: float
    """The expected share of its next journeys that are kept: 0.5 for what was never tried. Later
    journeys count more than earlier ones."""


def enabled_strategies(config: StrategyConfig) -> list[IdeaStrategy]:
    """The strategies that the settings allow. Raises UsageError for a name that is unknown."""
    names = STRATEGIES if config.enabled is None else config.enabled
    allowed = [strategy_named(name) for name in names]
    return [strategy for strategy in STRATEGIES.values() if strategy in allowed]


def choose_start(
    situation: Situation,
    random: np.random.Generator,
    config: StrategyConfig,
    supports: Callable[[IdeaStrategy], bool] = lambda strategy: True,
) -> Start:
    """Choose what a journey starts from, by one of the strategies that its author `supports`."""
    # Where no enabled strategy has anything to start from yet, the first one of all is used.
    open_to = [
        strategy
        for strategy in enabled_strategies(config)
        if supports(strategy) and strategy.applies(situation)
    ] or [STRATEGIES[FIRST]]
    counts = _discounted(situation.records, config.half_life)
    explores = random.random() < config.explore
    # One draw for each strategy, possible or not: which are possible changes no other draw.
    draws = {
        name: random.random() if explores else random.beta(1.0 + won, 1.0 + lost)
        for name, (won, lost) in counts.items()
    }
    return max(open_to, key=lambda strategy: draws[strategy.name]).start(situation, random)


def weights_of_strategies(
    records: Sequence[Record], half_life: float = StrategyConfig().half_life
) -> dict[str, Weight]:
    """What each strategy has earned after `records`, whose order is that of the journeys."""
    chances = _chances(_discounted(records, half_life))
    weight = {}
    for name in STRATEGIES:
        tried = [record for record in records if _counts_for(record, name)]
        kept = sum(record.status == "learned" for record in tried)
        weight[name] = Weight(len(tried), kept, chances[name])
    return weight


Counts = dict[str, tuple[float, float]]
"""Journeys kept and not kept of each strategy."""


def _discounted(records: Sequence[Record], half_life: float) -> Counts:
    """The counts after `records`. A journey that lies `half_life` journeys back counts half, since
    what pays changes as the archive grows."""
    with following(records, _Discounted, half_life) as discounted:
        return discounted.after(len(records))


class _Discounted:
    """The counts after any number of records."""

    def __init__(self, half_life: float) -> None:
        self._decay = 0.5 ** (1.0 / half_life)
        self._names = list(STRATEGIES)
        self._latest: Counts = dict.fromkeys(self._names, (0.0, 0.0))
        self._all = array("d", [0.0] * 2 * len(self._names))

    def take(self, record: Record) -> None:
        kept = record.status == "learned"
        for name, (won, lost) in self._latest.items():
            won, lost = self._decay * won, self._decay * lost
            if _counts_for(record, name):
                won, lost = won + kept, lost + (not kept)
            self._latest[name] = won, lost
            self._all.extend((won, lost))

    def after(self, count: int) -> Counts:
        size = 2 * len(self._names)
        numbers = self._all[size * count : size * (count + 1)]
        return dict(zip(self._names, zip(numbers[::2], numbers[1::2], strict=True), strict=True))


def _chances(counts: Counts) -> dict[str, float]:
    return {
        name: round((1.0 + won) / (2.0 + won + lost), 4) for name, (won, lost) in counts.items()
    }


def _counts_for(record: Record, strategy: str) -> bool:
    # Failures of our machinery say nothing about an idea.
    return record.idea.strategy == strategy and record.status != "broken"


def summary(weight: Mapping[str, Weight]) -> str:
    """The weights in a line: kept of tried, and the chance, of what has been tried."""
    return ", ".join(
        f"{name} {earned.kept} of {earned.tried} ({earned.chance:.0%})"
        for name, earned in weight.items()
        if earned.tried
    )
