"""What generalists came to, read from a run folder without torch or PyBullet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from taskwright.archive.generalists import (
    compare_samplers,
    generalist_folder,
    mean_curve,
    mean_success,
    read_generalists,
    write_generalist,
)
from taskwright.errors import ArchiveError
from taskwright.generalist import Generalist, GeneralistPoint, TaskSkill


def generalist(sampler: str, seed: int, successes: tuple[int, ...], **fields) -> Generalist:
    skills = tuple(
        TaskSkill(f"task{n}", f"Task {n}", count, 10, (0.0, 1.0), 1.0, 20)
        for n, count in enumerate(successes)
    )
    curve = (
        GeneralistPoint(500, 5.0, {"task0": 0.5}, {"task0": 4}),
        GeneralistPoint(1000, 10.0, {"task0": 0.5, "task1": 1.0, "gone": 0.7}, {"task1": 4}),
    )
    values = {
        "steps": 1000,
        "finished": True,
        "tasks": skills,
        "interval": (0.1, 0.9),
        "curve": curve,
        "dropped": {"gone": "It broke."},
    }
    return Generalist(f"{sampler}-{seed}", "r2d2", sampler, seed, **{**values, **fields})


def test_what_was_written_is_read(tmp_path):
    assert read_generalists(tmp_path) == []
    made = [generalist("plr", 1, (3, 5)), generalist("uniform", 0, (2, 4))]
    for one in made:
        path = write_generalist(tmp_path, one)
        assert path.parent == generalist_folder(tmp_path, one.name)
    assert read_generalists(tmp_path) == made
    assert [file.name for file in path.parent.iterdir()] == ["generalist.json"]


def test_a_damaged_file_is_told_with_its_path(tmp_path):
    path = write_generalist(tmp_path, generalist("plr", 1, (3, 5)))
    path.write_text(path.read_text()[:40])
    with pytest.raises(ArchiveError, match=r"generalist\.json cannot be read"):
        read_generalists(tmp_path)


def test_samplers_are_compared_over_seeds_and_only_with_their_like():
    compared = compare_samplers(
        [
            generalist("uniform", 0, (2, 4)),
            generalist("uniform", 1, (4, 6)),
            generalist("plr", 0, (8, 8)),
            generalist("plr", 1, (8, 8), steps=2000),
            generalist("alp_gmm", 0, (8, 8, 8)),
            generalist("alp_gmm", 1, (8, 8), finished=False),
        ]
    )
    table = [(r.sampler, r.tasks, r.steps, r.seeds, pytest.approx(r.mean)) for r in compared]
    assert table == [
        ("alp_gmm", 3, 1000, (0,), 0.8),
        ("plr", 2, 2000, (1,), 0.8),
        ("plr", 2, 1000, (0,), 0.8),
        ("uniform", 2, 1000, (0, 1), 0.4),
    ]
    # Student's t with one degree of freedom is 12.7: two seeds tell next to nothing.
    assert compared[-1].rates == pytest.approx((0.3, 0.5))
    assert compared[-1].interval == (0.0, 1.0)
    assert compared[0].interval == (0.1, 0.9)
    assert compare_samplers([]) == []


def test_three_seeds_have_the_interval_of_the_textbook():
    (result,) = compare_samplers([generalist("plr", n, (4 + n, 4 + n)) for n in range(3)])
    half = 4.302653 * 0.1 / 3**0.5
    assert result.interval == pytest.approx((0.5 - half, 0.5 + half), abs=1e-4)


def test_curves_count_a_task_not_yet_tried_as_never_accomplished_and_leave_the_dropped_out():
    made = generalist("plr", 0, (3, 5))
    assert mean_curve(made) == [(500, 0.25), (1000, 0.75)]
    assert mean_success(made.curve[0], 4) == 0.125
    assert mean_success(made.curve[0], 0) == 0.0


def test_reading_needs_neither_torch_nor_pybullet(tmp_path):
    write_generalist(tmp_path, generalist("plr", 1, (3, 5)))
    code = (
        "import sys; from pathlib import Path;"
        "from taskwright.archive.generalists import compare_samplers, read_generalists;"
        "assert compare_samplers(read_generalists(Path(sys.argv[1])));"
        "assert not {'torch', 'pybullet', 'scipy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=Path(tmp_path))


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, '{"name": NaN}', "x" * 1000])
def test_a_generalist_that_is_none_is_told_in_a_sentence(text: str, tmp_path: Path) -> None:
    folder = generalist_folder(tmp_path, "mine")
    folder.mkdir(parents=True)
    (folder / "generalist.json").write_text(text)
    with pytest.raises(ArchiveError, match=r"mine/generalist\.json cannot be read"):
        read_generalists(tmp_path)


def test_links_to_generalists_are_not_followed(tmp_path: Path) -> None:
    path = write_generalist(tmp_path / "other", generalist("plr", 0, (1,)))
    folder = tmp_path / "run" / "generalists"
    folder.mkdir(parents=True)
    (folder / "mine").symlink_to(path.parent)
    with pytest.raises(ArchiveError, match="reached through a link"):
        read_generalists(tmp_path / "run")
