"""What a report shows: of each run its story, figures, tasks, failures and costs, and what several
runs have come to side by side. How it looks is the business of `page`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..archive.generalists import SamplerResult, compare_samplers
from ..archive.metrics import Step, funnel, generations, oddness, spread
from ..presentation import formatting
from ..task import Cost, Record
from . import charts, compared_charts, maps
from .causes import Cause, causes
from .charts import DiversityCurves, Figure
from .comparison import COMPARED, Comparison, compare
from .drawing import Drawing
from .numbers import BY_KEY, MEASURES, Numbers, numbers_of, total_cost
from .plots import NARROW, WIDE, thinned
from .run_data import WARNINGS_SHOWN, RunData, poster

GALLERY, GALLERY_EACH = 48, 8
"""Kept tasks shown with a picture: of a single run, and of each of several."""

TILES = (
    "kept",
    "annecs_omni",
    "kept_per_hour",
    "gain",
    "vendi",
    "near_copies",
    "cells",
    "depth",
)
"""The measures at the top of the page, in this order."""


@dataclass(frozen=True)
class Notable:
    """A task that stands out."""

    why: str
    record: Record
    poster: str
    curve: Drawing | None


@dataclass(frozen=True)
class Shown:
    """What a report shows of a run."""

    run: RunData
    numbers: Numbers
    diversity: DiversityCurves
    funnel: list[Step]
    broken: int
    causes: list[Cause]
    gallery: list[tuple[Record, str]]
    notable: list[Notable]
    figures: list[Figure]
    warnings: list[tuple[str, int]]
    failed_calls: list[tuple[str, int]]
    cost: Cost
    strategies: list[tuple[str, int, int]]
    """Strategy, journeys, kept."""
    judges: list[tuple[str, int, int]]
    """Judge, judgements, favourable ones."""
    samplers: list[SamplerResult]
    """What generalists came to, by what chose the tasks they were trained on."""
    without_vector: int


def shown(run: RunData, *, alone: bool) -> Shown:
    """Work out what a report shows of a run.

    Args:
        run: The run.
        alone: Whether the report is of this run alone. Of one among several, the gallery is shorter
            and there are fewer figures.
    """
    statuses = Counter[str](record.status for record in run.records)
    failures = Counter(
        next((o.stage for o in reversed(r.outcomes) if not o.passed and o.stage), "train")
        for r in run.records
        if r.status == "invalid"
    )
    steps = funnel(dict(statuses), dict(failures.most_common())) if run.records else []
    tried = Counter(r.idea.strategy for r in run.records if r.status != "broken")
    kept = Counter(r.idea.strategy for r in run.kept)
    judged = [j for r in run.records for j in r.judgements]
    given, favourable = (
        Counter(j.judge for j in judged),
        Counter(j.judge for j in judged if j.positive),
    )
    diversity = charts.diversity_curves(run)
    return Shown(
        run=run,
        numbers=numbers_of(run),
        diversity=diversity,
        funnel=steps,
        broken=statuses.get("broken", 0),
        causes=causes(run.records),
        gallery=gallery(run, GALLERY if alone else GALLERY_EACH),
        notable=notable(run) if alone else [],
        figures=figures_of(run, steps, diversity, alone=alone),
        warnings=run.history.warnings.most_common(WARNINGS_SHOWN),
        failed_calls=run.history.failed_calls.most_common(WARNINGS_SHOWN),
        cost=total_cost(run),
        strategies=[(name, tried[name], kept[name]) for name, _ in tried.most_common()],
        judges=[(name, count, favourable[name]) for name, count in given.most_common()],
        samplers=compare_samplers(run.generalists),
        without_vector=len(run.kept) - len(run.matrix(run.kept)[0]),
    )


def figures_of(
    run: RunData, steps: Sequence[Step], diversity: DiversityCurves, *, alone: bool
) -> list[Figure]:
    """The figures of a run; none of a run without records."""
    if not run.records:
        return []

    def figure(name: str, title: str, caption: str, draw: Callable[[float], Drawing]) -> Figure:
        # Side by side, two figures have the room of one.
        return Figure(name, title, caption, draw(WIDE), draw(NARROW))

    funnel_one = figure(
        "funnel",
        "How far journeys came",
        "Each bar is the number of journeys that came so far; its coloured end are those that went "
        "no farther.",
        partial(charts.funnel_figure, steps),
    )
    map_one = figure(
        "map",
        "Map by meaning",
        "Two fixed axes through the space of embeddings, the same in every report: kept tasks "
        "(ringed), what was turned down, and the reference that the axes were made from. Shaded "
        "are the cells of the grid that kept tasks cover.",
        partial(maps.meaning_map, run),
    )
    if not alone:
        return [funnel_one, map_one]
    found = [
        figure(
            "progress",
            "Novel environments created and solved",
            "ANNECS and ANNECS-OMNI, accumulated over journeys.",
            partial(charts.progress, run),
        ),
        figure(
            "pace",
            "Kept over time",
            "Journeys ended and tasks kept, over the time that their steps took, added up.",
            partial(charts.pace, run),
        ),
        funnel_one,
    ]
    if run.kept:
        found += [
            figure(
                "success",
                "Success before and after",
                "Best screening policy before training, and the trained policy on fresh seeds.",
                partial(charts.gains, run),
            ),
            figure(
                "diversity",
                "Diversity",
                "How many entirely different tasks the kept ones are worth (Vendi score), and how "
                "many cells of the fixed grid they cover.",
                partial(charts.diversity, diversity),
            ),
        ]
    if any(record.trial and record.trial.curve for record in run.records):
        found.append(
            figure(
                "learning",
                "Learning curves",
                "Success rate of training episodes, mean over neighbouring points.",
                partial(charts.learning, run),
            )
        )
    found.append(map_one)
    if run.kept:
        found.append(
            figure(
                "lineage",
                "Lineage",
                "Kept tasks and what they grew from, each where its journey was.",
                partial(maps.lineage, run),
            )
        )
    if run.generalists:
        found.append(
            figure(
                "generalists",
                "One policy for all kept tasks",
                "Success rate of training episodes, mean over the tasks, by what chose the next "
                "task; a line is a policy, a colour a sampler.",
                partial(charts.generalists, run.generalists),
            )
        )
    return found


def compared_figures(found: Comparison) -> list[Figure]:
    """The figures of several runs."""
    drawn: list[tuple[str, str, str, Callable[[float], Drawing]]] = [
        (
            "compared-metrics",
            "Metrics",
            "Dots are runs, the ringed dot is their mean, the bar its 95 % interval by the "
            "bootstrap over runs.",
            partial(compared_charts.measures_compared, found),
        ),
        (
            "compared-annecs",
            "Novel environments created and solved",
            "ANNECS over journeys: mean over the runs of a group, with the 95 % interval of the "
            "mean; thin lines are runs.",
            partial(compared_charts.annecs_compared, found),
        ),
        (
            "compared-vendi",
            "Diversity",
            "Vendi score as tasks are kept: mean over the runs of a group, as far as all of them "
            "go.",
            partial(compared_charts.vendi_compared, found),
        ),
    ]
    return [
        Figure(name, title, text, draw(WIDE), draw(NARROW)) for name, title, text, draw in drawn
    ]


def gallery(run: RunData, count: int) -> list[tuple[Record, str]]:
    """Kept tasks with their pictures: all, or where there are more, some from all over."""
    tasks = run.kept
    if len(tasks) > count:
        with_vector, vectors = run.matrix(tasks)
        if len(with_vector) >= count:
            tasks = [with_vector[place] for place in sorted(spread(vectors, count))]
        else:
            tasks = [tasks[place] for place in thinned(len(tasks), count)]
    return [(record, poster(run, record)) for record in tasks]


def notable(run: RunData) -> list[Notable]:
    """The best and the oddest of the kept tasks, each once; fewer where few were kept."""
    tasks = run.kept
    with_vector, vectors = run.matrix(tasks)
    odd = dict(zip((r.number for r in with_vector), oddness(vectors).tolist(), strict=True))
    deep = dict(
        zip(
            (r.number for r in run.records),
            generations((r.task_id, r.idea.parents) for r in run.records).tolist(),
            strict=True,
        )
    )
    children = Counter(p for r in tasks for p in set(r.idea.parents))

    def gained(record: Record) -> float:
        trial = record.trial
        if not trial or trial.success_after is None or trial.success_before is None:
            return 0.0
        return trial.success_after - trial.success_before

    def steps(record: Record) -> float:
        return float(record.trial.steps) if record.trial else 0.0

    kinds: list[tuple[str, Callable[[Record], float], Callable[[Record], str]]] = [
        (
            "Most learned",
            lambda r: gained(r) + steps(r) * 1e-9,
            lambda r: f"success rose by {100 * gained(r):.0f} points",
        ),
        ("Hardest won", steps, lambda r: f"learned after {formatting.count(steps(r))} steps"),
        (
            "Oddest",
            lambda r: odd.get(r.number, 0.0),
            lambda r: f"{odd.get(r.number, 0.0):.2f} from its nearest kept tasks, on average",
        ),
        (
            "Most fertile",
            lambda r: float(children[r.task_id or ""]),
            lambda r: f"{children[r.task_id or '']} kept tasks grew from it directly",
        ),
        (
            "End of the longest line",
            lambda r: float(deep[r.number]),
            lambda r: f"{deep[r.number]} steps from where its line began",
        ),
    ]
    found: list[Notable] = []
    for name, worth, describe in kinds:
        rest = [r for r in tasks if all(r is not other.record for other in found)]
        best = max(rest, key=worth, default=None)
        if best is not None and worth(best) > 0:
            found.append(
                Notable(
                    f"{name}: {describe(best)}", best, poster(run, best), charts.small_curve(best)
                )
            )
    return found


def story(shown_run: Shown) -> str:
    """A run in two or three sentences."""
    run, numbers = shown_run.run, shown_run.numbers
    kept, journeys = len(run.kept), len(run.records)
    who = "the Composer" if run.author == "composer" else run.author
    time = f"In {formatting.duration(run.seconds)}, " if run.seconds else ""
    robots = " and ".join(run.robots)
    began = f"{time}{who} attempted {journeys:,} task{'s' if journeys != 1 else ''} for {robots}"
    began = began[0].upper() + began[1:]
    if not journeys:
        return "No journey has ended yet."
    if not kept:
        return f"{began}; none has been kept."
    text = f"{began}; {kept:,} {'were' if kept > 1 else 'was'} kept."
    before, after = numbers["success_before"], numbers["success_after"]
    if before is not None and after is not None:
        text += f" Training took success on them from {before:.0%} to {after:.0%} on average."
    if numbers["vendi"] is not None and kept > 1:
        copies = numbers["near_copies"] or 0.0
        near = f"{copies:.0%} are" if copies else "none is"
        text += (
            f" By meaning they are worth {numbers['vendi']:.1f} entirely different tasks; "
            f"{near} nearly a copy of another."
        )
    return text


def contents(runs: Sequence[RunData], versions: dict[str, str], made_at: str) -> dict[str, Any]:
    """Work out everything that a report shows.

    Args:
        runs: One run, or several to compare. No two have the same name.
        versions: The versions of Taskwright and of what it is made with.
        made_at: When the report is made; UTC, ISO 8601.

    Returns:
        The variables of both templates.
    """
    alone = len(runs) == 1
    comparison = None if alone else compare(runs)
    return {
        "runs": [shown(run, alone=alone) for run in runs],
        "comparison": comparison,
        "compared_figures": compared_figures(comparison) if comparison else [],
        "versions": versions,
        "made_at": made_at,
        "measures": MEASURES,
        "compared": COMPARED,
        "by_key": BY_KEY,
        "tiles": TILES,
    }
