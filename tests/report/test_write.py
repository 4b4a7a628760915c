"""The report of one run: what is in it, and that it is made of whatever a run folder holds."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from PIL import Image

from taskwright.archive.generalists import write_generalist
from taskwright.archive.store import Archive
from taskwright.errors import ArchiveError, UsageError
from taskwright.generalist import Generalist, GeneralistPoint, TaskSkill
from taskwright.report import drawing, write_report
from taskwright.task import Cost

from .conftest import make_records

HOSTILE = (
    "</title></svg><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202e|`![x](http://x)"
)
"""A title that would do everything, in the page, in a figure and in Markdown."""


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_everything_is_written(make_run, tmp_path):
    numbers = write_report([make_run()], tmp_path / "out")
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        "figures", "report.html", "report.json", "report.md", "tables",
    }  # fmt: skip
    metrics = numbers["runs"][0]["metrics"]
    assert metrics["kept"] == 4
    assert metrics["annecs"] == metrics["annecs_omni"] == 4
    assert metrics["depth"] == 3
    assert metrics["gain"] == 0.75
    assert metrics["kept_per_hour"] == 4.0
    assert json.loads((out / "report.json").read_text()) == numbers
    rows = list(csv.DictReader((out / "tables" / "records.csv").open()))
    assert [row["status"] for row in rows[:3]] == ["learned", "too_hard", "learned"]
    assert rows[-1]["annecs"] == "4"


def test_figures_are_sound_as_svg_and_as_png_for_print(make_run, tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "PNG_SCALE", 3)
    write_report([make_run()], tmp_path / "out")
    figures = sorted((tmp_path / "out" / "figures").iterdir())
    names = {figure.stem for figure in figures}
    assert names == {
        "diversity", "funnel", "learning", "lineage", "map", "pace", "progress", "success",
    }  # fmt: skip
    for figure in figures:
        if figure.suffix == ".svg":
            assert ElementTree.parse(figure).getroot().tag.endswith("svg")
        else:
            with Image.open(figure) as picture:
                assert picture.width == 2160
                assert len(picture.convert("L").getcolors()) > 3


def test_the_page_holds_all_it_shows_and_no_script(make_run, tmp_path):
    write_report([make_run()], tmp_path / "out")
    page = Page((tmp_path / "out" / "report.html").read_text())
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "object")]
    addresses = [
        value for _, found in page.tags for name, value in found.items() if name in ("src", "href")
    ]
    assert addresses
    assert all(address.startswith(("#", "data:image/")) for address in addresses)
    style = re.search(r"<style>(.*?)</style>", (tmp_path / "out" / "report.html").read_text(), re.S)
    assert re.findall(r"url\(.{0,11}", style[1]) == ['url("data:font/']


def test_text_of_models_shows_and_does_nothing_else(make_run, tmp_path):
    records = make_records(14, title=HOSTILE + " {}")
    records = [
        dataclasses.replace(
            r,
            reason=HOSTILE,
            idea=dataclasses.replace(
                r.idea, description=HOSTILE, success=HOSTILE, strategy=HOSTILE
            ),
        )
        for r in records
    ]
    write_report([make_run("<b>run", records)], tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text()
    page = Page(text)
    assert not [tag for tag, _ in page.tags if tag == "script"]
    assert not [name for _, found in page.tags for name in found if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in text
    for figure in (tmp_path / "out" / "figures").glob("*.svg"):
        ElementTree.parse(figure)
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert "<script" not in markdown
    assert "![x]" not in markdown
    assert "http://" not in markdown


def test_markdown_shows_the_figures_and_the_numbers(make_run, tmp_path):
    write_report([make_run()], tmp_path / "out")
    markdown = (tmp_path / "out" / "report.md").read_text()
    shown = re.findall(r"^!\[[^]]+\]\((.+?)\)$", markdown, re.MULTILINE)
    assert "figures/map.png" in shown
    assert all((tmp_path / "out" / figure).is_file() for figure in shown)
    assert "\n| kept tasks | 4 |\n" in markdown
    assert "novelty.interesting" not in markdown


def test_no_cell_is_a_formula(make_run, tmp_path):
    records = make_records(3, title='=HYPERLINK("http://x") {}')
    write_report([make_run(records=records)], tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "tables" / "records.csv").open()))
    assert all(row["title"].startswith("'=") for row in rows)


def test_the_reasons_of_failure_are_counted_with_an_example(make_run, tmp_path):
    write_report([make_run()], tmp_path / "out")
    text = Page((tmp_path / "out" / "report.html").read_text()).text
    assert "found at the stage “reset”" in text
    assert "It raised IndexError." in text
    assert "solved by random actions" in text
    assert "succeeded in half or more, in too few" in text
    assert "1× It is warm." in text
    assert "numpy 9.9" in text


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_run_that_has_hardly_begun_gives_a_page(make_run, tmp_path, count):
    folder = make_run(records=make_records(count), ended=False)
    with Archive.create_or_open(folder) as archive:
        archive.start_journey()
    numbers = write_report([folder], tmp_path / "out")
    assert numbers["runs"][0]["metrics"]["journeys"] == count
    text = Page((tmp_path / "out" / "report.html").read_text()).text
    assert ("The first journeys are under way." in text) == (count == 0)


def test_a_run_that_kept_nothing_tells_why(make_run, tmp_path):
    turned_down = [r for r in make_records(14) if r.status != "learned"]
    records = [dataclasses.replace(r, number=n) for n, r in enumerate(turned_down, 1)]
    numbers = write_report([make_run(records=records)], tmp_path / "out")
    metrics = numbers["runs"][0]["metrics"]
    assert metrics["kept"] == metrics["annecs"] == 0
    assert metrics["vendi"] is metrics["near_copies"] is metrics["gain"] is None
    text = Page((tmp_path / "out" / "report.html").read_text()).text
    assert "Nothing has been kept; what failed, and why, is listed below." in text


def test_a_run_folder_with_nothing_but_its_archive_is_enough(make_run, tmp_path):
    folder = make_run()
    for path in (folder / "config.yaml", folder / "events.jsonl", *(folder / "media").iterdir()):
        path.unlink()
    write_report([folder], tmp_path / "out")
    assert "no picture" in (tmp_path / "out" / "report.html").read_text()


def test_damaged_records_and_pictures_are_left_out_and_said(make_run, tmp_path):
    folder = make_run()
    connection = sqlite3.connect(folder / "archive.db")
    connection.execute("UPDATE records SET record = '{' WHERE number = 2")
    connection.commit()
    connection.close()
    for path in (folder / "media").iterdir():
        path.write_bytes(b"no picture")
    numbers = write_report([folder], tmp_path / "out")
    assert numbers["runs"][0]["unreadable"] == 1
    text = Page((tmp_path / "out" / "report.html").read_text()).text
    assert "1 record cannot be read or was edited, and is left out" in text


def test_generalists_are_compared_by_their_samplers(make_run, tmp_path):
    folder = make_run()
    for sampler, seed, successes in (("uniform", 0, 8), ("uniform", 1, 12), ("plr", 0, 16)):
        skill = TaskSkill("0123456789ab", "Reach", successes, 32, (0.1, 0.9), 5.0, 40)
        points = tuple(
            GeneralistPoint(2048 * n, 1.0, {"0123456789ab": 0.1 * n}, {"0123456789ab": 4})
            for n in range(1, 6)
        )
        name = f"r2d2-{sampler}-seed{seed}"
        interval = (0.2, 0.7)
        write_generalist(
            folder,
            Generalist(
                name, "r2d2", sampler, seed, 10_240, 9.0, True, (skill,), interval, curve=points
            ),
        )
    write_report([folder], tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert all(told in page for told in ("One policy for all kept tasks", "plr", "50%", "31%"))
    lines = (tmp_path / "out" / "report.md").read_text().splitlines()
    rows = [line for line in lines if "10240" in line]
    assert [row.split(" | ")[0] for row in rows] == ["| plr", "| uniform"]
    assert (tmp_path / "out" / "figures" / "generalists.png").is_file()


def test_tasks_without_a_stored_embedding_are_left_out_of_diversity_and_said(make_run, tmp_path):
    numbers = write_report([make_run(embed=False)], tmp_path / "out")
    assert numbers["runs"][0]["metrics"]["vendi"] is None
    text = Page((tmp_path / "out" / "report.html").read_text()).text
    assert "4 kept tasks have no stored embedding" in text


def test_costs_come_from_the_log_of_calls(make_run, tmp_path):
    spent = {"idea": Cost(4, 1000, 500, 0.5), "code": Cost(2, 2000, 500, 0.5)}
    numbers = write_report([make_run()], tmp_path / "out", lambda folder: spent)
    metrics = numbers["runs"][0]["metrics"]
    assert (metrics["tokens"], metrics["usd"]) == (4000, 1.0)
    assert metrics["kept_per_usd"] == 4.0
    assert metrics["kept_per_1000_tokens"] == 1.0


def test_nothing_but_the_report_is_written(make_run, tmp_path):
    folder = make_run()
    before = {
        p: p.stat().st_mtime_ns for p in folder.rglob("*") if not p.name.startswith("archive")
    }
    write_report([folder], tmp_path / "out")
    after = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if not p.name.startswith("archive")}
    assert after == before


def test_what_is_no_run_or_no_folder_is_said_in_a_sentence(make_run, tmp_path):
    with pytest.raises(ArchiveError, match="does not exist"):
        write_report([tmp_path / "missing"], tmp_path / "out")
    folder = make_run()
    with pytest.raises(UsageError, match="named twice"):
        write_report([folder, folder / "media" / ".."], tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        write_report([folder], tmp_path / "file")
    assert not (tmp_path / "out").exists()


def test_the_command_writes_into_the_run_folder_and_loads_neither_torch_nor_pybullet(make_run):
    folder = make_run()
    program = (
        "import sys\n"
        "from taskwright.cli.main import cli\n"
        f"cli(['report', {str(folder)!r}], standalone_mode=False)\n"
        "assert not {'torch', 'pybullet', 'sentence_transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "4 tasks kept of 14 journeys" in done.stdout
    assert (folder / "report" / "report.html").is_file()
