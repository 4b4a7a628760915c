"""What makes a task doubtful is found in what its episodes show; a sound one has no findings."""

from pathlib import Path

import numpy as np
import pytest
from gymnasium.spaces import Discrete

from taskwright.errors import BrokenError
from taskwright.sandbox.vector import Steps
from taskwright.task import CurvePoint, Task, Trial, from_json, robot_named_in, to_json
from taskwright.trainer.evidence.episode_recorder import TRAINED, TRAINING, EpisodeRecorder
from taskwright.trainer.evidence.evaluation import Evaluation
from taskwright.trainer.evidence.experiments import cannot_be, more_time
from taskwright.trainer.evidence.sanity import findings
from taskwright.trainer.evidence.trial_evidence import Rung, TrialEvidence, correlation
from taskwright.trainer.policies import Idle
from taskwright.trainer.requests import TrialRequest
from taskwright.trainer.trial import run_trial

VERDICTS = Path(__file__).parents[2] / "tasks" / "verdicts"


class Story:
    """Tells a recorder of episodes, one environment at a time."""

    def __init__(self):
        self.recorder = EpisodeRecorder(1)
        self.points = []

    def policy(self, name, seed=0):
        self.recorder.begin(name, seed)
        return self

    def episode(self, success, *, steps=10, terms=None, terminated=False):
        """An episode of some steps, whose terms are told for each step but the last."""
        terms = {"approach": 1.0} if terms is None else terms
        names = list(terms)
        for step in range(steps):
            last = step == steps - 1
            values = [v(step) if callable(v) else v for v in terms.values()]
            self.recorder.watch(
                Steps(
                    observations=np.zeros((1, 1), np.float32),
                    rewards=np.array([sum(values)]),
                    terminated=np.array([last and terminated]),
                    truncated=np.array([last and not terminated]),
                    successes=np.array([last and success]),
                    final_observations=np.zeros((1, 1), np.float32),
                    diagnoses={},
                ),
                names,
                np.array([values]),
            )
        return self

    def point(self, success_rate, mean_return):
        number = len(self.points) + 1
        self.points.append(CurvePoint(1000 * number, number, success_rate, mean_return, 20))
        return self

    def found(self, learned=False, trained=TRAINED):
        evidence = TrialEvidence(self.recorder, "r2d2", self.points, learned, trained)
        return {finding.kind: finding for finding in findings(evidence)}


def changing(step):
    return 1.0 + step % 3


GOOD = {"approach": changing, "energy_penalty": -0.1}


def good_story():
    story = Story()
    for name in ("idle", "random"):
        story.policy(name)
        for _ in range(8):
            story.episode(False, terms=GOOD)
    story.policy(TRAINING, 1)
    for number in range(40):
        story.episode(number > 20, terms=GOOD)
    story.policy(TRAINED, 2)
    for _ in range(8):
        story.episode(True, terms=GOOD)
    for n in range(8):
        story.point(n / 8, 20.0 * n)
    return story


def test_a_task_whose_rewards_lead_to_its_success_is_not_doubtful():
    assert good_story().found(learned=True) == {}


def test_success_before_the_robot_can_have_done_anything():
    story = good_story().policy("idle", 5)
    found = story.episode(True, steps=1).found()["success_at_start"]
    assert "In 1 of 65 episodes" in found.symptom
    assert found.numbers == {"episodes_at_start": 1, "episodes": 65}


def test_who_acts_makes_no_difference():
    story = Story()
    for name in ("idle", "random", "0123456789ab"):
        story.policy(name, seed=7)
        for number in range(8):
            story.episode(number < 3)
    found = story.found(trained="")
    assert "of 8 beginnings, 3 succeed and 5 fail with each of 3 policies" in (
        found["decided_at_start"].symptom
    )
    assert "idle_succeeds" not in found

    # One episode that ends otherwise is enough to clear it.
    story.policy("0123456789ab", seed=7)
    for number in range(8):
        story.episode(number < 2)
    found = story.found(trained="")
    assert "decided_at_start" not in found
    assert "Doing nothing succeeds in 38 % of 8 episodes." in found["idle_succeeds"].symptom


def test_success_that_was_never_seen():
    story = Story().policy("random")
    for _ in range(6):
        for _ in range(8):
            story.episode(False, terms=GOOD)
    found = story.found(trained="")["unreached"]
    assert "not seen once in 48 episodes" in found.symptom
    assert "6.2 %" in found.symptom
    story.episode(True)
    assert "unreached" not in story.found(trained="")


@pytest.mark.parametrize(
    ("rates", "returns", "told"),
    [
        ([0.0] * 8, range(0, 80, 10), "success stayed at 0 %"),
        ([0.0, 0.2, 0.6, 0.6, 0.4, 0.2, 0.1, 0.1], range(0, 80, 10), "fell from 60 % to 10 %"),
        (np.linspace(0, 0.7, 8), range(0, 80, 10), None),  # both rise
        ([0.0] * 8, [30] * 8, None),  # neither does
        ([0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1], range(80, 0, -10), None),  # both fall
    ],
)
def test_a_return_that_rises_without_success(rates, returns, told):
    story = Story().policy(TRAINING)
    for number in range(80):
        speed = number / 8
        story.episode(False, terms={"speed": speed, "reach": 0.0})
    for rate, mean in zip(rates, returns, strict=True):
        story.point(float(rate), float(mean))
    found = story.found(trained="").get("return_without_success")
    assert (found is not None) is (told is not None)
    if told:
        assert told in found.symptom
        assert "`speed` makes up 100 % of the rise" in found.symptom
        assert "`speed`" in found.fix


def test_success_that_ends_what_could_be_earned():
    def story(earned_by_success):
        made = Story().policy(TRAINING)
        for _ in range(16):
            made.episode(False, steps=100, terms={"stay": 1.0})
        made.policy(TRAINED)
        for _ in range(8):
            made.episode(True, terms={"stay": earned_by_success})
        return made.found(learned=True)

    found = story(1.0)["success_costs"]
    assert "succeed earn 10.0 on average (8 of them), those that fail 100.0 (8)" in found.symptom
    assert "success_costs" not in story(9.0)


def dead_terms(story):
    found = findings(TrialEvidence(story.recorder, "r2d2", (), False, TRAINED))
    return sorted(each.symptom.split("`")[1] for each in found if each.kind == "dead_term")


def test_a_term_that_never_changes():
    story = good_story().policy("random", 9)
    story.episode(False, terms={"bonus": 0.0, "alive": 0.5, "energy_penalty": 0.0})
    assert dead_terms(story) == ["alive", "bonus"]
    # Paid in an episode's last step alone, as for success, it has changed.
    story.episode(True, terms={"bonus": lambda step: 10.0 * (step == 9)})
    assert dead_terms(story) == ["alive"]
    story.episode(False, terms={"bonus": 0.0, "never": 0.0})
    # Where an episode can end before its time, a constant pays for lasting.
    story.episode(False, terms={"alive": 0.5}, terminated=True)
    assert dead_terms(story) == ["never"]


def test_a_term_beside_which_the_others_cannot_be_felt():
    story = Story().policy("random")
    for _ in range(8):
        terms = {"speed": lambda step: 100.0 + step, "reach": lambda step: 0.1 * (step % 2)}
        story.episode(False, terms=terms)
    found = story.found(trained="")["drowning_term"]
    assert "`speed` makes up 100 %" in found.symptom
    assert "`reach` cannot be felt" in found.symptom
    assert "drowning_term" not in story.found(learned=True)


def test_return_and_success_are_compared_by_rank():
    def ladder(*pairs):
        return [Rung(str(n), rate, mean, 16) for n, (rate, mean) in enumerate(pairs)]

    assert correlation(ladder((0, 1), (0.1, 2), (0.5, 70), (0.9, 71))) == 1.0
    assert correlation(ladder((0, 9), (0.1, 8), (0.5, 7), (0.9, -6))) == -1.0
    assert correlation(ladder((0, 1), (0, 2), (0, 3), (0, 4))) is None
    assert correlation(ladder((0, 1), (1, 2))) is None


# In the sandbox.


@pytest.fixture
def make_request():
    def make(source, **fields):
        values = {
            "source": source,
            "robot": robot_named_in(source),
            "seed": 0,
            "max_steps": 8,
            "patience_steps": 8,
            "max_seconds": 60.0,
            "processes": 1,
            "environments": 4,
            "learned_success_rate": 0.8,
            "easy_success_rate": 0.5,
            "screening_episodes": 12,
            "evaluation_episodes": 4,
        }
        return TrialRequest(**{**values, **fields})

    return make


def specimen(name):
    return (VERDICTS / f"{name}.py").read_text(encoding="utf-8")


def test_a_body_that_nothing_can_touch(make_request):
    found = cannot_be(make_request(specimen("misspecified__ghost_button")), None)
    assert found.kind == "untouchable"
    assert "`self.button`, which has no collision shape" in found.symptom


def test_a_body_that_nothing_moves(make_request):
    found = cannot_be(make_request(specimen("misspecified__crate_that_is_fixed")), None)
    assert found.kind == "nothing_moves"
    assert "`self.crate` (fixed in place by its mass of 0" in found.symptom


def test_what_can_come_about_is_not_said_to_be_impossible(make_request, easy_source):
    # It reads the robot's own place, and that changes.
    source = easy_source.replace("> 2.0", "> 200.0")
    assert cannot_be(make_request(source), None) is None
    # The crate has not been moved, but it can be: the robot has bumped into it.
    assert cannot_be(make_request(specimen("learnable__shove_the_crate")), None) is None


class Forward:
    def act(self, observations):
        return np.ones(len(observations))


@pytest.mark.slow
def test_more_time_is_tried_where_time_ended_the_episodes(make_request, easy_source):
    # R2D2 drives 10 m/s at most: 165 m in the time there is.
    ground = easy_source.replace("[20.0, 20.0, 0.5]", "[400.0, 20.0, 0.5]")
    far = make_request(ground.replace("> 2.0", "> 200.0"))
    found = more_time(far, Forward(), 0.0, 1.0, episodes_at_most=4)
    assert found.kind == "time_too_short"
    assert "4 of 4 episodes instead of 0 %" in found.symptom
    assert more_time(far, Forward(), 0.0, 0.2) is None
    assert more_time(far, Idle(Discrete(6)), 0.0, 1.0, episodes_at_most=4) is None


@pytest.mark.slow
def test_a_trial_tells_what_is_doubtful_and_keeps_its_verdict(make_request):
    trial, _ = run_trial(make_request(specimen("misspecified__measured_from_the_origin")))
    assert trial.verdict == "too_easy" or trial.success_before > 0.2
    assert "success_at_start" in {finding.kind for finding in trial.findings}
    assert from_json(Trial, to_json(trial)) == trial

    trial, _ = run_trial(make_request(specimen("misspecified__lamp_by_chance")))
    assert trial.verdict == "too_hard"
    assert "decided_at_start" in {finding.kind for finding in trial.findings}


def test_a_trial_that_was_stored_before_findings_were_is_read():
    before = '{"verdict": "too_hard", "reason": "", "success_after": 0.1}'
    trial = from_json(Trial, before)
    assert trial.findings == ()
    assert trial.return_and_success is None


def test_no_evaluation_episode_is_a_failure_of_ours_and_no_verdict():
    with pytest.raises(BrokenError, match="No episode of the evaluation"):
        _ = Evaluation(0, 0, 0.0).success_rate


@pytest.mark.parametrize("path", sorted(VERDICTS.glob("*.py")), ids=lambda path: path.stem)
def test_every_task_with_a_known_answer_says_of_which_kind_it_is(path):
    kind, _, name = path.stem.partition("__")
    assert kind in ("trivial", "learnable", "impossible", "misspecified")
    assert name
    source = path.read_text(encoding="utf-8")
    assert robot_named_in(source) is not None
    assert Task(source).task_id
