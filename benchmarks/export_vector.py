"""What does a step cost in the vector environment of an exported package, beside Gymnasium's own?

    python benchmarks/export_vector.py --environments 16 --rounds 3

Exports the example task `drive_to_beacon`, and steps as many environments of it in the package's
`make_vec`, in Gymnasium's `AsyncVectorEnv` (a process each) and in its `SyncVectorEnv` (this
process), in turns. Prints agent steps per second of the clock, and of all processors, which hangs
less on what else the machine does but holds the start of processes too. About a minute.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv

from taskwright.exporter.package import export_package
from taskwright.task import Idea, Record, Task, Trial

EXAMPLE = Path(__file__).parents[1] / "examples" / "tasks" / "r2d2" / "drive_to_beacon.py"


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
    started = time.perf_counter()
    for _ in range(steps):
        envs.step(envs.action_space.sample())
    seconds = time.perf_counter() - started
    envs.close()
    # What worker processes have used is counted when they have ended.
    spent = sum(os.times()[:4]) - before
    count = steps * envs.num_envs
    return count / seconds, count / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environments", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    record = Record(
        1,
        "learned",
        "an example",
        Idea("Drive to the beacon", "", "", "", ""),
        Task(EXAMPLE.read_text()),
        trial=Trial("learned", ""),
    )
    with tempfile.TemporaryDirectory() as scratch:
        export_package([record], Path(scratch) / "out", "measured_tasks")
        sys.path.insert(0, f"{scratch}/out")
        os.environ["PYTHONPATH"] = f"{scratch}/out"
        tasks = importlib.import_module("measured_tasks")
        makers = [Make("measured_tasks")] * arguments.environments
        kinds: dict[str, Callable[[], Any]] = {
            "make_vec of the package": lambda: tasks.make_vec(None, arguments.environments),
            "AsyncVectorEnv": lambda: AsyncVectorEnv(makers),
            "SyncVectorEnv": lambda: SyncVectorEnv(makers),
        }
        found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
        for _ in range(arguments.rounds):
            for kind, make in kinds.items():
                found[kind].append(rates(make, arguments.steps))
    first = np.median(found["make_vec of the package"], axis=0)
    print("| | steps/s | beside | steps per processor second | beside |\n|---|---|---|---|---|")
    for kind, told in found.items():
        clock, processor = np.median(told, axis=0)
        print(
            f"| {kind} | {clock:,.0f} | {clock / first[0]:.2f} "
            f"| {processor:,.0f} | {processor / first[1]:.2f} |"
        )


if __name__ == "__main__":
    main()
