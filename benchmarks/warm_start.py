"""Does training begin better from what was learned on another task?

Setup: pairs of tasks, the second as it would grow from the first in a run: the Composer changes
what has to be done, leaves it and changes the way there, or makes the way longer. Further pairs are
examples that have little in common. The first is learned from scratch; the second is tried from
scratch and with that policy at hand, as a run would: it is screened, chosen where it does better
than chance, and given up where it leads nowhere. All with the default settings of `train`.
Duration: about twenty minutes a seed on two quiet cores. `--results` keeps each trial as it ends,
and what is in it is not run again; `--table` only prints.
Output: steps to the verdict from scratch and warm, a row for each pair and seed, and their ratio;
its geometric mean where both have learned.

    python benchmarks/warm_start.py --policies policies --results warm.jsonl
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from taskwright.config import TrainerConfig
from taskwright.executor.local import cores
from taskwright.generator.composer.recipe import Recipe, compose
from taskwright.generator.seeds import EXAMPLES
from taskwright.task import Task, Trial, from_json, to_json
from taskwright.trainer.requests import ArchivedPolicy, TrialRequest
from taskwright.trainer.trial import run_trial

RECIPES = {
    "reach": Recipe((), "reach", 1, 1),
    "reach_beyond_trench": Recipe(("trench",), "reach", 2, 2),
    "pads": Recipe((), "pads", 1, 3),
    "pads_beyond_bridge": Recipe(("bridge",), "pads", 1, 4),
    "reach_beyond_gaps": Recipe(("gaps",), "reach", 1, 5),
    "reach_beyond_gaps_and_stairs": Recipe(("gaps", "stairs"), "reach", 2, 6),
    "topple": Recipe((), "topple", 1, 7),
    "topple_beyond_chicane": Recipe(("chicane",), "topple", 1, 8),
    "collect_beyond_stairs": Recipe(("stairs",), "collect", 1, 9),
    "collect_beyond_ramp": Recipe(("ramp",), "collect", 2, 10),
    "kick_beyond_bridge": Recipe(("bridge",), "kick", 1, 11),
    "shuttle": Recipe((), "shuttle", 1, 12),
    "shuttle_beyond_sweeper": Recipe(("sweeper",), "shuttle", 1, 13),
}
PAIRS = (
    ("reach", "reach_beyond_trench"),
    ("pads", "pads_beyond_bridge"),
    ("pads_beyond_bridge", "kick_beyond_bridge"),
    ("reach_beyond_gaps", "reach_beyond_gaps_and_stairs"),
    ("topple", "topple_beyond_chicane"),
    ("collect_beyond_stairs", "collect_beyond_ramp"),
    ("shuttle", "shuttle_beyond_sweeper"),
    ("pads", "topple"),
    ("drive_to_beacon", "find_open_doorway"),
    ("visit_pads_in_order", "open_door_with_plate"),
    ("climb_stairs", "jump_sweeping_arm"),
)
"""The policy to begin from, and the task: recipes, and in the end examples."""
NEVER = 2.0
"""A success rate that nobody reaches: nothing is too easy here."""


def source_of(name: str) -> str:
    if name in RECIPES:
        return compose(RECIPES[name])[1]
    return (EXAMPLES / "r2d2" / f"{name}.py").read_text(encoding="utf-8")


class Bench:
    """Runs trials that are not in the results yet."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.policies, self.results = options.policies, options.results
        config = TrainerConfig(processes=options.processes, max_seconds=options.max_seconds)
        self.settings = config.model_dump(exclude={"nearest_policies"})
        self.settings["easy_success_rate"] = NEVER
        self.rows: list[dict[str, Any]] = []
        if self.results.exists():
            lines = self.results.read_text(encoding="utf-8").splitlines()
            self.rows = [json.loads(line) for line in lines]

    def found(self, task: str, start: str | None, seed: int) -> Trial | None:
        for row in self.rows:
            if (row["task"], row["start"], row["seed"]) == (task, start, seed):
                return from_json(Trial, json.dumps(row["trial"]))
        return None

    def trial(self, task: str, start: str | None, seed: int) -> Trial:
        """A trial of `task`, with what was learned on `start` at hand."""
        if known := self.found(task, start, seed):
            return known
        archived = ()
        if start:
            task_id = Task(source_of(start)).task_id
            archived = (ArchivedPolicy(task_id, start, str(self.policy(start))),)
        path = self.policies / (f"{start}-{task}-{seed}.zip" if start else f"{task}-{seed}.zip")
        plan = TrialRequest(
            source_of(task), "r2d2", seed, str(path), archived=archived, **self.settings
        )
        trial = run_trial(plan)
        row = {"task": task, "start": start, "seed": seed, "trial": json.loads(to_json(trial))}
        self.rows.append(row)
        with self.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        return trial

    def policy(self, task: str) -> Path:
        """A policy for a task: of the first seed that has learned it."""
        path: Path = self.policies / f"{task}-0.zip"
        for seed in range(3):
            path = self.policies / f"{task}-{seed}.zip"
            if path.exists() and self.found(task, None, seed) is None:
                return path  # Somebody has put it there.
            if self.trial(task, None, seed).verdict == "learned":
                return path
        raise SystemExit(f"{task} was learned with none of three seeds.")


def told(trial: Trial) -> str:
    return f"{trial.verdict}, {trial.steps:,}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policies", type=Path, default=Path("warm_start_policies"))
    parser.add_argument("--results", type=Path, default=Path("warm_start.jsonl"))
    parser.add_argument("--pairs", type=int, nargs="+", default=list(range(len(PAIRS))))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--processes", type=int, default=cores(), help="of each trial")
    parser.add_argument("--max-seconds", type=float, default=600.0, help="more on a busy machine")
    parser.add_argument("--table", action="store_true", help="only print what there is")
    options = parser.parse_args()
    options.policies.mkdir(parents=True, exist_ok=True)
    bench = Bench(options)
    print("| begins from | task | seed | it succeeds untrained | from scratch | warm | ratio |")
    print("|---|---|---|---|---|---|---|")
    logarithms: list[float] = []
    only_warm = only_scratch = 0
    for seed in options.seeds:
        for start, task in (PAIRS[n] for n in options.pairs):
            if options.table and not (
                bench.found(task, None, seed) and bench.found(task, start, seed)
            ):
                continue
            scratch, warm = bench.trial(task, None, seed), bench.trial(task, start, seed)
            untrained = warm.screening.get(Task(source_of(start)).task_id, math.nan)
            how = (
                "" if warm.warm_start else " (given up)" if warm.abandoned_start else " (not taken)"
            )
            ratio = warm.steps / scratch.steps
            if warm.verdict == scratch.verdict == "learned":
                logarithms.append(math.log(ratio))
            only_warm += scratch.verdict != warm.verdict == "learned"
            only_scratch += warm.verdict != scratch.verdict == "learned"
            print(
                f"| {start} | {task} | {seed} | {untrained:.2f} | {told(scratch)} | "
                f"{told(warm)}{how} | {ratio:.2f} |",
                flush=True,
            )
    if logarithms:
        mean = math.exp(sum(logarithms) / len(logarithms))
        print(
            f"\n{len(logarithms)} learned both ways, with a geometric mean of the ratios of "
            f"{mean:.2f}; {only_warm} only warm, {only_scratch} only from scratch"
        )


if __name__ == "__main__":
    main()
