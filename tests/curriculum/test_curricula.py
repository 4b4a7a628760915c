"""Where each curriculum turns to, with learners that are known."""

from __future__ import annotations

import numpy as np
import pytest

from taskwright.curriculum import TaskSampler
from taskwright.curriculum.alp_gmm import AlpGmm
from taskwright.curriculum.curriculum import EpisodeOutcome
from taskwright.curriculum.learning_progress import LearningProgress
from taskwright.curriculum.level_replay import PrioritisedLevelReplay
from taskwright.curriculum.mixture import fit_mixture

IMPOSSIBLE, MASTERED, GROWING = 0, 1, 2


def practised(curriculum: str, episodes: int = 240) -> TaskSampler:
    """A sampler that has seen three tasks in turn: never accomplished, always, and better with each
    episode."""
    settings = {"embeddings": np.eye(3)} if curriculum == "alp_gmm" else {}
    sampler = TaskSampler(["impossible", "mastered", "growing"], curriculum, **settings)
    random = np.random.default_rng(0)
    for episode in range(episodes):
        rates = {"impossible": 0.0, "mastered": 1.0, "growing": episode / episodes}
        for task_id, rate in rates.items():
            sampler.sample()
            sampler.update(task_id, success=bool(random.random() < rate))
    return sampler


@pytest.mark.parametrize("curriculum", ["learning_progress", "alp_gmm", "plr"])
def test_what_is_being_learned_grows_and_the_impossible_and_the_mastered_fade(curriculum):
    chances = practised(curriculum, 160).probabilities()
    assert chances["growing"] > 0.5
    assert chances["impossible"] < 0.3
    assert chances["mastered"] < 0.3


def test_learning_progress_is_what_the_formula_gives():
    curriculum = LearningProgress(1, smoothing=0.5, theta=0.1)
    for success in (0.0, 1.0):
        curriculum.update(0, EpisodeOutcome(success))
    # Averages over what was weighed in: fast (0.25 * 0 + 0.5 * 1) / 0.75, of which slow has the
    # second half and of the first value, 0, a quarter.
    fast, slow = 2 / 3, (0.5 * 2 / 3) / 0.75

    def stretched(p: float) -> float:
        return 0.9 * p / (p + 0.1 * (1 - 2 * p))

    assert curriculum.progress()[0] == pytest.approx(stretched(fast) - stretched(slow))


def test_what_is_being_forgotten_counts_like_what_is_being_learned():
    up, down = LearningProgress(1, theta=0.5), LearningProgress(1, theta=0.5)
    for n in range(40):
        up.update(0, EpisodeOutcome(float(n >= 30)))
        down.update(0, EpisodeOutcome(float(n < 30)))
    assert up.progress()[0] == pytest.approx(down.progress()[0])
    assert up.progress()[0] > 0.1


def test_what_chance_achieves_is_no_progress():
    random = np.random.default_rng(1)
    lucky = LearningProgress(2, baselines=[0.0, 0.6])
    for _ in range(200):
        success = float(random.random() < 0.4)
        lucky.update(0, EpisodeOutcome(success))
        lucky.update(1, EpisodeOutcome(success))
    assert lucky.progress()[1] < lucky.progress()[0]
    assert lucky.weights()[1] < lucky.weights()[0]


def test_the_first_share_of_tasks_has_most_of_the_weight():
    curriculum = LearningProgress(20, top_share=0.1, steepness=4.0)
    for n in range(60):
        for task in range(20):
            # Two get better in the end; the others are accomplished every other time.
            curriculum.update(task, EpisodeOutcome(float(n > 50) if task < 2 else float(n % 2)))
    weights = curriculum.weights()
    assert weights[:2].min() > 4 * weights[2:].max()


def test_regions_of_change_draw_their_whole_neighbourhood():
    """Twenty tasks on a line; the results of those at its right end keep changing."""
    places = np.column_stack([np.linspace(0, 1, 20), np.zeros(20)])
    curriculum = AlpGmm(20, embeddings=places, dimensions=1, fit_every=50)
    random = np.random.default_rng(0)
    for n in range(300):
        task = n % 19  # The last one is never tried.
        curriculum.update(task, EpisodeOutcome(float(task >= 12 and random.random() < 0.5)))
    weights = curriculum.weights()
    assert weights.sum() == pytest.approx(1.0)
    assert weights[12:].sum() > 0.8
    assert weights[19] > 3 * weights[:9].max()


def test_regions_are_forgotten_with_the_tasks_that_made_them():
    settings = {"dimensions": 1, "fit_every": 5, "window": 5}
    old = TaskSampler(["a", "b", "c"], "alp_gmm", embeddings=np.eye(3), **settings)
    for number in range(1, 15):
        # What is left of "c" lies before the window of the latest fit, after 10 episodes, and
        # behind it.
        old.update("c" if number in (5, 14) else "a", success=number % 2)
    new = TaskSampler(["b", "c"], "alp_gmm", embeddings=np.eye(2), first_visits=0, **settings)
    new.update("b", success=1.0)
    new.restore(old.state())
    assert new.probabilities() == {"b": 0.5, "c": 0.5}


GROUPS = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])


def three_groups() -> np.ndarray:
    random = np.random.default_rng(0)
    return np.concatenate([centre + random.normal(0, 0.3, (80, 2)) for centre in GROUPS])


def test_a_mixture_finds_the_groups_there_are():
    points = three_groups()
    mixture = fit_mixture(points, 3, np.random.default_rng(1), 1e-6)
    assert mixture.shares == pytest.approx([1 / 3] * 3, abs=0.01)
    for centre in GROUPS:
        assert np.abs(mixture.means - centre).sum(axis=1).min() < 0.2
    for covariance in mixture.covariances:
        assert covariance == pytest.approx(0.09 * np.eye(2), abs=0.04)
    # Fewer would fit far worse; more, little better, at a price.
    assert len(fit_mixture(points, 2, np.random.default_rng(1), 1e-6).means) == 2
    assert 3 <= len(fit_mixture(points, 10, np.random.default_rng(1), 0.05).means) <= 4


@pytest.mark.slow  # Loading scikit-learn takes longer than all the rest.
def test_a_mixture_is_as_good_as_the_one_of_scikit_learn():
    from sklearn.mixture import GaussianMixture

    points = three_groups()
    ours = fit_mixture(points, 3, np.random.default_rng(1), 1e-6)
    joint = ours.log_densities(points) + np.log(ours.shares)
    theirs = GaussianMixture(3, random_state=0).fit(points)
    assert np.log(np.exp(joint).sum(axis=1)).mean() == pytest.approx(theirs.score(points), abs=1e-2)
    assert ours.parameters == theirs._n_parameters()


@pytest.mark.parametrize("points", [np.zeros((1, 2)), np.zeros((30, 2)), np.eye(3)])
def test_points_that_coincide_or_are_few_have_a_mixture(points):
    mixture = fit_mixture(points, 10, np.random.default_rng(0), 1e-3)
    assert mixture.shares.sum() == pytest.approx(1.0)
    assert np.isfinite(mixture.log_densities(points)).all()


def test_level_replay_ranks_scores_and_recalls_the_stale():
    curriculum = PrioritisedLevelReplay(3, temperature=1.0, staleness=0.5)
    for task, loss in ((2, 5.0), (0, 1.0), (1, 3.0)):
        curriculum.update(task, EpisodeOutcome(0.0, value_loss=loss))
    # By rank 1, 1/2, 1/3 of 11/6; by staleness 2, 1, 0 of 3.
    by_score = np.array([1 / 3, 1 / 2, 1.0]) / (11 / 6)
    by_staleness = np.array([1.0, 0.0, 2.0]) / 3
    assert curriculum.weights() == pytest.approx(0.5 * by_score + 0.5 * by_staleness)


def test_equal_scores_have_equal_chances():
    curriculum = PrioritisedLevelReplay(4, staleness=0.0)
    for task in range(3):
        curriculum.update(task, EpisodeOutcome(0.0, value_loss=2.0))
    weights = curriculum.weights()
    assert weights[0] == weights[1] == weights[2] > weights[3]


def test_level_replay_without_value_losses_goes_by_surprising_successes():
    curriculum = PrioritisedLevelReplay(2)
    for n in range(20):
        curriculum.update(0, EpisodeOutcome(1.0))
        curriculum.update(1, EpisodeOutcome(float(n % 2)))
    assert curriculum.weights()[1] > curriculum.weights()[0]
