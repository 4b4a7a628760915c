"""The report of a run that somebody has made to harm: all of it shows, and nothing more."""

from __future__ import annotations

import csv
import json
import os
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from foreign import HOSTILE, hostile_run
from PIL import Image

from taskwright.errors import ArchiveError
from taskwright.generator.model.log import spent_by_role
from taskwright.report import write_report
from taskwright.report.run_data import poster, read_run

from .test_write import Page


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a hostile run."""
    folder = tmp_path_factory.mktemp("foreign")
    hostile_run(folder / "run")
    write_report([folder / "run"], folder / "out", spent_by_role)
    return folder / "out"


def test_the_page_holds_neither_a_script_nor_an_address_of_another(out: Path) -> None:
    page = Page((out / "report.html").read_text())
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "iframe", "object", "embed", "base", "link", "form", "a:href"}
    assert [tag for tag, _ in page.tags].count("style") == 1
    assert [tag for tag, _ in page.tags].count("title") >= 1
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("src", "href", "xlink:href", "action"):
            address = attributes.get(name) or "#"
            assert address.startswith(("#", "data:image/webp;base64,")), (tag, address[:80])
        style = attributes.get("style") or ""
        assert "url(" not in style
        assert "expression" not in style
    assert "owned" in page.text


def test_the_text_is_markdown_that_shows_it_and_does_nothing(out: Path) -> None:
    text = (out / "report.md").read_text()
    assert not re.search(r"(?<!\\)<\s*[a-zA-Z/!]", text)
    links = re.findall(r"(?<!\\)\]\(([^)]*)\)", text)
    assert all(re.fullmatch(r"figures/[\w-]+\.png", address) for address in links)
    assert "http://evil" not in text
    assert "javascript:" not in "".join(links)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_figures_tables_and_numbers_are_sound(out: Path) -> None:
    for figure in (out / "figures").glob("*.svg"):
        tree = ElementTree.fromstring(figure.read_text())
        kinds = {element.tag.partition("}")[2] for element in tree.iter()}
        assert kinds <= {"svg", "g", "rect", "path", "circle", "text", "title"}, figure
        with Image.open(figure.with_suffix(".png")) as picture:
            assert max(picture.size) < 5_000
    json.loads((out / "report.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    with (out / "tables" / "records.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == 1 + len(HOSTILE) + 2
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not _is_number(cell)
                   for row in rows for cell in row)  # fmt: skip


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", cell) is not None


def test_hostile_runs_are_compared(tmp_path: Path) -> None:
    for name in ("one", "<script>alert(1)</script>"):
        hostile_run(tmp_path / name.replace("/", "_"))
    runs = [path for path in tmp_path.iterdir() if path.is_dir()]
    write_report(runs, tmp_path / "out", spent_by_role)
    page = Page((tmp_path / "out" / "report.html").read_text())
    assert "script" not in {tag for tag, _ in page.tags}


PICTURES = {
    "a page": b"<!doctype html><script>alert(1)</script>",
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n",
    "a JPEG's beginning": b"\xff\xd8\xff\xe0" + bytes(100),
    "half a PNG": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "nothing": b"",
}


@pytest.mark.parametrize("what", PICTURES)
def test_what_is_no_picture_is_left_out(what: str, make_run) -> None:
    run_dir = make_run()
    run = read_run(run_dir, lambda folder: {})
    path = run_dir / "media" / f"{run.kept[0].task_id}.png"
    assert poster(run, run.kept[0]).startswith("data:image/webp;base64,")
    path.write_bytes(PICTURES[what])
    assert poster(run, run.kept[0]) == ""


def test_a_picture_larger_than_any_screen_or_elsewhere_is_left_out(
    make_run, tmp_path: Path
) -> None:
    run_dir = make_run()
    run = read_run(run_dir, lambda folder: {})
    path = run_dir / "media" / f"{run.kept[0].task_id}.png"
    Image.new("1", (20_000, 20_000)).save(path)
    assert poster(run, run.kept[0]) == ""
    path.unlink()
    Image.new("RGB", (9, 9)).save(tmp_path / "private.png")
    path.symlink_to(tmp_path / "private.png")
    assert poster(run, run.kept[0]) == ""
    path.unlink()
    os.mkfifo(path)
    assert poster(run, run.kept[0]) == ""


def test_a_report_is_written_through_no_link(make_run, tmp_path: Path) -> None:
    run_dir = make_run()
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (run_dir / "report").mkdir()
    (run_dir / "report" / "report.html").symlink_to(victim)
    with pytest.raises(ArchiveError, match=r"report\.html is a link"):
        write_report([run_dir], run_dir / "report")
    # In a folder of the user's own, a link is replaced.
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.html").symlink_to(victim)
    write_report([run_dir], tmp_path / "out")
    assert victim.read_text() == "mine"
    assert (tmp_path / "out" / "report.html").is_file()
