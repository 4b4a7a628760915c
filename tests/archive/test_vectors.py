"""The nearest vectors are those of a full scan in float32, whatever the shortcut on the way."""

import subprocess
import sys

import numpy as np
import pytest

from taskwright.archive.vectors import SCANNED_IN_FULL, VectorIndex, exact_similarities

DIMENSION = 48


def unit_vectors(count, seed=0, spread=1.0):
    """Random unit vectors; those of small spread lie close together."""
    random = np.random.default_rng(seed)
    vectors = np.eye(DIMENSION)[0] + spread * random.standard_normal((count, DIMENSION))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def filled(folder, vectors, keys=None):
    index = VectorIndex(folder, DIMENSION, "r+")
    index.append(range(1, len(vectors) + 1) if keys is None else keys, vectors)
    return index


def full_scan(vectors, keys, query, count):
    similarities = exact_similarities(vectors, query)
    order = np.lexsort((keys, -similarities))[:count]
    return keys[order], similarities[order]


@pytest.mark.parametrize("spread", [1.0, 0.05, 0.002])
@pytest.mark.parametrize("count", [5, SCANNED_IN_FULL + 1, 20_000])
def test_gives_what_a_full_scan_gives(tmp_path, count, spread):
    vectors = unit_vectors(count, spread=spread)
    index = filled(tmp_path, vectors)
    keys = np.arange(1, count + 1)
    for query in unit_vectors(5, seed=1, spread=spread):
        found, similarities = index.nearest(query, 10)
        expected, best = full_scan(vectors, keys, query, 10)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(similarities, best)


def test_similarities_are_cosines(tmp_path):
    vectors = unit_vectors(3000)
    found, similarities = filled(tmp_path, vectors).nearest(vectors[7], 3)
    assert found[0] == 8
    np.testing.assert_allclose(similarities, (vectors @ vectors[7])[found - 1], atol=1e-6)


def test_ties_go_to_the_lower_key_in_whatever_order_they_came(tmp_path):
    vectors = np.repeat(unit_vectors(4), 1000, axis=0)
    keys = np.random.default_rng(0).permutation(np.arange(1, 4001))
    index = filled(tmp_path, vectors, keys)
    found, _ = index.nearest(vectors[0], 5)
    np.testing.assert_array_equal(found, np.sort(keys[:1000])[:5])


def test_only_rows_that_may_be_found_are(tmp_path):
    vectors = unit_vectors(10_000)
    index = filled(tmp_path, vectors)
    among = np.random.default_rng(0).random(10_000) < 0.3
    keys = np.flatnonzero(among) + 1
    found, similarities = index.nearest(vectors[3], 10, among)
    expected, best = full_scan(vectors[among], keys, vectors[3], 10)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(similarities, best)


def test_fewer_rows_than_asked_for_give_fewer(tmp_path):
    index = VectorIndex(tmp_path, DIMENSION, "r+")
    assert [len(part) for part in index.nearest(unit_vectors(1)[0], 3)] == [0, 0]
    index.append([4, 9], unit_vectors(2))
    assert sorted(index.nearest(unit_vectors(1)[0], 3)[0]) == [4, 9]
    assert len(index.nearest(unit_vectors(1)[0], 3, np.array([False, False]))[0]) == 0


def test_rows_are_there_again_when_it_is_opened_anew(tmp_path):
    vectors = unit_vectors(40_000)
    index = filled(tmp_path, vectors[:20_000])
    index.append(range(20_001, 40_001), vectors[20_000:])
    index.sync()
    for mode in ("r", "r+"):
        again = VectorIndex(tmp_path, DIMENSION, mode)
        assert again.count == 40_000
        assert again.nearest(vectors[30_000], 1)[0] == [30_001]


def test_a_reader_finds_what_the_writer_has_added(tmp_path):
    vectors = unit_vectors(10)
    writer = filled(tmp_path, vectors[:5])
    assert VectorIndex(tmp_path, DIMENSION, "r").count == 5
    writer.append([6], vectors[5:6])
    assert VectorIndex(tmp_path, DIMENSION, "r").nearest(vectors[5], 1)[0] == [6]


def test_rows_that_were_not_safe_on_the_disk_are_forgotten(tmp_path):
    script = f"""
import os, signal, numpy as np
from pathlib import Path
from taskwright.archive.vectors import VectorIndex
index = VectorIndex(Path({str(tmp_path)!r}), {DIMENSION}, "r+")
index.append([1, 2], np.eye({DIMENSION}, dtype=np.float32)[:2])
index.sync()
index.append([3], np.eye({DIMENSION}, dtype=np.float32)[2:3])
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], timeout=60, check=False)
    index = VectorIndex(tmp_path, DIMENSION, "r+")
    assert index.keys.tolist() == [1, 2]
    index.append([3], np.eye(DIMENSION, dtype=np.float32)[3:4])
    assert index.nearest(np.eye(DIMENSION, dtype=np.float32)[3], 1)[0] == [3]


def test_a_file_cut_short_costs_the_rows_it_lacks_and_no_more(tmp_path):
    filled(tmp_path, unit_vectors(10)).sync()
    with open(tmp_path / "numbers.i8", "r+b") as file:
        file.truncate(7 * DIMENSION + 3)
    assert VectorIndex(tmp_path, DIMENSION, "r").count == 7


def test_rows_of_another_dimension_are_refused(tmp_path):
    with pytest.raises(ValueError, match="dimension"):
        VectorIndex(tmp_path, DIMENSION, "r+").append([1], np.ones((1, 3), np.float32))
