"""The application as a whole: every page of the menu opens, and looking loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page
from starlette.testclient import TestClient

from taskwright.archive.browser.app import create_app
from taskwright.errors import ArchiveError

LOOK = """
import sys
from pathlib import Path
from starlette.testclient import TestClient
from taskwright.archive.browser.app import create_app

client = TestClient(create_app(Path(sys.argv[1])), base_url="http://localhost")
for path in ("/", "/run"):
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
