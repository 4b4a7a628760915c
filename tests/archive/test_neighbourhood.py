"""The records nearest to a text, from an index that follows the archive."""

import hashlib
import os
import shutil

import numpy as np
import pytest

from taskwright.archive.embedding import Embedder
from taskwright.archive.neighbourhood import FOLDER_NAME, Neighbourhood, folder_name
from taskwright.archive.store import Archive
from taskwright.errors import ArchiveError


class HashEncoder:
    """Vectors that depend on the text alone; equal texts have similarity 1."""

    name = "hash/encoder"

    def __init__(self):
        self.calls = 0

    def encode(self, text):
        self.calls += 1
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        vector = np.random.default_rng(seed).standard_normal(32)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
def encoder():
    return HashEncoder()


def add(archive, *records):
    for record in records:
        while archive.start_journey() < record.number:
            pass
        archive.add(record)


def text(number):
    """What `make_record` makes of a number, as it is embedded."""
    return f"Task {number}\nScene {number}\nDone"


def numbers(neighbours):
    return [neighbour.record.number for neighbour in neighbours]


def test_the_record_of_the_same_text_is_nearest(tmp_path, make_record, encoder):
    with Archive.create_or_open(tmp_path) as archive:
        add(archive, *(make_record(n) for n in range(1, 6)))
        with Neighbourhood(tmp_path, archive, Embedder(archive, encoder)) as neighbourhood:
            found = neighbourhood.nearest(text(4), 3)
    assert len(found) == 3
    assert found[0].record == make_record(4)
    assert found[0].similarity == pytest.approx(1.0, abs=1e-6)


def test_only_statuses_and_journeys_asked_for_are_found(tmp_path, make_record, encoder):
    with Archive.create_or_open(tmp_path) as archive:
        statuses = ("learned", "too_hard", "learned", "invalid", "learned")
        add(archive, *(make_record(n, status) for n, status in enumerate(statuses, 1)))
        with Neighbourhood(tmp_path, archive, Embedder(archive, encoder)) as neighbourhood:
            assert sorted(numbers(neighbourhood.nearest("x", 9, statuses=["learned"]))) == [1, 3, 5]
            kept = neighbourhood.nearest("x", 9, statuses=["learned"], up_to=3)
            assert sorted(numbers(kept)) == [1, 3]
            assert neighbourhood.nearest("x", 9, statuses=["broken"]) == []
            assert neighbourhood.nearest("x", 0) == []


def test_an_empty_archive_has_no_neighbours(tmp_path, encoder):
    with Archive.create_or_open(tmp_path) as archive:
        neighbourhood = Neighbourhood(tmp_path, archive, Embedder(archive, encoder))
        assert neighbourhood.nearest("x", 3) == []


def test_it_follows_records_in_whatever_order_journeys_end(tmp_path, make_record, encoder):
    with Archive.create_or_open(tmp_path) as archive:
        for _ in range(6):
            archive.start_journey()
        with Neighbourhood(tmp_path, archive, Embedder(archive, encoder)) as neighbourhood:
            for n in (2, 5, 1, 4, 3, 6):
                archive.add(make_record(n))
                assert numbers(neighbourhood.nearest(text(n), 1)) == [n]
            assert sorted(numbers(neighbourhood.nearest("x", 9))) == [1, 2, 3, 4, 5, 6]
    # Each of the six texts once, and "x".
    assert encoder.calls == 7


def test_a_reader_sees_what_a_run_adds_and_writes_nothing(tmp_path, make_record, encoder):
    with Archive.create_or_open(tmp_path) as archive:
        embedder = Embedder(archive, encoder)
        with Neighbourhood(tmp_path, archive, embedder) as writer:
            add(archive, make_record(1), make_record(2))
            assert numbers(writer.nearest(text(1), 1)) == [1]
            before = sorted(tmp_path.rglob("*"))
            with (
                Archive.open(tmp_path) as reading,
                Neighbourhood(tmp_path, reading, Embedder(reading, encoder)) as reader,
            ):
                assert numbers(reader.nearest(text(2), 1)) == [2]
                add(archive, make_record(3))
                assert numbers(reader.nearest(text(3), 1)) == [3]
                assert numbers(reader.nearest(text(1), 1)) == [1]
            assert sorted(tmp_path.rglob("*")) == before


def test_the_index_is_only_a_cache(tmp_path, make_record, encoder):
    with Archive.create_or_open(tmp_path) as archive:
        add(archive, *(make_record(n) for n in range(1, 6)))
        with Neighbourhood(tmp_path, archive, Embedder(archive, encoder)) as neighbourhood:
            expected = neighbourhood.nearest("x", 5)
    shutil.rmtree(tmp_path / FOLDER_NAME)
    calls = encoder.calls
    for open_archive in (Archive.open, Archive.create_or_open, Archive.open):
        with open_archive(tmp_path) as archive:
            neighbourhood = Neighbourhood(tmp_path, archive, Embedder(archive, encoder))
            with neighbourhood:
                assert neighbourhood.nearest("x", 5) == expected
    # The vectors of the records came from the archive; that of "x" was kept there as well.
    assert encoder.calls == calls


def test_an_index_of_another_archive_is_not_used(tmp_path, make_record, encoder):
    (tmp_path / "a").mkdir()
    with Archive.create_or_open(tmp_path / "a") as a:
        add(a, *(make_record(n, title=f"Other {n}") for n in range(1, 4)))
        with Neighbourhood(tmp_path / "a", a, Embedder(a, encoder)) as neighbourhood:
            neighbourhood.nearest("x", 1)
    (tmp_path / "b").mkdir()
    shutil.copytree(tmp_path / "a" / FOLDER_NAME, tmp_path / "b" / FOLDER_NAME)
    with Archive.create_or_open(tmp_path / "b") as b:
        add(b, *(make_record(n) for n in range(1, 6)))
    for open_archive in (Archive.open, Archive.create_or_open):
        with (
            open_archive(tmp_path / "b") as b,
            Neighbourhood(tmp_path / "b", b, Embedder(b, encoder)) as neighbourhood,
        ):
            assert numbers(neighbourhood.nearest(text(3), 1)) == [3]
            assert len(neighbourhood.nearest("x", 9)) == 5


@pytest.mark.parametrize("name", ["..", ".", "../..", "/", "a/../..", "...", "\0", "x" * 5000])
def test_an_embedder_of_any_name_has_a_folder_of_its_own(name, tmp_path, make_record, encoder):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    encoder.name = name
    folder = (tmp_path / FOLDER_NAME / folder_name(name)).resolve()
    assert folder.parent == (tmp_path / FOLDER_NAME).resolve()
    with Archive.create_or_open(tmp_path) as archive:
        add(archive, make_record(1))
        with Neighbourhood(tmp_path, archive, Embedder(archive, encoder)) as neighbourhood:
            assert len(neighbourhood.nearest("x", 3)) == 1
    assert precious.read_text() == "mine"


INDICES = {
    "other keys": lambda folder: (folder / "keys.i64").write_bytes(b"\xff" * 8000),
    "one key for all": lambda folder: (folder / "keys.i64").write_bytes((b"\1" + bytes(7)) * 3),
    "no numbers": lambda folder: (folder / "vectors.f32").write_bytes(b"\xff" * 32 * 4 * 3),
    "keys without end": lambda folder: os.truncate(folder / "keys.i64", 2**40),
    "vectors without end": lambda folder: [
        os.truncate(folder / name, 2**40) for name in ("vectors.f32", "keys.i64", "numbers.i8")
    ],
    "a text for a number": lambda folder: (folder / "synced").write_text("9" * 10_000),
    "a folder": lambda folder: ((folder / "keys.i64").unlink(), (folder / "keys.i64").mkdir()),
    "a link": lambda folder: (
        (folder / "keys.i64").unlink(),
        (folder / "keys.i64").symlink_to("/dev/zero"),
    ),
}


@pytest.mark.parametrize("what", INDICES)
def test_an_index_that_somebody_has_changed_breaks_nothing(what, tmp_path, make_record, encoder):
    with Archive.create_or_open(tmp_path) as archive:
        add(archive, *(make_record(n) for n in (1, 2, 3)))
        with Neighbourhood(tmp_path, archive, Embedder(archive, encoder)) as neighbourhood:
            neighbourhood.nearest("x", 1)
    INDICES[what](tmp_path / FOLDER_NAME / folder_name(encoder.name))
    with (
        Archive.open(tmp_path) as archive,
        Neighbourhood(tmp_path, archive, Embedder(archive, encoder)) as neighbourhood,
    ):
        found = neighbourhood.similar(text(2), 9)
    assert all(-1.001 < similarity < 1.001 for _, similarity in found)
    assert {number for number, _ in found} <= {1, 2, 3}


def test_vectors_of_a_whole_archive_are_not_made_for_who_only_looks(
    tmp_path, make_record, encoder, monkeypatch
):
    monkeypatch.setattr("taskwright.archive.neighbourhood.MOST_MISSING", 2)
    with Archive.create_or_open(tmp_path) as archive:
        add(archive, *(make_record(n) for n in range(1, 6)))
    with (
        Archive.open(tmp_path) as archive,
        Neighbourhood(tmp_path, archive, Embedder(archive, encoder)) as neighbourhood,
        pytest.raises(ArchiveError, match="taskwright reembed"),
    ):
        neighbourhood.nearest("x", 3)


def farthest_first(vectors, first, count):
    """As it is told, over the whole matrix: each is the farthest from those before it."""
    similarity = np.stack(vectors).astype(np.float64) @ np.stack(vectors).astype(np.float64).T
    chosen = [first]
    while len(chosen) <= min(count, len(vectors) - 1):
        nearness = similarity[:, chosen].max(axis=1)
        nearness[chosen] = np.inf
        chosen.append(int(nearness.argmin()))
    return chosen[1:]


@pytest.mark.parametrize("way", ["as a run", "as a reader", "as a reader without an index"])
def test_records_from_all_over_are_those_of_a_full_comparison(tmp_path, make_record, encoder, way):
    """Also where they were taken in, in another order than that of their journeys."""
    with Archive.create_or_open(tmp_path) as archive:
        statuses = {n: "too_hard" if n % 5 == 0 else "learned" for n in range(1, 301)}
        embedder = Embedder(archive, encoder)
        with (
            archive.transaction(),
            Neighbourhood(tmp_path, archive, embedder) as neighbourhood,
        ):
            for _ in statuses:
                archive.start_journey()
            for number in [*range(100, 301), *range(1, 100)]:
                archive.add(make_record(number, status=statuses[number]))
                embedder.embed(text(number))
                if number % 50 == 0:
                    neighbourhood.similar("x", 1)
    if way == "as a reader without an index":
        shutil.rmtree(tmp_path / FOLDER_NAME)
    opened = Archive.create_or_open if way == "as a run" else Archive.open
    with opened(tmp_path) as archive:
        embedder = Embedder(archive, encoder)
        with Neighbourhood(tmp_path, archive, embedder) as neighbourhood:
            for up_to in (250, 11, 3, 2):
                kept = [n for n in range(1, up_to + 1) if statuses[n] == "learned"]
                vectors = [encoder.encode(text(n)) for n in kept]
                expected = [kept[place] for place in farthest_first(vectors, 1, 6)]
                found = neighbourhood.spread(2, 6, statuses=["learned"], up_to=up_to)
                assert found == expected
            assert neighbourhood.spread(2, 0) == []
            assert neighbourhood.spread(999, 3) == []


def test_of_equally_far_records_the_earlier_journey_is_taken(tmp_path, make_record):
    class Twins:
        name = "twins"

        def encode(self, text):
            return np.array([1.0, 0.0] if text.startswith("Task 1\n") else [0.0, 1.0], np.float32)

    with Archive.create_or_open(tmp_path) as archive:
        for _ in range(4):
            archive.start_journey()
        with Neighbourhood(tmp_path, archive, Embedder(archive, Twins())) as neighbourhood:
            for number in (4, 3, 1, 2):
                archive.add(make_record(number))
                neighbourhood.similar("x", 1)
            assert neighbourhood.spread(1, 3) == [2, 3, 4]
