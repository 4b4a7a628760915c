"""Which tasks of the Ant are learned within ten minutes, steered by the gait that comes with it?

Setup: OMNI-EPIC's tasks for the Ant (`--omni-epic PATH` is a clone of its repository) and ours in
`examples/tasks/ant`; for each a trial with the package's own settings, from scratch, but that
nothing is too easy.
Duration: a minute a trial on two quiet cores. Results are appended to a file, one JSON document a
line, and what is in it is not run again; `--table` only prints.
Output: a row for each trial.

    python benchmarks/ant_tasks.py --omni-epic PATH --results ant.jsonl
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from taskwright.config import TrainerConfig
from taskwright.executor.local import cores
from taskwright.generator.seeds import EXAMPLES
from taskwright.task import Trial, from_json, robot_named_in, to_json
from taskwright.trainer.requests import TrialRequest
from taskwright.trainer.trial import run_trial

NEVER = 2.0
"""A success rate that nobody reaches."""
MAX_SECONDS = 600.0


def tasks(omni_epic: Path | None) -> Iterator[tuple[str, str, str]]:
    """Where a task is from, its name, its source."""
    folders = {"examples": EXAMPLES / "ant"}
    if omni_epic:
        folders["OMNI-EPIC"] = omni_epic / "omni_epic" / "envs" / "ant"
    for origin, folder in folders.items():
        for path in sorted(folder.glob("*.py")):
            source = path.read_text(encoding="utf-8")
            # `base` is no task, and one of OMNI-EPIC's ten derives from R2D2's environment.
            if path.stem not in ("base", "__init__") and robot_named_in(source) == "ant":
                yield origin, path.stem, source


def try_task(source: str, seed: int) -> Trial:
    config = TrainerConfig(processes=cores(), max_seconds=MAX_SECONDS)
    settings = config.model_dump(exclude={"nearest_policies"})
    with tempfile.TemporaryDirectory() as folder:
        policy = str(Path(folder) / "policy.zip")
        settings["easy_success_rate"] = NEVER
        return run_trial(TrialRequest(source, "ant", seed, policy, **settings))


def read(results: Path) -> list[dict[str, Any]]:
    if not results.exists():
        return []
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


def line(row: dict[str, Any]) -> str:
    trial = from_json(Trial, json.dumps(row["trial"]))
    ahead = trial.screening.get("walking straight ahead", 0.0)
    cells = [
        row["origin"],
        row["task"],
        str(row["seed"]),
        f"{ahead:.0%}",
        trial.verdict,
        f"{trial.successes} of {trial.episodes}",
        f"{trial.steps:,}",
        f"{trial.seconds:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--omni-epic", type=Path, help="a clone of OMNI-EPIC's repository")
    parser.add_argument("--tasks", nargs="+", default=[], help="only these, by their file's name")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--results", type=Path, default=Path("ant.jsonl"))
    parser.add_argument("--table", action="store_true", help="only print what there is")
    options = parser.parse_args()
    done = {(row["origin"], row["task"], row["seed"]) for row in read(options.results)}
    for seed in options.seeds if not options.table else ():
        for origin, name, source in tasks(options.omni_epic):
            if (origin, name, seed) in done or (options.tasks and name not in options.tasks):
                continue
            trial = try_task(source, seed)
            row = {
                "origin": origin,
                "task": name,
                "seed": seed,
                "trial": json.loads(to_json(trial)),
            }
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(line(row), flush=True)
    print("\n| from | task | seed | straight ahead | verdict | examined | steps | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for row in sorted(read(options.results), key=lambda r: (r["origin"], r["task"], r["seed"])):
        print(line(row))


if __name__ == "__main__":
    main()
