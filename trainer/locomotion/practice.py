"""How the Ant comes to walk: soft actor-critic (Haarnoja et al. 2018, arXiv 1801.01290) of
stable-baselines3, on `Ground`.

It first sees an `Oscillator` walk, which is slow and shows what a step is. Half of what it learns
from is shown in a mirror, in which left is right: the gait is the same there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3 import SAC
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import DummyVecEnv

from ...world.robots.gait import GAIT_SIZE, JOINTS, LEGS, Array, write_gait
from .ground import Ground
from .oscillator import Numbers, Oscillator

ENVIRONMENTS = 8
SHOWN_STEPS = 20_000
"""Agent steps of the oscillator that are seen before practice begins."""
SHOWN_NOISE = (0.0, 0.15, 0.3)
"""Of the actions shown, in turns of `TURN_STEPS`: what to do when it errs must be seen, too."""
TURN_STEPS = 50
TOLD_EVERY_STEPS = 10_000
SETTINGS: dict[str, Any] = {
    "gamma": 0.97,  # looks 2 s ahead, three strides
    "learning_rate": 5e-4,
    "batch_size": 256,
    "buffer_size": 300_000,
    "train_freq": 4,
    "gradient_steps": 16,  # for 32 steps
    "learning_starts": 1_000,
    "ent_coef": "auto_0.1",
    "policy_kwargs": {"net_arch": {"pi": [128, 128], "qf": [256, 256]}},
}

_LEGS_SWAPPED = np.arange(LEGS)[::-1]
_JOINTS_SWAPPED = np.arange(JOINTS).reshape(LEGS, 2)[_LEGS_SWAPPED].ravel()
_HIPS_TURN = np.array([-1, 1] * LEGS, np.float32)
_TORSO_TURNS = np.array([1, -1, 1, -1, 1, -1, 1, -1, 1], np.float32)
_ORDER = np.concatenate(
    [
        np.arange(9),
        9 + _JOINTS_SWAPPED,
        17 + _JOINTS_SWAPPED,
        25 + _LEGS_SWAPPED,
        np.arange(29, GAIT_SIZE),
    ]
)
_SIGNS = np.concatenate([_TORSO_TURNS, _HIPS_TURN, _HIPS_TURN, np.ones(LEGS), [1, -1]])


def mirrored(feelings: Array, actions: Array) -> tuple[Array, Array]:
    """What a gait feels, (n, `GAIT_SIZE`), and does, (n, 8), in a mirror: left is right."""
    return (feelings[:, _ORDER] * _SIGNS).astype(np.float32), actions[
        :, _JOINTS_SWAPPED
    ] * _HIPS_TURN


class _MirroringBuffer(ReplayBuffer):
    """Shows the first half of each sample in a mirror."""

    def _get_samples(self, batch_inds: Any, env: Any = None) -> ReplayBufferSamples:
        sample = super()._get_samples(batch_inds, env)
        half = slice(0, len(batch_inds) // 2)
        actions = sample.actions[half].numpy()
        now, done = mirrored(sample.observations[half].numpy(), actions)
        later, _ = mirrored(sample.next_observations[half].numpy(), actions)
        sample.observations[half] = torch.from_numpy(now)
        sample.actions[half] = torch.from_numpy(done)
        sample.next_observations[half] = torch.from_numpy(later)
        return sample


def practise(
    numbers: Numbers, agent_steps: int, seed: int, path: Path, tell: Callable[[str], None]
) -> None:
    """Learn to walk in so many agent steps, from an oscillator's numbers; the gait is written on
    the way."""
    environments = DummyVecEnv([lambda: Monitor(Ground())] * ENVIRONMENTS)
    model = SAC(
        "MlpPolicy",
        environments,
        seed=seed,
        device="cpu",
        replay_buffer_class=_MirroringBuffer,
        **SETTINGS,
    )
    _show(model, numbers, SHOWN_STEPS, seed)
    model.learn(agent_steps, callback=_Progress(path, tell))
    write_gait(path, _arrays(model))
    environments.close()


def _show(model: SAC, numbers: Numbers, agent_steps: int, seed: int) -> None:
    """Let the model see how an oscillator walks."""
    environments, seen = model.env, model.replay_buffer
    assert environments is not None
    assert seen is not None
    oscillators = [Oscillator(numbers) for _ in range(ENVIRONMENTS)]
    random = np.random.default_rng(seed)
    feelings: Any = environments.reset()
    for step in range(agent_steps // ENVIRONMENTS):
        noise = SHOWN_NOISE[step // TURN_STEPS % len(SHOWN_NOISE)]
        actions = np.stack([o.act(f) for o, f in zip(oscillators, feelings, strict=True)])
        actions += noise * random.standard_normal(actions.shape).astype(np.float32)
        actions = actions.clip(-1.0, 1.0)
        later, rewards, ended, infos = environments.step(actions)
        led_to: Any = np.array(later)
        for n in np.flatnonzero(ended):
            led_to[n] = infos[n]["terminal_observation"]
            oscillators[n].start()
        seen.add(feelings, led_to, actions, rewards, ended, infos)
        feelings = later


def _arrays(model: Any) -> list[Array]:
    """The weights and biases of what walks."""
    actor = model.policy.actor
    layers = [layer for layer in actor.latent_pi if hasattr(layer, "weight")] + [actor.mu]
    return [each.detach().numpy() for layer in layers for each in (layer.weight, layer.bias)]


class _Progress(BaseCallback):
    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._path, self._tell = path, tell

    def _on_step(self) -> bool:
        episodes = self.model.ep_info_buffer
        if self.num_timesteps % TOLD_EVERY_STEPS == 0 and episodes:
            lengths = sum(episode["l"] for episode in episodes)
            earned = sum(episode["r"] for episode in episodes)
            write_gait(self._path, _arrays(self.model))
            self._tell(f"{self.num_timesteps} steps: {earned / lengths:.2f} per step")
        return True
