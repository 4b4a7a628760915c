"""stable-baselines3 learns a task of an exported package.

    pip install my_tasks/dist/*.whl "stable-baselines3>=2.7,<3" "torch>=2.8,<2.14"
    python sb3_ppo.py my_tasks:ReachTheBeacon-v0 60000

Eight environments in worker processes of their own, which import the package by its id.
Observations are within bounds already; rewards are normalised, because their size differs between
tasks.
"""

import json
import sys
import time

import gymnasium
import stable_baselines3
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import SubprocVecEnv, VecNormalize


def success_and_return(model, env_id, episodes=10):
    """The share of fresh episodes that succeed, and their mean return."""
    env = gymnasium.make(env_id)
    successes, total = 0, 0.0
    for episode in range(episodes):
        observation, info = env.reset(seed=10_000 + episode)
        ended = False
        while not ended:
            action, _ = model.predict(observation)
            observation, reward, terminated, truncated, info = env.step(action)
            total += reward
            ended = terminated or truncated
        successes += info["is_success"]
    env.close()
    return successes / episodes, total / episodes


def main(env_id, steps):
    # More threads make policies of this size slower.
    torch.set_num_threads(1)
    envs = make_vec_env(
        env_id, 8, seed=0, vec_env_cls=SubprocVecEnv, vec_env_kwargs={"start_method": "spawn"}
    )
    model = PPO(
        "MlpPolicy",
        VecNormalize(envs, norm_obs=False, gamma=0.98),
        n_steps=128,
        batch_size=256,
        n_epochs=8,
        learning_rate=1e-3,
        gamma=0.98,
        ent_coef=0.01,
        policy_kwargs={"net_arch": [128, 128]},
        device="cpu",
        seed=0,
    )
    before = success_and_return(model, env_id)
    started = time.time()
    model.learn(steps)
    seconds = time.time() - started
    after = success_and_return(model, env_id)
    envs.close()
    print(
        json.dumps(
            {
                "trainer": f"stable-baselines3 {stable_baselines3.__version__}",
                "gymnasium": gymnasium.__version__,
                "steps": model.num_timesteps,
                "steps_per_s": round(model.num_timesteps / seconds),
                "success": [before[0], after[0]],
                "return": [round(before[1], 1), round(after[1], 1)],
            }
        )
    )


# Spawned workers import this file.
if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
