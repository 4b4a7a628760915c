"""Success rates come from fresh, reproducible episodes, with an honest interval."""

import re

import numpy as np
import pytest

from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.task import ROBOT_BASES, ROBOTS
from taskwright.trainer.evidence.achieved import Achievements
from taskwright.trainer.evidence.evaluation import Examination, evaluate, wilson_interval
from taskwright.trainer.policies import Idle, Random
from taskwright.world.robots import robot_class


class Forward:
    """Drives straight ahead."""

    def act(self, observations):
        return np.ones(len(observations))


@pytest.mark.parametrize(
    ("successes", "episodes", "interval"),
    # Values from Wilson's formula as published tables give it.
    [(0, 10, (0.0, 0.2775)), (10, 10, (0.7225, 1.0)), (5, 10, (0.2366, 0.7634))],
)
def test_wilson_interval(successes, episodes, interval):
    assert wilson_interval(successes, episodes) == pytest.approx(interval, abs=2e-4)


def test_counts_the_same_number_of_episodes_in_every_environment(easy_source):
    with SandboxedEpisodes(easy_source, "r2d2", count=3, processes=1) as episodes:
        evaluation = evaluate(episodes, Forward(), seed=0, at_most=4)
    assert evaluation.episodes == 6
    assert evaluation.success_rate == 1.0
    assert evaluation.interval[1] == 1.0


def test_is_over_after_the_round_that_was_enough(easy_source):
    asked = []

    def enough(successes, episodes):
        asked.append((successes, episodes))
        return episodes >= 4

    with SandboxedEpisodes(easy_source, "r2d2", count=2, processes=1) as episodes:
        evaluation = evaluate(episodes, Forward(), 0, 100, enough=enough)
        whole = evaluate(episodes, Forward(), 0, 4)
    assert asked == [(2, 2), (4, 4)]
    assert evaluation == whole


def test_an_examination_is_settled_once_the_interval_lies_on_one_side():
    examination = Examination(rate=0.8, at_most=128)
    # All of 16, 31 of 32, 44 of 48: the lower ends of their intervals are just above 0.8.
    for successes, episodes in ((16, 16), (31, 32), (44, 48), (112, 128)):
        assert examination.passed(successes, episodes)
        assert examination.is_settled(successes, episodes)
        assert not examination.passed(successes - 1, episodes)
    # 112 of 128 can still be reached with 16 failures, and no longer with 17.
    assert not examination.is_settled(16, 32)
    assert examination.is_settled(15, 32)
    assert examination.is_settled(111, 128)


@pytest.mark.slow
def test_idle_never_gets_there_and_random_is_reproducible(easy_source):
    with SandboxedEpisodes(easy_source, "r2d2", count=4, processes=2) as episodes:
        space = episodes.action_space
        assert evaluate(episodes, Idle(space), 0, 4).successes == 0
        first = evaluate(episodes, Random(space, 5), 1, 8)
        assert evaluate(episodes, Random(space, 5), 1, 8) == first


@pytest.mark.parametrize("robot", ROBOTS)
def test_what_was_achieved_tells_where_the_robot_got_and_what_it_earned(easy_source, robot):
    source = easy_source.replace("R2D2Env", ROBOT_BASES[robot]).replace("> 2.0", "> 1e9")
    # Placed high up, it falls for half a second, and the way down is known, unless it is bolted.
    source = (
        source.replace("0.0, -0.5]", "0.0, -30.5]")
        .replace('return {"ahead"', 'return {"clock": 0.25, "ahead"')
        .replace("return False", "return self.robot.links['base'].position[2] < -0.8")
    )
    with SandboxedEpisodes(source, robot, count=2, processes=1) as episodes:
        achievements = Achievements(episodes, robot)
        assert achievements.summary == ""
        idle = Idle(episodes.action_space)
        evaluation = evaluate(episodes, idle, 0, 4, achievements)
    assert evaluation.episodes == 4
    told = achievements.summary
    way = float(re.search(r"z ([-+][0-9.]+) m", told)[1])
    if robot_class(robot).is_fixed:
        assert told.startswith("Of 4 episodes, 4 by time ended.")
        assert way == 0.0
    else:
        assert told.startswith("Of 4 episodes, 4 by termination ended.")
        assert -3.0 < way < -0.7
    assert float(re.search(r"clock ([0-9.]+) ", told)[1]) > 1.0
