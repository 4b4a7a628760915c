"""How much of two cores do vectorised environments use?

Setup: one hand-written example, random actions. The yardstick is two plain processes that each step
their own environments at the same time, unsynchronised and without a sandbox: more than that two
cores cannot give. Beside it `TaskVectorEnv` with two sandboxed children and several environments in
each, and Gymnasium's own `AsyncVectorEnv`, a process for each environment, with the same
environments and without a sandbox. All of it lives through the whole run; each round measures
everything in turn, and the ratios are medians over the rounds of ratios within a round, since
machines are noisy.

Duration: about two minutes. Prints a table. Where other work runs beside it, `chrt -f 1` before the
command gives it the processor first.

    python benchmarks/vector_speed.py --rounds 9 --seconds 1.0
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from gymnasium.vector import AsyncVectorEnv, AutoresetMode, VectorEnv

from taskwright import TaskEnv, TaskVectorEnv

EXAMPLE = Path(__file__).parents[1] / "examples/tasks/r2d2/find_open_doorway.py"
PROCESSES = 2
REFERENCE = 8
"""Environments in each plain process."""
VECTORS = ((2, 1), (2, 2), (2, 4), (2, 8), (2, 16), (4, 4))
"""Children, and environments in each."""
WARM_UP_S = 0.2


def plain_process(source: str, seed: int, commands: Connection) -> None:
    """Answer each number of seconds with the agent steps per second made in that time."""
    # Sandboxed children lead a session each, and Linux shares out a busy machine by session.
    os.setsid()
    envs = [TaskEnv(source) for _ in range(REFERENCE)]
    for n, env in enumerate(envs):
        env.reset(seed=seed + n)
        env.action_space.seed(seed + n)
    commands.send(0.0)
    while seconds := commands.recv():
        steps, started = 0, time.perf_counter()
        while time.perf_counter() < started + seconds:
            for env in envs:
                _, _, terminated, truncated, _ = env.step(env.action_space.sample())
                if terminated or truncated:
                    env.reset()
            steps += len(envs)
        commands.send(steps / (time.perf_counter() - started))


def vector_rate(envs: VectorEnv, seconds: float) -> float:
    """Agent steps per second of a vector environment."""
    steps, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        envs.step(envs.action_space.sample())
        steps += envs.num_envs
    return steps / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each row in each round")
    parser.add_argument("--task", type=Path, default=EXAMPLE)
    options = parser.parse_args()
    source = options.task.read_text(encoding="utf-8")

    context = multiprocessing.get_context("spawn")
    workers: list[Connection] = []
    for n in range(PROCESSES):
        ours, theirs = context.Pipe()
        arguments = (source, 1000 * n, theirs)
        context.Process(target=plain_process, args=arguments, daemon=True).start()
        workers.append(ours)
    for worker in workers:
        worker.recv()

    def plain_rate(seconds: float) -> float:
        for worker in workers:
            worker.send(seconds)
        return sum(worker.recv() for worker in workers)

    name = f"{PROCESSES} plain processes, {REFERENCE} each, unsynchronised"
    rows: dict[str, Callable[[float], float]] = {name: plain_rate}
    vectors: list[VectorEnv] = []
    for children, each in VECTORS:
        vector = TaskVectorEnv(source, children * each, processes=children)
        vectors.append(vector)
        title = f"TaskVectorEnv, {children} children, {each} each"
        rows[title] = functools.partial(vector_rate, vector)
    count = PROCESSES * REFERENCE
    make = functools.partial(TaskEnv, source)
    gymnasiums = AsyncVectorEnv(
        [make] * count, context="spawn", autoreset_mode=AutoresetMode.SAME_STEP
    )
    vectors.append(gymnasiums)
    title = f"AsyncVectorEnv, {count} processes, 1 each"
    rows[title] = functools.partial(vector_rate, gymnasiums)
    for envs in vectors:
        envs.reset(seed=0)
        envs.action_space.seed(0)
    for measure in rows.values():
        measure(WARM_UP_S)

    rates: dict[str, list[float]] = {row: [] for row in rows}
    for number in range(options.rounds):
        # Every other round backwards, so that what grows or wears off favours nobody.
        for row, measure in list(rows.items())[:: 1 if number % 2 else -1]:
            rates[row].append(measure(options.seconds))
    print("| environments | agent steps/s | of the plain processes | lowest to highest |")
    print("|---|---|---|---|")
    for row, measured in rates.items():
        ratios = [rate / best for rate, best in zip(measured, rates[name], strict=True)]
        print(
            f"| {row} | {statistics.median(measured):,.0f} | {statistics.median(ratios):.0%} "
            f"| {min(ratios):.0%} to {max(ratios):.0%} |"
        )
    for worker in workers:
        worker.send(0.0)
    for envs in vectors:
        envs.close()


if __name__ == "__main__":
    main()
