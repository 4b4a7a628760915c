"""What does the sandbox cost: in starting, in steps per second, and in memory?

Setup: one hand-written example. A check is timed as the first of a fresh Python process (cold) and
as one of many in the same process (warm), beside the same stages run without a sandbox. Episodes
are stepped with the same seeds and random actions in one sandboxed child, in the same child without
any protection, and in this process, in alternating rounds: the first two differ by the sandbox, the
last by being two processes that wait for each other. Ratios come from one run, as machines are
noisy.

Duration: about two minutes. Prints a table.

    python benchmarks/sandbox_cost.py
"""

from __future__ import annotations

import argparse
import functools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from taskwright.sandbox import vector
from taskwright.sandbox.checker import check_task
from taskwright.sandbox.checks import run_checks
from taskwright.sandbox.episodes import episode_seed
from taskwright.sandbox.processes.process import Child
from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.task import Task
from taskwright.world import TaskEnv

EXAMPLE = Path(__file__).parents[1] / "examples/tasks/r2d2/find_open_doorway.py"
ENVIRONMENTS = 8
STEPS_A_ROUND = 400
ALL_PROTECTIONS = ("namespaces", "landlock", "bubblewrap", "seccomp")

COLD = """
import sys, time
from taskwright.task import Task
from taskwright.sandbox import vector
from taskwright.sandbox.checker import check_task
task = Task(open(sys.argv[1]).read())
started = time.perf_counter()
outcome = check_task(task)
assert outcome.verdict == "passed", outcome
print(time.perf_counter() - started)
"""


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def start_child() -> None:
    with Child() as child:
        child.wait_until_ready()


def unsandboxed_rate(source: str, actions: np.ndarray) -> float:
    """Agent steps per second of environments in this process, that reset themselves."""
    environments = [TaskEnv(source) for _ in range(ENVIRONMENTS)]
    episodes = [0] * ENVIRONMENTS
    for n, env in enumerate(environments):
        env.reset(seed=episode_seed(0, n, 0))
    started = time.perf_counter()
    for row in actions:
        for n, (env, action) in enumerate(zip(environments, row, strict=True)):
            _, _, terminated, truncated, info = env.step(int(action))
            if terminated or truncated or info["is_success"]:
                episodes[n] += 1
                env.reset(seed=episode_seed(0, n, episodes[n]))
    rate = actions.size / (time.perf_counter() - started)
    for env in environments:
        env.close()
    return rate


def child_rate(source: str, actions: np.ndarray, without: Sequence[str] = ()) -> float:
    """The same in one child, which lacks some protections."""
    vector.Child = functools.partial(Child, without=without)
    with SandboxedEpisodes(source, "r2d2", ENVIRONMENTS, processes=1) as episodes:
        episodes.reset(seed=0)
        started = time.perf_counter()
        for row in actions:
            episodes.step(row)
        return actions.size / (time.perf_counter() - started)


def own_memory_mb(pid: int) -> float:
    """Memory of a process that it shares with no other."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in rollup if line.startswith("Private")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    task = Task(EXAMPLE.read_text(encoding="utf-8"))

    cold = [
        float(
            subprocess.run(
                [sys.executable, "-c", COLD, str(EXAMPLE)],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for _ in range(3)
    ]
    start_child()
    starts = [seconds(start_child) for _ in range(50)]
    run_checks(task.source, task.robot, tell=lambda stage: None)
    inside, outside = [], []
    for _ in range(rounds):
        inside.append(seconds(lambda: check_task(task)))
        outside.append(
            seconds(lambda: run_checks(task.source, task.robot, tell=lambda stage: None))
        )

    actions = np.random.default_rng(0).integers(6, size=(STEPS_A_ROUND, ENVIRONMENTS))
    rates = [
        (
            child_rate(task.source, actions),
            child_rate(task.source, actions, ALL_PROTECTIONS),
            unsandboxed_rate(task.source, actions),
        )
        for _ in range(rounds)
    ]
    sandboxed, unprotected, here = (
        statistics.median(column) for column in zip(*rates, strict=True)
    )

    with SandboxedEpisodes(task.source, "r2d2", ENVIRONMENTS, processes=1) as episodes:
        episodes.reset(seed=0)
        memory_mb = own_memory_mb(episodes._children[0].pid)

    median = statistics.median
    print(f"start of a child, warm                {1000 * median(starts):8.1f} ms")
    print(f"check, cold (with the fork server)    {median(cold):8.2f} s")
    print(f"check, warm                           {median(inside):8.2f} s")
    print(f"the same stages without a sandbox     {median(outside):8.2f} s")
    print(f"so the sandbox costs a check          {median(inside) - median(outside):8.2f} s")
    print(f"agent steps/s, 1 sandboxed child      {sandboxed:8.0f}")
    print(f"agent steps/s, 1 unprotected child    {unprotected:8.0f}")
    print(f"agent steps/s, this process           {here:8.0f}")
    print(f"sandboxed against unprotected child   {median(a / b for a, b, _ in rates):8.0%}")
    print(f"sandboxed against this process        {median(a / c for a, _, c in rates):8.0%}")
    print(f"memory of a child with {ENVIRONMENTS} environments {memory_mb:8.1f} MB")


if __name__ == "__main__":
    main()
