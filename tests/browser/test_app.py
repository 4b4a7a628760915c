"""The application as a whole: every page of the menu opens, and looking loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

from taskwright.browser.app import create_app
from taskwright.errors import ArchiveError

LOOK = """
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from starlette.testclient import TestClient
from taskwright.browser.app import create_app

client = TestClient(create_app(Path(sys.argv[1])), base_url="http://localhost")
for path in ("/", "/run", "/play"):
    assert client.get(path).status_code == 200, path
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "pybullet"}))
"""


def test_every_page_of_the_menu_opens(page: Page, site_url: str) -> None:
    page.goto(site_url)
    paths = page.locator("nav a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    assert "/" in paths
    for path in paths:
        answer = page.goto(site_url + path)
        assert answer is not None
        assert answer.status == 200, path


def test_browsing_imports_neither_torch_nor_pybullet(archive_dir: Path) -> None:
    command = [sys.executable, "-c", LOOK, str(archive_dir)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == ""


def test_a_page_that_does_not_exist_says_so(archive_dir: Path) -> None:
    client = TestClient(create_app(archive_dir), base_url="http://localhost")
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert "There is no such page." in answer.text


def test_a_folder_without_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no run", encoding="utf-8")
    with pytest.raises(ArchiveError, match="holds no archive"):
        create_app(tmp_path)
    with pytest.raises(ArchiveError, match="does not exist"):
        create_app(tmp_path / "nowhere")


def test_an_empty_folder_waits_for_its_run(tmp_path: Path) -> None:
    client = TestClient(create_app(tmp_path), base_url="http://localhost")
    assert client.get("/").status_code == 200


def test_an_archive_that_was_damaged_has_a_page_that_says_so(archive_dir: Path) -> None:
    client = TestClient(create_app(archive_dir), base_url="http://localhost")
    path = archive_dir / "archive.db"
    path.write_bytes(path.read_bytes()[:4096] + b"\0" * (path.stat().st_size - 4096))
    answer = client.get("/")
    assert answer.status_code == 503
    assert "The archive cannot be read" in answer.text


@pytest.mark.slow
def test_a_server_that_has_gone_is_noticed_and_one_that_is_back_too(
    page: Page, archive_dir: Path, serving: Callable[..., AbstractContextManager[str]]
) -> None:
    with serving(archive_dir) as url:
        page.goto(url)
    page.locator("#status-learned").click()
    expect(page.locator("#offline")).to_be_visible()
    with serving(archive_dir, port=int(url.rpartition(":")[2])):
        page.locator("#status-learned").click()
        expect(page.locator("#offline")).to_be_hidden()
    page.problems.clear()  # type: ignore[attr-defined]
