"""What does the README's command bring about in some minutes, and does it hold?

Setup: runs `taskwright run` with the Composer in a new folder, then plays every kept policy on 96
further episodes with seeds that neither training nor the verdict has used, and beside it the idle
and the random policy.
Duration: the minutes given, and about half a minute after them.
Output: a table of all journeys, and whether the promises of the first light hold: at least three
learned tasks, each with a success rate of 0.8 or more, none solved by idle or random, and one
journey with another status and its reason.

    python benchmarks/first_light.py --minutes 8 --seed 0
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from taskwright.archive.folder import policy_path
from taskwright.archive.store import Archive
from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.task import Record
from taskwright.trainer.evidence.evaluation import Evaluation, evaluate
from taskwright.trainer.policies import Idle, Random, Trained, load_network

EPISODES = 96
FRESH_SEED = 987_654_321


def play(record: Record, run_dir: Path) -> dict[str, Evaluation]:
    """Trained, idle and random on the same fresh episodes."""
    assert record.task is not None
    with SandboxedEpisodes(record.task.source, record.task.robot, 16, 2) as episodes:
        path = policy_path(run_dir, record.task.task_id)
        network = load_network(episodes.observation_space, episodes.action_space, path)
        policies = {
            "trained": Trained(network),
            "idle": Idle(episodes.action_space),
            "random": Random(episodes.action_space, 1),
        }
        return {
            name: evaluate(episodes, policy, FRESH_SEED, EPISODES)
            for name, policy in policies.items()
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run-dir", type=Path, help="keep the run here")
    options = parser.parse_args()
    run_dir = options.run_dir or Path(tempfile.mkdtemp()) / "run"

    started = time.monotonic()
    command = [sys.executable, "-m", "taskwright", "run", str(run_dir), "--plain"]
    limits = ["--minutes", str(options.minutes), "--seed", str(options.seed)]
    subprocess.run([*command, *limits], check=True)
    minutes = (time.monotonic() - started) / 60

    with Archive.open(run_dir) as archive:
        records = archive.records()
    print(f"\n{len(records)} journeys in {minutes:.1f} minutes, seed {options.seed}\n")
    print("| # | status | steps | seconds | verdict's | trained | idle | random | task |")
    print("|---|---|---|---|---|---|---|---|---|")
    rates = []
    for record in records:
        trial = record.trial
        cells = ["-"] * 3
        if record.status == "learned":
            played = play(record, run_dir)
            rates.append(played)
            cells = [f"{played[name].success_rate:.2f}" for name in ("trained", "idle", "random")]
        after = (
            "-" if trial is None or trial.success_after is None else f"{trial.success_after:.2f}"
        )
        steps, seconds = (trial.steps, f"{trial.seconds:.0f}") if trial else ("-", "-")
        print(
            f"| {record.number} | {record.status} | {steps} | {seconds} | {after} | "
            f"{' | '.join(cells)} | {record.idea.title} |"
        )
    verdicts = [
        record.trial.success_after or 0.0 for record in records if record.status == "learned"
    ]
    others = [record for record in records if record.status != "learned"]
    print()
    promises = {
        "at least 3 learned tasks": len(verdicts) >= 3,
        "each with 0.8 or more on the fresh seeds of its verdict": min(verdicts, default=0) >= 0.8,
        "none solved by idle or random in half of the episodes": all(
            played[name].success_rate < 0.5 for played in rates for name in ("idle", "random")
        ),
        "one journey of another status, with its reason": any(record.reason for record in others),
    }
    for promise, holds in promises.items():
        print(f"{'yes' if holds else 'NO ':3} {promise}")


if __name__ == "__main__":
    main()
