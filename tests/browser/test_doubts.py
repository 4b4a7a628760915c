"""The task page shows what makes a task doubtful, and where eyes and code disagree."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from taskwright.archive.store import Archive
from taskwright.browser.app import create_app
from taskwright.cli.display import print_record
from taskwright.task import Finding, Idea, Record, Sighting, Task, Trial

HOSTILE = "<script>alert(1)</script>"
FINDING = Finding(
    "return_without_success",
    f"The return rose from 1.0 to 9.0 and success stayed at 0 %. {HOSTILE}",
    "Pay for less.",
    {"return_begin": 1.0},
)
TRIAL = Trial("too_hard", "Not learned.", 0.0, 0.1, return_and_success=-0.45, findings=(FINDING,))


def doubtful_run(run_dir: Path, *sightings: Sighting, picture: bool = True) -> None:
    task = Task("class Env(R2D2Env):\n    pass\n")
    with Archive.create_or_open(run_dir) as archive:
        number = archive.start_journey()
        idea = Idea("Push the crate", "A crate.", "It is gone.", "Speed.", "None.")
        archive.journal(number).once("idea", Idea, lambda: idea)
        archive.add(
            Record(number, "too_hard", "Why.", idea, task, trial=TRIAL, sightings=sightings)
        )
    (run_dir / "media").mkdir()
    if picture:
        Image.new("RGB", (8, 6)).save(run_dir / "media" / f"{task.task_id}.moments.png")


DISAGREES = Sighting(False, True, f"The crate stands still. {HOSTILE}", "eyes")


def page_of(run_dir: Path) -> str:
    with TestClient(create_app(run_dir), base_url="http://127.0.0.1") as client:
        answer = client.get("/task/1")
        assert answer.status_code == 200
        return answer.text


def test_findings_stand_on_the_page_as_text(tmp_path: Path) -> None:
    doubtful_run(tmp_path)
    html = page_of(tmp_path)
    assert "return without success" in html
    assert "The return rose from 1.0 to 9.0 and success stayed at 0 %." in html
    assert "Pay for less." in html
    assert "-0.45" in html
    assert HOSTILE not in html
    assert 'id="sightings"' not in html


def test_a_disagreement_stands_beside_what_was_seen(tmp_path: Path) -> None:
    doubtful_run(tmp_path, DISAGREES)
    html = page_of(tmp_path)
    assert "Its code says otherwise: success." in html
    assert "The crate stands still." in html
    assert ".moments.png" in html
    assert HOSTILE not in html


@pytest.mark.parametrize(
    ("sees", "told"), [(True, "success"), (None, "cannot tell"), (False, "no success, but")]
)
def test_the_terminal_shows_the_same(
    sees: bool | None, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doubtful_run(tmp_path, Sighting(sees, True, "It drives.", "eyes"), picture=False)
    with Archive.open(tmp_path) as archive:
        print_record(archive.find("1"), tmp_path)
    out = " ".join(capsys.readouterr().out.split())
    assert "Doubtful: return without success The return rose" in out
    assert "rank correlation -0.45" in out
    assert f"Seen? {told}" in out
    assert ("but the code says success" in out) is (sees is False)
