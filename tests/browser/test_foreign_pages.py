"""A run folder that somebody has made to harm: pages show what it says, and do nothing of it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from foreign import hostile_run
from playwright.sync_api import Page
from starlette.routing import Route
from starlette.testclient import TestClient

from taskwright.browser.app import create_app
from taskwright.presentation.formatting import visible
from taskwright.task import Record

WORST = 13
"""The journey whose texts are all of them at once."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    """A hostile run, which no test may change, and its records."""
    folder = tmp_path_factory.mktemp("foreign") / "run"
    return folder, hostile_run(folder)


@pytest.fixture(scope="module")
def client(hostile: tuple[Path, list[Record]]) -> Iterator[TestClient]:
    with TestClient(create_app(hostile[0], feedback=True), base_url="http://localhost") as client:
        yield client


def addresses(run_dir: Path) -> list[str]:
    """Every address that a page or a script of ours asks for, of the worst journey."""
    found = [
        re.sub(r"\{\w+(:\w+)?\}", str(WORST), route.path)
        for route in create_app(run_dir, feedback=True).routes
        if isinstance(route, Route) and "GET" in (route.methods or ())
    ]
    return [path for path in found if not path.endswith(("/events", "/fresh", ".ico"))]


@pytest.mark.slow
def test_a_hostile_run_only_shows_in_a_browser(
    page: Page, hostile: tuple[Path, list[Record]], serve: Callable[..., str]
) -> None:
    url = serve(hostile[0], feedback=True)
    pages = [path for path in addresses(hostile[0]) if "data" not in path and ".py" not in path]
    journeys = [f"/task/{number}" for number in (1, 12, 14)]
    for path in [*pages, *journeys, "/?sort=title", f"/task/{WORST}#calls"]:
        answer = page.goto(url + path)
        assert answer is not None
        assert answer.status in (200, 204), path
        page.wait_for_timeout(50)
        assert page.url.startswith(url + path.partition("#")[0]), path
        assert page.evaluate("window.owned") is None, path
        strange = "main script, iframe, base, main meta, main style, main link, [onerror], [onload]"
        assert page.locator(strange).count() == 0, path
        # Parts of pages come without a style sheet.
        if page.locator("header.top").count():
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            assert page.evaluate("document.documentElement.scrollHeight") < 100_000, path
        assert page.title().isprintable(), path
        sources = "Array.from(document.images, each => each.getAttribute('src'))"
        assert all(source.startswith("/") for source in page.evaluate(sources)), path
        links = "Array.from(document.links, each => each.protocol + each.host)"
        assert set(page.evaluate(links)) <= {f"http:{url.removeprefix('http://')}"}, path


@pytest.mark.slow
def test_a_hostile_replay_is_drawn_or_told_and_its_names_only_show(
    page: Page, hostile: tuple[Path, list[Record]], serve: Callable[..., str], tmp_path: Path
) -> None:
    run_dir = Path(shutil.copytree(hostile[0], tmp_path / "run"))
    url = serve(run_dir)
    page.goto(f"{url}/task/{WORST}")
    page.wait_for_selector(".replay[data-state=ready], .replay[data-state=failed]")
    assert page.evaluate("window.owned") is None
    assert page.locator(".rewards script, .rewards img").count() == 0
    replay = run_dir / "media" / f"{hostile[1][WORST - 1].task_id}.replay.json.gz"
    replay.write_bytes(b"no replay")
    page.goto(f"{url}/task/{WORST}")
    page.wait_for_selector(".replay[data-state=failed]")
    told = page.locator(".screen-message").inner_text()
    assert "it is no sound gzip file" in told


def test_what_scripts_ask_for_is_sound_json_and_hides_nothing(client: TestClient) -> None:
    for path in ("/lineage/data", "/map/data"):
        answer = client.get(path)
        data = json.loads(answer.text, parse_constant=lambda name: pytest.fail(name))
        entries = data.get("nodes", data.get("points"))
        assert len(entries) == WORST
        assert all(visible(entry["title"]) == entry["title"] for entry in entries)
        assert all(re.fullmatch(r"/media/[0-9a-f]{12}\.png", e["poster"]) for e in entries)


def test_downloads_and_headers_hold_nothing_of_a_hostile_run(client: TestClient) -> None:
    for path in addresses(Path(client.app.state.site.run_dir)):  # type: ignore[attr-defined]
        answer = client.get(path)
        assert answer.status_code in (200, 204), path
        told = " ".join(value for name, value in answer.headers.items())
        assert "owned" not in told
        assert "evil" not in told
    source = client.get(f"/task/{WORST}/source.py")
    name = source.headers["content-disposition"]
    assert re.fullmatch(r'attachment; filename="task_[0-9a-f]{12}\.py"', name)
    assert source.headers["content-type"].startswith("text/plain")


def test_a_page_in_the_place_of_a_picture_is_no_page(
    client: TestClient, hostile: tuple[Path, list[Record]]
) -> None:
    answer = client.get(f"/media/{hostile[1][0].task_id}.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_answers_to_a_hostile_run_are_taken(
    tmp_path: Path, hostile: tuple[Path, list[Record]]
) -> None:
    run_dir = Path(shutil.copytree(hostile[0], tmp_path / "run"))
    headers = {"origin": "http://localhost"}
    with TestClient(create_app(run_dir, feedback=True), base_url="http://localhost") as client:
        for path, body in (
            ("/judge/interest", {"journey": 2, "positive": True}),
            ("/judge/triplet", {"anchor": 1, "first": 2, "second": 3, "nearer": None}),
        ):
            answer = client.post(path, json=body, headers=headers)
            assert answer.status_code == 200
            assert "<script>" not in answer.text


@pytest.mark.parametrize("number", [14, 15, 10**9, 10**10, 10**30])
def test_an_address_of_no_journey_is_a_page_that_says_so(client: TestClient, number: int) -> None:
    for path in (f"/task/{number}", f"/task/{number}/source.py", f"/play/{number}"):
        answer = client.get(path)
        # One is under way.
        assert answer.status_code == (200 if path == "/task/14" else 404), path
        assert "<script>window" not in answer.text


def test_an_address_without_end_is_refused(client: TestClient) -> None:
    assert client.get("/task/" + "9" * 5000).status_code == 404
    assert client.get("/?q=" + "9" * 20_000 + "&offset=" + "9" * 100).status_code == 200


def test_the_calls_of_a_hostile_log_are_told(client: TestClient) -> None:
    text = client.get("/task/12/calls").text
    assert "window.owned" in text
    assert "<script>" not in text
    assert len(text) < 1_000_000
