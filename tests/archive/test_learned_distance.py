"""A metric learned from triplets sees what people see, and says honestly how well."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from taskwright.archive import learned_distance as metrics
from taskwright.archive.learned_distance import (
    FILE_NAME,
    Metric,
    fit_metric,
    fit_projection,
    folds_by_anchor,
    foretells,
    load_metric,
    usable_triplets,
)
from taskwright.errors import ArchiveError

SIZE = 24


def units(count: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, SIZE))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def answers(vectors: np.ndarray, count: int, seed: int = 1) -> np.ndarray:
    """Of somebody who looks at the first three numbers of a vector alone."""
    random = np.random.default_rng(seed)
    seen = vectors[:, :3] / np.linalg.norm(vectors[:, :3], axis=1, keepdims=True)
    rows = np.array([random.choice(len(vectors), 3, replace=False) for _ in range(count)])
    anchor, one, other = rows.T
    first = np.einsum("ij,ij->i", seen[anchor], seen[one] - seen[other]) > 0
    return np.column_stack([anchor, np.where(first, one, other), np.where(first, other, one)])


def test_it_foretells_answers_about_what_it_has_never_seen():
    vectors = units(80)
    triplets = answers(vectors[:60], 400)
    fresh = units(60, seed=5)
    unseen = answers(fresh, 400, seed=6)
    metric = fit_metric(vectors, triplets, "test")
    learned = foretells(metric.project(fresh.astype(np.float32)).astype(float), unseen).mean()
    plain = foretells(fresh, unseen).mean()
    assert learned > plain + 0.1
    assert metric.held_out > metric.cosine + 0.1
    assert metric.answers == 400


def test_the_same_answers_give_the_same_metric():
    vectors = units(40)
    triplets = answers(vectors, 60)
    one, other = (fit_metric(vectors, triplets, "test") for _ in range(2))
    assert np.array_equal(one.matrix, other.matrix)


def test_a_strong_pull_leaves_the_cosine_as_it_is():
    vectors = units(40)
    projection = fit_projection(vectors, answers(vectors, 60), pull=1e4)
    assert np.abs(projection - np.eye(SIZE)).max() < 0.01


def test_answers_without_sense_are_not_foretold():
    vectors = units(60)
    random = np.random.default_rng(3)
    triplets = np.array([random.choice(60, 3, replace=False) for _ in range(300)])
    assert 0.38 < fit_metric(vectors, triplets, "test").held_out < 0.62


def test_the_gradient_is_that_of_the_loss(monkeypatch):
    """One plain step of descent, against differences of the loss itself."""
    vectors, pull, epsilon = units(12), 0.02, 1e-5
    triplets = answers(vectors, 30)

    def loss(matrix: np.ndarray) -> float:
        projected = vectors @ matrix.T
        projected /= np.linalg.norm(projected, axis=1, keepdims=True)
        a, n, f = (projected[column] for column in triplets.T)
        margin = (a * n).sum(axis=1) - (a * f).sum(axis=1)
        spread = ((matrix - np.eye(SIZE)) ** 2).sum()
        return np.logaddexp(0, -margin / metrics.TEMPERATURE).mean() + pull * spread

    # Adam's first step is along the signs of the gradient; a small one must go down.
    monkeypatch.setattr(metrics, "STEPS", 1)
    monkeypatch.setattr(metrics, "LEARNING_RATE", epsilon)
    change = fit_projection(vectors, triplets, pull) - np.eye(SIZE)
    numeric = np.zeros_like(change)
    for place in np.ndindex(*change.shape):
        step = np.zeros_like(change)
        step[place] = 1e-6
        numeric[place] = (loss(np.eye(SIZE) + step) - loss(np.eye(SIZE) - step)) / 2e-6
    # In the span of the vectors, where the step was taken, each number went against its slope.
    basis = np.linalg.qr(vectors[np.unique(triplets)].T)[0]
    slopes, steps = basis.T @ numeric @ basis, basis.T @ change @ basis
    clear = np.abs(slopes) > 1e-4
    assert clear.any()
    assert (np.sign(steps) == -np.sign(slopes))[clear].all()


def test_folds_hold_out_every_answer_once_and_anchors_whole():
    triplets = answers(units(40), 100)
    folds = list(folds_by_anchor(triplets))
    assert (np.sum(folds, axis=0) == 1).all()
    for held in folds:
        assert not set(triplets[held, 0]) & set(triplets[~held, 0])


def test_too_few_answers_are_refused():
    vectors = units(20)
    with pytest.raises(ArchiveError, match="needs at least 20"):
        fit_metric(vectors, answers(vectors, 19), "test")


def test_it_is_kept_in_the_run_folder(tmp_path):
    assert load_metric(tmp_path) is None
    vectors = units(30)
    metric = fit_metric(vectors, answers(vectors, 40), "test")
    metric.save(tmp_path)
    found = load_metric(tmp_path)
    assert found is not None
    assert np.array_equal(found.matrix, metric.matrix)
    assert (found.model, found.answers, found.held_out) == ("test", 40, metric.held_out)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not quite", b"\x80\x04N."])
def test_a_damaged_file_is_told(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ArchiveError, match="cannot be read"):
        load_metric(tmp_path)


def test_vectors_of_another_size_are_refused():
    metric = Metric(np.eye(4, dtype=np.float32), "test", 20, 0.5, 0.5)
    assert metric.project(np.eye(4, dtype=np.float32)[0]) == pytest.approx([1, 0, 0, 0])
    with pytest.raises(ArchiveError, match="embeddings of 4 numbers, not 5"):
        metric.project(np.ones(5, np.float32))


def test_answers_about_records_without_a_vector_are_left_out():
    rows = {10: 0, 11: 1, 12: 2}
    assert usable_triplets([(10, 11, 12), (10, 11, 99)], rows).tolist() == [[0, 1, 2]]
    assert usable_triplets([], rows).shape == (0, 3)


def stored(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


ABOUT = np.array(json.dumps({"model": "m", "answers": 20, "held_out": 0.9, "cosine": 0.8}))
HUGE = b"\x93NUMPY\x01\x00v\x00" + (
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }".ljust(117) + b"\n"
)


def packed(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return file.getvalue()


NO_METRIC = {
    "nothing": b"",
    "no ZIP file": b"mine" * 100,
    "no matrix": stored(about=ABOUT),
    "no square": stored(matrix=np.zeros((2, 3), np.float32), about=ABOUT),
    "long numbers": stored(matrix=np.zeros((2, 2)), about=ABOUT),
    "not a number": stored(matrix=np.full((2, 2), np.nan, np.float32), about=ABOUT),
    "objects": stored(matrix=np.array([[1, "x"], [None, 2]], object), about=ABOUT),
    "nothing about it": stored(matrix=np.eye(2, dtype=np.float32), about=np.array("{}")),
    "numbers about it": stored(matrix=np.eye(2, dtype=np.float32), about=np.eye(2)),
    "a claim of terabytes": packed(matrix=HUGE, about=b""),
    "a bomb": packed(matrix=bytes(100_000_000), about=b""),
}


@pytest.mark.parametrize("what", NO_METRIC)
def test_a_file_that_holds_no_metric_is_told_in_a_sentence(what, tmp_path):
    (tmp_path / FILE_NAME).write_bytes(NO_METRIC[what])
    with pytest.raises(ArchiveError, match="cannot be read: ") as caught:
        load_metric(tmp_path)
    assert len(str(caught.value)) < 500


def test_a_link_in_the_place_of_a_metric_is_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    metric = Metric(np.eye(2, dtype=np.float32), "m", 20, 0.9, 0.8)
    metric.save(elsewhere)
    (tmp_path / FILE_NAME).symlink_to(elsewhere / FILE_NAME)
    with pytest.raises(ArchiveError, match="it is a link"):
        load_metric(tmp_path)
    before = (elsewhere / FILE_NAME).read_bytes()
    metric.save(tmp_path)
    assert (elsewhere / FILE_NAME).read_bytes() == before
    assert load_metric(tmp_path).answers == 20
