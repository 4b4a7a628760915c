"""How many tasks are learned that were written without knowledge of the learner, and why not more?

Measures: trials of a folder's tasks, from scratch with the default settings of `train`, each within
five minutes: verdict, seconds, steps, success, and for each failure what the trial's own evidence
says of its cause. A learned verdict is confirmed, or not, by 50 further episodes.
Compared with: the same with other settings of the trainer, given by `--set` as to `train`.
Duration: at most five minutes a trial on two quiet cores. `--results` keeps each trial as it ends,
and what is in it is not run again; `--jobs 2` runs two trials side by side, each with half of the
cores, where only verdicts and steps matter.

    python benchmarks/foreign_tasks.py FOLDER ... --results foreign.jsonl
    python benchmarks/foreign_tasks.py FOLDER --set trainer.learners.soft_q.discount=0.99
    python benchmarks/foreign_tasks.py --results foreign.jsonl --table
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from harness import Benchmark, median
from time_to_verdict import confirmed_trial
from trials import Results, trial_in

from taskwright.config.files import merge, parse_assignment, resolve
from taskwright.sandbox.processes.cores import cores
from taskwright.task import Trial, robot_named_in
from taskwright.trainer.evidence.deciding import last_progress, spans

COLUMNS = (
    "task", "seed", "verdict", "seconds", "steps", "best of training", "success", "50 more",
    "ended by", "why not",
)  # fmt: skip
WITHIN_S, HIGH, GROWS_STEPS = 300.0, 0.5, 40_000


def why_not(trial: Trial) -> str:
    """What a trial that has learned nothing shows of the cause, in a few words."""
    if trial.verdict != "too_hard":
        return "" if trial.verdict == "learned" else trial.solved_by or trial.reason[:80]
    kinds = {finding.kind for finding in trial.findings}
    pieces = spans(trial.curve)
    best = max((piece.success_rate for piece in pieces), default=0.0)
    end = pieces[-1].success_rate if pieces else 0.0
    doubtful = f" ({', '.join(sorted(kinds))})" if kinds else ""
    if not best and not trial.successes:
        return "never succeeds" + doubtful
    if trial.rule in ("steps", "clock") and trial.steps - last_progress(pieces) < GROWS_STEPS:
        return "still rises: time or budget" + doubtful
    if "return_without_success" in kinds or "success_costs" in kinds:
        return "the wrong thing is rewarded" + doubtful
    if best >= HIGH:
        return f"swings: {best:.0%}, {end:.0%} at the end" + doubtful
    return f"stalls at {best:.0%}" + doubtful


def cells(row: dict[str, Any]) -> list[str]:
    trial = trial_in(row)
    best = max((piece.success_rate for piece in spans(trial.curve)), default=0.0)
    return [
        row["task"],
        str(row["seed"]),
        trial.verdict,
        f"{trial.seconds:.0f}",
        f"{trial.steps:,}",
        f"{best:.0%}" if trial.curve else "-",
        f"{trial.successes} of {trial.episodes}",
        str(row.get("fresh_successes", "-")),
        trial.rule,
        why_not(trial),
    ]


def measured(options: Any, results: Results) -> Iterator[list[str]]:
    """Run what is not in the results yet, one seed after the other."""
    files = [path for folder in options.folders for path in sorted(folder.rglob("*.py"))]
    given = resolve(functools.reduce(merge, map(parse_assignment, options.set), {})).trainer
    settings = {
        "max_seconds": WITHIN_S,
        "processes": max(cores() // options.jobs, 1),
        **given.model_dump(exclude_unset=True),
    }
    sources = {path: path.read_text(encoding="utf-8") for path in files}
    todo = [
        (seed, path)
        for seed in options.seeds
        for path, source in sources.items()
        if (not options.tasks or path.stem in options.tasks)
        and robot_named_in(source)
        and not results.find(path.stem, seed)
    ]
    with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
        trials = {
            pool.submit(confirmed_trial, sources[path], seed, **settings): (seed, path)
            for seed, path in todo
        }
        for trial in as_completed(trials):
            seed, path = trials[trial]
            yield cells(results.add(task=path.stem, seed=seed, **trial.result()))


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("folders", type=Path, nargs="*", help="where the tasks are, also in subfolders")
    bench.option("--tasks", nargs="+", default=[], help="only these, by their file's name")
    bench.option("--seeds", type=int, nargs="+", default=[0, 1, 2])
    bench.option("--jobs", type=int, default=1, help="trials side by side")
    bench.option("--set", action="append", default=[], metavar="trainer.NAME=VALUE")
    bench.option("--results", type=Path, default=Path("foreign.jsonl"))
    bench.option("--table", action="store_true", help="only print what there is")
    options = bench.start()
    results = Results(options.results, "task", "seed")
    rows = results.shown(bench, COLUMNS, cells, () if options.table else measured(options, results))
    trials = [trial_in(row) for row in rows]
    verdicts = Counter(trial.verdict for trial in trials)
    learned: Counter[str] = Counter()
    for row, trial in zip(rows, trials, strict=True):
        learned[row["task"]] += trial.verdict == "learned"
    bench.say(
        f"\n{', '.join(f'{count} {verdict}' for verdict, count in verdicts.most_common())}; "
        f"{sum(count >= 2 for count in learned.values())} of {len(learned)} tasks learned with "
        f"two seeds or more, {sum(count >= 1 for count in learned.values())} with one or more. "
        f"Seconds: median {median([trial.seconds for trial in trials]):.0f}"
    )


if __name__ == "__main__":
    main()
