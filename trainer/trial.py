"""One learnability trial: is this task too easy, learnable, or too hard?

Screening comes first: a task that idle actions, random actions or an archived policy solve is too
easy. Then PPO trains, from the best archived policy that was tried or from scratch, and stops as
soon as training episodes succeed so often that an evaluation on fresh seeds confirms it. Verdicts
follow from the seed and the number of steps, not from the clock, unless `max_seconds` ends them.
"""

from __future__ import annotations

import io
import math
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize

from ..sandbox.channel import ChildFault
from ..sandbox.vector import SandboxedEpisodes
from ..task import CurvePoint, Trial
from .achieved import Achievements
from .evaluation import Evaluation, evaluate
from .gentle import spare, train_gently
from .plans import TrialPlan
from .policies import Idle, Policy, Random, Trained, load_parameters
from .vec_env import SandboxedVecEnv

SUCCESS_BONUS, SUCCESS_SHARE = 50.0, 0.5
"""What success is worth in training, before normalisation: it is what a trial asks about."""
WINDOW_EPISODES = 50
"""Training episodes over which the success rate is watched, the same number in every environment:
counting whichever end first would favour short episodes, and successful ones are short."""
WINDOW_SUCCESS_RATE = 0.9
"""Above the rate asked for, so that the evaluation rarely disappoints."""

PPO_SETTINGS: dict[str, Any] = {
    "n_steps": 128,
    "batch_size": 512,
    "n_epochs": 8,
    "learning_rate": 1e-3,
    "gamma": 0.98,
    "gae_lambda": 0.95,
    "ent_coef": 0.01,
    "policy_kwargs": {"net_arch": [128, 128]},
}


def run_trial(plan: TrialPlan, tell: Callable[[CurvePoint], None] = lambda point: None) -> Trial:
    """Run the trial. `tell` hears of each point of the learning curve as it is reached.

    What the task's code does wrong is a `rejected` Trial. Raises BrokenError for failures of ours.
    """
    started = time.monotonic()
    # More threads make a policy of this size slower, and results depend on their number.
    torch.set_num_threads(1)
    try:
        with SandboxedEpisodes(
            plan.source, plan.robot, plan.environments, plan.processes
        ) as episodes:
            return _Trial(plan, episodes, tell, started).run()
    except ChildFault as fault:
        return Trial(
            "rejected",
            f"{fault.symptom} Likely cause: {fault.cause} How to fix: {fault.fix}",
            seed=plan.seed,
            seconds=round(time.monotonic() - started, 1),
        )


class _Trial:
    def __init__(
        self,
        plan: TrialPlan,
        episodes: SandboxedEpisodes,
        tell: Callable[[CurvePoint], None],
        started: float,
    ) -> None:
        self.plan = plan
        self.episodes = episodes
        self.started = started
        self.screening: dict[str, float] = {}
        self.warm_start: str | None = None
        self.env = SandboxedVecEnv(episodes, SUCCESS_BONUS, SUCCESS_SHARE)
        self.model = PPO(
            "MlpPolicy",
            # Rewards differ by orders of magnitude between tasks; observations do not.
            VecNormalize(self.env, norm_obs=False, gamma=PPO_SETTINGS["gamma"]),
            seed=plan.seed,
            device="cpu",
            **PPO_SETTINGS,
        )
        self.watch = _Watch(plan, started, tell)

    def run(self) -> Trial:
        solved = self._screen()
        if solved:
            who, evaluation = solved
            reason = f"Solved before training by {who} ({_rate(evaluation)})."
            return self._trial("too_easy", reason, evaluation)
        while True:
            self._train()
            seed = self._seed("evaluation")
            policy = Trained(self.model)
            achievements = Achievements(self.episodes, self.plan.robot)
            evaluation = evaluate(
                self.episodes, policy, seed, self.plan.evaluation_episodes, achievements
            )
            if evaluation.success_rate >= self.plan.learned_success_rate:
                self._save()
                reason = f"{_rate(evaluation)} succeed on fresh seeds."
                return self._trial("learned", reason, evaluation, after=True)
            if self.watch.budget_spent:
                reason = (
                    f"Not learned within {self.watch.budget_spent}: {_rate(evaluation)} on fresh "
                    f"seeds, {self.plan.learned_success_rate:.0%} are needed."
                )
                # Where it fails shows what was too hard.
                self._save()
                trial = self._trial("too_hard", reason, evaluation, after=True)
                return replace(trial, achieved=achievements.told)

    def _screen(self) -> tuple[str, Evaluation] | None:
        """Who solves the task untrained, if anybody does; and start from the best policy."""
        plan = self.plan
        space = self.episodes.action_space
        chance: dict[str, Policy] = {"idle": Idle(space), "random": Random(space, plan.seed)}
        for name, policy in chance.items():
            evaluation = self._screening(name, policy)
            if evaluation.success_rate >= plan.easy_success_rate:
                return f"{name} actions", evaluation
        best: tuple[float, float] | None = None
        start, tender = self.model.policy.state_dict(), False
        for archived in plan.archived:
            weights = load_parameters(archived.path)
            self.model.policy.load_state_dict(weights)
            evaluation = self._screening(archived.task_id, Trained(self.model))
            solved = evaluation.success_rate >= plan.learned_success_rate
            if solved and not archived.shipped:
                return f"what was learned on “{archived.title}”", evaluation
            skill = evaluation.success_rate, evaluation.mean_return
            if best is None or skill > best:
                best, self.warm_start, start = skill, archived.task_id, weights
                tender = archived.shipped
        self.model.policy.load_state_dict(start)
        if tender:
            self.watch.spared_until = train_gently(self.model)
        return None

    def _screening(self, name: str, policy: Policy) -> Evaluation:
        seed = self._seed("screening")
        evaluation = evaluate(self.episodes, policy, seed, self.plan.screening_episodes)
        self.screening[name] = round(evaluation.success_rate, 4)
        return evaluation

    def _train(self) -> None:
        """Until training episodes succeed often enough, or the budget is spent."""
        # Screening and evaluation have used the environments: begin new episodes.
        self.env.next_seed = self._seed("training")
        self.model._last_obs = None
        self.model.learn(self.plan.max_steps, callback=self.watch, reset_num_timesteps=False)

    def _save(self) -> None:
        """Write the policy: whole and lasting once it has its name, whatever happens meanwhile."""
        path = Path(self.plan.policy_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        policy = io.BytesIO()
        self.model.save(policy)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            file.write(policy.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)

    def _seed(self, purpose: Literal["screening", "training", "evaluation"]) -> int:
        """A seed for episodes; no purpose and no round of training shares one with another."""
        words = [self.plan.seed, *purpose.encode(), self.watch.rounds]
        return int(np.random.SeedSequence(words).generate_state(1)[0])

    def _trial(
        self, verdict: Any, reason: str, evaluation: Evaluation, *, after: bool = False
    ) -> Trial:
        return Trial(
            verdict,
            reason,
            success_before=max(self.screening.values()),
            success_after=round(evaluation.success_rate, 4) if after else None,
            screening=self.screening,
            episodes=evaluation.episodes,
            interval=evaluation.interval,
            steps=self.model.num_timesteps,
            seconds=round(time.monotonic() - self.started, 1),
            warm_start=self.warm_start,
            seed=self.plan.seed,
            curve=tuple(self.watch.curve),
        )


class _Watch(BaseCallback):
    """Watches the training episodes, draws the learning curve and says when to stop."""

    def __init__(self, plan: TrialPlan, started: float, tell: Callable[[CurvePoint], None]) -> None:
        super().__init__()
        self._plan = plan
        self._started = started
        self._tell = tell
        self.curve: list[CurvePoint] = []
        self.spared_until = 0
        """Until so many steps have been made, only the critic learns; see `gentle`."""
        self.rounds = 0
        """How often training has begun; between rounds there is an evaluation."""
        self.budget_spent = ""
        """Which budget ended the training; empty while there is some left."""
        self._window: list[deque[bool]] = []
        """The last successes and failures of each environment."""
        self._point: list[tuple[bool, float]] = []

    def _on_training_start(self) -> None:
        self.rounds += 1
        length = math.ceil(WINDOW_EPISODES / self._plan.environments)
        self._window = [deque(maxlen=length) for _ in range(self._plan.environments)]

    def _on_rollout_start(self) -> None:
        if self.spared_until:
            spare(self.model, self.num_timesteps < self.spared_until)

    def _on_step(self) -> bool:
        for window, info in zip(self._window, self.locals["infos"], strict=True):
            if "episode" in info:
                window.append(info["is_success"])
                self._point.append((info["is_success"], info["episode"]["r"]))
        seconds = time.monotonic() - self._started
        if self.num_timesteps >= self._plan.max_steps:
            self.budget_spent = f"{self._plan.max_steps} steps"
        elif seconds >= self._plan.max_seconds:
            self.budget_spent = f"{self._plan.max_seconds:g} seconds ({self.num_timesteps} steps)"
        return not self.budget_spent and not self._solved

    @property
    def _solved(self) -> bool:
        if any(len(window) < (window.maxlen or 0) for window in self._window):
            return False
        recent = list(chain.from_iterable(self._window))
        return sum(recent) >= WINDOW_SUCCESS_RATE * len(recent)

    def _on_rollout_end(self) -> None:
        if self._point:
            successes, returns = zip(*self._point, strict=True)
            point = CurvePoint(
                steps=self.num_timesteps,
                seconds=round(time.monotonic() - self._started, 1),
                success_rate=round(float(np.mean(successes)), 4),
                mean_return=round(float(np.mean(returns)), 3),
                episodes=len(successes),
            )
            self.curve.append(point)
            self._tell(point)
            self._point.clear()


def _rate(evaluation: Evaluation) -> str:
    return f"{evaluation.successes} of {evaluation.episodes} episodes"
