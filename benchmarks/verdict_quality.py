"""Are the verdicts on learnability right?

Measures: the verdicts on the twenty tasks of `tests/tasks/verdicts`, five of each kind, from
scratch with the default settings of `train`, with several seeds and an hour for each.
Compared with: what is known of them. At most one verdict may be wrong in three seeds.

    kind           right is
    trivial        too_easy
    learnable      learned
    impossible     too_hard
    misspecified   too_easy, too_hard, or learned with a finding of the sanity checks

Duration: about 15 minutes a seed on two cores. `--results` keeps each trial, and what is in it is
not done again: it can be done in parts (`--tasks`, `--seeds`).

    python benchmarks/verdict_quality.py --results verdicts.jsonl --seeds 0 1 2
    python benchmarks/verdict_quality.py --results verdicts.jsonl --seeds 0 --tasks trivial
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import ROOT, Benchmark, median
from trials import Results, try_task

from taskwright.task import Task

TASKS = ROOT / "tests" / "tasks" / "verdicts"
RIGHT = {"trivial": ("too_easy",), "learnable": ("learned",), "impossible": ("too_hard",)}


def is_right(row: dict[str, Any]) -> bool:
    """Whether a verdict is what is known to be true."""
    if row["kind"] != "misspecified":
        return row["verdict"] in RIGHT[row["kind"]]
    return row["verdict"] in ("too_easy", "too_hard") or bool(row["findings"])


def cells(rows: list[dict[str, Any]]) -> Iterator[list[str]]:
    """A row for each task; its seeds share it."""
    for name in sorted({row["task"] for row in rows}):
        of_task = [row for row in rows if row["task"] == name]
        after = (row["success_after"] for row in of_task)
        found = sorted({finding["kind"] for row in of_task for finding in row["findings"]})
        yield [
            name,
            ", ".join(row["verdict"] + ("" if is_right(row) else " (wrong)") for row in of_task),
            ", ".join("-" if rate is None else f"{rate:.2f}" for rate in after),
            ", ".join(f"{row['seconds']:.0f}" for row in of_task),
            ", ".join(found) or "-",
        ]


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--results", type=Path, required=True, help="JSON lines, appended to")
    bench.option("--seeds", type=int, nargs="+", default=[0, 1, 2])
    bench.option("--tasks", default="", help="only those whose name contains this")
    bench.option("--processes", type=int, default=2, help="of each trial")
    options = bench.start()
    results = Results(options.results, "task", "task_id", "seed")
    known: list[dict[str, Any]] = []
    for seed in options.seeds:
        for path in sorted(TASKS.glob("*.py")):
            task = Task(path.read_text(encoding="utf-8"))
            row = results.find(path.stem, task.task_id, seed)
            if row is None and options.tasks in path.stem:
                # On a busy machine no verdict is to hang on the clock.
                limits = {"processes": options.processes, "max_seconds": 3600.0}
                trial = try_task(task.source, seed, **limits)
                bench.say(f"{path.stem} {seed}: {trial.verdict} in {trial.seconds:.0f} s")
                kind = path.stem.partition("__")[0]
                named = {"task": path.stem, "task_id": task.task_id, "kind": kind}
                row = results.add(**named, **dataclasses.asdict(trial))
            known += [row] if row else []
    if not known:
        return
    heads = ("task", "verdicts", "success after", "seconds", "findings")
    bench.table(dict.fromkeys(heads, ""), cells(known))
    faulty = [row for row in known if row["kind"] == "misspecified"]
    bench.say(
        f"\n{sum(not is_right(row) for row in known)} of {len(known)} verdicts wrong; "
        f"{sum(bool(row['findings']) for row in faulty)} of {len(faulty)} trials of mis-specified "
        "tasks and "
        f"{sum(bool(row['findings']) for row in known if row['kind'] == 'learnable')} of learnable "
        f"ones with a finding; median {median([row['seconds'] for row in known]):.0f} s"
    )


if __name__ == "__main__":
    main()
