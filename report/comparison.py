"""Runs in groups: those with the same settings but for the seed are repetitions of one method.

What settings differ between the groups names them, so that an ablation (no archive, no
interestingness, the Composer against a model) is found out and never declared by hand.
"""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..archive.metrics import (
    Interval,
    coverage,
    difference_interval,
    mean_interval,
    mean_nearest_distance,
    near_copy_share,
    vendi_score,
)
from ..archive.projection import fixed_projection
from ..config import resolve
from ..errors import UsageError
from .drawing import SERIES
from .numbers import MEASURES, Measure, Numbers, numbers_of
from .run_data import RunData

NO_METHOD = (
    "run.seed",
    "run.tasks",
    "run.attempts",
    "run.minutes",
    "run.grace_minutes",
    "run.workers",
    "trainer.processes",
    "sandbox.require_isolation",
    "model.base_url",
    "model.key_variable",
    "model.cache",
    "model.replay",
    "model.prices",
    "model.timeout_s",
    "model.deadline_s",
    "model.max_usd",
    "model.max_tokens",
    "model.max_calls",
)
"""Settings that say when to stop, where and on what machine, and on none of which a method
depends."""

Settings = dict[str, Any]
"""By their full names, such as `trainer.max_steps`."""


@dataclass(frozen=True)
class Group:
    """Runs with the same settings."""

    name: str
    differs: Settings
    """Its values of the settings in which groups differ."""
    runs: list[RunData]
    color: str


@dataclass(frozen=True)
class Comparison:
    """Groups of runs, and their numbers after as many journeys, on as many kept tasks."""

    groups: list[Group]
    differing: list[str]
    """Names of the settings in which the groups differ."""
    journeys: int
    """How many journeys of each run are compared: those of the shortest."""
    kept: int
    """On how many kept tasks of each run diversity is compared; 0 where a run kept fewer than 2."""
    numbers: dict[str, Numbers]
    """Of each run, by its name."""

    def values(self, group: Group, key: str) -> list[float]:
        """A measure of the runs of a group that have it."""
        found = [self.numbers[run.name][key] for run in group.runs]
        return [value for value in found if value is not None]

    def mean(self, group: Group, key: str) -> Interval | None:
        return mean_interval(self.values(group, key))

    def difference(self, group: Group, key: str) -> Interval | None:
        """To the first group."""
        return difference_interval(self.values(group, key), self.values(self.groups[0], key))


COMPARED: tuple[Measure, ...] = tuple(measure for measure in MEASURES if measure.compared)
DIVERSITY = ("vendi", "near_copies", "distance", "cells")
OF_WHOLE_RUNS = ("wall_s", "tokens", "usd", "kept_per_hour", "kept_per_usd", "kept_per_1000_tokens")
"""Measures of time and calls: what they had come to after some journeys is not known."""


def compare(runs: Sequence[RunData]) -> Comparison:
    """Put runs side by side: as many journeys of each as the shortest run has, and diversity on as
    many kept tasks as the run with the fewest has."""
    journeys = min(len(run.records) for run in runs)
    kept = min(len(_vectors(_cut(run, journeys))) for run in runs)
    kept = kept if kept > 1 else 0
    numbers = {run.name: _numbers(run, journeys, kept) for run in runs}
    groups, differing = grouped(runs)
    return Comparison(groups, differing, journeys, kept, numbers)


def grouped(runs: Sequence[RunData]) -> tuple[list[Group], list[str]]:
    """Group runs that have the same settings but for seed, limits and machine.

    Returns:
        The groups, in the order in which their runs were given, and the names of the settings in
        which the groups differ.
    """
    methods = [method_of(run) for run in runs]
    names = list(dict.fromkeys(name for method in methods for name in method))
    differing = [name for name in names if len({repr(m.get(name)) for m in methods}) > 1]
    found: dict[str, list[int]] = {}
    for place, method in enumerate(methods):
        found.setdefault(repr([method.get(name) for name in differing]), []).append(place)
    groups = []
    for n, places in enumerate(found.values()):
        differs = {name: methods[places[0]].get(name) for name in differing}
        name = _named(differs, n)
        groups.append(Group(name, differs, [runs[p] for p in places], f"series-{n % SERIES}"))
    return groups, differing


def _named(differs: Settings, place: int) -> str:
    if not differs:
        return "all runs"
    parts = [f"{name.partition('.')[2]} {written(value)}" for name, value in differs.items()]
    if len(parts) <= 2 and sum(map(len, parts)) <= 48:
        return ", ".join(parts)
    letters = string.ascii_uppercase
    return f"group {letters[place] if place < len(letters) else place + 1}"


def method_of(run: RunData) -> Settings:
    """The settings of a run that make its method, defaults included."""
    try:
        settings = resolve(run.settings).model_dump(mode="json")
    except UsageError:
        # Written by another version: what it says is compared as it is.
        settings = run.settings
    flat = {name: value for name, value in flattened(settings).items() if name not in NO_METHOD}
    # Whoever named no model ran with the Composer.
    flat["model.name"] = run.author
    return flat


def flattened(settings: dict[str, Any], above: str = "") -> Settings:
    """Nested settings by their full names."""
    flat: Settings = {}
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            flat |= flattened(value, f"{above}{name}.")
        else:
            flat[f"{above}{name}"] = value
    return flat


def written(value: object) -> str:
    """A setting as it is written for people."""
    if value is None or value == {}:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cut(run: RunData, journeys: int) -> RunData:
    """The run as it was after some journeys."""
    if journeys == len(run.records):
        return run
    return dataclasses.replace(run, records=run.records[:journeys])


def _vectors(run: RunData) -> NDArray[np.float32]:
    return run.matrix(run.kept)[1]


def _numbers(whole: RunData, journeys: int, kept: int) -> Numbers:
    run = _cut(whole, journeys)
    of_whole = numbers_of(whole)
    numbers = numbers_of(run) | {key: of_whole[key] for key in OF_WHOLE_RUNS}
    vectors = _vectors(run)[:kept]
    if not kept:
        return numbers | dict.fromkeys(DIVERSITY)
    projection = fixed_projection()
    fits = vectors.shape[1] == len(projection.mean)
    return numbers | {
        "vendi": vendi_score(vectors),
        "near_copies": near_copy_share(vectors),
        "distance": mean_nearest_distance(vectors),
        "cells": float(coverage(projection.project(vectors))) if fits else None,
    }
