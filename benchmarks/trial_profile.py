"""Where does the time of a trial go?

Setup: a task's trial from scratch, without a verdict: rollouts and updates as a trial makes them,
once with the trial's own loop and once, before it, with stable-baselines3's, on the same task with
the same settings. Times are of computing (CPU), so that a busy machine changes them little; the
wall clock is told beside them.
Duration: about half a minute.
Output: milliseconds for each agent step, by what they are spent on, and steps per second.

    python benchmarks/trial_profile.py --task visit_pads_in_order
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize

from taskwright.executor.cores import cores
from taskwright.generator.seeds import EXAMPLES
from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.sandbox.world import TaskEnv
from taskwright.trainer.learner import Learner
from taskwright.trainer.settings import PPO_SETTINGS, SETTINGS
from taskwright.trainer.vec_env import SandboxedVecEnv

ENVIRONMENTS = 16
ROLLOUT_STEPS = SETTINGS.steps * ENVIRONMENTS
ALONE_STEPS = 600
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_of(processes: list[int]) -> float:
    """Seconds of computing that other processes have taken so far."""
    ticks = 0
    for pid in processes:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_S


class Clock(BaseCallback):
    """Computing time of stable-baselines3's rollouts in this process."""

    collecting_s = 0.0

    def _on_rollout_start(self) -> None:
        self._started = time.process_time()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.collecting_s += time.process_time() - self._started


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


def ours(source: str, processes: int, rollouts: int) -> dict[str, float]:
    with SandboxedEpisodes(source, "r2d2", ENVIRONMENTS, processes) as episodes:
        learner = Learner(episodes, 0)
        learner.reset(0)
        learner.improve()
        children = [child.pid for child in episodes._children]
        before, wall, spent = cpu_of(children), time.perf_counter(), [0.0, 0.0]
        for _ in range(rollouts):
            started = time.process_time()
            learner._collect()
            collected = time.process_time()
            learner._update()
            spent[0] += collected - started
            spent[1] += time.process_time() - collected
        wall = time.perf_counter() - wall
        return told(cpu_of(children) - before, *spent, wall, rollouts)


def theirs(source: str, processes: int, rollouts: int) -> dict[str, float]:
    with SandboxedEpisodes(source, "r2d2", ENVIRONMENTS, processes) as episodes:
        env = SandboxedVecEnv(episodes, SETTINGS)
        normalized = VecNormalize(env, norm_obs=False, gamma=SETTINGS.discount)
        model = PPO("MlpPolicy", normalized, seed=0, device="cpu", **PPO_SETTINGS)
        model.learn(ROLLOUT_STEPS)
        children = [child.pid for child in episodes._children]
        clock, before = Clock(), cpu_of(children)
        wall, cpu = time.perf_counter(), time.process_time()
        model.learn(rollouts * ROLLOUT_STEPS, callback=clock, reset_num_timesteps=False)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        updating_s = cpu - clock.collecting_s
        return told(cpu_of(children) - before, clock.collecting_s, updating_s, wall, rollouts)


def told(
    children_s: float, collecting_s: float, updating_s: float, wall_s: float, rollouts: int
) -> dict[str, float]:
    steps = rollouts * ROLLOUT_STEPS
    return {
        "environments, in their processes, ms": 1000 * children_s / steps,
        "policy and transfer, ms": 1000 * collecting_s / steps,
        "update, ms": 1000 * updating_s / steps,
        "steps per second, by the clock": steps / wall_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="visit_pads_in_order", help="an example task for R2D2")
    parser.add_argument("--processes", type=int, default=cores())
    parser.add_argument("--rollouts", type=int, default=4)
    options = parser.parse_args()
    source = (EXAMPLES / "r2d2" / f"{options.task}.py").read_text(encoding="utf-8")
    torch.set_num_threads(1)

    print("| one environment alone, ms for each agent step | |\n|---|---|")
    for part, spent in sorted(alone(source).items(), key=lambda each: -each[1]):
        print(f"| {part} | {spent:.3f} |")
    before = theirs(source, options.processes, options.rollouts)
    after = ours(source, options.processes, options.rollouts)
    print(f"\n| {options.processes} processes | stable-baselines3's loop | ours |\n|---|---|---|")
    for part in after:
        print(f"| {part} | {before[part]:,.3f} | {after[part]:,.3f} |")


if __name__ == "__main__":
    main()
