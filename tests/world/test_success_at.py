"""A task says when its success counts: at any step of an episode, or at its end."""

import pytest

from taskwright.sandbox.language_policy import refusals
from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.trainer.evidence.evaluation import evaluate
from taskwright.world import TaskEnv
from taskwright.world.contract import ContractError

LIMIT = 40
AHEAD, BACK = 1, 2


@pytest.fixture
def passing_by(easy_source):
    """Success while the robot is from 0.2 to 0.5 m ahead; an episode is 10 actions."""

    def make(success_at=None, terminated="False"):
        says = f"    success_at = {success_at!r}\n\n" if success_at is not None else ""
        source = easy_source.replace("    def __init__(self):", says + "    def __init__(self):", 1)
        source = source.replace("return False", f"return bool({terminated})")
        return source.replace(
            'return bool(self.robot.links["base"].position[0] > 2.0)',
            'return bool(0.2 < self.robot.links["base"].position[0] < 0.5)',
        )

    return make


def play(source, actions):
    """Whether success was told after each action."""
    env = TaskEnv(source, time_limit=LIMIT)
    env.reset(seed=0)
    told = []
    for action in actions:
        _, _, terminated, truncated, info = env.step(action)
        told.append(info["is_success"])
        if terminated or truncated:
            break
    env.close()
    return told


def test_passing_by_counts_unless_the_task_says_otherwise(passing_by):
    assert play(passing_by(), [AHEAD] * 20)[-1] is True
    assert play(passing_by("any"), [AHEAD] * 20)[-1] is True


def test_at_the_end_passing_by_does_not_count(passing_by):
    assert True not in play(passing_by("end"), [AHEAD] * 20)


def test_at_the_end_success_is_told_in_the_last_step_alone(passing_by):
    stays = [AHEAD, AHEAD, AHEAD, *[0] * 20]
    source = passing_by("end").replace("< 0.5", "< 50.0")
    told = play(source, stays)
    assert told == [*[False] * (LIMIT // 4 - 1), True]


def test_the_end_is_also_where_the_task_terminates(passing_by):
    source = passing_by("end", 'self.robot.links["base"].position[0] > 0.3')
    told = play(source, [AHEAD] * 20)
    assert told[-1] is True
    assert len(told) < LIMIT // 4


@pytest.mark.parametrize("says", ["start", True, 3])
def test_anything_else_is_refused_with_what_is_expected(passing_by, says):
    with pytest.raises(ContractError, match=r'`success_at` is .*; it must be "any" or "end"'):
        TaskEnv(passing_by(says)).reset(seed=0)


def test_the_language_policy_lets_a_task_say_it(passing_by):
    assert refusals(passing_by("end")) == []


def test_an_evaluation_goes_on_to_the_end(passing_by):
    class Ahead:
        def act(self, observations):
            return [AHEAD] * len(observations)

    rates = {}
    for success_at in ("any", "end"):
        source = passing_by(success_at)
        with SandboxedEpisodes(source, "r2d2", 2, 1, time_limit=LIMIT) as episodes:
            rates[success_at] = evaluate(episodes, Ahead(), 0, 2).success_rate
    assert rates == {"any": 1.0, "end": 0.0}
