"""What a trial will ask of a task, as prompts tell it: the settings in force, and what follows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..config import Config
from ..trainer.learners import choose_learner, learner_settings
from ..world.base import BaseEnv
from ..world.robots import robot_class, robot_spaces
from ..world.task_env import ACTION_REPEAT


@dataclass(frozen=True)
class TrialTerms:
    """The numbers that decide what becomes of a task."""

    easy_success_rate: float
    """Idle or random actions that reach this make it too easy."""
    learned_success_rate: float
    """What is to be surpassed after training; others that reach it untrained make it too easy."""
    scripts: tuple[str, ...]
    """What else is tried untrained, in words."""
    nearest_policies: int
    """How many kept tasks lend their policies: the nearest ones."""
    screening_episodes: int
    """Episodes of whoever is tried untrained."""
    max_steps: int
    """Agent steps of training at most."""
    patience_steps: int
    """Agent steps without progress that end it."""
    step_s: float
    """Seconds of an agent step."""
    horizon_s: float
    """Seconds after which a reward counts 1 / e of what it counts now."""

    @property
    def metre(self) -> float:
        """What a metre of progress is worth in all, rewarded as a speed in each physics step."""
        return 1.0 / BaseEnv.dt

    @property
    def event_m(self) -> float:
        """The metres of progress that are worth the most that a physics step can earn."""
        return 10.0 * BaseEnv.dt

    @classmethod
    def of(cls, config: Config) -> TrialTerms:
        """The terms of a run.

        Raises:
            UsageError: The learner that was asked for cannot train this robot, or has no such
                settings.
        """
        robot, trainer = config.run.robot, config.trainer
        _, actions = robot_spaces(robot, steered=True)
        learner = choose_learner(trainer.learner, actions)
        discount = learner_settings(learner, trainer.learners.get(learner, {})).discount
        step_s = ACTION_REPEAT * BaseEnv.dt
        return cls(
            easy_success_rate=trainer.easy_success_rate,
            learned_success_rate=trainer.learned_success_rate,
            scripts=tuple(robot_class(robot).scripts),
            nearest_policies=trainer.nearest_policies,
            screening_episodes=trainer.screening_episodes,
            max_steps=trainer.max_steps,
            patience_steps=trainer.patience_steps,
            step_s=step_s,
            # A discount of 0 looks at the next reward alone.
            horizon_s=-step_s / math.log(discount) if discount > 0.0 else 0.0,
        )
