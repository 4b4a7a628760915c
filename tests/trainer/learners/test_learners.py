"""What holds for every learner, and for one that somebody adds."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from taskwright.config import TrainerConfig, parse_assignment, resolve
from taskwright.errors import BrokenError, UsageError
from taskwright.executor.contents import digest_of
from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.task import Robot
from taskwright.trainer import learners
from taskwright.trainer.learners import (
    AUTO,
    LEARNERS,
    choose_learner,
    learner_class,
    learner_settings,
)
from taskwright.trainer.learners.learner import Settings
from taskwright.trainer.learners.network import PolicyNetwork
from taskwright.trainer.policies import network_file, network_in
from taskwright.trainer.requests import ArchivedPolicy, TrialRequest
from taskwright.trainer.trial import run_trial

SMALL: dict[str, dict[str, Any]] = {
    "soft_q": {"steps": 8, "first_steps": 16, "batch_size": 8},
    "ppo": {"steps": 16, "batch_size": 8, "epochs": 1},
}
"""Settings with which a learner learns after few steps."""
ACTIONS = {"r2d2": Discrete(6), "humanoid": Box(-1.0, 1.0, (17,), np.float32)}

ADDED = '''
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from gymnasium.spaces import Discrete

from taskwright.task import Between
from taskwright.trainer.learners.learner import Learner, Settings, TrainingEpisode
from taskwright.trainer.learners.network import PolicyNetwork


@dataclass(frozen=True)
class AheadSettings(Settings):
    push: Annotated[float, Between(0.0, 10.0)] = 0.0
    """How much more it likes to drive ahead after each step."""


class AheadLearner(Learner):
    """Learns to drive ahead, whatever it sees."""

    settings_class = AheadSettings

    def __init__(self, episodes, seed, settings=None):
        super().__init__(episodes, seed, settings)
        spaces = episodes.observation_space, episodes.action_space
        self.network = PolicyNetwork(*spaces, seed, self.settings.hidden)
        self._random = torch.Generator().manual_seed(seed)

    @classmethod
    def takes(cls, action_space):
        return isinstance(action_space, Discrete)

    def reset(self, seed):
        self._observations = self.episodes.reset(seed)
        self._earned = np.zeros(self.episodes.count)
        self._lengths = np.zeros(self.episodes.count, np.int64)

    def restart(self, weights, activation=None):
        self.network.load_state_dict(weights)

    def improve(self):
        noise = self.network.noise((self.episodes.count,), self._random)
        steps = self.episodes.step(self.network.choose(self._observations, noise))
        self._observations = steps.observations
        self._earned += steps.rewards
        self._lengths += 1
        self.steps += self.episodes.count
        with torch.no_grad():
            self.network.action_net.bias[1] += self.settings.push
        ended = np.flatnonzero(steps.terminated | steps.truncated)
        episodes = [
            TrainingEpisode(
                int(n), bool(steps.successes[n]), float(self._earned[n]), int(self._lengths[n])
            )
            for n in ended
        ]
        self._earned[ended] = self._lengths[ended] = 0
        return episodes
'''


@pytest.fixture
def _added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A learner of one file and one line."""
    (tmp_path / "ahead.py").write_text(ADDED)
    monkeypatch.setattr(learners, "__path__", [*learners.__path__, str(tmp_path)])
    monkeypatch.setitem(LEARNERS, "ahead", "AheadLearner")


def trained(name: str, source: str, robot: str, processes: int) -> tuple[list[Any], dict[str, Any]]:
    with SandboxedEpisodes(source, robot, count=2, processes=processes, steered=False) as episodes:
        learner = learner_class(name)(episodes, 3, learner_settings(name, SMALL[name]))
        begun = learner.network.weights()
        learner.reset(1)
        ended = [episode for _ in range(6) for episode in learner.improve()]
        assert learner.steps > 0
        weights = learner.network.weights()
        assert not torch.equal(weights["action_net.weight"], begun["action_net.weight"])
        learner.restart(begun)
        again = learner.network.weights()
        assert all(torch.equal(again[each], begun[each]) for each in begun)
        learner.reset(2)
        learner.improve()
        return ended, weights


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.slow
def test_a_learner_repeats_itself_and_goes_on_from_other_weights(name: str, easy_source: str):
    # Episodes of a third of a second, so that some end.
    source = easy_source.replace("self.x = 0.0", "self.x = self.calls = 0.0")
    source = source.replace("return False", "self.calls += 1\n        return self.calls > 20")
    robots = [robot for robot in ACTIONS if learner_class(name).takes(ACTIONS[robot])]
    assert robots
    for robot in robots:
        of_robot = source.replace("R2D2Env", {"r2d2": "R2D2Env", "humanoid": "HumanoidEnv"}[robot])
        ended, weights = trained(name, of_robot, robot, 1)
        assert ended
        again_ended, again = trained(name, of_robot, robot, 2)
        assert again_ended == ended
        assert all(torch.equal(again[each], weights[each]) for each in weights)


@pytest.mark.parametrize("name", LEARNERS)
def test_every_setting_of_a_learner_is_bounded_and_reaches_it_from_the_command_line(name: str):
    kind = learner_class(name).settings_class
    assert issubclass(kind, Settings)
    for field in dataclasses.fields(kind):
        if field.name == "hidden":
            continue
        hint = str(_hint(kind, field.name))
        assert "Between" in hint or "Literal" in hint
        value = getattr(kind(), field.name)
        text = f"trainer.learners.{name}.{field.name}={value}"
        config = resolve(parse_assignment(text))
        settings = learner_settings(name, config.trainer.learners[name])
        assert getattr(settings, field.name) == value


def _hint(kind: type, name: str) -> Any:
    from typing import get_type_hints

    return get_type_hints(kind, include_extras=True)[name]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("trainer.learners.soft_q.explore=1", "no setting `explore`. It has: discount, hidden"),
        ("trainer.learners.soft_q.novelty_worth=1", "exploration_bonus"),
        ("trainer.learners.soft_q.batch_size=x", "learners.soft_q.batch_size` is 'x'"),
        ("trainer.learners.soft_q.batch_size=1000000000", "less than or equal to 10000"),
        ("trainer.learners.ppo.hidden=[100000]", "1 to 3 widths of 1 to 512"),
        ("trainer.learners.ppo.learning_rate=.inf", "learning_rate"),
        ("trainer.learners.soft_q.activation=relu", "should be 'tanh' or 'normalised_relu'"),
        ("trainer.learners.sac.batch_size=1", "'soft_q' or 'ppo'"),
        ("trainer.learner=sac", "'auto', 'soft_q' or 'ppo'"),
        ("trainer.learners.soft_q=5", "trainer.learners.soft_q"),
    ],
)
def test_a_setting_that_there_is_not_is_refused_in_one_sentence(text: str, sentence: str):
    with pytest.raises(UsageError) as caught:
        resolve(parse_assignment(text))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_folder_of_before_trains_as_before():
    config = resolve({"trainer": {"max_steps": 5}})
    assert config.trainer.learner == AUTO
    assert config.trainer.learners == {}
    for name in LEARNERS:
        assert learner_settings(name, {}) == learner_class(name).settings_class()


def test_the_robots_actions_say_who_trains():
    assert [choose_learner(AUTO, space) for space in ACTIONS.values()] == ["soft_q", "ppo"]
    assert choose_learner("ppo", ACTIONS["r2d2"]) == "ppo"
    with pytest.raises(UsageError, match=r"soft_q cannot train with actions that are Box.*ppo"):
        choose_learner("soft_q", ACTIONS["humanoid"])


def test_the_list_of_learners_is_read_without_torch():
    look = "import taskwright.config, sys; print({'torch', 'gymnasium'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr


def request(source: str, tmp_path: Path, robot: Robot = "r2d2", **fields: Any) -> TrialRequest:
    settings = TrainerConfig().model_dump(exclude={"nearest_policies"})
    settings |= {"processes": 1, "environments": 8, "screening_episodes": 8}
    return TrialRequest(source, robot, 0, **{**settings, **fields})


@pytest.mark.usefixtures("_added")
@pytest.mark.slow
def test_a_learner_of_one_file_and_one_line_goes_through_a_trial(easy_source: str, tmp_path: Path):
    # Ahead, but not far and not fast: neither a script nor chance does it.
    source = easy_source.replace("return bool(self.x > 2.0)", "return bool(self.x > 6.0)").replace(
        "> 2.0", "> 6.0"
    )
    made = request(
        source,
        tmp_path,
        learner="ahead",
        learners={"ahead": {"push": 0.2, "hidden": [16]}},
        learned_success_rate=0.6,
        evaluation_episodes=16,
        max_steps=6_000,
    )
    with pytest.MonkeyPatch.context() as patch:
        # Driving straight ahead is a script of R2D2's, which would end the trial at once.
        patch.setattr("taskwright.world.robots.r2d2.R2D2Robot.scripts", {})
        trial, policy = run_trial(made)
    assert trial.verdict == "learned", trial.reason
    assert trial.success_before is not None
    assert trial.success_before < 0.5
    with SandboxedEpisodes(source, "r2d2", count=1, processes=1) as episodes:
        spaces = episodes.observation_space, episodes.action_space
    assert policy is not None
    assert network_in(*spaces, policy, "that was learned").hidden == (16,)
    assert b'"learner": "ahead"' in policy


@pytest.mark.usefixtures("_added")
def test_an_added_learner_has_settings_that_are_looked_at():
    with pytest.raises(UsageError, match=r"ahead has no setting `pull`. It has: .*push"):
        learner_settings("ahead", {"pull": 1.0})
    with pytest.raises(UsageError, match=r"trainer\.learners\.ahead\.push"):
        learner_settings("ahead", {"push": 100.0})


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.slow
def test_training_that_diverges_is_told_and_says_nothing_of_the_task(
    name: str, easy_source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kind = learner_class(name)
    improve = kind.improve

    def improve_too_much(learner: Any) -> Any:
        ended = improve(learner)
        with torch.no_grad():
            learner.network.action_net.bias.fill_(float("nan"))
        return ended

    monkeypatch.setattr(kind, "improve", improve_too_much)
    # A learner may come across such weights itself, as distributions do.
    far = easy_source.replace("> 2.0", "> 1e9")
    made = request(far, tmp_path, learner=name, learners={name: SMALL[name]}, environments=2)
    with pytest.raises(BrokenError, match=f"{name} diverged.*learning rate"):
        run_trial(made)


@pytest.mark.slow
def test_a_policy_of_another_width_is_tried_and_not_begun_from(easy_source: str, tmp_path: Path):
    with SandboxedEpisodes(easy_source, "r2d2", count=1, processes=1) as episodes:
        spaces = episodes.observation_space, episodes.action_space
    kept, inputs = [], {}
    for width in (16, 24):
        network = PolicyNetwork(*spaces, seed=1, hidden=(width,))
        with torch.no_grad():
            # It drives ahead, which earns more than chance.
            network.action_net.bias[1] = 9.0
        file = network_file(network, spaces[0], robot="r2d2", task_id="", learner="soft_q")
        inputs[digest_of(file)] = file
        kept.append(ArchivedPolicy(str(width), "Drive", digest_of(file)))
    made = request(
        easy_source.replace("> 2.0", "> 1e9"),
        tmp_path,
        archived=tuple(kept),
        learners={"soft_q": {**SMALL["soft_q"], "hidden": [24]}},
        max_steps=64,
        evaluation_episodes=8,
    )
    trial, _ = run_trial(made, inputs=inputs)
    assert {"16", "24"} <= trial.screening.keys()
    assert trial.warm_start == "24"
    assert trial.left_out == {}
