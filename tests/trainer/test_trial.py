"""Verdicts on toy tasks with known answers."""

from __future__ import annotations

import io
import zipfile
from itertools import chain, repeat

import numpy as np
import pytest
import torch

from taskwright.errors import BrokenError
from taskwright.executor.contents import digest_of
from taskwright.trainer.learners.learner import TrainingEpisode
from taskwright.trainer.learners.soft_q import SoftQLearner
from taskwright.trainer.policies import PLAYED_TEMPERATURE
from taskwright.trainer.policy_files import policy_in, read_policy
from taskwright.trainer.requests import ArchivedPolicy, TrialRequest
from taskwright.trainer.trial import run_trial
from taskwright.world.robots import robot_class


@pytest.fixture
def make_request(easy_source):
    """Makes a request for a trial of the easy task; anything can be given."""

    def make(**fields) -> TrialRequest:
        values = {
            "source": easy_source,
            "robot": "r2d2",
            "seed": 0,
            "max_steps": 30_000,
            "patience_steps": 20_000,
            "max_seconds": 900.0,
            "processes": 2,
            "environments": 8,
            "learned_success_rate": 0.8,
            "easy_success_rate": 0.5,
            "screening_episodes": 8,
            "evaluation_episodes": 16,
        }
        return TrialRequest(**{**values, **fields})

    return make


def behind(source: str, metres: float) -> str:
    """The task of being behind where one began: nobody gets there by driving ahead."""
    source = source.replace("[0] > 2.0", f"[0] < -{metres}")
    return source.replace("speed = (x - self.x)", "speed = (self.x - x)")


def with_success(source: str, expression: str) -> str:
    start = source.index("        return bool(")
    return source[:start] + f"        return {expression}\n"


def test_an_easy_task_is_learned_and_its_evidence_given(make_request, easy_source):
    # Random driving gets 2 m away quite often; 8 m is out of its reach.
    source = behind(easy_source, 8.0)
    points = []
    trial, policy = run_trial(make_request(source=source), points.append)
    assert trial.verdict == "learned"
    assert trial.success_before < 0.5
    assert trial.success_after >= 0.8
    # Nothing less than all of 16 makes one sure of 80 %.
    assert trial.successes == trial.episodes == 16
    assert trial.interval[0] >= 0.8
    assert trial.rule == "confirmed"
    assert {"idle", "random"} < trial.screening.keys()
    assert trial.success_progress == trial.success_after - trial.success_before
    assert 0.0 < trial.return_progress <= 1.0
    assert tuple(points) == trial.curve
    assert [p.steps for p in points] == sorted(p.steps for p in points)
    assert policy_in(policy, "that was learned")


@pytest.mark.slow
def test_what_an_untrained_network_does_is_not_learned(make_request, easy_source):
    # Three actions in three steps: those of screening are held for longer, so none of them does it,
    # and a network that draws at random does it all the time.
    source = with_success(easy_source, "len(set(self.acted[-9::4])) == 3 and len(self.acted) > 80")
    source = source.replace(
        "    def get_task_rewards(self, action):\n",
        "    def get_task_rewards(self, action):\n"
        "        self.acted = [*self.acted, int(action)]\n",
    ).replace("super().reset()\n", "super().reset()\n        self.acted = []\n")
    trial, policy = run_trial(make_request(source=source))
    assert max(trial.screening[name] for name in ("idle", "random")) < 0.5
    assert (trial.verdict, trial.rule) == ("too_easy", "solved_before")
    assert trial.solved_by == "an untrained network"
    assert trial.success_before == trial.screening["untrained network"] == 1.0
    assert trial.steps > 0
    assert policy is None


@pytest.mark.slow
def test_one_process_learns_the_same_and_what_was_learned_begins_other_trials(
    make_request, easy_source, monkeypatch
):
    source = behind(easy_source, 8.0)
    trial, policy = run_trial(make_request(source=source))

    # Nothing depends on how many processes step the environments.
    again, same_policy = run_trial(make_request(source=source, processes=1))
    assert [(p.steps, p.success_rate, p.mean_return) for p in again.curve] == [
        (p.steps, p.success_rate, p.mean_return) for p in trial.curve
    ]
    assert again.success_after == trial.success_after
    assert same_policy == policy

    # Its own policy solves it untrained, and a harder version learns on from it.
    archived = (ArchivedPolicy("0123456789ab", "Drive far", digest_of(policy)),)
    inputs = {digest_of(policy): policy}
    easy, _ = run_trial(make_request(source=source, archived=archived), inputs=inputs)
    assert easy.verdict == "too_easy"
    assert "Drive far" in easy.solved_by

    # It earns more than chance does in a task that nobody can accomplish: training begins from it,
    # which leads nowhere, and then from scratch.
    monkeypatch.setattr("taskwright.trainer.evidence.deciding.SPAN_STEPS", 1_024)
    nowhere = with_success(source, "False")
    harder = make_request(source=nowhere, archived=archived, patience_steps=3_000)
    warm, _ = run_trial(harder, inputs=inputs)
    assert (warm.verdict, warm.rule) == ("too_hard", "hopeless")
    # 1,500 steps or more with it, and 3,000 or more without.
    assert warm.steps >= 4_500
    assert warm.abandoned_start == "0123456789ab"
    assert warm.warm_start is None


@pytest.mark.slow
def test_what_is_examined_and_kept_is_surer_of_itself_than_what_trains_on(
    make_request, easy_source, monkeypatch
):
    def kept(temperature: float) -> dict[str, np.ndarray]:
        # An examination that fails, and one at the end.
        answers = chain([True], repeat(False))
        looks_learned = property(lambda window: next(answers))
        monkeypatch.setattr("taskwright.trainer.trial.SuccessWindow.looks_learned", looks_learned)
        monkeypatch.setattr("taskwright.trainer.trial.PLAYED_TEMPERATURE", temperature)
        few = {"environments": 2, "screening_episodes": 2, "evaluation_episodes": 2}
        nowhere = with_success(easy_source, "False")
        trial, policy = run_trial(make_request(source=nowhere, max_steps=2 * 256, **few))
        assert trial.steps == 2 * 256
        return policy_in(policy, "that was kept").arrays

    trained, surer = kept(1.0), kept(0.5)
    for name in trained:
        twice = 2.0 if name.startswith("action_net") else 1.0
        np.testing.assert_allclose(surer[name], twice * trained[name], rtol=1e-6)


def test_solved_by_doing_nothing_is_too_easy(make_request, easy_source):
    # True after a second only: the checks would not let pass what is true at the start.
    source = with_success(easy_source, "self.calls > 60")
    source = source.replace("self.x = 0.0", "self.x = 0.0\n        self.calls = 0")
    source = source.replace("x = self.robot", "self.calls += 1\n        x = self.robot", 1)
    trial, _ = run_trial(make_request(source=source))
    assert trial.verdict == "too_easy"
    assert "idle" in trial.reason
    assert trial.success_before == 1.0
    assert trial.steps == 0


def test_solved_by_driving_straight_ahead_is_too_easy(make_request, easy_source):
    trial, _ = run_trial(make_request(source=easy_source.replace("> 2.0", "> 8.0")))
    assert trial.verdict == "too_easy"
    assert trial.rule == "solved_before"
    assert trial.solved_by == "driving straight ahead"
    assert (trial.successes, trial.episodes) == (8, 8)


@pytest.mark.slow
def test_an_impossible_task_is_too_hard_after_its_budget(make_request, easy_source):
    trial, _ = run_trial(make_request(source=with_success(easy_source, "False"), max_steps=3_000))
    assert trial.verdict == "too_hard"
    assert trial.success_after == 0.0
    assert "3000 steps" in trial.reason
    # After 8 failures not even 8 successes would do.
    assert (trial.successes, trial.episodes) == (0, 8)
    assert trial.achieved.startswith("Of 8 episodes, 8 by time ended.")
    assert "ahead " in trial.achieved
    # Steps are taken 256 at a time.
    assert trial.steps == 3_072
    assert trial.rule == "steps"


@pytest.mark.slow
def test_what_is_not_learned_is_examined_and_kept_at_its_best(
    make_request, easy_source, monkeypatch
):
    successes = [0, 4, 6, 2, 1]  # Of 8 episodes, in one rollout after the other.

    def improve(learner: SoftQLearner) -> list[TrainingEpisode]:
        number = learner.steps // 1_024
        with torch.no_grad():
            learner.network.action_net.bias.fill_(number)
        learner.steps += 1_024
        succeeds = [environment < successes[number] for environment in range(8)]
        return [TrainingEpisode(n, succeeds[n], 0.0, 1) for n in range(8) for _ in range(7)]

    monkeypatch.setattr(SoftQLearner, "improve", improve)
    request = make_request(source=with_success(easy_source, "False"), max_steps=5 * 1_024)
    trial, policy = run_trial(request)
    assert trial.steps == 5 * 1_024
    kept = policy_in(policy, "that was kept").arrays
    assert kept["action_net.bias"].tolist() == pytest.approx([2.0 / PLAYED_TEMPERATURE] * 6)


@pytest.mark.slow
def test_the_clock_ends_a_trial_that_the_steps_would_not(make_request, easy_source):
    trial, _ = run_trial(
        make_request(
            source=with_success(easy_source, "False"), max_steps=10_000_000, max_seconds=4.0
        )
    )
    assert trial.verdict == "too_hard"
    assert "4 seconds" in trial.reason
    assert trial.rule == "clock"


def test_code_that_fails_in_training_is_rejected_and_not_too_hard(make_request, easy_source):
    source = behind(easy_source, 8.0).replace(
        "        x = self.robot", "        1 / int(abs(self.x) < 0.5)\n        x = self.robot", 1
    )
    trial, _ = run_trial(make_request(source=source))
    assert trial.verdict == "rejected"
    assert "ZeroDivisionError" in trial.reason
    assert "line" in trial.reason
    assert (trial.fault.verdict, trial.fault.stage) == ("rejected", "train")
    assert trial.fault.symptom.startswith("Before training began: Step ")
    assert "Guard the divisor" in trial.fault.fix


@pytest.mark.slow
def test_a_trial_goes_on_without_the_policies_that_it_cannot_use(make_request, easy_source):
    def saved(thing) -> bytes:
        file = io.BytesIO()
        torch.save(thing, file)
        return file.getvalue()

    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("policy.pth", saved({"action_net.weight": torch.zeros(2, 3)}))
    files = {"no-policy": saved({"policy": 1}), "of-another-robot": other.getvalue()}
    archived = tuple(ArchivedPolicy(n, f"The {n}", digest_of(data)) for n, data in files.items())
    nowhere = with_success(easy_source, "False")
    trial, _ = run_trial(
        make_request(source=nowhere, archived=archived, max_steps=256),
        inputs={digest_of(data): data for data in files.values()},
    )
    # What is wrong with them says nothing of the task.
    assert trial.verdict == "too_hard"
    assert trial.screening.keys() == {"idle", "random", *robot_class("r2d2").scripts}
    assert trial.left_out.keys() == files.keys()
    assert "of “The no-policy” (no-policy) cannot be read" in trial.left_out["no-policy"]
    assert "other observations or actions" in trial.left_out["of-another-robot"]


def test_a_missing_policy_says_how_to_get_one(tmp_path):
    with pytest.raises(BrokenError, match="taskwright train"):
        read_policy(tmp_path / "none.zip")
