"""What does the README's command bring about in some minutes, and does it hold?

Measures: `taskwright run` with the Composer in a new folder; then 96 further episodes of every
kept policy, with seeds that neither training nor the verdict has used.
Compared with: the idle and the random policy on the same episodes, and the promises of the first
light: at least three learned tasks, each with a success rate of 0.8 or more, none solved by idle
or random, and one journey with another status and its reason.
Duration: the minutes given, and about half a minute after them.

    python benchmarks/first_light.py --minutes 8 --seed 0
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import Benchmark, command, seconds
from trials import play

from taskwright.archive.folder import policy_path
from taskwright.archive.store import Archive
from taskwright.task import Record

EPISODES = 96
COLUMNS = {
    "#": "", "status": "", "steps": "", "seconds": ".0f", "verdict's": ".2f", "trained": ".2f",
    "idle": ".2f", "random": ".2f", "task": "",
}  # fmt: skip


def cells(records: list[Record], run_dir: Path) -> Iterator[list[Any]]:
    for record in records:
        trial, rates = record.trial, [None] * 3
        if record.status == "learned":
            assert record.task is not None
            policy = policy_path(run_dir, record.task.task_id)
            played = play(record.task.source, policy, EPISODES, "idle", "random")
            rates = [evaluation.success_rate for evaluation in played.values()]
        spent = (trial.steps, trial.seconds, trial.success_after) if trial else [None] * 3
        yield [record.number, record.status, *spent, *rates, record.idea.title]


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--minutes", type=float, default=8.0)
    bench.option("--seed", type=int, default=0)
    bench.option("--run-dir", type=Path, help="keep the run here")
    options = bench.start()
    run_dir = options.run_dir or Path(tempfile.mkdtemp()) / "run"
    limits = ("--plain", "--minutes", options.minutes, "--seed", options.seed)
    words = command("run", run_dir, *limits)
    spent_s = seconds(lambda: subprocess.run(words, check=True))
    with Archive.open(run_dir) as archive:
        records = archive.records()
    bench.say(f"\n{len(records)} journeys in {spent_s / 60:.1f} minutes, seed {options.seed}")
    rows = bench.table(COLUMNS, cells(records, run_dir))
    learned = [row for row in rows if row[1] == "learned"]
    others = [record for record in records if record.status != "learned"]
    bench.say("")
    bench.promise("at least 3 learned tasks", len(learned) >= 3)
    bench.promise(
        "each with 0.8 or more on the fresh seeds of its verdict",
        bool(learned) and all((row[4] or 0.0) >= 0.8 for row in learned),
    )
    bench.promise(
        "none solved by idle or random in half of the episodes",
        all(rate < 0.5 for row in learned for rate in row[6:8]),
    )
    bench.promise(
        "one journey of another status, with its reason", any(record.reason for record in others)
    )


if __name__ == "__main__":
    main()
