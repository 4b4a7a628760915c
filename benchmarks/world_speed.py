"""How fast is the world, and what does each layer above the physics cost?

Setup: one process, one core, R2D2 driving at random on a floor with six bodies. Raw is
`stepSimulation` alone with the same physics settings, while the robot stands, and in the middle of
`TaskEnv`'s steps, while it drives and jumps; the bundled robot is PyBullet's `r2d2.urdf`.
Every row is measured three times in turn with the others, and the median is shown, since machines
are noisy: compare rows of one run, not runs.
Duration: about 20 s.

    python benchmarks/world_speed.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import pybullet
import pybullet_data
from numpy.typing import NDArray

from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.world import TaskEnv
from taskwright.world.base import build_env
from taskwright.world.client.client import PhysicsClient
from taskwright.world.language.loading import LoadedTask

SOURCE = '''
import numpy as np

from taskwright.world import R2D2Env


class Env(R2D2Env):
    """A floor with six bodies."""

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [50.0, 50.0, 0.5], [0.0, 0.0, -0.5], [0.5, 0.5, 0.5, 1.0])
        for n in range(3):
            self.create_box(0.0, [0.5, 0.5, 0.5], [5.0, 4.0 * n, 0.5], [0.8, 0.2, 0.2, 1.0])
            self.create_sphere(1.0, 0.3, [-5.0, 4.0 * n, 0.3], [0.2, 0.2, 0.8, 1.0])

    def get_task_rewards(self, action):
        return {"speed": 0.1 * self.robot.links["base"].linear_velocity[0]}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''
PHYSICS_STEPS = 8000


def raw_standing(bundled: bool) -> float:
    """Physics steps per second of PyBullet alone."""
    client = PhysicsClient()
    task = LoadedTask(SOURCE)
    env = build_env(task.env_class, client, task.seed(0))
    if bundled:
        client.removeBody(env.robot.robot_id)
        client.setAdditionalSearchPath(pybullet_data.getDataPath())
        robot = client.loadURDF("r2d2.urdf", [0, 0, 0.5])
        for joint in range(client.getNumJoints(robot)):
            client.setJointMotorControl2(robot, joint, pybullet.POSITION_CONTROL, force=0)
    step = client.stepSimulation
    started = time.perf_counter()
    for _ in range(PHYSICS_STEPS):
        step()
    rate = PHYSICS_STEPS / (time.perf_counter() - started)
    client.disconnect()
    return rate


class WithoutScene(TaskEnv):
    def _sense(self, elapsed_s: float) -> NDArray[np.float32]:
        return self.robot.get_observation()


def task_env(env_class: type[TaskEnv], raw: bool = False) -> float:
    """Physics steps per second through `TaskEnv`, resets included; `raw`: of its physics alone."""
    env = env_class(SOURCE)
    env.action_space.seed(0)
    env.reset(seed=0)
    step, physics_s = env.client.stepSimulation, 0.0

    def timed() -> None:
        nonlocal physics_s
        before = time.perf_counter()
        step()
        physics_s += time.perf_counter() - before

    if raw:
        env.client.stepSimulation = timed
    started = time.perf_counter()
    for _ in range(PHYSICS_STEPS // env.action_repeat):
        _, _, _, truncated, _ = env.step(env.action_space.sample())
        if truncated:
            env.reset()
    rate = PHYSICS_STEPS / (physics_s or time.perf_counter() - started)
    env.close()
    return rate


def sandboxed(processes: int) -> float:
    """The same in sandboxed processes, 8 environments in each."""
    count = 8 * processes
    with SandboxedEpisodes(SOURCE, "r2d2", count, processes) as episodes:
        episodes.reset(0)
        actions = np.random.default_rng(0).integers(6, size=(PHYSICS_STEPS // 32, count))
        started = time.perf_counter()
        for row in actions:
            episodes.step(row)
        return 4 * actions.size / (time.perf_counter() - started)


def main() -> None:
    rows: dict[str, Callable[[], float]] = {
        "raw physics, PyBullet's bundled R2D2, standing": lambda: raw_standing(bundled=True),
        "raw physics, our R2D2, standing": lambda: raw_standing(bundled=False),
        "raw physics, our R2D2, driving": lambda: task_env(WithoutScene, raw=True),
        "TaskEnv without the scene": lambda: task_env(WithoutScene),
        "TaskEnv": lambda: task_env(TaskEnv),
        "sandboxed, 1 process": lambda: sandboxed(1),
        "sandboxed, 2 processes": lambda: sandboxed(2),
    }
    measured: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(3):
        for name, measure in rows.items():
            measured[name].append(measure())
    reference = statistics.median(measured["raw physics, our R2D2, driving"])
    print("| layer | physics steps/s | of raw |")
    print("|---|---|---|")
    for name, rates in measured.items():
        rate = statistics.median(rates)
        print(f"| {name} | {rate:,.0f} | {rate / reference:.0%} |")


if __name__ == "__main__":
    main()
