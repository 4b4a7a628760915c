"""Where does the time of a trial go?

Setup: a task's trial from scratch, without a verdict: steps and updates as a trial makes them, once
with soft Q-learning and once, before it, with stable-baselines3's PPO, which learned until then.
Times are of computing (CPU), so that a busy machine changes them little; the wall clock is told
beside them.
Duration: about half a minute.
Output: milliseconds for each agent step, by what they are spent on, and steps per second. An agent
step of PPO teaches less: docs/verdict.md tells how many it takes.

    python benchmarks/trial_profile.py --task visit_pads_in_order
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from taskwright.executor.local import cores
from taskwright.generator.seeds import EXAMPLES
from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.trainer.learners.learner import Learner
from taskwright.trainer.learners.ppo import PPOLearner
from taskwright.trainer.learners.soft_q import SoftQLearner
from taskwright.world import TaskEnv

ENVIRONMENTS = 16
ALONE_STEPS = 600
WARM_UP_STEPS = 4_096
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_of(processes: list[int]) -> float:
    """Seconds of computing that other processes have taken so far."""
    ticks = 0
    for pid in processes:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_S


def alone(source: str) -> dict[str, float]:
    """Milliseconds per agent step of one environment in this process, by part."""
    env = TaskEnv(source)
    env.action_space.seed(0)
    env.reset(seed=0)
    spent: dict[str, float] = {}

    def timed(owner: object, name: str, part: str) -> None:
        call: Callable[..., object] = getattr(owner, name)

        def wrapper(*arguments: object, **keywords: object) -> object:
            started = time.process_time_ns()
            try:
                return call(*arguments, **keywords)
            finally:
                spent[part] = spent.get(part, 0.0) + (time.process_time_ns() - started) / 1e6

        setattr(owner, name, wrapper)

    timed(env.client, "stepSimulation", "physics")
    timed(env, "_sense", "observation")
    timed(env, "build", "building the world of an episode")
    started = time.process_time()
    for _ in range(ALONE_STEPS):
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    whole = 1000 * (time.process_time() - started)
    env.close()
    spent["the task's and the robot's own code"] = whole - sum(spent.values())
    return {part: each / ALONE_STEPS for part, each in spent.items()}


def trained(
    make_learner: Callable[[SandboxedEpisodes, int], Learner],
    learning: Callable[[Any], tuple[object, str]],
    source: str,
    processes: int,
    steps: int,
) -> dict[str, float]:
    """What training spends its time on; `learning` tells which method of a learner learns."""
    with SandboxedEpisodes(source, "r2d2", ENVIRONMENTS, processes) as episodes:
        learner = make_learner(episodes, 0)
        learner.reset(0)
        while learner.steps < WARM_UP_STEPS:
            learner.improve()
        learning_s = 0.0
        owner, name = learning(learner)
        learn: Callable[[], None] = getattr(owner, name)

        def timed() -> None:
            nonlocal learning_s
            started = time.process_time()
            learn()
            learning_s += time.process_time() - started

        setattr(owner, name, timed)
        children = [child.pid for child in episodes._children]
        begun, before = learner.steps, cpu_of(children)
        wall, cpu = time.perf_counter(), time.process_time()
        while learner.steps < begun + steps:
            learner.improve()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        done = learner.steps - begun
        return told(cpu_of(children) - before, cpu - learning_s, learning_s, wall, done)


def told(
    children_s: float, collecting_s: float, learning_s: float, wall_s: float, steps: int
) -> dict[str, float]:
    return {
        "environments, in their processes, ms": 1000 * children_s / steps,
        "policy and transfer, ms": 1000 * collecting_s / steps,
        "learning, ms": 1000 * learning_s / steps,
        "all of it, ms of one core": 1000 * (children_s + collecting_s + learning_s) / steps,
        "steps per second, by the clock": steps / wall_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="visit_pads_in_order", help="an example task for R2D2")
    parser.add_argument("--processes", type=int, default=cores())
    parser.add_argument("--steps", type=int, default=16_384)
    options = parser.parse_args()
    source = (EXAMPLES / "r2d2" / f"{options.task}.py").read_text(encoding="utf-8")
    torch.set_num_threads(1)

    print("| one environment alone, ms for each agent step | |\n|---|---|")
    for part, spent in sorted(alone(source).items(), key=lambda each: -each[1]):
        print(f"| {part} | {spent:.3f} |")
    arguments = source, options.processes, options.steps
    before = trained(PPOLearner, lambda learner: (learner.model, "train"), *arguments)
    after = trained(SoftQLearner, lambda learner: (learner, "_learn"), *arguments)
    print(f"\n| {options.processes} processes | PPO | soft Q-learning |\n|---|---|---|")
    for part in after:
        print(f"| {part} | {before[part]:,.3f} | {after[part]:,.3f} |")


if __name__ == "__main__":
    main()
