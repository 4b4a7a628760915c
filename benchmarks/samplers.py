"""Which sampler makes the better generalist of an archive's tasks, with the same number of steps?

Setup: for each sampler and seed, `taskwright train RUN_DIR --all` trains one policy on all kept
tasks and evaluates it on fresh seeds of every task. What is there already is not done again, so
that more seeds or samplers can be added later, and a run that was stopped goes on.
Duration: samplers x seeds x steps; two idle cores do some 700 steps a second.
Output: per sampler the success rate, the mean over the tasks and the seeds, its 95 % interval, and
the learning curve; then every task's success by sampler. All of it lies in `RUN_DIR/generalists/`,
where reports find it too.

    python benchmarks/samplers.py runs/default --steps 300000 --seeds 3
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from taskwright.archive.generalists import compare_samplers, mean_curve, read_generalists
from taskwright.cli.terminal import sparkline
from taskwright.curriculum import CURRICULA


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--steps", type=int, default=300_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=32, help="per task, in the evaluation")
    parser.add_argument("--samplers", nargs="+", default=list(CURRICULA), choices=CURRICULA)
    parser.add_argument("--robot", help="whose tasks, where there are several robots'")
    options = parser.parse_args()
    for seed in range(options.seeds):
        for sampler in options.samplers:
            command = [sys.executable, "-m", "taskwright", "train", str(options.run_dir), "--all"]
            command += ["--sampler", sampler, "--seed", str(seed)]
            command += ["--steps", str(options.steps), "--episodes", str(options.episodes)]
            if options.robot:
                command += ["--robot", options.robot]
            # Status 1: a task was dropped. It is dropped with each of the samplers.
            if subprocess.run(command, check=False).returncode not in (0, 1):
                sys.exit(f"{' '.join(command)} has failed.")
    show(options.run_dir)


def show(run_dir: Path) -> None:
    """Print what the generalists of a run folder have come to."""
    generalists = read_generalists(run_dir)
    print("\n| sampler | tasks | steps | seeds | success | 95 % interval |")
    print("|---|---|---|---|---|---|")
    for result in compare_samplers(generalists):
        low, high = result.interval
        print(
            f"| {result.sampler} | {result.tasks} | {result.steps} | {len(result.seeds)} | "
            f"{result.mean:.3f} | {low:.3f} to {high:.3f} |"
        )
    print("\nSuccess in training, the mean over the tasks, from the first step to the last:\n")
    for generalist in generalists:
        curve = [rate for _, rate in mean_curve(generalist)]
        last = f"{curve[-1]:.0%}" if curve else "-"
        print(f"{generalist.name:>36} {sparkline(curve, 60)} {last}")
    tasks = {skill.task_id: skill.title for g in generalists for skill in g.tasks}
    print(f"\n| task | {' | '.join(g.name for g in generalists)} |")
    print("|---" * (len(generalists) + 1) + "|")
    for task_id, title in tasks.items():
        skills = [{s.task_id: s for s in g.tasks}.get(task_id) for g in generalists]
        cells = [f"{skill.success_rate:.2f}" if skill else "-" for skill in skills]
        print(f"| {title} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
