"""How fast is the world, and what does each layer above the physics cost?

Measures: physics steps per second of one R2D2 that drives at random on a floor with six bodies.
Compared with: raw physics, which is `stepSimulation` alone with the same settings, while the
robot stands, and in the middle of `TaskEnv`'s steps, while it drives and jumps. The bundled robot
is PyBullet's `r2d2.urdf`.
Duration: about 20 s on one core.

    python benchmarks/world_speed.py
"""

from __future__ import annotations

import time

import numpy as np
import pybullet
import pybullet_data
from harness import Benchmark, Ratio, act_at_random, in_turn, median, seconds, watched
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
    spent_s = seconds(lambda: [client.stepSimulation() for _ in range(PHYSICS_STEPS)])
    client.disconnect()
    return PHYSICS_STEPS / spent_s


class WithoutScene(TaskEnv):
    def _sense(self, elapsed_s: float) -> NDArray[np.float32]:
        return self.robot.get_observation()


def task_env(env_class: type[TaskEnv], raw: bool = False) -> float:
    """Physics steps per second through `TaskEnv`, resets included; `raw`: of its physics alone."""
    env = env_class(SOURCE)
    env.action_space.seed(0)
    env.reset(seed=0)
    actions = range(PHYSICS_STEPS // env.action_repeat)
    if raw:
        with watched(env.client, "stepSimulation", time.perf_counter) as steps_s:
            for _ in actions:
                act_at_random(env)
        spent_s = sum(steps_s)
    else:
        spent_s = seconds(lambda: [act_at_random(env) for _ in actions])
    env.close()
    return PHYSICS_STEPS / spent_s


def sandboxed(processes: int) -> float:
    """The same in sandboxed processes, 8 environments in each."""
    count = 8 * processes
    with SandboxedEpisodes(SOURCE, "r2d2", count, processes) as episodes:
        episodes.reset(0)
        actions = np.random.default_rng(0).integers(6, size=(PHYSICS_STEPS // 32, count))
        return 4 * actions.size / seconds(lambda: [episodes.step(row) for row in actions])


def main() -> None:
    bench = Benchmark(__doc__, rounds=3)
    options = bench.start()
    layers = {
        "raw physics, PyBullet's bundled R2D2, standing": lambda: raw_standing(bundled=True),
        "raw physics, our R2D2, standing": lambda: raw_standing(bundled=False),
        "raw physics, our R2D2, driving": lambda: task_env(WithoutScene, raw=True),
        "TaskEnv without the scene": lambda: task_env(WithoutScene),
        "TaskEnv": lambda: task_env(TaskEnv),
        "sandboxed, 1 process": lambda: sandboxed(1),
        "sandboxed, 2 processes": lambda: sandboxed(2),
    }
    rates = in_turn(layers, options.rounds)
    raw = rates["raw physics, our R2D2, driving"]
    bench.table(
        {"layer": "", "physics steps/s": ",.0f", "of raw": ".0%"},
        ([layer, median(each), Ratio.of(each, raw)] for layer, each in rates.items()),
    )


if __name__ == "__main__":
    main()
