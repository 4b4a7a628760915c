"""Training on from a skill that is soon unlearned.

A gait is a cycle that small errors throw out of step: with the settings of a trial from scratch,
whose critic knows nothing of the task and whose entropy bonus adds noise to every joint, a walker
falls after the first updates and does not get up. So only the critic learns at first, and then
small steps are taken.
"""

from __future__ import annotations

from stable_baselines3 import PPO

CRITIC_STEPS = 8_000
"""Agent steps in which only the critic learns."""
LEARNING_RATE = 2e-4
TARGET_KL = 0.02


def train_gently(model: PPO) -> int:
    """Make the steps of a model small; returns until how many agent steps it is to be spared."""
    model.ent_coef = 0.0
    model.target_kl = TARGET_KL
    model.lr_schedule = lambda progress: LEARNING_RATE
    return CRITIC_STEPS


def spare(model: PPO, spared: bool) -> None:
    """Whether training changes how the model acts, or only what its critic expects."""
    for name, parameter in model.policy.named_parameters():
        if "value_net" not in name:
            parameter.requires_grad_(not spared)
