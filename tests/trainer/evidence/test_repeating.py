"""Verdicts rest on episodes that can be repeated."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from taskwright.sandbox.processes.channel import ChildFault
from taskwright.trainer.evidence.episode_recorder import TRAINING, WatchedEpisodes
from taskwright.trainer.evidence.evaluation import evaluate
from taskwright.trainer.evidence.repeating import require_repeatable
from taskwright.trainer.policies import Random
from taskwright.trainer.requests import TrialRequest
from taskwright.trainer.trial import run_trial

STROLL = '''
import numpy as np
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """Get anywhere."""

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [30, 30, 0.5], [0, 0, -0.5], [0.5, 0.6, 0.5, 1])

    def reset(self):
        observation = super().reset()
        # RESET
        return observation

    def get_task_rewards(self, action):
        return {"luck": np.random.uniform()}

    def get_terminated(self, action):
        return False

    def get_success(self):
        x, y, _ = self.robot.links["base"].position
        return bool(np.hypot(x, y) > 1.0)
'''


def make_request(source: str) -> TrialRequest:
    return TrialRequest(
        source=source,
        robot="r2d2",
        seed=0,
        max_steps=1000,
        patience_steps=1000,
        max_seconds=60.0,
        processes=2,
        environments=8,
        learned_success_rate=0.8,
        easy_success_rate=0.5,
        screening_episodes=16,
        evaluation_episodes=16,
    )


def test_successes_come_about_again_in_a_fresh_process() -> None:
    wanted = make_request(STROLL)
    with WatchedEpisodes(STROLL, "r2d2", 8, 2) as episodes:
        episodes.policy = "random"
        evaluate(episodes, Random(episodes.action_space, 0), 5, 24)
        successes = list(episodes.recorder.successes)
        assert len(successes) >= 20
        require_repeatable(wanted, successes)
        require_repeatable(wanted, successes[:1])
        require_repeatable(wanted, [])
        other = dataclasses.replace(successes[3], seed=successes[3].seed + 1)
        with pytest.raises(ChildFault, match="of 8 that succeeded, 1 went otherwise"):
            require_repeatable(wanted, [*successes[:3], other, *successes[4:8]])
        shorter = dataclasses.replace(successes[0], actions=(np.zeros(1, np.float32),))
        with pytest.raises(ChildFault, match="of 1 that succeeded, 1 went otherwise"):
            require_repeatable(wanted, [shorter])
        episodes.policy = TRAINING
        evaluate(episodes, Random(episodes.action_space, 0), 5, 8)
        assert not episodes.recorder.successes


@pytest.mark.slow
def test_a_task_that_does_not_follow_from_its_seed_is_rejected_not_too_easy() -> None:
    honest, _ = run_trial(make_request(STROLL))
    assert honest.verdict == "too_easy"
    clock = STROLL.replace("# RESET", "np.random.seed()")
    trial, _ = run_trial(make_request(clock))
    assert trial.verdict == "rejected"
    assert "cannot be repeated: of 8 that succeeded, 8 went otherwise" in trial.reason
    assert "How to fix: Keep state in attributes" in trial.reason
