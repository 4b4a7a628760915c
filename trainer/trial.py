"""One learnability trial: is this task too easy, learnable, or too hard?

Screening comes first: a task that somebody solves untrained is too easy. Then a policy is trained,
from the best archived one that was tried or from scratch, until training episodes succeed so often
that an examination on fresh seeds confirms it, or nothing has got better for long.
Verdicts follow from the seed and the number of steps, not from the clock, unless `max_seconds` ends
them. The rules, and how often they err: docs/verdict.md.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from ..errors import BrokenError
from ..sandbox.processes.channel import ChildFault
from ..task import CurvePoint, Outcome, Task, Trial
from .evidence.achieved import Achievements
from .evidence.deciding import SuccessWindow, is_hopeless
from .evidence.episode_recorder import TRAINED, TRAINING, WatchedEpisodes
from .evidence.evaluation import Evaluation, Examination, evaluate
from .evidence.repeating import require_repeatable
from .evidence.sanity import examined
from .evidence.screening import Screening, screen
from .learners import choose_learner, learner_class, learner_settings
from .learners.learner import Learner, TrainingEpisode
from .learners.network import PolicyNetwork, Weights
from .policies import PLAYED_TEMPERATURE, START_TEMPERATURE, Trained, at_temperature, network_file
from .requests import NO_INPUTS, Inputs, TrialRequest

UNTRAINED = "untrained network"
FIRST_PATIENCE = 0.5
"""Share of the patience after which a warm start that shows no progress is given up."""


def run_trial(
    request: TrialRequest,
    tell: Callable[[CurvePoint], None] = lambda point: None,
    inputs: Inputs = NO_INPUTS,
) -> tuple[Trial, bytes | None]:
    """Run the trial.

    Args:
        request: The task, its seed, and the limits of the trial.
        tell: Is called with each point of the learning curve as it is reached.
        inputs: The archived policies that the request names.

    Returns:
        The trial, with its verdict and all that it rests on; what the task's code does wrong makes
        it `rejected`. And the file of the trained policy, whether it has learned the task or not;
        None where nothing was trained to its end.

    Raises:
        UsageError: The learner that was asked for cannot train this robot, or has no such settings.
        BrokenError: Our machinery failed.
    """
    started = time.monotonic()
    # More threads make a policy of this size slower, and results depend on their number.
    torch.set_num_threads(1)
    trial: _Trial | None = None
    try:
        with WatchedEpisodes(
            request.source, request.robot, request.environments, request.processes
        ) as episodes:
            name = choose_learner(request.learner, episodes.action_space)
            settings = learner_settings(name, request.learners.get(name, {}))
            learner = learner_class(name)(episodes, request.seed, settings)
            trial = _Trial(request, inputs, episodes, name, learner, tell, started)
            return trial.run(), trial.policy
    except ChildFault as fault:
        steps = trial.learner.steps if trial else 0
        when = f"After {steps} steps of training: " if steps else "Before training began: "
        symptom = fault.symptom[:1].upper() + fault.symptom[1:]
        found = Outcome.rejected("train", when + symptom, fault.cause, fault.fix)
        rejected = Trial(
            "rejected",
            f"{found.symptom} Likely cause: {found.cause} How to fix: {found.fix}",
            rule="fault",
            seed=request.seed,
            steps=steps,
            seconds=round(time.monotonic() - started, 1),
            fault=found,
        )
        return rejected, None


@dataclass
class Candidate:
    """A network as it was once, which may be examined. Curves waver: later it may be worse."""

    network: PolicyNetwork
    weights: Weights = field(default_factory=dict)
    success_rate: float = 0.0
    """In training, when it was so."""


class _Trial:
    def __init__(
        self,
        request: TrialRequest,
        inputs: Inputs,
        episodes: WatchedEpisodes,
        learner_name: str,
        learner: Learner,
        tell: Callable[[CurvePoint], None],
        started: float,
    ) -> None:
        self.request = request
        self.inputs = inputs
        self.episodes = episodes
        self.tell = tell
        self.started = started
        self.learner_name = learner_name
        self.learner = learner
        self.network = learner.network
        """Of those that the learner trains, the one that acts when episodes are evaluated."""
        rounds = math.ceil(request.evaluation_episodes / request.environments)
        self.examination = Examination(request.learned_success_rate, rounds * request.environments)
        self.windows: list[SuccessWindow] = []
        """One for each network that is trained."""
        self.screening = Screening()
        self.warm_start: str | None = None
        self.abandoned_start: str | None = None
        self.curve: list[CurvePoint] = []
        self.untrained = copy.deepcopy(self.network)
        self.begun_point = self.begun_steps = 0
        """How long the curve was, and how many steps were taken, when patience last began anew."""
        self.best = Candidate(self.network)
        """What has come nearest to an examination since the last one."""
        self.rounds = 0
        """How often training has begun; between rounds there is an examination."""
        self.policy: bytes | None = None
        """The file of the trained policy, once training is over."""

    def run(self) -> Trial:
        """The verdict, with what the same evidence says of the task's rewards and success."""
        return examined(self._run(), self.request, self.episodes.recorder, self.network)

    def _run(self) -> Trial:
        self.screening = screen(
            self.episodes,
            self.request,
            self.inputs,
            self._seed("screening"),
            self.learner.takes_up,
        )
        if self.screening.evidence:
            who, evidence = self.screening.solved_by, self.screening.evidence
            require_repeatable(self.request, self.episodes.recorder.successes)
            return self._verdict(
                "too_easy",
                f"Solved before training by {who} ({evidence}).",
                "solved_before",
                evidence,
            )
        self._begin()
        while True:
            ended_by = self._train()
            if ended_by == "hopeless" and self.warm_start:
                self._begin_anew()
                continue
            candidate = self.best
            if ended_by == "looks_learned" or not candidate.success_rate:
                candidate = self._most_successful()
            self.network = candidate.network
            learned = self.network.weights()
            played = self._at_temperature(candidate.weights, PLAYED_TEMPERATURE)
            self._load(played)
            achievements = Achievements(self.episodes, self.request.robot)
            shown = self._examine(achievements)
            if self.examination.passed(shown.successes, shown.episodes):
                require_repeatable(self.request, self.episodes.recorder.successes)
                if self._began_with_successes and (untrained := self._solved_untrained()):
                    return self._verdict(
                        "too_easy",
                        f"Solved before training by an {UNTRAINED} ({untrained}).",
                        "solved_before",
                        untrained,
                    )
                self._keep()
                return self._verdict(
                    "learned", f"{shown} succeed on fresh seeds.", "confirmed", shown
                )
            if ended_by != "looks_learned":
                # Where it fails shows what was too hard.
                self._keep()
                reason = f"{self._why_over(ended_by)}: {shown} on fresh seeds, {self._asked_for()}."
                return self._verdict(
                    "too_hard", reason, ended_by, shown, achieved=achievements.summary
                )
            self._load(learned)
            self.best = Candidate(self.network)

    def _load(self, weights: Weights) -> None:
        self.network.load_state_dict(weights)

    def _at_temperature(self, weights: Weights, temperature: float) -> Weights:
        return at_temperature(weights, temperature) if self.network.chooses else weights

    def _begin(self) -> None:
        """From the best archived policy where it is better than chance, else from scratch."""
        if start := self.screening.start:
            self.warm_start = start.task_id
            network = self.screening.networks[start.task_id]
            weights = self._at_temperature(network.weights(), START_TEMPERATURE)
            self.learner.restart(weights, network.activation)

    def _begin_anew(self) -> None:
        """From scratch, since what came before has led nowhere."""
        self.abandoned_start = self.warm_start or self.abandoned_start
        self.warm_start = None
        self.learner.restart(self.untrained.weights())
        self.begun_point, self.begun_steps = len(self.curve), self.learner.steps

    def _train(self) -> Literal["looks_learned", "hopeless", "steps", "clock"]:
        """Until training episodes succeed often enough, or there is no point in going on."""
        self.rounds += 1
        self._watch_anew()
        # Screening and examination have used the environments: begin new episodes.
        self.episodes.policy = TRAINING
        self.learner.reset(self._seed("training"))
        while True:
            ended = self._improve()
            if len(self.windows) != len(self.learner.networks):
                self._watch_anew()
            for window in self.windows:
                window.add(ended)
            if ended:
                self._add_point(ended)
            if any(window.looks_learned for window in self.windows):
                return "looks_learned"
            if max(window.success_rate for window in self.windows) > self.best.success_rate:
                self.best = self._most_successful()
            if self.learner.steps >= self.request.max_steps:
                return "steps"
            if self._is_hopeless:
                return "hopeless"
            if time.monotonic() - self.started >= self.request.max_seconds:
                return "clock"

    def _watch_anew(self) -> None:
        """Forget what networks did before; each is watched in the environments in which it acts."""
        count, learner = self.request.environments, self.learner
        own = [
            [each for each in range(count) if learner.actor(each) == n]
            for n in range(len(learner.networks))
        ]
        self.windows = [SuccessWindow(count, each) for each in own]

    def _most_successful(self) -> Candidate:
        """The network that succeeds most often in training by now, as it is; the first of several
        that do so alike."""
        rates = [window.success_rate for window in self.windows]
        network = self.learner.networks[rates.index(max(rates))]
        return Candidate(network, network.weights(), max(rates))

    def _improve(self) -> list[TrainingEpisode]:
        """Raises BrokenError where the weights are no numbers any more."""
        try:
            ended = self.learner.improve()
        except ValueError:
            # What a distribution with such weights says.
            if self._is_finite:
                raise
            ended = []
        if not self._is_finite:
            raise BrokenError(
                f"The learner {self.learner_name} diverged: its weights are not finite any more.",
                "Lower its learning rate, or leave its settings as they come.",
            )
        return ended

    @property
    def _is_finite(self) -> bool:
        return all(network.is_finite for network in self.learner.networks)

    @property
    def _is_hopeless(self) -> bool:
        patience = self.request.patience_steps * (FIRST_PATIENCE if self.warm_start else 1.0)
        curve = self.curve[self.begun_point :]
        return is_hopeless(curve, self.learner.steps, patience, self.begun_steps)

    def _add_point(self, ended: list[TrainingEpisode]) -> None:
        point = CurvePoint(
            steps=self.learner.steps,
            seconds=round(time.monotonic() - self.started, 1),
            success_rate=round(float(np.mean([episode.success for episode in ended])), 4),
            mean_return=round(float(np.mean([episode.earned for episode in ended])), 3),
            episodes=len(ended),
        )
        self.curve.append(point)
        self.tell(point)

    def _examine(self, achievements: Achievements) -> Evaluation:
        seed = self._seed("evaluation")
        self.episodes.policy = TRAINED
        return evaluate(
            self.episodes,
            Trained(self.network, seed),
            seed,
            self.examination.at_most,
            achievements,
            self.examination.is_settled,
        )

    @property
    def _began_with_successes(self) -> bool:
        """Whether the first episodes of training succeeded already, before anything can have been
        learned."""
        successes, episodes = 0.0, 0
        for point in self.curve[self.begun_point :]:
            if episodes >= self.request.environments:
                break
            successes += point.success_rate * point.episodes
            episodes += point.episodes
        return self.warm_start is None and successes >= self.request.learned_success_rate * episodes

    def _solved_untrained(self) -> Evaluation | None:
        """What the network does that training began with, where that solves the task. It draws an
        action anew at every step, unlike whoever has screened it, and some tasks ask for no more.
        """
        self.episodes.policy = UNTRAINED
        seed = self._seed("screening")
        shown = evaluate(
            self.episodes,
            Trained(self.untrained, seed),
            seed,
            self.request.screening_episodes,
        )
        self.screening.shown[UNTRAINED] = shown
        if shown.success_rate < self.request.learned_success_rate:
            return None
        self.screening.solved_by = f"an {UNTRAINED}"
        return shown

    def _why_over(self, ended_by: str) -> str:
        """Why training is over, as the beginning of a sentence."""
        if ended_by == "steps":
            return f"Not learned within {self.request.max_steps} steps"
        steps = self.learner.steps
        if ended_by == "clock":
            return f"Not learned within {self.request.max_seconds:g} seconds ({steps} steps)"
        return f"Given up after {steps} steps, for long without progress"

    def _asked_for(self) -> str:
        rate = self.request.learned_success_rate
        return f"and it takes more to be sure of {rate:.0%}"

    def _keep(self) -> None:
        request = self.request
        self.policy = network_file(
            self.network,
            self.episodes.observation_space,
            robot=request.robot,
            task_id=Task(request.source, request.robot).task_id,
            learner=self.learner_name,
        )

    def _seed(self, purpose: Literal["screening", "training", "evaluation"]) -> int:
        """A seed for episodes; no purpose and no round of training shares one with another."""
        words = [self.request.seed, *purpose.encode(), self.rounds]
        return int(np.random.SeedSequence(words).generate_state(1)[0])

    def _verdict(
        self, verdict: Any, reason: str, rule: Any, shown: Evaluation, *, achieved: str = ""
    ) -> Trial:
        trained = verdict != "too_easy"
        before = self.screening.untrained_return if "random" in self.screening.shown else None
        return Trial(
            verdict,
            reason,
            success_before=round(self.screening.best_success_rate, 4),
            success_after=round(shown.success_rate, 4) if trained else None,
            screening={
                name: round(each.success_rate, 4) for name, each in self.screening.shown.items()
            },
            solved_by=self.screening.solved_by,
            rule=rule,
            successes=shown.successes,
            episodes=shown.episodes,
            interval=shown.interval,
            evaluation_seed=shown.seed,
            return_before=None if before is None else round(before, 3),
            return_after=round(shown.mean_return, 3) if trained else None,
            steps=self.learner.steps,
            seconds=round(time.monotonic() - self.started, 1),
            warm_start=self.warm_start,
            abandoned_start=self.abandoned_start,
            seed=self.request.seed,
            curve=tuple(self.curve),
            achieved=achieved,
            left_out=self.screening.left_out,
        )
