"""What does a step cost in the vector environment of an exported package?

Measures: agent steps per second of the package's `make_vec`, for the example task
`drive_to_beacon`: of the clock, and of all processors, which hangs less on what else the machine
does but holds the start of processes too.
Compared with: as many environments in Gymnasium's `AsyncVectorEnv` (a process each) and in its
`SyncVectorEnv` (this process), in turn.
Duration: about a minute.

    python benchmarks/export_vector.py --environments 16 --rounds 3
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from harness import Benchmark, Ratio, example, in_turn, seconds

from taskwright.exporter.package import export_package
from taskwright.task import Idea, Record, Task, Trial


class Make:
    """An environment, made in whatever process this is called in."""

    def __init__(self, package: str) -> None:
        self.package = package

    def __call__(self) -> Any:
        tasks = importlib.import_module(self.package)
        return tasks.make(tasks.metadata()["tasks"][0]["name"])


def rates(make: Callable[[], Any], steps: int) -> tuple[float, float]:
    """Agent steps per second of the clock, and of the processors, with starting and resets left
    out of the first."""
    before = sum(os.times()[:4])
    envs = make()
    envs.reset(seed=0)
    envs.action_space.seed(0)
    clock_s = seconds(lambda: [envs.step(envs.action_space.sample()) for _ in range(steps)])
    envs.close()
    # What worker processes have used is counted when they have ended.
    spent = sum(os.times()[:4]) - before
    count = steps * envs.num_envs
    return count / clock_s, count / spent


def main() -> None:
    bench = Benchmark(__doc__, rounds=3)
    bench.option("--environments", type=int, default=16)
    bench.option("--steps", type=int, default=300)
    options = bench.start()
    idea, task = Idea("Drive to the beacon", "", "", "", ""), Task(example("drive_to_beacon"))
    record = Record(1, "learned", "an example", idea, task, trial=Trial("learned", ""))
    with tempfile.TemporaryDirectory() as scratch:
        export_package([record], Path(scratch) / "out", "measured_tasks")
        sys.path.insert(0, f"{scratch}/out")
        os.environ["PYTHONPATH"] = f"{scratch}/out"
        tasks = importlib.import_module("measured_tasks")
        makers = [Make("measured_tasks")] * options.environments
        kinds: dict[str, Callable[[], Any]] = {
            "make_vec of the package": lambda: tasks.make_vec(None, options.environments),
            "AsyncVectorEnv": lambda: AsyncVectorEnv(makers),
            "SyncVectorEnv": lambda: SyncVectorEnv(makers),
        }
        works = {kind: lambda make=make: rates(make, options.steps) for kind, make in kinds.items()}
        found = in_turn(works, options.rounds)
    ours = found["make_vec of the package"].T
    columns = {"environments": "", "steps/s": ",.0f", "beside the package": ".2f"}
    columns |= {"steps per processor second": ",.0f", "beside it": ".2f"}
    bench.table(
        columns,
        (
            [kind, np.median(clock), Ratio.of(clock, ours[0]),
             np.median(processor), Ratio.of(processor, ours[1])]
            for kind, (clock, processor) in ((kind, each.T) for kind, each in found.items())
        ),
    )  # fmt: skip


if __name__ == "__main__":
    main()
