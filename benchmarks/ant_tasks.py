"""Which Ant tasks are learned within ten minutes, with the walkers that come with the package and
without?

Setup: OMNI-EPIC's ten tasks for the Ant (`--omni-epic PATH` is a clone of its repository) and ours
in `examples/tasks/ant`; for each a trial with the package's own settings (300,000 agent steps, at
most ten minutes), once with the walkers and, with `--scratch`, once without.

Duration: at most 10 minutes for each trial. Results are appended to `--results`, a JSON file, as
they come; a trial whose result is there is skipped, so an interrupted run goes on.

Output: a table of verdict, success before and after, steps, seconds and the start that was chosen.

    python benchmarks/ant_tasks.py --omni-epic PATH
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from taskwright.config import TrainerConfig
from taskwright.executor.cores import processes_for
from taskwright.task import robot_named_in, to_json
from taskwright.trainer.locomotion import pretrained
from taskwright.trainer.plans import TrialPlan
from taskwright.trainer.trial import run_trial

EXAMPLES = Path(__file__).parents[1] / "examples/tasks/ant"
RESULTS = Path(__file__).parent / "data/ant_tasks.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--omni-epic", type=Path, help="a clone of OMNI-EPIC's repository")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--only", nargs="*", help="names of tasks")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--scratch", action="store_true", help="also without the walkers")
    parser.add_argument("--max-seconds", type=float, default=600.0)
    options = parser.parse_args()
    for seed in options.seeds:
        for name, source in tasks(options.omni_epic).items():
            if options.only is None or name in options.only:
                for walkers in (True, False) if options.scratch else (True,):
                    key = f"{name}, {'walkers' if walkers else 'scratch'}, seed {seed}"
                    attempt(key, source, seed, walkers, options.max_seconds, options.results)
    print(table(json.loads(options.results.read_text())))


def tasks(omni_epic: Path | None) -> dict[str, str]:
    """The sources of the tasks for the Ant by name."""
    paths = list(EXAMPLES.glob("*.py"))
    if omni_epic is not None:
        paths += (omni_epic / "omni_epic/envs/ant").glob("*.py")
    sources = {path.stem: path.read_text(encoding="utf-8") for path in sorted(paths)}
    # `base` is no task, and one of OMNI-EPIC's ten derives from R2D2's environment.
    return {
        name: text
        for name, text in sources.items()
        if name != "base" and robot_named_in(text) == "ant"
    }


def attempt(
    key: str, source: str, seed: int, walkers: bool, max_seconds: float, results: Path
) -> None:
    done = json.loads(results.read_text()) if results.exists() else {}
    if key in done:
        return
    settings = TrainerConfig(max_seconds=max_seconds)
    with tempfile.TemporaryDirectory() as scratch:
        plan = TrialPlan(
            source=source,
            robot="ant",
            seed=seed,
            policy_path=str(Path(scratch) / "policy.zip"),
            archived=pretrained("ant") if walkers else (),
            processes=processes_for(None, 1),
            **settings.model_dump(exclude={"nearest_policies", "processes"}),
        )
        load = os.getloadavg()[0]
        trial = run_trial(plan)
    done[key] = json.loads(to_json(trial)) | {"load": round(load, 1)}
    results.write_text(json.dumps(done, indent=1))
    print(key, trial.verdict, trial.reason, trial.screening, f"{trial.seconds:.0f} s", flush=True)


def table(done: dict[str, dict]) -> str:
    lines = ["| task | verdict | before | after | start | steps | seconds | load |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for key, trial in sorted(done.items()):
        cells = [
            key,
            trial["verdict"],
            _percent(trial["success_before"]),
            _percent(trial["success_after"]),
            trial["warm_start"] or "scratch",
            f"{trial['steps']:,}",
            f"{trial['seconds']:.0f}",
            f"{trial['load']:.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.0%}"


if __name__ == "__main__":
    main()
