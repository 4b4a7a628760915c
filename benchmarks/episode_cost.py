"""What does it cost that nothing outlives an episode, and that what was shown is shown again?

A task's module is run anew for each episode, and before a verdict counts, some of the successes it
rests on are played again in a fresh process (`trainer/evidence/repeating.py`). Setup: tasks that
come with the package; for each a reset and a physics step of `TaskEnv` in computing time, the share
of a full episode that running the module takes, and a whole trial in which both are timed.

With `--against PYTHON`, the interpreter of another installation (of an older commit, say), physics
steps per second are compared too: the two take turns in processes of their own, in computing time,
and the median of the pairs' ratios is shown. Machines are noisy: compare within one run.
Duration: about 3 minutes; with `--against` 3 more.

    python benchmarks/episode_cost.py [--against PYTHON] [--rounds 9]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TASKS = ("r2d2/drive_to_beacon", "r2d2/push_crate_into_zone", "ant/walk_to_beacon")
PHYSICS_STEPS = 4000
EXAMPLES = Path(__file__).parents[1] / "examples" / "tasks"

# Run in either installation, so it uses what both have.
STEPPING = """
import json, sys, time
from pathlib import Path
import numpy as np
from taskwright import TaskEnv

source, steps = Path(sys.argv[1]).read_text(), int(sys.argv[2])
env = TaskEnv(source)
env.reset(seed=0)
random = np.random.default_rng(0)
env.action_space.seed(0)
done, spent = 0, 0.0
while done < steps:
    action = env.action_space.sample()
    began, before = time.process_time(), env.physics_steps
    *_, terminated, truncated, _ = env.step(action)
    spent += time.process_time() - began
    done += env.physics_steps - before
    if terminated or truncated:
        env.reset()
began = time.process_time()
for seed in range(50):
    env.reset(seed=seed)
reset_s = (time.process_time() - began) / 50
print(json.dumps({"step_s": spent / done, "reset_s": reset_s}))
"""


def measured(python: str, task: str) -> dict[str, float]:
    """Computing time of a physics step and of a reset, in a process of its own."""
    words = [python, "-c", STEPPING, str(EXAMPLES / f"{task}.py"), str(PHYSICS_STEPS)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd="/")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def module_s(task: str) -> float:
    """Computing time of running a task's module."""
    from taskwright.world import LoadedTask

    loaded = LoadedTask((EXAMPLES / f"{task}.py").read_text(encoding="utf-8"))
    began = time.process_time()
    for _ in range(500):
        loaded.new_class()
    return (time.process_time() - began) / 500


def trial(task: str) -> dict[str, Any]:
    """A whole trial: its seconds, its episodes, and the seconds that playing again took."""
    from taskwright.config import Config
    from taskwright.trainer import trial as trials
    from taskwright.trainer.requests import TrialRequest

    settings = Config().trainer.model_dump(exclude={"nearest_policies", "processes"})
    repeating_s, episodes = 0.0, 0

    def timed(plan: Any, successes: Any) -> None:
        nonlocal repeating_s
        began = time.monotonic()
        repeat(plan, successes)
        repeating_s += time.monotonic() - began

    def examined(outcome: Any, plan: Any, witness: Any, model: Any) -> Any:
        nonlocal episodes
        episodes = len(witness.episodes)
        return examine(outcome, plan, witness, model)

    repeat, examine = trials.require_repeatable, trials.examined
    trials.require_repeatable, trials.examined = timed, examined
    try:
        with tempfile.TemporaryDirectory() as folder:
            plan = TrialRequest(
                source=(EXAMPLES / f"{task}.py").read_text(encoding="utf-8"),
                robot=task.partition("/")[0],  # type: ignore[arg-type]
                seed=0,
                policy_path=str(Path(folder) / "policy.zip"),
                processes=2,
                **settings,
            )
            outcome = trials.run_trial(plan)
    finally:
        trials.require_repeatable, trials.examined = repeat, examine
    return {
        "verdict": outcome.verdict,
        "seconds": outcome.seconds,
        "episodes": episodes,
        "repeating_s": repeating_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", help="Python of another installation")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()

    print("| task | module, ms | reset, ms | physics step, ms | module's share of an episode |")
    print("|---|---|---|---|---|")
    modules = {}
    for task in TASKS:
        modules[task] = module_s(task)
        found = measured(sys.executable, task)
        episode_s = found["reset_s"] + 1000 * found["step_s"]
        print(
            f"| {task} | {1000 * modules[task]:.2f} | {1000 * found['reset_s']:.2f} | "
            f"{1000 * found['step_s']:.3f} | {modules[task] / episode_s:.2%} |"
        )

    print("\n| trial | verdict | seconds | episodes | modules, s | played again, s | share |")
    print("|---|---|---|---|---|---|---|")
    for task in TASKS:
        told = trial(task)
        spent = told["episodes"] * modules[task]
        share = (spent + told["repeating_s"]) / told["seconds"]
        print(
            f"| {task} | {told['verdict']} | {told['seconds']:.1f} | {told['episodes']} | "
            f"{spent:.2f} | {told['repeating_s']:.2f} | {share:.1%} |"
        )

    if options.against:
        print(f"\n| physics steps per second, {options.rounds} pairs | ours | other | ratio |")
        print("|---|---|---|---|")
        for task in TASKS:
            ours, others = [], []
            for _ in range(options.rounds):
                ours.append(1 / measured(sys.executable, task)["step_s"])
                others.append(1 / measured(options.against, task)["step_s"])
            ratios = sorted(a / b for a, b in zip(ours, others, strict=True))
            print(
                f"| {task} | {statistics.median(ours):,.0f} | {statistics.median(others):,.0f} | "
                f"{statistics.median(ratios):.3f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
            )


if __name__ == "__main__":
    main()
