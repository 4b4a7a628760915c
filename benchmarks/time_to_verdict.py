"""How long does a verdict on learnability take, and how sure is it?

Measures: trials of the hand-written tasks for a robot, from scratch with the default settings of
`train`: seconds, steps and what ended them. Each learned verdict is confirmed, or not, by 50
further episodes whose seed nothing has seen. What is too easy is trained all the same, to see
whether it could be learned.
Compared with: OMNI-EPIC's hand-written tasks beside ours, where `--omni-epic` names a clone of
its repository (its modules are replaced by ours); with `--ppo`, stable-baselines3's PPO.
Duration: about a minute a trial on two quiet cores; R2D2's 19 tasks with three seeds about an
hour. `--results` keeps each trial as it ends, and what is in it is not run again: a table can be
made in parts, with `--tasks` and `--seeds`, and printed again with `--table`.

    python benchmarks/time_to_verdict.py --omni-epic PATH --results verdicts.jsonl
    python benchmarks/time_to_verdict.py --robot ant --seeds 0 --results ant.jsonl
    python benchmarks/time_to_verdict.py --results verdicts.jsonl --table
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import Benchmark, median
from trials import NEVER, Results, in_row, play, tasks_of, trial_in, try_task

from taskwright.config import TrainerConfig
from taskwright.task import ROBOTS, robot_named_in

FRESH_EPISODES, CONFIRMED_RATE = 50, 0.8
COLUMNS = (
    "from", "task", "seed", "straight ahead", "verdict", "seconds", "steps", "success",
    "95 % interval", "50 more", "ended by",
)  # fmt: skip


def confirmed_trial(source: str, seed: int, **settings: Any) -> dict[str, Any]:
    """A trial and, where it has learned, its confirmation."""
    with tempfile.TemporaryDirectory() as folder:
        policy = Path(folder) / "policy.zip"
        trial = try_task(source, seed, policy, **settings)
        row = in_row(trial)
        if trial.verdict == "learned":
            # Five environments, so that they are exactly 50.
            played = play(source, policy, FRESH_EPISODES, environments=5)
            row["fresh_successes"] = played["trained"].successes
    return row


def cells(row: dict[str, Any]) -> list[str]:
    """A trial as a row of the table; beside what was too easy, what training came to."""
    trial = trial_in(row)
    low, high = trial.interval or (0.0, 0.0)
    ahead = [rate for name, rate in trial.screening.items() if name.endswith("straight ahead")]
    found = [
        row["origin"],
        row["task"],
        str(row["seed"]),
        f"{max(ahead):.0%}" if ahead else "-",
        trial.verdict,
        f"{trial.seconds:.0f}",
        f"{trial.steps:,}",
        f"{trial.successes} of {trial.episodes}",
        f"{low:.2f} to {high:.2f}",
        str(row.get("fresh_successes", "")),
        trial.solved_by or trial.rule,
    ]
    if "anyway" in row:
        anyway = trial_in(row["anyway"])
        fresh = row["anyway"].get("fresh_successes")
        found[-2] = "" if fresh is None else f"({fresh})"
        found[-1] += f"; trained all the same: {anyway.verdict} in {anyway.steps:,} steps"
    return found


def measured(options: Any, results: Results) -> Iterator[list[str]]:
    """Run what is not in the results yet, one seed after the other."""
    settings = {
        "max_seconds": options.max_seconds,
        "patience_steps": options.patience_steps,
        "learner": "ppo" if options.ppo else "auto",
    }
    for seed in options.seeds:
        for origin, path in tasks_of(options.robot, options.omni_epic):
            source = path.read_text(encoding="utf-8")
            wanted = not options.tasks or path.stem in options.tasks
            # One of OMNI-EPIC's tasks for the Ant derives from R2D2's environment.
            if not wanted or robot_named_in(source) != options.robot:
                continue
            if results.find(origin, path.stem, seed):
                continue
            tried = confirmed_trial(source, seed, **settings)
            if tried["trial"]["verdict"] == "too_easy":
                anyway = {**settings, "easy_success_rate": NEVER}
                tried["anyway"] = confirmed_trial(source, seed, **anyway)
            yield cells(results.add(origin=origin, task=path.stem, seed=seed, **tried))


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--omni-epic", type=Path, help="a clone of OMNI-EPIC's repository")
    bench.option("--robot", choices=ROBOTS, default="r2d2")
    bench.option("--tasks", nargs="+", default=[], help="only these, by their file's name")
    bench.option("--seeds", type=int, nargs="+", default=[0, 1, 2])
    bench.option("--max-seconds", type=float, default=600.0, help="more on a busy machine")
    bench.option(
        "--patience-steps",
        type=int,
        default=TrainerConfig().patience_steps,
        help="as many as the limit of steps, to record curves for verdict_errors.py",
    )
    bench.option("--ppo", action="store_true", help="learn by stable-baselines3's PPO")
    bench.option("--results", type=Path, default=Path("verdicts.jsonl"))
    bench.option("--table", action="store_true", help="only print what there is")
    options = bench.start()
    results = Results(options.results, "origin", "task", "seed")
    rows = results.shown(bench, COLUMNS, cells, () if options.table else measured(options, results))
    trials = [trial_in(row) for row in rows]
    spent_s = [trial.seconds for trial in trials]
    learned = [row for row in rows if row["trial"]["verdict"] == "learned"]
    confirmed = [r for r in learned if r["fresh_successes"] >= CONFIRMED_RATE * FRESH_EPISODES]
    bench.say(
        f"\n{len(learned)} of {len(rows)} learned, {len(confirmed)} of these confirmed; "
        f"{sum(trial.verdict == 'too_easy' for trial in trials)} too easy. "
        f"Seconds: median {median(spent_s):.0f}, most {max(spent_s):.0f}; "
        f"steps: median {median([trial.steps for trial in trials]):,.0f}"
    )
    for origin in sorted({row["origin"] for row in rows}):
        names = {row["task"] for row in rows if row["origin"] == origin}
        missed = {r["task"] for r in rows if r["origin"] == origin and r not in learned}
        bench.say(f"{origin}: {len(names - missed)} of {len(names)} tasks learned with every seed")


if __name__ == "__main__":
    main()
