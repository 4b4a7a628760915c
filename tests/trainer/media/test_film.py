"""Pictures of an episode: its moments side by side, or a film of the trained agent beside the
untrained one."""

import io

import imageio.v3
import numpy as np
import pytest
from PIL import Image

from taskwright.executor.contents import digest_of
from taskwright.trainer.learners.network import PolicyNetwork
from taskwright.trainer.media.film import make_film
from taskwright.trainer.policies import network_file
from taskwright.trainer.requests import FilmRequest
from taskwright.world.robots import robot_spaces

WIDTH, HEIGHT = 96, 72


@pytest.fixture
def fast(easy_source):
    """The easy task, in which random driving succeeds within a second or so."""
    return easy_source.replace("> 2.0", "> 0.3")


@pytest.fixture
def policy():
    """A policy file; what it has learned does not matter here."""
    observations, actions = robot_spaces("r2d2")
    network = PolicyNetwork(observations, actions, seed=3)
    return network_file(network, observations, robot="r2d2", task_id="", learner="soft_q")


def test_moments_of_an_episode_make_one_picture(fast):
    film, file = make_film(FilmRequest(fast, "r2d2", width=WIDTH, height=HEIGHT, frames=4))
    assert film.success is True
    assert film.frames == 4
    assert film.apart_s > 0.0
    assert film.at_the_end is False
    picture = np.asarray(Image.open(io.BytesIO(file)))
    assert picture.shape == (2 * HEIGHT, 2 * WIDTH, 3)
    first, last = picture[:HEIGHT, :WIDTH], picture[HEIGHT:, WIDTH:]
    # The robot has moved, and the time that is written on each is another.
    assert np.abs(first.astype(int) - last).max() > 50


def test_a_film_shows_the_trained_agent_beside_the_untrained_one(fast, policy):
    request = FilmRequest(
        fast,
        "r2d2",
        "gif",
        policy=digest_of(policy),
        width=WIDTH,
        height=HEIGHT,
        beside_untrained=True,
    )
    film, file = make_film(request, {digest_of(policy): policy})
    frames = imageio.v3.imread(file, index=None)
    assert frames.shape[1:] == (HEIGHT, 2 * WIDTH, 3)
    assert film.frames > 15
    # Both begin alike below their labels, and are labelled otherwise.
    left, right = frames[0][:, 2 : WIDTH - 2].astype(int), frames[0][:, WIDTH + 2 : -2].astype(int)
    assert np.abs(left[HEIGHT // 2 :] - right[HEIGHT // 2 :]).mean() < 4
    assert np.abs(left[: HEIGHT // 4] - right[: HEIGHT // 4]).max() > 50
