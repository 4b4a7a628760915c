"""Pictures of an episode: its moments side by side, or a film of the trained agent beside the
untrained one."""

import imageio.v3
import numpy as np
import pytest
from PIL import Image

from taskwright.trainer.learners.network import PolicyNetwork
from taskwright.trainer.media.film import make_film
from taskwright.trainer.policies import save_network
from taskwright.trainer.requests import FilmRequest
from taskwright.world.robots import robot_spaces

WIDTH, HEIGHT = 96, 72


@pytest.fixture
def fast(easy_source):
    """The easy task, in which random driving succeeds within a second or so."""
    return easy_source.replace("> 2.0", "> 0.3")


@pytest.fixture
def policy(tmp_path, fast):
    """A policy file; what it has learned does not matter here."""
    path = tmp_path / "policy.zip"
    observations, actions = robot_spaces("r2d2")
    network = PolicyNetwork(observations, actions, seed=3)
    save_network(path, network, observations, robot="r2d2", task_id="", learner="soft_q")
    return str(path)


def test_moments_of_an_episode_make_one_picture(fast, tmp_path):
    path = tmp_path / "moments.png"
    request = FilmRequest(fast, "r2d2", str(path), width=WIDTH, height=HEIGHT, frames=4)
    film = make_film(request)
    assert film.success is True
    assert film.frames == 4
    assert film.apart_s > 0.0
    assert film.at_the_end is False
    picture = np.asarray(Image.open(path))
    assert picture.shape == (2 * HEIGHT, 2 * WIDTH, 3)
    first, last = picture[:HEIGHT, :WIDTH], picture[HEIGHT:, WIDTH:]
    # The robot has moved, and the time that is written on each is another.
    assert np.abs(first.astype(int) - last).max() > 50


def test_a_film_shows_the_trained_agent_beside_the_untrained_one(fast, policy, tmp_path):
    path = tmp_path / "film.gif"
    request = FilmRequest(
        fast,
        "r2d2",
        str(path),
        policy_path=policy,
        width=WIDTH,
        height=HEIGHT,
        beside_untrained=True,
    )
    film = make_film(request)
    frames = imageio.v3.imread(path, index=None)
    assert frames.shape[1:] == (HEIGHT, 2 * WIDTH, 3)
    assert film.frames > 15
    # Both begin alike below their labels, and are labelled otherwise.
    left, right = frames[0][:, 2 : WIDTH - 2].astype(int), frames[0][:, WIDTH + 2 : -2].astype(int)
    assert np.abs(left[HEIGHT // 2 :] - right[HEIGHT // 2 :]).mean() < 4
    assert np.abs(left[: HEIGHT // 4] - right[: HEIGHT // 4]).max() > 50
