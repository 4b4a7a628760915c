"""How the Ant comes to walk: it copies a clockwork, practises, and teaches walkers that can see.

1. `copy_oscillator`: a network learns the movements of an `Oscillator` from what it feels alone.
   What was a clock becomes a cycle of body and network, which no push can put out of step.
2. `practise`: PPO makes that gait faster and steadier on `Ground`.
3. `teach`: a policy of the size and the observation that every trial has learns to do what the gait
   would do, given the command that follows from what it sees. Body states and scenes are put
   together by chance, so that a few thousand of each make millions of situations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import DummyVecEnv

from ...sandbox.world.robots import robot_spaces
from ...sandbox.world.task_env import TaskEnv
from .body import (
    COMMAND,
    JOINTS,
    STATE_SIZE,
    Array,
    ahead,
    anywhere,
    felt,
    mirrored,
    placed,
    quarter,
    state_of,
    torques,
)
from .ground import Ground, meadow
from .oscillator import Oscillator
from .scenes import toward_nearest

ENVIRONMENTS = 8
NOISE = 0.3
"""Of the actions that are played while a lesson is recorded: the pupil will err, and must have seen
what to do then (Laskey et al. 2017, arXiv 1703.09327)."""
LOG_DEVIATION = -1.2
"""Of the actions of the gait while it is practised."""
WALKER_LOG_DEVIATION = -1.8
"""Of the walkers' actions: as much as leaves them walking; trials go on from there."""
TAUGHT_AT_ONCE = 512
SHORT_AGENT_STEPS = 50
"""Of the attempts that lessons are taken from."""
NOWHERE = np.eye(1, STATE_SIZE, 9, dtype=np.float32)
"""Own state with heading (1, 0), at the start."""
PRACTICE: dict[str, Any] = {
    "n_steps": 256,
    "batch_size": 512,
    "n_epochs": 10,
    "learning_rate": 5e-4,
    "gamma": 0.97,  # looks 2 s ahead, three strides
    "gae_lambda": 0.95,
    "target_kl": 0.03,  # a gait is soon unlearned
}
NETWORK: dict[str, Any] = {"net_arch": [128, 128], "log_std_init": LOG_DEVIATION}

WALKERS: dict[str, Callable[[Array, Array], Array]] = {
    "ahead": lambda states, scenes: ahead(states),
    "nearest": lambda states, scenes: toward_nearest(scenes),
    "stand": lambda states, scenes: np.zeros((len(states), 2), np.float32),
}
"""What each walker does, as the command that follows from the Ant's own state and the scene."""


def new_gait(seed: int) -> PPO:
    environments = DummyVecEnv([lambda: Monitor(Ground())] * ENVIRONMENTS)
    return PPO(
        "MlpPolicy", environments, seed=seed, device="cpu", policy_kwargs=NETWORK, **PRACTICE
    )


def copy_oscillator(gait: PPO, oscillator: Oscillator, agent_steps: int, seed: int) -> float:
    """Let the gait's network learn the oscillator's actions and what they earn; returns the mean
    squared error of the actions."""
    ground, random = Ground(), np.random.default_rng(seed)
    feelings, actions, rewards, ends = [], [], [], []
    feeling, _ = ground.reset(seed=seed)
    for _ in range(agent_steps):
        action = oscillator.act(feeling)
        feelings.append(feeling)
        actions.append(action)
        noise = NOISE * random.standard_normal(len(action))
        feeling, reward, fallen, over, _ = ground.step((action + noise).astype(np.float32))
        rewards.append(reward)
        ends.append(fallen or over)
        if ends[-1]:
            feeling, _ = ground.reset()
            oscillator.start()
    ground.close()
    values = np.zeros(agent_steps, np.float32)
    value = 0.0
    for moment in reversed(range(agent_steps)):
        value = rewards[moment] + (0.0 if ends[moment] else gait.gamma * value)
        values[moment] = value
    told, done = np.array(feelings), np.array(actions)
    told_mirrored, done_mirrored = mirrored(told, done)
    x = torch.from_numpy(np.concatenate([told, told_mirrored]))
    y = torch.from_numpy(np.concatenate([done, done_mirrored]))
    v = torch.from_numpy(np.concatenate([values, values]))

    def loss(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.from_numpy(random.integers(len(x), size=256))
        miss = (gait.policy.predict_values(x[rows])[:, 0] - v[rows]).square().mean()
        return (_means(gait.policy, x[rows]) - y[rows]).square().mean(), 0.01 * miss

    return _descend(gait.policy, loss, steps=20 * len(x) // 256)


def practise(gait: PPO, agent_steps: int, path: Path, tell: Callable[[str], None]) -> None:
    """Go on until the gait has practised for so many agent steps in all, saving it on the way."""
    gait.learn(
        agent_steps - gait.num_timesteps,
        callback=_Practice(path, tell),
        reset_num_timesteps=False,
    )


class _Practice(BaseCallback):
    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._path, self._tell, self._rollouts = path, tell, 0

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self._rollouts += 1
        if self._rollouts % 5 == 0 and self.model.ep_info_buffer:
            episodes = self.model.ep_info_buffer
            lengths = sum(episode["l"] for episode in episodes)
            earned = sum(episode["r"] for episode in episodes)
            self.model.save(self._path)
            self._tell(f"{self.num_timesteps} steps: {earned / lengths:.2f} per step")


def feelings(gait: PPO, count: int, seed: int) -> Array:
    """What the Ant feels while it walks and errs, shape (`count`, `GAIT_SIZE`)."""
    ground, rows = Ground(), []
    feeling, _ = ground.reset(seed=seed)
    gait.set_random_seed(seed)
    for step in range(count):
        rows.append(feeling)
        action, _ = gait.predict(feeling, deterministic=False)
        feeling, _, fallen, over, _ = ground.step(action)
        # Setting off has to be seen as often as being on the way.
        if fallen or over or step % SHORT_AGENT_STEPS == 0:
            feeling, _ = ground.reset()
    ground.close()
    return np.array(rows)


def feelings_of_pupil(policy: ActorCriticPolicy, walker: str, count: int, seed: int) -> Array:
    """What the Ant feels while a pupil walks, which errs in ways of its own (Ross et al. 2011,
    arXiv 1011.0686), shape (`count`, `GAIT_SIZE`)."""
    env = TaskEnv(meadow(distance_m=8.0))
    observations = []
    observation, _ = env.reset(seed=seed)
    torch.manual_seed(seed)
    for step in range(count):
        observations.append(observation)
        action, _ = policy.predict(observation, deterministic=bool(step // SHORT_AGENT_STEPS % 2))
        observation, _, terminated, truncated, info = env.step(action)
        if terminated or truncated or info["is_success"]:
            observation, _ = env.reset()
    env.close()
    states, scenes = np.split(np.array(observations), [STATE_SIZE], axis=1)
    commands = WALKERS[walker](states, scenes)
    return felt(states, commands, quarter(commands))


def teach(
    gait: PPO, walker: str, bodies: Array, scenes: Array, steps: int, seed: int
) -> tuple[ActorCriticPolicy, float]:
    """A policy that does as the gait would, and the mean squared error of its actions.

    `bodies` and `scenes` are of `feelings` and of `scenes.look_around`.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    policy = ActorCriticPolicy(
        *robot_spaces("ant"),
        lambda _: 0.0,
        net_arch=NETWORK["net_arch"],
        log_std_init=WALKER_LOG_DEVIATION,
    )
    shown = _Bodies(bodies)

    def loss(step: int) -> tuple[torch.Tensor, ...]:
        places = anywhere(TAUGHT_AT_ONCE, random)
        scene = scenes[random.integers(len(scenes), size=TAUGHT_AT_ONCE)]
        commands = WALKERS[walker](placed(NOWHERE.repeat(TAUGHT_AT_ONCE, axis=0), places), scene)
        state, actions = shown.under(commands, gait, random)
        observations = torch.from_numpy(np.concatenate([placed(state, places), scene], axis=1))
        return (_miss(_means(policy, observations), torch.from_numpy(actions)),)

    return policy, _descend(policy, loss, steps)


class _Bodies:
    """What was felt, by the command under which it was: half the time a pupil is shown a body that
    goes where it shall, half the time one that has to turn."""

    def __init__(self, rows: Array) -> None:
        in_mirror, _ = mirrored(rows, np.zeros((len(rows), JOINTS), np.float32))
        self._felt = np.concatenate([rows, in_mirror])
        goes = self._felt[:, COMMAND].any(axis=1)
        angles = np.arctan2(self._felt[:, 30], self._felt[:, 29])
        moving = np.flatnonzero(goes)
        self._standing = np.flatnonzero(~goes)
        self._by_angle = moving[np.argsort(angles[moving])]
        self._angles = angles[self._by_angle]

    def under(self, commands: Array, gait: PPO, random: np.random.Generator) -> tuple[Array, Array]:
        """Bodies for commands (n, 2): their own states, and what the gait would do."""
        n = len(commands)
        quarters = quarter(commands)
        angles = np.arctan2(commands[:, 1], commands[:, 0]) - quarters * (math.pi / 2)
        angles = (angles + math.pi) % math.tau - math.pi
        near = np.searchsorted(self._angles, angles + random.normal(0.0, 0.1, n))
        rows = self._by_angle[near.clip(0, len(self._by_angle) - 1)]
        stands = np.asarray(~commands.any(axis=1))
        rows[stands] = random.choice(self._standing, stands.sum())
        rows = np.where(random.random(n) < 0.5, rows, random.integers(len(self._felt), size=n))
        bodies = self._felt[rows].copy()
        way = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        bodies[:, COMMAND] = np.where(stands[:, None], 0.0, way)
        actions, _ = gait.predict(bodies, deterministic=True)
        return state_of(bodies, quarters), torques(np.asarray(actions), quarters)


def _miss(means: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
    """Mean squared error; where the action is at its bound, beyond is as good."""
    beyond = (actions.abs() >= 1.0) & (means * actions > 1.0)
    return torch.where(beyond, 0.0, means - actions).square().mean()


def _means(policy: ActorCriticPolicy, observations: torch.Tensor) -> torch.Tensor:
    means: torch.Tensor = policy.action_net(policy.mlp_extractor.forward_actor(observations))
    return means


def _descend(
    policy: ActorCriticPolicy, loss: Callable[[int], tuple[torch.Tensor, ...]], steps: int
) -> float:
    """Adam with a falling rate; returns the mean of the first loss over the last tenth."""
    optimizer = torch.optim.Adam(policy.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, steps)
    errors = []
    for step in range(steps):
        losses = loss(step)
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        errors.append(losses[0].item())
    return float(np.mean(errors[-max(steps // 10, 1) :]))
