"""Where the next idea comes from: five named strategies, chosen by what they have earned.

======== ==================================================================================
strategy asks for
======== ==================================================================================
frontier a small step beyond a kept task, those that took long to learn before others
breadth  something unlike all that is kept, shown tasks from all over the archive
revision a task that was too hard, changed so that it becomes learnable, with the evidence
relabel  what the agent achieved instead in such a task, as a task of its own (LMA3, Colas
         et al., arXiv 2305.12487)
failure  a new task that trains a part of what such a task demanded (WebRL, Qi et al.,
         arXiv 2411.02337: a curriculum out of failures)
======== ==================================================================================

`choose_start` is a bandit with Thompson sampling (Thompson 1933): each strategy's chance to get a
task kept is drawn from what is known of it, and the highest draw wins. All that is known follows
from the records: nothing else is stored, and a run that was cut off chooses as it would have. A
share of the journeys explores, whatever has paid: easy tasks are kept most often, and a bandit
alone would end with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from ..archive.selection import DEFAULT_RULE, SelectionRule, choose
from ..config import StrategyConfig
from ..task import Record, Strategy

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
AFTER_A_FAILURE: tuple[Strategy, ...] = ("revision", "relabel", "failure")
"""Strategies that start from a task that was too hard, each at most once from each."""
MIN_KEPT_FOR_BREADTH = 3
"""Before there are some kept tasks, everything is empty and nothing points away from them."""


@dataclass(frozen=True)
class Start:
    """What a strategy starts from."""

    strategy: Strategy
    stone: str | None = None
    """`task_id` of a kept task; None where nothing is kept, or a subject is what it starts from."""
    subject: int | None = None
    """Journey number of the task that was too hard, for the strategies that start from one."""


@dataclass(frozen=True)
class Weight:
    """What a strategy has earned so far."""

    tried: int
    """Its journeys that ended, less those that broke."""
    kept: int
    chance: float
    """The expected share of its next journeys that are kept: 0.5 for what was never tried. Later
    journeys count more than earlier ones."""


def choose_start(
    records: Sequence[Record],
    number: int,
    random: np.random.Generator,
    config: StrategyConfig,
    supported: Iterable[Strategy] = STRATEGIES,
    *,
    in_flight: int = 1,
    rule: SelectionRule = DEFAULT_RULE,
    favour_effort: bool = True,
) -> Start:
    """What journey `number` starts from, after `records` (in their order).

    `supported` are the strategies of the author. Kept tasks are weighed by `rule`; at the
    frontier, where `favour_effort` is set, by how long they took to learn as well. Where
    `in_flight` journeys go on at once, none sees the records of the others; a task that was too
    hard is therefore left to the journeys whose number is the same as its own modulo `in_flight`,
    of which one goes on at a time.
    """
    subjects: dict[Strategy, list[Record]] = {
        strategy: [
            record
            for record in _untried(records, strategy)
            if (record.number - number) % in_flight == 0
        ]
        for strategy in AFTER_A_FAILURE
    }
    kept = sum(record.status == "learned" for record in records)
    possible: set[Strategy] = {"frontier", *(name for name, found in subjects.items() if found)}
    if kept >= MIN_KEPT_FOR_BREADTH:
        possible.add("breadth")
    possible &= set(supported) & set(config.enabled)
    # Whoever allows only strategies that have nothing to start from yet begins as all do.
    open_to: list[Strategy] = [name for name in STRATEGIES if name in possible] or ["frontier"]
    counts = _discounted(records, config.half_life)
    explores = random.random() < config.explore
    # One draw for each strategy, possible or not: which are possible changes no other draw.
    draws = {
        name: random.random() if explores else random.beta(1.0 + won, 1.0 + lost)
        for name, (won, lost) in counts.items()
    }
    strategy = max(open_to, key=draws.__getitem__)
    if strategy in subjects:
        return Start(strategy, subject=_most_promising(subjects[strategy], random).number)
    weight = rule.weights(records)
    if strategy == "frontier" and favour_effort:
        effort = {r.task_id: _effort(r) for r in records if r.status == "learned"}
        weight = {task_id: n * effort[task_id] for task_id, n in weight.items()}
    return Start(strategy, choose(weight, random))


def weights_of_strategies(
    records: Sequence[Record], half_life: float = StrategyConfig().half_life
) -> dict[Strategy, Weight]:
    """What each strategy has earned after `records`, whose order is that of the journeys."""
    chances = _chances(_discounted(records, half_life))
    weight = {}
    for name in STRATEGIES:
        tried = [record for record in records if _counts_for(record, name)]
        kept = sum(record.status == "learned" for record in tried)
        weight[name] = Weight(len(tried), kept, chances[name])
    return weight


def history_of_strategies(
    records: Sequence[Record], half_life: float = StrategyConfig().half_life
) -> list[dict[Strategy, float]]:
    """Each strategy's chance before the first journey and after each one: for a plot."""
    return [_chances(counts) for counts in _counts_after_each(records, half_life)]


def spread(vectors: Sequence[NDArray[np.float32]], first: int, count: int) -> list[int]:
    """Positions of `count` unit vectors from all over: each the one farthest from those before it
    (Gonzalez 1985), `first` first. Fewer vectors than `count` give them all; none, none."""
    if not vectors:
        return []
    chosen = [first]
    similarity = np.stack(vectors) @ np.stack(vectors).T
    while len(chosen) < min(count, len(vectors)):
        nearness = similarity[:, chosen].max(axis=1)
        nearness[chosen] = np.inf
        chosen.append(int(nearness.argmin()))
    return chosen[:count]


Counts = dict[Strategy, tuple[float, float]]
"""Journeys kept and not kept of each strategy."""


def _counts_after_each(records: Sequence[Record], half_life: float) -> Iterator[Counts]:
    """The counts before the first journey and after each one. A journey that lies `half_life`
    journeys back counts half, since what pays changes as the archive grows."""
    counts: Counts = dict.fromkeys(STRATEGIES, (0.0, 0.0))
    yield counts
    decay = 0.5 ** (1.0 / half_life)
    for record in records:
        kept = record.status == "learned"
        counts = {name: (decay * won, decay * lost) for name, (won, lost) in counts.items()}
        for name in STRATEGIES:
            if _counts_for(record, name):
                won, lost = counts[name]
                counts[name] = (won + kept, lost + (not kept))
        yield counts


def _discounted(records: Sequence[Record], half_life: float) -> Counts:
    *_, last = _counts_after_each(records, half_life)
    return last


def _chances(counts: Counts) -> dict[Strategy, float]:
    return {
        name: round((1.0 + won) / (2.0 + won + lost), 4) for name, (won, lost) in counts.items()
    }


def _counts_for(record: Record, strategy: Strategy) -> bool:
    # Our machinery's failures say nothing about an idea.
    return record.idea.strategy == strategy and record.status != "broken"


def _untried(records: Sequence[Record], strategy: Strategy) -> list[Record]:
    """Tasks that were too hard from which this strategy has not started yet."""
    done = {
        record.idea.parents[0]
        for record in records
        if record.idea.strategy == strategy and record.idea.parents
    }
    return [
        record
        for record in records
        if record.status == "too_hard"
        and record.trial is not None
        and record.task_id not in done
        # A line is left after one revision, and what nothing is known of cannot be relabelled.
        and not (strategy == "revision" and record.idea.strategy == "revision")
        and not (strategy == "relabel" and not record.trial.achieved)
    ]


def _most_promising(records: Sequence[Record], random: np.random.Generator) -> Record:
    """One of them, rather one that was nearly learned."""
    promise = np.array([0.1 + _best_success(record) for record in records])
    return records[int(random.choice(len(records), p=promise / promise.sum()))]


def _best_success(record: Record) -> float:
    assert record.trial is not None
    rates = [point.success_rate for point in record.trial.curve]
    return max([record.trial.success_after or 0.0, *rates])


def _effort(record: Record) -> float:
    """How long a kept task took to learn, 1.0 and up: what took long lies at the frontier."""
    steps = record.trial.steps if record.trial else 0
    return 1.0 + steps / 20_000


def described(weight: Mapping[Strategy, Weight]) -> str:
    """The weights in a line: kept of tried, and the chance, of what has been tried."""
    return ", ".join(
        f"{name} {earned.kept} of {earned.tried} ({earned.chance:.0%})"
        for name, earned in weight.items()
        if earned.tried
    )
