"""Embeddings are computed once per text, from weights that are verified."""

import numpy as np
import pytest

from taskwright.archive import embedding
from taskwright.archive.embedding import Embedder, SentenceEncoder, weights_folder
from taskwright.archive.store import Archive
from taskwright.errors import BrokenError


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


class Counting:
    """A real encoder that counts how often it is asked."""

    def __init__(self, encoder):
        self.name = encoder.name
        self.calls = 0
        self._encoder = encoder

    def encode(self, text):
        self.calls += 1
        return self._encoder.encode(text)


@pytest.mark.slow
def test_each_text_is_embedded_once_across_commands(tmp_path, encoder):
    counting = Counting(encoder)
    for _ in range(2):
        with Archive.create_or_open(tmp_path) as archive:
            embedder = Embedder(archive, counting)
            first, second = embedder.embed("Cross the bridge"), embedder.embed("Cross the bridge")
            np.testing.assert_array_equal(first, second)
    assert counting.calls == 1


def test_meaning_decides_similarity(encoder):
    bridge = encoder.encode("Cross a narrow bridge over the void without falling")
    same = encoder.encode("Walk over a thin bridge above the abyss and do not fall")
    other = encoder.encode("Kick the ball between the two posts")
    assert bridge.shape == (384,)
    assert np.linalg.norm(bridge) == pytest.approx(1.0, abs=1e-5)
    assert bridge @ same > bridge @ other + 0.2


def test_tampered_weights_are_refused(monkeypatch):
    assert weights_folder().is_dir()
    monkeypatch.setattr(embedding, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(BrokenError, match="Reinstall"):
        weights_folder()
