"""How much of two cores do vectorised environments use?

Measures: agent steps per second of `TaskVectorEnv` with two sandboxed children and several
environments in each; one hand-written example, random actions.
Compared with: two plain processes that each step their own environments at the same time,
unsynchronised and without a sandbox (more than that two cores cannot give), and Gymnasium's own
`AsyncVectorEnv`, a process for each environment, without a sandbox. All of it lives through the
whole run. With `--against`, `TaskVectorEnv` of another installation.
Duration: about two minutes. Where other work runs beside it, `chrt -f 1` before the command gives
it the processor first.

    python benchmarks/vector_speed.py --rounds 9 --seconds 1.0
"""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from gymnasium.vector import AsyncVectorEnv, AutoresetMode, VectorEnv
from harness import (
    Benchmark,
    Ratio,
    act_at_random,
    example,
    in_process,
    in_turn,
    median,
    per_second,
)

from taskwright import TaskEnv, TaskVectorEnv

EXAMPLE = "find_open_doorway"
PROCESSES = 2
REFERENCE = 8
"""Environments in each plain process."""
VECTORS = ((2, 1), (2, 2), (2, 4), (2, 8), (2, 16), (4, 4))
"""Children, and environments in each."""

# Run in either installation, so it uses what both have; each has its own file of the example.
STEPPING = """
import sys, time
from taskwright import TaskVectorEnv
from taskwright.generator.seeds import EXAMPLES

source = (EXAMPLES / "r2d2" / f"{sys.argv[1]}.py").read_text()
envs = TaskVectorEnv(source, 16, processes=2)
envs.reset(seed=0)
envs.action_space.seed(0)
steps, started = -16 * 20, time.perf_counter()
while time.perf_counter() < started + float(sys.argv[2]):
    envs.step(envs.action_space.sample())
    steps += 16
    if steps == 0:
        started = time.perf_counter()
print(steps / (time.perf_counter() - started))
"""


def plain_process(source: str, seed: int, commands: Connection) -> None:
    """Answer each number of seconds with the agent steps per second made in that time."""
    # Sandboxed children lead a session each, and Linux shares out a busy machine by session.
    os.setsid()
    envs = [TaskEnv(source) for _ in range(REFERENCE)]
    for n, env in enumerate(envs):
        env.reset(seed=seed + n)
        env.action_space.seed(seed + n)

    def step() -> int:
        for env in envs:
            act_at_random(env)
        return len(envs)

    commands.send(0.0)
    while spend_s := commands.recv():
        commands.send(per_second(step, spend_s))


def plain_processes(source: str) -> list[Connection]:
    context = multiprocessing.get_context("spawn")
    workers: list[Connection] = []
    for n in range(PROCESSES):
        ours, theirs = context.Pipe()
        arguments = (source, 1000 * n, theirs)
        context.Process(target=plain_process, args=arguments, daemon=True).start()
        workers.append(ours)
    for worker in workers:
        worker.recv()
    return workers


def main() -> None:
    bench = Benchmark(__doc__, rounds=9, against=True)
    bench.option("--seconds", type=float, default=1.0, help="for each row in each round")
    bench.option("--task", type=Path, help="the file of a task, rather than an example")
    options = bench.start()
    source = options.task.read_text("utf-8") if options.task else example(EXAMPLE)
    workers = plain_processes(source)

    def plain_rate() -> float:
        for worker in workers:
            worker.send(options.seconds)
        return sum(worker.recv() for worker in workers)

    def step(envs: VectorEnv) -> int:
        envs.step(envs.action_space.sample())
        return envs.num_envs

    vectors: dict[str, VectorEnv] = {
        f"TaskVectorEnv, {children} children, {each} each": TaskVectorEnv(
            source, children * each, processes=children
        )
        for children, each in VECTORS
    }
    count = PROCESSES * REFERENCE
    vectors[f"AsyncVectorEnv, {count} processes, 1 each"] = AsyncVectorEnv(
        [functools.partial(TaskEnv, source)] * count,
        context="spawn",
        autoreset_mode=AutoresetMode.SAME_STEP,
    )
    plain = f"{PROCESSES} plain processes, {REFERENCE} each, unsynchronised"
    works: dict[str, Callable[[], float]] = {plain: plain_rate}
    for name, envs in vectors.items():
        envs.reset(seed=0)
        envs.action_space.seed(0)
        works[name] = functools.partial(per_second, functools.partial(step, envs), options.seconds)

    rates = in_turn(works, options.rounds, warm_up=True)
    ratios = {name: Ratio.of(each, rates[plain]) for name, each in rates.items()}
    bench.table(
        {
            "environments": "",
            "agent steps/s": ",.0f",
            "of the plain processes": ".0%",
            "lowest": ".0%",
            "highest": ".0%",
        },
        (
            [name, median(rates[name]), ratio, ratio.lowest, ratio.highest]
            for name, ratio in ratios.items()
        ),
    )
    for worker in workers:
        worker.send(0.0)
    for envs in vectors.values():
        envs.close()
    stepping = {"2 children, 8 each": lambda python: in_process(python, STEPPING, EXAMPLE, 2.0)}
    bench.compare("TaskVectorEnv, agent steps/s", stepping)


if __name__ == "__main__":
    main()
