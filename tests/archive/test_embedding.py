"""Embeddings are computed once per text, from weights that are verified."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from taskwright.archive import embedding
from taskwright.archive.embedding import Embedder, InTurn, SentenceEncoder, weights_folder
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


def test_a_text_that_many_ask_for_at_the_same_time_is_embedded_once(tmp_path):
    class Slow:
        name = "slow"
        calls = 0

        def encode(self, text):
            self.calls += 1
            time.sleep(0.05)  # Long enough for all the others to ask as well.
            return np.array([0.6, 0.8], np.float32)

    with Archive.create_or_open(tmp_path) as archive:
        slow, found = Slow(), []
        embedder = Embedder(archive, slow)
        threads = [
            threading.Thread(target=lambda: found.append(embedder.embed("Cross the bridge")))
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert slow.calls == 1
    assert len(found) == 20


def test_threads_get_what_one_may_have_at_a_time_in_the_order_in_which_they_asked():
    turns, order, threads = InTurn(), [], []

    def take(number: int) -> None:
        with turns:
            order.append(number)

    with turns:
        for number in range(30):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            while len(turns._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(30))


def test_an_encoder_that_fails_fails_for_all_who_wait_and_is_asked_anew(tmp_path):
    begun, is_free = threading.Event(), threading.Event()

    class Failing:
        name = "failing"
        calls = 0

        def encode(self, text):
            self.calls += 1
            begun.set()
            is_free.wait(timeout=10.0)
            if self.calls == 1:
                raise BrokenError("It failed.", "Try again.")
            return np.array([1.0, 0.0], np.float32)

    with Archive.create_or_open(tmp_path) as archive, ThreadPoolExecutor(3) as pool:
        embedder = Embedder(archive, Failing())
        first = pool.submit(embedder.embed, "text")
        assert begun.wait(timeout=10.0)
        others = [pool.submit(embedder.embed, "text") for _ in range(2)]
        time.sleep(0.2)
        is_free.set()
        for asked in (first, *others):
            assert isinstance(asked.exception(), BrokenError)
        assert embedder.embed("text").tolist() == [1.0, 0.0]


def test_a_text_is_embedded_before_those_that_it_is_compared_with(tmp_path):
    asked = []

    class Noting:
        name = "noting"

        def encode(self, text):
            asked.append(text)
            return np.array([1.0, len(text)], np.float32)

    with Archive.create_or_open(tmp_path) as archive:
        embedder = Embedder(archive, Noting())
        assert embedder.most_similar("one", [], 3, 0.9) == []
        embedder.most_similar("three", ["one", "two"], 3, 0.9)
    assert asked == ["one", "three", "two"]


def test_a_vector_is_found_again_when_memory_has_forgotten_it(tmp_path, monkeypatch):
    class Lengths:
        name = "lengths"
        calls = 0

        def encode(self, text):
            self.calls += 1
            return np.array([1.0, len(text)], np.float32)

    monkeypatch.setattr(embedding, "RECENT", 2)
    with Archive.create_or_open(tmp_path) as archive:
        lengths = Lengths()
        embedder = Embedder(archive, lengths)
        texts = ["a", "bb", "ccc", "dddd"]
        first = [embedder.embed(text) for text in texts]
        np.testing.assert_array_equal([embedder.embed(text) for text in texts], first)
    assert lengths.calls == len(texts)


def test_the_vector_does_not_depend_on_how_many_threads_torch_may_use(encoder):
    """Where the number of threads decides how sums are split, it decides their last bits."""
    before = torch.get_num_threads()
    text = "Climb the stairs, cross a bridge, and push the red ball into the goal. " * 4
    try:
        vectors = []
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            vectors.append(encoder.encode(text))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for vector in vectors[1:]:
        np.testing.assert_array_equal(vector, vectors[0])


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


def test_the_most_similar_texts_are_those_of_a_full_comparison(tmp_path):
    class Hashed:
        name = "hashed"

        def encode(self, text):
            vector = np.random.default_rng(int(text) // 2).standard_normal(3)
            return (vector / np.linalg.norm(vector)).astype(np.float32)

    texts = [str(number) for number in range(90)]
    with Archive.create_or_open(tmp_path) as archive:
        embedder = Embedder(archive, Hashed())
        own = embedder.embed("7").astype(np.float64)
        every = [float(np.float32((embedder.embed(t) * own).sum())) for t in texts]
        order = sorted(range(90), key=lambda n: (-every[n], n))
        for count, least in ((3, 0.95), (10, 0.5), (3, 2.0), (100, 0.0)):
            found = embedder.most_similar("7", texts, count, least)
            beyond = sum(similarity >= least for similarity in every)
            assert len(found) >= min(beyond + count, 90)
            assert [place for place, _ in found] == order[: len(found)]
            assert [s for _, s in found] == [every[n] for n in order[: len(found)]]
        assert embedder.most_similar("7", [], 3, 0.5) == []
