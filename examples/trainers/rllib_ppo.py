"""RLlib learns a task of an exported package.

    pip install my_tasks/dist/*.whl "ray[rllib]==2.60.*" "torch>=2.8,<2.14"
    python rllib_ppo.py my_tasks:ReachTheBeacon-v0 60000

Ray's workers are processes of their own that know nothing of yours: the id imports the package.
RLlib pins Gymnasium (1.2.2 for ray 2.60), which the package works with.
"""

import json
import os
import sys
import time

import gymnasium
import numpy as np
import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

REWARD_SCALE = 0.05
"""Rewards of these tasks add up to hundreds; values are learned better when they are near one."""


def scaled(settings):
    """The task with smaller rewards; called in Ray's workers."""
    env = gymnasium.make(settings["id"])
    return gymnasium.wrappers.TransformReward(env, lambda reward: REWARD_SCALE * reward)


def success_and_return(module, env_id, episodes=10):
    """The share of fresh episodes that succeed, and their mean return."""
    env = gymnasium.make(env_id)
    rng = np.random.default_rng(0)
    successes, total = 0, 0.0
    for episode in range(episodes):
        observation, info = env.reset(seed=10_000 + episode)
        ended = False
        while not ended:
            with torch.no_grad():
                batch = {"obs": torch.from_numpy(observation)[None]}
                logits = module.forward_inference(batch)["action_dist_inputs"][0].numpy()
            action = int((logits + rng.gumbel(size=logits.shape)).argmax())
            observation, reward, terminated, truncated, info = env.step(action)
            total += reward
            ended = terminated or truncated
        successes += info["is_success"]
    env.close()
    return successes / episodes, total / episodes


def main(env_id, steps):
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=200_000_000)
    ray.tune.register_env("scaled", scaled)
    algorithm = (
        PPOConfig()
        .environment("scaled", env_config={"id": env_id})
        .env_runners(num_env_runners=1, num_envs_per_env_runner=8)
        .training(
            lr=1e-3,
            gamma=0.98,
            lambda_=0.95,
            train_batch_size_per_learner=2048,
            minibatch_size=256,
            num_epochs=8,
            entropy_coeff=0.01,
            vf_clip_param=100.0,
        )
        .rl_module(
            model_config=DefaultModelConfig(fcnet_hiddens=[128, 128], fcnet_activation="tanh")
        )
        .debugging(seed=0, log_level="ERROR")
        .build_algo()
    )
    before = success_and_return(algorithm.get_module(), env_id)
    started, taken = time.time(), 0
    while taken < steps:
        taken = int(algorithm.train()["num_env_steps_sampled_lifetime"])
    seconds = time.time() - started
    after = success_and_return(algorithm.get_module(), env_id)
    algorithm.stop()
    ray.shutdown()
    print(
        json.dumps(
            {
                "trainer": f"RLlib {ray.__version__}",
                "gymnasium": gymnasium.__version__,
                "steps": taken,
                "steps_per_s": round(taken / seconds),
                "success": [before[0], after[0]],
                "return": [round(before[1], 1), round(after[1], 1)],
            }
        )
    )


if __name__ == "__main__":
    # Otherwise processes that a worker has started could outlive it.
    os.environ.setdefault("RAY_process_group_cleanup_enabled", "true")
    main(sys.argv[1], int(sys.argv[2]))
