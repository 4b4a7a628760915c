"""How long does a verdict on learnability take, and how sure is it?

Setup: OMNI-EPIC's hand-written tasks for R2D2 (a checkout of its repository is read, and its
modules are replaced by ours) and the example tasks, from scratch, with the default settings of
`train`. Each learned verdict is confirmed, or not, by 50 further episodes whose seed nothing has
seen. What is too easy is trained all the same, to see whether it could be learned.
Duration: about a minute a trial on two quiet cores; 19 tasks and three seeds about an hour.
`--results` keeps each trial as it ends, and what is in it is not run again: a table can be made in
parts, with `--tasks` and `--seeds`, and printed again with `--table`.
Output: a row for each trial, and in the end the share learned, the median and the slowest.

    python benchmarks/time_to_verdict.py --omni-epic PATH --results verdicts.jsonl
    python benchmarks/time_to_verdict.py --results verdicts.jsonl --table
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from taskwright.config import TrainerConfig
from taskwright.executor.local import cores
from taskwright.generator.seeds import EXAMPLES
from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.task import Trial, from_json, to_json
from taskwright.trainer.evidence.evaluation import Evaluation, evaluate
from taskwright.trainer.policies import Trained, load_network
from taskwright.trainer.requests import TrialRequest
from taskwright.trainer.trial import run_trial

FRESH_SEED = 987_654_321
FRESH_EPISODES = 50
CONFIRMED_RATE = 0.8
NEVER = 2.0
"""A success rate that nobody reaches."""
PROCESSES = cores()


def confirm(source: str, policy_path: str) -> Evaluation:
    """Episodes that nothing has seen. Five environments, so that they are exactly 50."""
    with SandboxedEpisodes(source, "r2d2", 5, min(PROCESSES, 5)) as episodes:
        network = load_network(episodes.observation_space, episodes.action_space, policy_path)
        return evaluate(episodes, Trained(network, 1), FRESH_SEED, FRESH_EPISODES)


def try_task(source: str, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """A trial and, where it has learned, its confirmation."""
    with tempfile.TemporaryDirectory() as folder:
        policy = str(Path(folder) / "policy.zip")
        trial = run_trial(TrialRequest(source, "r2d2", seed, policy, **settings))
        told: dict[str, Any] = {"trial": json.loads(to_json(trial))}
        if trial.verdict == "learned":
            told["fresh_successes"] = confirm(source, policy).successes
    return told


def tasks(omni_epic: Path | None) -> Iterator[tuple[str, str, Path]]:
    """Where a task is from, its name, its file."""
    if omni_epic:
        for path in sorted((omni_epic / "omni_epic" / "envs" / "r2d2").glob("*.py")):
            if path.stem not in ("__init__", "base"):
                yield "OMNI-EPIC", path.stem, path
    for path in sorted((EXAMPLES / "r2d2").glob("*.py")):
        yield "examples", path.stem, path


def read(results: Path) -> list[dict[str, Any]]:
    if not results.exists():
        return []
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


def measure(options: argparse.Namespace) -> None:
    """Run what is not in the results yet, one seed after the other."""
    done = {(row["origin"], row["task"], row["seed"]) for row in read(options.results)}
    config = TrainerConfig(
        processes=PROCESSES,
        max_seconds=options.max_seconds,
        patience_steps=options.patience_steps,
        learner="ppo" if options.ppo else "auto",
    )
    settings = config.model_dump(exclude={"nearest_policies"})
    for seed in options.seeds:
        for origin, name, path in tasks(options.omni_epic):
            wanted = not options.tasks or name in options.tasks
            if not wanted or (origin, name, seed) in done:
                continue
            source = path.read_text(encoding="utf-8")
            tried = try_task(source, seed, settings)
            row = {"origin": origin, "task": name, "seed": seed, **tried}
            if row["trial"]["verdict"] == "too_easy":
                anyway = {**settings, "easy_success_rate": NEVER}
                row["anyway"] = try_task(source, seed, anyway)
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(line(row), flush=True)


HEADER = """\
| from | task | seed | verdict | seconds | steps | success | 95 % interval | 50 more | ended by |
|---|---|---|---|---|---|---|---|---|---|"""


def trial_in(told: dict[str, Any]) -> Trial:
    return from_json(Trial, json.dumps(told["trial"]))


def line(row: dict[str, Any]) -> str:
    """A trial as a row of the table; beside what was too easy, what training came to."""
    trial = trial_in(row)
    low, high = trial.interval or (0.0, 0.0)
    cells = [
        row["origin"],
        row["task"],
        str(row["seed"]),
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
        cells[8] = "" if fresh is None else f"({fresh})"
        cells[9] += f"; trained all the same: {anyway.verdict} in {anyway.steps:,} steps"
    return f"| {' | '.join(cells)} |"


def print_table(rows: list[dict[str, Any]]) -> None:
    print(HEADER)
    for row in sorted(rows, key=lambda row: (row["origin"], row["task"], row["seed"])):
        print(line(row))
    trials = [trial_in(row) for row in rows]
    seconds = [trial.seconds for trial in trials]
    learned = [row for row in rows if row["trial"]["verdict"] == "learned"]
    confirmed = [r for r in learned if r["fresh_successes"] >= CONFIRMED_RATE * FRESH_EPISODES]
    print(
        f"\n{len(learned)} of {len(rows)} learned, {len(confirmed)} of these confirmed; "
        f"{sum(trial.verdict == 'too_easy' for trial in trials)} too easy. "
        f"Seconds: median {statistics.median(seconds):.0f}, most {max(seconds):.0f}; "
        f"steps: median {statistics.median(trial.steps for trial in trials):,.0f}"
    )
    for origin in sorted({row["origin"] for row in rows}):
        of_origin = [row for row in rows if row["origin"] == origin]
        names = sorted({row["task"] for row in of_origin})
        always = [
            name
            for name in names
            if all(r["trial"]["verdict"] == "learned" for r in of_origin if r["task"] == name)
        ]
        print(f"{origin}: {len(always)} of {len(names)} tasks learned with every seed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--omni-epic", type=Path, help="a checkout of its repository")
    parser.add_argument("--tasks", nargs="+", default=[], help="only these, by their file's name")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--max-seconds", type=float, default=600.0, help="more on a busy machine")
    parser.add_argument(
        "--patience-steps",
        type=int,
        default=TrainerConfig().patience_steps,
        help="as many as the limit of steps, to record curves for verdict_errors.py",
    )
    parser.add_argument(
        "--ppo", action="store_true", help="learn by stable-baselines3's PPO, to compare"
    )
    parser.add_argument("--results", type=Path, default=Path("verdicts.jsonl"))
    parser.add_argument("--table", action="store_true", help="only print what there is")
    options = parser.parse_args()
    if not options.table:
        print(HEADER)
        measure(options)
        print()
    rows = read(options.results)
    if not rows:
        parser.exit(2, f"There is nothing in {options.results} yet.\n")
    print_table(rows)


if __name__ == "__main__":
    main()
