"""What does the sandbox cost: in starting, in steps per second, and in memory?

Measures: with one hand-written example, the start of a child; a check as the first of a fresh
Python process (cold) and as one of many in the same process (warm); agent steps per second of
episodes in one sandboxed child, with the same seeds and actions for all; and the child's memory.
Compared with: the same stages without a sandbox; the same child without any protection, which
differs by the sandbox alone; and this process, which differs by two processes that wait for each
other too. With `--against`, the check in another installation.
Duration: about two minutes.

    python benchmarks/sandbox_cost.py
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence

import numpy as np
from harness import Benchmark, Ratio, example, in_process, in_turn, median, memory_mb, seconds

from taskwright.sandbox import vector
from taskwright.sandbox.checker import check_task
from taskwright.sandbox.checks import run_checks
from taskwright.sandbox.episodes import episode_seed
from taskwright.sandbox.processes.process import Child
from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.task import Task
from taskwright.world import TaskEnv

EXAMPLE = "find_open_doorway"
ENVIRONMENTS = 8
STEPS_A_ROUND = 400
ALL_PROTECTIONS = ("namespaces", "landlock", "bubblewrap", "seccomp")

# Run in either installation, so it uses what both have; each has its own file of the example.
CHECKING = """
import sys, time
from taskwright.generator.seeds import EXAMPLES
from taskwright.task import Task
from taskwright.sandbox import vector
from taskwright.sandbox.checker import check_task
task = Task((EXAMPLES / "r2d2" / f"{sys.argv[1]}.py").read_text())
if sys.argv[2] == "warm":
    check_task(task)
started = time.perf_counter()
outcome = check_task(task)
assert outcome.verdict == "passed", outcome
print(time.perf_counter() - started)
"""


def start_child() -> None:
    with Child() as child:
        child.wait_until_ready()


def unsandboxed_rate(source: str, actions: np.ndarray) -> float:
    """Agent steps per second of environments in this process, that reset themselves."""
    environments = [TaskEnv(source) for _ in range(ENVIRONMENTS)]
    episodes = [0] * ENVIRONMENTS
    for n, env in enumerate(environments):
        env.reset(seed=episode_seed(0, n, 0))

    def step(row: np.ndarray) -> None:
        for n, (env, action) in enumerate(zip(environments, row, strict=True)):
            _, _, terminated, truncated, info = env.step(int(action))
            if terminated or truncated or info["is_success"]:
                episodes[n] += 1
                env.reset(seed=episode_seed(0, n, episodes[n]))

    rate = actions.size / seconds(lambda: [step(row) for row in actions])
    for env in environments:
        env.close()
    return rate


def child_rate(source: str, actions: np.ndarray, without: Sequence[str] = ()) -> float:
    """The same in one child, which lacks some protections."""
    vector.Child = functools.partial(Child, without=without)
    with SandboxedEpisodes(source, "r2d2", ENVIRONMENTS, processes=1) as episodes:
        episodes.reset(seed=0)
        return actions.size / seconds(lambda: [episodes.step(row) for row in actions])


def main() -> None:
    bench = Benchmark(__doc__, rounds=7, against=True)
    options = bench.start()
    source = example(EXAMPLE)
    task = Task(source)

    cold = [in_process(sys.executable, CHECKING, EXAMPLE, "cold") for _ in range(3)]
    start_child()
    starts = [seconds(start_child) for _ in range(50)]
    work = {
        "check": lambda: seconds(lambda: check_task(task)),
        "stages": lambda: seconds(lambda: run_checks(source, "r2d2", tell=lambda stage: None)),
    }
    inside, outside = in_turn(work, options.rounds, warm_up=True).values()

    actions = np.random.default_rng(0).integers(6, size=(STEPS_A_ROUND, ENVIRONMENTS))
    rates = {
        "1 sandboxed child": lambda: child_rate(source, actions),
        "1 unprotected child": lambda: child_rate(source, actions, ALL_PROTECTIONS),
        "this process": lambda: unsandboxed_rate(source, actions),
    }
    sandboxed, unprotected, here = in_turn(rates, options.rounds).values()

    with SandboxedEpisodes(source, "r2d2", ENVIRONMENTS, processes=1) as episodes:
        episodes.reset(seed=0)
        own_mb = memory_mb(episodes._children[0].pid, "Private")

    of_unprotected, of_here = Ratio.of(sandboxed, unprotected), Ratio.of(sandboxed, here)
    sandbox_s = median(inside) - median(outside)
    bench.table(
        {"what": "", "median": "", "unit": ""},
        [
            ["start of a child, warm", f"{1000 * median(starts):.1f}", "ms"],
            ["check, cold (with the fork server)", f"{median(cold):.2f}", "s"],
            ["check, warm", f"{median(inside):.2f}", "s"],
            ["the same stages without a sandbox", f"{median(outside):.2f}", "s"],
            ["so the sandbox costs a check", f"{sandbox_s:.2f}", "s"],
            *([f"agent steps/s, {name}", f"{median(each):.0f}", ""]
              for name, each in zip(rates, (sandboxed, unprotected, here), strict=True)),
            ["sandboxed against unprotected child", f"{of_unprotected:.0%}", ""],
            ["sandboxed against this process", f"{of_here:.0%}", ""],
            [f"memory of a child with {ENVIRONMENTS} environments", f"{own_mb:.1f}", "MB"],
        ],
    )  # fmt: skip
    checks = {
        f"a check, {kind}": lambda python, kind=kind: in_process(python, CHECKING, EXAMPLE, kind)
        for kind in ("cold", "warm")
    }
    bench.compare("seconds", checks)


if __name__ == "__main__":
    main()
