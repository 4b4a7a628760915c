"""Pictures of an episode: its moments side by side, or a film of the trained agent beside the
untrained one."""

import imageio.v3
import numpy as np
import pytest
from PIL import Image

from taskwright.trainer.film import make_film
from taskwright.trainer.plans import FilmPlan, TrialPlan
from taskwright.trainer.trial import run_trial

WIDTH, HEIGHT = 96, 72


@pytest.fixture
def fast(easy_source):
    """The easy task, in which random driving succeeds within a second or so."""
    return easy_source.replace("> 2.0", "> 0.3")


@pytest.fixture
def policy(tmp_path, fast):
    """Of a trial that is over at once: what it has learned does not matter here."""
    path = tmp_path / "policy.zip"
    run_trial(
        TrialPlan(
            source=fast.replace("> 0.3", "> 300.0"),
            robot="r2d2",
            seed=0,
            policy_path=str(path),
            max_steps=4,
            patience_steps=4,
            max_seconds=60.0,
            processes=1,
            environments=2,
            learned_success_rate=0.8,
            easy_success_rate=0.5,
            screening_episodes=1,
            evaluation_episodes=1,
        )
    )
    return str(path)


def test_moments_of_an_episode_make_one_picture(fast, tmp_path):
    path = tmp_path / "moments.png"
    plan = FilmPlan(fast, "r2d2", str(path), width=WIDTH, height=HEIGHT, moments=4)
    film = make_film(plan)
    assert film.success is True
    assert film.apart_s > 0.0
    assert film.at_the_end is False
    picture = np.asarray(Image.open(path))
    assert picture.shape == (2 * HEIGHT, 2 * WIDTH, 3)
    first, last = picture[:HEIGHT, :WIDTH], picture[HEIGHT:, WIDTH:]
    # The robot has moved, and the time that is written on each is another.
    assert np.abs(first.astype(int) - last).max() > 50


def test_a_film_shows_the_trained_agent_beside_the_untrained_one(fast, policy, tmp_path):
    path = tmp_path / "film.gif"
    plan = FilmPlan(
        fast,
        "r2d2",
        str(path),
        policy_path=policy,
        width=WIDTH,
        height=HEIGHT,
        beside_untrained=True,
    )
    film = make_film(plan)
    frames = imageio.v3.imread(path, index=None)
    assert frames.shape[1:] == (HEIGHT, 2 * WIDTH, 3)
    assert film.frames > 15
    # Both begin alike below their labels, and are labelled otherwise.
    left, right = frames[0][:, 2 : WIDTH - 2].astype(int), frames[0][:, WIDTH + 2 : -2].astype(int)
    assert np.abs(left[HEIGHT // 2 :] - right[HEIGHT // 2 :]).mean() < 4
    assert np.abs(left[: HEIGHT // 4] - right[: HEIGHT // 4]).max() > 50
