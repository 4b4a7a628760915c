"""How often are the rules of a verdict wrong?

Setup, in two parts, without any physics:

- The examination, for policies whose true success rate is known: the probability that it is passed,
  summed over all its outcomes exactly, and what a whole trial comes to in which a policy never gets
  any better and is examined whenever its training episodes look good (simulated).
- The rule that gives up, on recorded learning curves: of the trials that were learned, how many
  would it have stopped before? Of the others, how many does it stop, and what does that save?
  Curves are taken from run folders (`--runs`, each with an archive) and from results of
  `time_to_verdict.py`.
  Record such curves with a patience that never ends (`patience_steps` as `max_steps`), or trials
  that the rule has stopped are missing among those that it could have stopped wrongly.

Duration: half a minute.

    python benchmarks/verdict_errors.py --runs RUN_DIR ... --results verdicts.jsonl
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from taskwright.archive.store import Archive
from taskwright.config import TrainerConfig
from taskwright.task import CurvePoint, Trial, from_json
from taskwright.trainer.evidence.deciding import SuccessWindow, is_hopeless
from taskwright.trainer.evidence.evaluation import Examination
from taskwright.trainer.learners.learner import TrainingEpisode

RATES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)
CONFIG = TrainerConfig()
EXAMINATION = Examination(CONFIG.learned_success_rate, CONFIG.evaluation_episodes)
TRIALS = 300
EPISODE_STEPS = 120
"""Agent steps of a training episode, for how many of them a budget holds."""
PATIENCES = (20_000, 30_000, 40_000, 60_000)


def passes(rate: float) -> tuple[float, float]:
    """The probability that a policy of this success rate passes, and the episodes it takes."""
    together = CONFIG.environments
    of_round = [
        math.comb(together, k) * rate**k * (1 - rate) ** (together - k) for k in range(together + 1)
    ]
    undecided, episodes, passed, mean_episodes = {0: 1.0}, 0, 0.0, 0.0
    while undecided:
        episodes += together
        after: dict[int, float] = {}
        for successes, probability in undecided.items():
            for more, chance in enumerate(of_round):
                after[successes + more] = after.get(successes + more, 0.0) + probability * chance
        undecided = {}
        for successes, probability in after.items():
            if not EXAMINATION.is_settled(successes, episodes):
                undecided[successes] = probability
                continue
            mean_episodes += probability * episodes
            if EXAMINATION.passed(successes, episodes):
                passed += probability
    return passed, mean_episodes


def trial_passes(rate: float, pass_probability: float, random: np.random.Generator) -> bool:
    """Whether a policy that stays what it is is ever taken for learned before the budget ends."""
    window = SuccessWindow(CONFIG.environments)
    for _ in range(CONFIG.max_steps // EPISODE_STEPS // CONFIG.environments):
        successes = random.random(CONFIG.environments) < rate
        window.add(
            [TrainingEpisode(n, bool(success), 0.0, 0) for n, success in enumerate(successes)]
        )
        if window.looks_learned:
            if random.random() < pass_probability:
                return True
            window.clear()
    return False


def print_examination() -> None:
    random = np.random.default_rng(0)
    print(
        f"Learned: above {CONFIG.learned_success_rate:.0%} with 95 % confidence, "
        f"{EXAMINATION.at_most} episodes at most.\n"
    )
    print("| true success rate | passes | episodes it takes | a whole trial, never improving |")
    print("|---|---|---|---|")
    for rate in RATES:
        passed, episodes = passes(rate)
        whole = sum(trial_passes(rate, passed, random) for _ in range(TRIALS)) / TRIALS
        print(f"| {rate:.2f} | {passed:.3f} | {episodes:.0f} | {whole:.3f} |")


@dataclass(frozen=True)
class Recorded:
    """A learning curve, and what came of it."""

    was_learned: bool
    steps: int
    curve: tuple[CurvePoint, ...]


def recorded(runs: list[Path], results: list[Path]) -> Iterator[Recorded]:
    """The curves of trials that trained and did not go on from another policy."""
    trials: dict[tuple[str, int, int], Trial] = {}
    for run in runs:
        with Archive.open(run) as archive:
            for record in archive.records():
                if record.trial:
                    key = record.task_id or "", record.trial.seed, record.trial.steps
                    trials[key] = record.trial
    for path in results:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            for told in (row, row.get("anyway")):
                if told:
                    trial = from_json(Trial, json.dumps(told["trial"]))
                    trials[row["task"], row["seed"], trial.steps] = trial
    for trial in trials.values():
        if trial.verdict in ("learned", "too_hard") and not trial.abandoned_start:
            yield Recorded(trial.verdict == "learned", trial.steps, trial.curve)


def stopped_at(trial: Recorded, patience_steps: int) -> int | None:
    """When the rule would have given up; None where it would not have."""
    for length, point in enumerate(trial.curve, 1):
        if point.steps < trial.steps and is_hopeless(
            trial.curve[:length], point.steps, patience_steps
        ):
            return point.steps
    return None


def print_patience(trials: list[Recorded]) -> None:
    learned = [trial for trial in trials if trial.was_learned]
    others = [trial for trial in trials if not trial.was_learned]
    print(f"\n{len(learned)} recorded curves of learned tasks, {len(others)} of others.\n")
    print(
        "| patience, steps | learned ones stopped | of those that took longer | others stopped "
        "| their steps saved |"
    )
    print("|---|---|---|---|---|")
    for patience in PATIENCES:
        wrongly = [t for t in learned if stopped_at(t, patience) is not None]
        longer = [trial for trial in learned if trial.steps > patience]
        stops = [(trial.steps, stopped_at(trial, patience)) for trial in others]
        saved = sum(steps - at for steps, at in stops if at is not None)
        share = saved / max(sum(steps for steps, _ in stops), 1)
        print(
            f"| {patience:,} | {len(wrongly)} of {len(learned)} | {len(wrongly)} of {len(longer)} "
            f"| {sum(at is not None for _, at in stops)} of {len(others)} | {share:.0%} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, nargs="*", default=[])
    parser.add_argument("--results", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    print_examination()
    if trials := list(recorded(options.runs, options.results)):
        print_patience(trials)


if __name__ == "__main__":
    main()
