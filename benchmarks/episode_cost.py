"""What does it cost that nothing outlives an episode, and that what was shown is shown again?

A task's module is run anew for each episode, and before a verdict counts, some of the successes
it rests on are played again in a fresh process (`trainer/evidence/repeating.py`).

Measures: with tasks that come with the package, a reset and a physics step of `TaskEnv` in
computing time, the share of a full episode that running the module takes, and a whole trial in
which both are timed.
Compared with: the whole episode and the whole trial; with `--against`, physics steps per second
of another installation (of an older commit, say).
Duration: about 3 minutes; with `--against` 3 more.

    python benchmarks/episode_cost.py [--against PATH] [--rounds 9]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

from harness import Benchmark, example, in_process, seconds, watched
from trials import try_task

from taskwright.trainer import trial as trials
from taskwright.world import LoadedTask

TASKS = ("r2d2/drive_to_beacon", "r2d2/push_crate_into_zone", "ant/walk_to_beacon")
PHYSICS_STEPS = 4000

# Run in either installation, so it uses what both have; each has its own file of an example.
STEPPING = """
import json, sys, time
from taskwright import TaskEnv
from taskwright.generator.seeds import EXAMPLES

env, steps = TaskEnv((EXAMPLES / f"{sys.argv[1]}.py").read_text()), int(sys.argv[2])
env.reset(seed=0)
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


def source_of(task: str) -> str:
    robot, _, name = task.partition("/")
    return example(name, robot)


def stepped(python: str, task: str) -> dict[str, float]:
    """Computing time of a physics step and of a reset, in a process of its own."""
    found: dict[str, float] = in_process(python, STEPPING, task, PHYSICS_STEPS)
    return found


def module_s(task: str) -> float:
    """Computing time of running a task's module."""
    loaded = LoadedTask(source_of(task))
    return seconds(lambda: [loaded.new_class() for _ in range(500)], time.process_time) / 500


def episodes(modules: dict[str, float]) -> Iterator[list[Any]]:
    for task in TASKS:
        modules[task] = module_s(task)
        found = stepped(sys.executable, task)
        whole_s = found["reset_s"] + 1000 * found["step_s"]
        times_ms = [1000 * each for each in (modules[task], found["reset_s"], found["step_s"])]
        yield [task, *times_ms, modules[task] / whole_s]


def trial_costs(modules: dict[str, float]) -> Iterator[list[Any]]:
    """Whole trials: seconds, episodes, and the seconds that modules and playing again took."""
    for task in TASKS:
        count, examine = 0, trials.examined

        def examined(
            outcome: Any, request: Any, evidence: Any, model: Any, call: Any = examine
        ) -> Any:
            nonlocal count
            count = len(evidence.episodes)
            return call(outcome, request, evidence, model)

        trials.examined = examined
        try:
            with watched(trials, "require_repeatable", time.monotonic) as again_s:
                outcome = try_task(source_of(task), 0, processes=2)
        finally:
            trials.examined = examine
        spent_s, repeating_s = count * modules[task], sum(again_s)
        share = (spent_s + repeating_s) / outcome.seconds
        yield [task, outcome.verdict, outcome.seconds, count, spent_s, repeating_s, share]


def main() -> None:
    bench = Benchmark(__doc__, rounds=9, against=True)
    bench.start()
    modules: dict[str, float] = {}
    columns = {"task": "", "module, ms": ".2f", "reset, ms": ".2f", "physics step, ms": ".3f"}
    bench.table(columns | {"module's share of an episode": ".2%"}, episodes(modules))
    columns = {"trial": "", "verdict": "", "seconds": ".1f", "episodes": "", "modules, s": ".2f"}
    bench.table(columns | {"played again, s": ".2f", "share": ".1%"}, trial_costs(modules))
    rates = {task: lambda python, task=task: 1 / stepped(python, task)["step_s"] for task in TASKS}
    bench.compare("physics steps per second", rates)


if __name__ == "__main__":
    main()
