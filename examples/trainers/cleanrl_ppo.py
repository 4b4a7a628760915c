"""PPO in one file, in the manner of CleanRL, on a task of an exported package.

    pip install my_tasks/dist/*.whl "torch>=2.8,<2.14"
    python cleanrl_ppo.py my_tasks:ReachTheBeacon-v0 60000

Needs Gymnasium and torch alone. The package makes the environments, sixteen in a few processes.
For robots with discrete actions; the algorithm is that of Schulman et al. 2017 (arXiv 1707.06347).
It tells the end of time (`truncated`) from the end of the task (`terminated`): a state in which
only the time is over still has a value.
"""

import importlib
import json
import sys
import time

import gymnasium
import numpy as np
import torch
from torch import nn

ENVIRONMENTS, ROLLOUT, EPOCHS, MINIBATCH = 16, 128, 8, 512
LEARNING_RATE, GAMMA, LAMBDA, CLIP, ENTROPY = 1e-3, 0.98, 0.95, 0.2, 0.01


class Agent(nn.Module):
    def __init__(self, observation_size, action_count):
        super().__init__()
        self.actor = self.network(observation_size, action_count, 0.01)
        self.critic = self.network(observation_size, 1, 1.0)

    @staticmethod
    def network(inputs, outputs, gain):
        layers = [nn.Linear(inputs, 128), nn.Linear(128, 128), nn.Linear(128, outputs)]
        for layer, its_gain in zip(layers, (2**0.5, 2**0.5, gain), strict=True):
            nn.init.orthogonal_(layer.weight, its_gain)
            nn.init.zeros_(layer.bias)
        return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])

    def actions(self, observations):
        return torch.distributions.Categorical(logits=self.actor(observations))

    def values(self, observations):
        return self.critic(observations).squeeze(-1)


class RewardScale:
    """Divides rewards by the spread of their discounted sums so far."""

    def __init__(self, count):
        self.sums = np.zeros(count)
        self.mean, self.square, self.weight = 0.0, 1.0, 1e-4

    def __call__(self, rewards, ended):
        self.sums = self.sums * GAMMA + rewards
        self.weight += len(rewards)
        share = len(rewards) / self.weight
        self.mean += (self.sums.mean() - self.mean) * share
        self.square += ((self.sums - self.mean) ** 2 - self.square).mean() * share
        self.sums[ended] = 0.0
        return np.clip(rewards / np.sqrt(self.square + 1e-8), -10.0, 10.0)


def last_observations(observations, infos):
    """Where an episode ended the observation is that of the next one; this is the one before."""
    # `final_observation` before Gymnasium 1.0.
    final = infos.get("final_obs", infos.get("final_observation"))
    last = observations.copy()
    if final is not None:
        for i, observation in enumerate(final):
            if observation is not None:
                last[i] = observation
    return last


def success_and_return(agent, env_id, episodes=10):
    """The share of fresh episodes that succeed, and their mean return."""
    env = gymnasium.make(env_id)
    successes, total = 0, 0.0
    for episode in range(episodes):
        observation, info = env.reset(seed=10_000 + episode)
        ended = False
        while not ended:
            with torch.no_grad():
                action = agent.actions(torch.from_numpy(observation)).sample().item()
            observation, reward, terminated, truncated, info = env.step(action)
            total += reward
            ended = terminated or truncated
        successes += info["is_success"]
    env.close()
    return successes / episodes, total / episodes


def train(agent, envs, steps):
    optimizer = torch.optim.Adam(agent.parameters(), LEARNING_RATE, eps=1e-5)
    scale = RewardScale(ENVIRONMENTS)
    observations, _ = envs.reset(seed=0)
    taken = 0
    while taken < steps:
        seen, acted, log_probs, worth, advantage_of, rewarded, going_on, next_worth = (
            [] for _ in range(8)
        )
        for _ in range(ROLLOUT):
            state = torch.from_numpy(observations)
            with torch.no_grad():
                distribution = agent.actions(state)
                actions = distribution.sample()
                worth.append(agent.values(state))
            observations, rewards, terminated, truncated, infos = envs.step(actions.numpy())
            ended = terminated | truncated
            with torch.no_grad():
                last = torch.from_numpy(last_observations(observations, infos))
                # A task that has ended has no future; one that ran out of time has.
                next_worth.append(agent.values(last) * torch.from_numpy(~terminated))
            seen.append(state)
            acted.append(actions)
            log_probs.append(distribution.log_prob(actions))
            rewarded.append(torch.from_numpy(scale(rewards, ended)).float())
            going_on.append(torch.from_numpy(~ended).float())
            taken += ENVIRONMENTS
        advantage = torch.zeros(ENVIRONMENTS)
        for t in reversed(range(ROLLOUT)):
            surprise = rewarded[t] + GAMMA * next_worth[t] - worth[t]
            advantage = surprise + GAMMA * LAMBDA * going_on[t] * advantage
            advantage_of.insert(0, advantage)
        update(
            agent,
            optimizer,
            [torch.cat(part) for part in (seen, acted, log_probs, worth, advantage_of)],
        )
    return taken


def update(agent, optimizer, batch):
    seen, acted, log_probs, worth, advantages = batch
    targets = advantages + worth
    for _ in range(EPOCHS):
        for part in torch.randperm(len(seen)).split(MINIBATCH):
            distribution = agent.actions(seen[part])
            ratio = (distribution.log_prob(acted[part]) - log_probs[part]).exp()
            gain = (advantages[part] - advantages[part].mean()) / (advantages[part].std() + 1e-8)
            policy_loss = -torch.min(gain * ratio, gain * ratio.clamp(1 - CLIP, 1 + CLIP)).mean()
            value_loss = (agent.values(seen[part]) - targets[part]).pow(2).mean()
            loss = policy_loss + 0.5 * value_loss - ENTROPY * distribution.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()


def main(env_id, steps):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    package = importlib.import_module(env_id.partition(":")[0])
    envs = package.make_vec(env_id, ENVIRONMENTS, autoreset_mode="same_step")
    agent = Agent(envs.single_observation_space.shape[0], envs.single_action_space.n)
    before = success_and_return(agent, env_id)
    started = time.time()
    taken = train(agent, envs, steps)
    seconds = time.time() - started
    envs.close()
    after = success_and_return(agent, env_id)
    print(
        json.dumps(
            {
                "trainer": "CleanRL style, one file",
                "gymnasium": gymnasium.__version__,
                "steps": taken,
                "steps_per_s": round(taken / seconds),
                "success": [before[0], after[0]],
                "return": [round(before[1], 1), round(after[1], 1)],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
