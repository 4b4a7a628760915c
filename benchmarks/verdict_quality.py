"""Are the verdicts on learnability right?

Setup: the twenty tasks with known answers in `tests/tasks/verdicts`, five of each kind, each tried
with several seeds and the default settings of `train`, from scratch, with an hour for each.

    kind           right is
    trivial        too_easy
    learnable      learned
    impossible     too_hard
    misspecified   too_easy, too_hard, or learned with a finding of the sanity checks

Duration: about 15 minutes a seed on two cores. Results are appended to a file, one JSON document a
line, and what is in it is not done again: it can be done in parts (`--tasks`, `--seeds`).
Output: a table with a row per task; at most one verdict may be wrong in three seeds.

    python benchmarks/verdict_quality.py --results verdicts.jsonl --seeds 0 1 2
    python benchmarks/verdict_quality.py --results verdicts.jsonl --seeds 0 --tasks trivial
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from taskwright.config import TrainerConfig
from taskwright.task import Task, Trial, robot_named_in
from taskwright.trainer.requests import TrialRequest
from taskwright.trainer.trial import run_trial

TASKS = Path(__file__).parents[1] / "tests" / "tasks" / "verdicts"
RIGHT = {"trivial": ("too_easy",), "learnable": ("learned",), "impossible": ("too_hard",)}


def is_right(kind: str, trial: dict[str, Any]) -> bool:
    """Whether a verdict is what is known to be true."""
    if kind != "misspecified":
        return trial["verdict"] in RIGHT[kind]
    return trial["verdict"] in ("too_easy", "too_hard") or bool(trial["findings"])


def try_task(path: Path, seed: int, processes: int) -> Trial:
    source = path.read_text(encoding="utf-8")
    # On a busy machine no verdict is to hang on the clock.
    config = TrainerConfig(processes=processes, max_seconds=3600.0)
    settings = config.model_dump(exclude={"nearest_policies"})
    with tempfile.TemporaryDirectory() as folder:
        policy = str(Path(folder) / "policy.zip")
        robot = robot_named_in(source) or "r2d2"
        return run_trial(TrialRequest(source, robot, seed, policy, **settings))


def read(results: Path, seeds: Iterable[int]) -> dict[tuple[str, int], dict[str, Any]]:
    """What is known of each task as it is now, by its name and the seed."""
    if not results.exists():
        return {}
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    now = {path.stem: _task_id(path) for path in TASKS.glob("*.py")}
    return {
        (row["task"], row["seed"]): row
        for row in rows
        if row["seed"] in seeds and now.get(row["task"]) == row["task_id"]
    }


def _task_id(path: Path) -> str:
    return Task(path.read_text(encoding="utf-8")).task_id


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown; a task's seeds share a row."""
    lines = [
        "| task | verdicts | success after | seconds | findings |",
        "|---|---|---|---|---|",
    ]
    for name in sorted({row["task"] for row in rows}):
        mine = sorted((row for row in rows if row["task"] == name), key=lambda row: row["seed"])
        verdicts = ", ".join(
            row["verdict"] + ("" if is_right(row["kind"], row) else " (wrong)") for row in mine
        )
        after = ", ".join(
            "-" if row["success_after"] is None else f"{row['success_after']:.2f}" for row in mine
        )
        seconds = ", ".join(f"{row['seconds']:.0f}" for row in mine)
        found = sorted({finding["kind"] for row in mine for finding in row["findings"]})
        lines.append(f"| {name} | {verdicts} | {after} | {seconds} | {', '.join(found) or '-'} |")
    wrong = sum(not is_right(row["kind"], row) for row in rows)
    flagged = [row for row in rows if row["kind"] == "misspecified" and row["findings"]]
    faulty = sum(row["kind"] == "misspecified" for row in rows)
    false_alarms = sum(bool(row["findings"]) for row in rows if row["kind"] == "learnable")
    median = statistics.median(row["seconds"] for row in rows)
    lines.append(
        f"\n{wrong} of {len(rows)} verdicts wrong; {len(flagged)} of {faulty} trials of "
        f"mis-specified tasks and {false_alarms} of learnable ones with a finding; "
        f"median {median:.0f} s"
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="JSON lines, appended to")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--tasks", default="", help="only those whose name contains this")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    known = read(options.results, options.seeds)
    for seed in options.seeds:
        for path in sorted(TASKS.glob("*.py")):
            if options.tasks not in path.stem or (path.stem, seed) in known:
                continue
            trial = try_task(path, seed, options.processes)
            row = {
                "task": path.stem,
                "task_id": _task_id(path),
                "kind": path.stem.partition("__")[0],
                **dataclasses.asdict(trial),
            }
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{path.stem} {seed}: {trial.verdict} in {trial.seconds:.0f} s", flush=True)
    rows = list(read(options.results, options.seeds).values())
    if rows:
        print(table(rows))


if __name__ == "__main__":
    main()
