"""TorchRL learns a task of an exported package.

    pip install my_tasks/dist/*.whl "torchrl>=0.14" "torch>=2.8,<2.14"
    python torchrl_ppo.py my_tasks:ReachTheBeacon-v0 60000

Four environments in spawned processes, made by id.
"""

import json
import sys
import time

import gymnasium
import torch
import torchrl
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torch import nn
from torchrl.collectors import Collector
from torchrl.envs import EnvCreator, GymEnv, ParallelEnv
from torchrl.envs.utils import ExplorationType, set_exploration_type
from torchrl.modules import ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

ENVIRONMENTS, ROLLOUT, EPOCHS, MINIBATCH = 4, 256, 8, 256
REWARD_SCALE = 0.05
"""Rewards of these tasks add up to hundreds; values are learned better when they are near one."""


class Make:
    """An environment by its id; an object of this kind can be sent to another process."""

    def __init__(self, env_id):
        self.env_id = env_id

    def __call__(self):
        return GymEnv(self.env_id, categorical_action_encoding=True)


def network(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, outputs)
    )


def success_and_return(actor, env_id, episodes=10):
    """The share of fresh episodes that succeed, and their mean return."""
    env = gymnasium.make(env_id)
    successes, total = 0, 0.0
    for episode in range(episodes):
        observation, info = env.reset(seed=10_000 + episode)
        ended = False
        while not ended:
            with torch.no_grad(), set_exploration_type(ExplorationType.RANDOM):
                state = TensorDict({"observation": torch.from_numpy(observation)})
                action = actor(state)["action"].item()
            observation, reward, terminated, truncated, info = env.step(action)
            total += reward
            ended = terminated or truncated
        successes += info["is_success"]
    env.close()
    return successes / episodes, total / episodes


def main(env_id, steps):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    envs = ParallelEnv(ENVIRONMENTS, EnvCreator(Make(env_id)), mp_start_method="spawn")
    size, actions = envs.observation_spec["observation"].shape[-1], envs.action_spec.space.n
    actor = ProbabilisticActor(
        TensorDictModule(network(size, actions), ["observation"], ["logits"]),
        in_keys=["logits"],
        distribution_class=torch.distributions.Categorical,
        return_log_prob=True,
    )
    critic = ValueOperator(network(size, 1), in_keys=["observation"])
    advantage = GAE(gamma=0.98, lmbda=0.95, value_network=critic, average_gae=True)
    loss_of = ClipPPOLoss(actor, critic, clip_epsilon=0.2, entropy_coeff=0.01)
    optimizer = torch.optim.Adam(loss_of.parameters(), 1e-3)
    before = success_and_return(actor, env_id)
    collector = Collector(envs, actor, frames_per_batch=ENVIRONMENTS * ROLLOUT, total_frames=steps)
    collector.set_seed(0)
    started, taken = time.time(), 0
    for batch in collector:
        taken += batch.numel()
        batch["next", "reward"] *= REWARD_SCALE
        for _ in range(EPOCHS):
            with torch.no_grad():
                advantage(batch)
            data = batch.reshape(-1)
            for part in torch.randperm(len(data)).split(MINIBATCH):
                losses = loss_of(data[part])
                loss = losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(loss_of.parameters(), 0.5)
                optimizer.step()
    seconds = time.time() - started
    collector.shutdown()
    after = success_and_return(actor, env_id)
    print(
        json.dumps(
            {
                "trainer": f"TorchRL {torchrl.__version__}",
                "gymnasium": gymnasium.__version__,
                "steps": taken,
                "steps_per_s": round(taken / seconds),
                "success": [before[0], after[0]],
                "return": [round(before[1], 1), round(after[1], 1)],
            }
        )
    )


# Spawned workers import this file.
if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
