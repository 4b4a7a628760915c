"""How often are the rules of a verdict wrong?

Measures, without any physics:

- The examination: the probability that a policy of a known success rate passes it, summed over all
  outcomes exactly, and what a whole trial comes to in which a policy never gets any better and is
  examined whenever its training episodes look good (simulated).
- The rule that gives up, on recorded learning curves: of the trials that were learned, how many
  would it have stopped before? Of the others, how many does it stop, and what does that save?
  Curves are taken from run folders (`--runs`, each with an archive) and from results of
  `time_to_verdict.py`. Record such curves with a patience that never ends (`--patience-steps` as
  many as the limit of steps), or trials that the rule has stopped are missing among those that it
  could have stopped wrongly.

Compared with: the rate that the policy truly has, and what became of the recorded trials.
Duration: half a minute.

    python benchmarks/verdict_errors.py --runs RUN_DIR ... --results verdicts.jsonl
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from harness import Benchmark
from trials import Results, trial_in

from taskwright.archive.store import Archive
from taskwright.config import TrainerConfig
from taskwright.task import Trial
from taskwright.trainer.evidence.deciding import SuccessWindow, is_hopeless
from taskwright.trainer.evidence.evaluation import Examination
from taskwright.trainer.learners.action_values import SoftQSettings
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
    """Whether a policy that stays what it is is ever taken for learned before the budget ends. The
    second network, once there is one, is no better than the first."""
    count, second_from = CONFIG.environments, SoftQSettings().second_from
    windows = [SuccessWindow(count)]
    for steps in range(0, CONFIG.max_steps, EPISODE_STEPS * count):
        if steps >= second_from and len(windows) == 1:
            windows = [SuccessWindow(count, range(place, count, 2)) for place in range(2)]
        successes = random.random(count) < rate
        ended = [TrainingEpisode(n, bool(success), 0.0, 0) for n, success in enumerate(successes)]
        for window in windows:
            window.add(ended)
        if any(window.looks_learned for window in windows):
            if random.random() < pass_probability:
                return True
            for window in windows:
                window.clear()
    return False


def examinations() -> Iterator[list[float]]:
    """By the true success rate: how often it passes, after how many episodes, and whole trials."""
    random = np.random.default_rng(0)
    for rate in RATES:
        passed, episodes = passes(rate)
        whole = sum(trial_passes(rate, passed, random) for _ in range(TRIALS)) / TRIALS
        yield [rate, passed, episodes, whole]


def recorded(runs: list[Path], results: list[Path]) -> list[Trial]:
    """The trials that trained and did not go on from another policy, each once."""
    trials: dict[tuple[str, int, int], Trial] = {}
    for run in runs:
        with Archive.open(run) as archive:
            for record in archive.records():
                if trial := record.trial:
                    trials[record.task_id or "", trial.seed, trial.steps] = trial
    for path in results:
        for row in Results(path).rows:
            for outcome in (row, row.get("anyway")):
                if outcome:
                    trial = trial_in(outcome)
                    trials[row["task"], row["seed"], trial.steps] = trial
    trained = [each for each in trials.values() if each.verdict in ("learned", "too_hard")]
    return [trial for trial in trained if not trial.abandoned_start]


def stopped_at(trial: Trial, patience_steps: int) -> int | None:
    """When the rule would have given up; None where it would not have."""
    for length, point in enumerate(trial.curve, 1):
        if point.steps < trial.steps and is_hopeless(
            trial.curve[:length], point.steps, patience_steps
        ):
            return point.steps
    return None


def patiences(trials: list[Trial]) -> Iterator[list[str]]:
    """By the patience: what it would have stopped, and the steps that this had saved."""
    learned = [trial for trial in trials if trial.verdict == "learned"]
    others = [trial for trial in trials if trial.verdict != "learned"]
    for patience in PATIENCES:
        wrongly = sum(stopped_at(trial, patience) is not None for trial in learned)
        longer = sum(trial.steps > patience for trial in learned)
        stops = [(trial.steps, stopped_at(trial, patience)) for trial in others]
        stopped = [steps - at for steps, at in stops if at is not None]
        share = sum(stopped) / max(sum(steps for steps, _ in stops), 1)
        yield [
            f"{patience:,}",
            f"{wrongly} of {len(learned)}",
            f"{wrongly} of {longer}",
            f"{len(stopped)} of {len(others)}",
            f"{share:.0%}",
        ]


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--runs", type=Path, nargs="*", default=[])
    bench.option("--results", type=Path, nargs="*", default=[])
    options = bench.start()
    bench.say(
        f"Learned: above {CONFIG.learned_success_rate:.0%} with 95 % confidence, "
        f"{EXAMINATION.at_most} episodes at most."
    )
    columns = {"true success rate": ".2f", "passes": ".3f", "episodes it takes": ".0f"}
    bench.table(columns | {"a whole trial, never improving": ".3f"}, examinations())
    if trials := recorded(options.runs, options.results):
        learned = sum(trial.verdict == "learned" for trial in trials)
        bench.say(
            f"\n{learned} recorded curves of learned tasks, {len(trials) - learned} of others."
        )
        heads = ("patience, steps", "learned ones stopped", "of those that took longer",
                 "others stopped", "their steps saved")  # fmt: skip
        bench.table(dict.fromkeys(heads, ""), patiences(trials))


if __name__ == "__main__":
    main()
