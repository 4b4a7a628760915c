"""A Syllabus curriculum over all tasks of an exported package; stable-baselines3 learns.

    pip install my_tasks/dist/*.whl syllabus-rl matplotlib scipy stable-baselines3 "torch<2.14"
    python syllabus_curriculum.py my_tasks 60000

The curriculum, in this process, hands out a task for each episode and hears how it went; four
worker processes play. The package brings the task space and a wrapper with it.
"""

import importlib
import importlib.metadata
import json
import sys
import time

import gymnasium
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import SubprocVecEnv, VecMonitor, VecNormalize
from syllabus.core import GymnasiumSyncWrapper, make_multiprocessing_curriculum
from syllabus.curricula import DomainRandomization


class Make:
    """The suite of a package, its tasks set by the curriculum."""

    def __init__(self, package, components):
        self.package, self.components = package, components

    def __call__(self):
        tasks = importlib.import_module(f"{self.package}.syllabus")
        return GymnasiumSyncWrapper(tasks.SyllabusEnv(), tasks.task_space(), self.components)


def success_and_return(model, package, episodes=10):
    """The share of fresh episodes that succeed, all tasks in turn, and their mean return."""
    tasks = importlib.import_module(package)
    env = tasks.make()
    successes, total = 0, 0.0
    for episode in range(episodes):
        task = env.tasks[episode % len(env.tasks)]
        observation, info = env.reset(seed=10_000 + episode, options={"task": task})
        ended = False
        while not ended:
            action, _ = model.predict(observation)
            observation, reward, terminated, truncated, info = env.step(int(action))
            total += reward
            ended = terminated or truncated
        successes += info["is_success"]
    env.close()
    return successes / episodes, total / episodes


def main(package, steps):
    # More threads make policies of this size slower.
    torch.set_num_threads(1)
    task_space = importlib.import_module(f"{package}.syllabus").task_space()
    curriculum = make_multiprocessing_curriculum(DomainRandomization(task_space))
    # Syllabus' queues are handed down to forked processes.
    envs = SubprocVecEnv([Make(package, curriculum.components)] * 4, start_method="fork")
    model = PPO(
        "MlpPolicy",
        VecNormalize(VecMonitor(envs), norm_obs=False, gamma=0.98),
        n_steps=256,
        batch_size=256,
        n_epochs=8,
        learning_rate=1e-3,
        gamma=0.98,
        ent_coef=0.01,
        policy_kwargs={"net_arch": [128, 128]},
        device="cpu",
        seed=0,
    )
    before = success_and_return(model, package)
    started = time.time()
    model.learn(steps)
    seconds = time.time() - started
    after = success_and_return(model, package)
    envs.close()
    curriculum.stop()
    print(
        json.dumps(
            {
                "trainer": f"Syllabus {importlib.metadata.version('syllabus-rl')}",
                "gymnasium": gymnasium.__version__,
                "steps": model.num_timesteps,
                "steps_per_s": round(model.num_timesteps / seconds),
                "success": [before[0], after[0]],
                "return": [round(before[1], 1), round(after[1], 1)],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
