"""The search box: words at once, meaning as soon as the encoder is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from taskwright.archive.embedding import Embedder, SentenceEncoder
from taskwright.archive.store import FILE_NAME, Archive
from taskwright.browser.index import Index
from taskwright.browser.search import Found, Search, fuse
from taskwright.errors import BrokenError
from taskwright.task import Idea, Record


def by_meaning(search: Search, query: str) -> Found:
    """The answer once the encoder is there."""
    deadline = time.monotonic() + 120
    while not (found := search.find(query)).by_meaning:
        assert not found.problem, found.problem
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


class Gated:
    """An encoder that is loaded only when the test lets it be; all texts mean the same."""

    name = SentenceEncoder.name

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.asked: list[str] = []

    def encode(self, text: str) -> NDArray[np.float32]:
        self.gate.wait(30)
        self.asked.append(text)
        return np.eye(384, dtype=np.float32)[0]


def test_words_answer_while_the_encoder_loads(archive_dir: Path) -> None:
    path = archive_dir / FILE_NAME
    encoder = Gated()
    search = Search(path, Index(path), lambda: encoder)
    first = search.find("seesaw")
    assert (first.numbers, first.by_meaning) == ((7,), False)
    encoder.gate.set()
    assert 7 in by_meaning(search, "seesaw").numbers


def test_a_query_is_encoded_once(archive_dir: Path) -> None:
    path = archive_dir / FILE_NAME
    encoder = Gated()
    encoder.gate.set()
    search = Search(path, Index(path), lambda: encoder)
    for _ in range(3):
        by_meaning(search, "stairs")
    assert encoder.asked.count("stairs") == 1


def test_without_an_encoder_the_words_are_searched_and_the_reason_is_told(
    archive_dir: Path,
) -> None:
    def fail() -> SentenceEncoder:
        raise BrokenError("The weights are missing.", "Reinstall them.")

    path = archive_dir / FILE_NAME
    search = Search(path, Index(path), fail)
    deadline = time.monotonic() + 10
    while not (found := search.find("seesaw")).problem:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert found.numbers == (7,)
    assert "The weights are missing." in found.problem


def test_meaning_finds_what_no_word_names(
    tmp_path: Path, make_record: Callable[..., Record]
) -> None:
    ideas = (
        Idea("Climb the stairs", "A staircase of five steps.", "The robot is on top.", "", ""),
        Idea("Kick the ball", "A football lies before a goal.", "It rolled in.", "", ""),
        Idea("Open the door", "A door that a plate opens.", "The robot is behind it.", "", ""),
    )
    encoder = SentenceEncoder()
    with Archive.create_or_open(tmp_path) as archive:
        for number, idea in enumerate(ideas, 1):
            archive.start_journey()
            archive.add(make_record(number, idea=idea))
            Embedder(archive, encoder).embed(idea.text)
    path = tmp_path / FILE_NAME
    search = Search(path, Index(path), lambda: encoder)
    assert by_meaning(search, "play soccer").numbers[0] == 2
    assert by_meaning(search, "walk up to a higher floor").numbers[0] == 1
    # Of what is found both ways, the word decides nothing alone: both count.
    assert by_meaning(search, "door").numbers[0] == 3


def test_vectors_follow_the_archive(tmp_path: Path, make_record: Callable[..., Record]) -> None:
    with Archive.create_or_open(tmp_path) as archive:
        path = tmp_path / FILE_NAME
        search = Search(path, Index(path))
        assert search.embeddings.stored()[1].shape == (0, 0)
        for number in (1, 2):
            record = make_record(number)
            archive.start_journey()
            vector = np.eye(384, dtype=np.float32)[number]
            archive.keep_embedding(record.idea.text, SentenceEncoder.name, vector)
            archive.add(record)
            numbers, vectors = search.embeddings.stored()
            assert numbers == list(range(1, number + 1))
            assert vectors.shape == (number, 384)


def test_vectors_of_another_length_are_left_out(
    tmp_path: Path, make_record: Callable[..., Record]
) -> None:
    with Archive.create_or_open(tmp_path) as archive:
        for number in (1, 2, 3):
            archive.start_journey()
            archive.add(make_record(number))
            size = 5 if number == 2 else 384
            vector = np.eye(size, dtype=np.float32)[0]
            archive.keep_embedding(make_record(number).idea.text, SentenceEncoder.name, vector)
    search = Search(tmp_path / FILE_NAME, Index(tmp_path / FILE_NAME))
    numbers, vectors = search.embeddings.stored()
    assert (sorted(numbers), vectors.shape) == ([1, 3], (2, 384))


class Other:
    """Another embedder than the default: whatever it is given is as near as the numbers in it."""

    name = "other"

    def encode(self, text: str) -> NDArray[np.float32]:
        angle = sum(int(digit) for digit in text if digit.isdigit()) / 10
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


def test_an_archive_is_searched_with_its_own_embedder_and_as_it_grows(
    tmp_path: Path, make_record: Callable[..., Record]
) -> None:
    path = tmp_path / FILE_NAME
    with Archive.create_or_open(tmp_path) as archive:
        embedder = Embedder(archive, Other())
        search = Search(path, Index(path), Other)
        for number in (1, 2, 3):
            archive.start_journey()
            archive.add(make_record(number))
            embedder.embed(make_record(number).idea.text)
            assert by_meaning(search, f"nearest to {2 * number}").numbers[0] == number
        assert (search.embeddings.stored()[1].shape, search.embeddings.model) == ((3, 2), "other")
    with Archive.create_or_open(tmp_path) as archive:
        archive.start_journey()
        archive.add(make_record(4))
    assert by_meaning(search, "nearest to 8").numbers[0] == 4


def test_with_the_wrong_embedder_the_words_are_searched_and_the_reason_is_told(
    tmp_path: Path, make_record: Callable[..., Record]
) -> None:
    path = tmp_path / FILE_NAME
    with Archive.create_or_open(tmp_path) as archive:
        archive.start_journey()
        archive.add(make_record(1))
        Embedder(archive, Other()).embed(make_record(1).idea.text)
    encoder = Gated()
    encoder.gate.set()
    search = Search(path, Index(path), lambda: encoder)
    deadline = time.monotonic() + 10
    while not (found := search.find("Task")).problem:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert found.numbers == (1,)
    assert "made by other (2 numbers each)" in found.problem


@pytest.mark.parametrize(
    ("rankings", "expected"),
    [
        ([[1, 2, 3], [3, 1]], (1, 3, 2)),
        ([[1], [2]], (1, 2)),
        ([[], [5, 4]], (5, 4)),
        ([[], []], ()),
    ],
)
def test_fusion_favours_what_several_rankings_name(
    rankings: list[list[int]], expected: tuple[int, ...]
) -> None:
    assert fuse(*rankings) == expected
