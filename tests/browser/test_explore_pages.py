"""Lineage and map in Chromium: what is drawn, what the pointer finds, where a click leads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from taskwright.archive.projection import fixed_projection
from taskwright.archive.store import Archive
from taskwright.task import Idea, Record


def drawn(page: Page, tmp_path: Path) -> np.ndarray:
    """The canvas, shape (height, width, 3)."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 30)))")
    path = tmp_path / "canvas.png"
    page.locator(".explore canvas").screenshot(path=path)
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def colours(pixels: np.ndarray) -> int:
    """How many there are."""
    return len(np.unique(pixels @ [65536, 256, 1]))


def place_of(page: Page, number: int, aside_px: int = 3) -> tuple[float, float]:
    """Where a record is on the screen."""
    x, y = page.evaluate(
        """([number, aside]) => {
            const { lineage, map } = document.querySelector('.explore');
            const { plane } = lineage ?? map;
            const item = (lineage?.nodes ?? map.points).find(item => item.number === number);
            const [x, y] = plane.toScreen(item.x, lineage ? item.y : -item.y);
            const box = plane.canvas.getBoundingClientRect();
            return [x + box.left + aside, y + box.top];
        }""",
        [number, aside_px],
    )
    return x, y


def open_page(page: Page, address: str, width: int = 800, height: int = 560) -> None:
    """Small, since every pixel is drawn by the processor."""
    page.set_viewport_size({"width": width, "height": height})
    page.goto(address)
    page.wait_for_selector(".explore[data-state=ready]")


@pytest.mark.slow
def test_the_lineage_shows_every_record_and_what_it_grew_from(
    page: Page, site_url: str, tmp_path: Path
) -> None:
    open_page(page, site_url + "/lineage")
    nodes = page.evaluate(
        "() => document.querySelector('.explore').lineage.nodes.map(n => [n.number, n.parent])"
    )
    parents = {1: None, 2: None, 3: 1, 4: 2, 5: 4, 6: 5, 7: 6, 8: 1, 9: 2, 10: 4, 11: 4, 12: 6}
    assert {n: None if p is None else nodes[p][0] for n, p in nodes} == parents
    assert page.locator(".color-legend span").all_inner_texts() == [
        "learned 6",
        "too hard 1",
        "too easy 1",
        "uninteresting 1",
        "duplicate 1",
        "invalid 1",
        "broken 1",
    ]
    by_status = drawn(page, tmp_path)
    assert colours(by_status) > 50
    page.get_by_role("button", name="Generation").click()
    assert "generation 4" in page.locator(".color-legend").inner_text()
    assert (np.abs(drawn(page, tmp_path) - by_status).max(axis=2) > 30).sum() > 100
    # Without what was turned down, unless something that was kept grew from it.
    everything = drawn(page, tmp_path)
    page.get_by_label("what was turned down").uncheck()
    assert (np.abs(drawn(page, tmp_path) - everything).max(axis=2) > 30).sum() > 100


def test_pictures_appear_in_the_lineage_as_there_is_room(
    page: Page, site_url: str, tmp_path: Path
) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    open_page(page, site_url + "/lineage", 800, 420)
    assert not [url for url in requested if url.endswith(".png")]
    x, y = place_of(page, 4, 0)
    page.mouse.move(x, y)
    for _ in range(4):
        page.mouse.wheel(0, -300)
    page.wait_for_function(
        "() => performance.getEntriesByType('resource').some(r => r.name.endsWith('.png'))"
    )
    assert place_of(page, 4, 0) == pytest.approx((x, y), abs=8), "it zooms to where the pointer is"


@pytest.mark.slow
def test_a_click_in_the_lineage_leads_to_the_task_and_so_do_keys(page: Page, site_url: str) -> None:
    open_page(page, site_url + "/lineage")
    x, y = place_of(page, 6)
    page.mouse.move(x, y)
    assert "Climb three low stairs" in page.locator(".tip").inner_text()
    page.mouse.click(x, y)
    page.wait_for_url("**/task/6")
    open_page(page, site_url + "/lineage#2")
    page.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    assert (
        page.locator("[data-part=spoken]").text_content() == "Push two crates past a wall, learned"
    )
    page.keyboard.press("Enter")
    page.wait_for_url("**/task/4")


@pytest.fixture
def mapped(archive_dir: Path) -> Path:
    """The small archive with its records on the map in two heaps: 1 to 6 left, 7 to 12 right."""
    projection = fixed_projection()
    random = np.random.default_rng(0)
    lengths = (projection.plane**2).sum(axis=0)
    with Archive.create_or_open(archive_dir) as archive:
        for record in archive.records():
            middle = np.array([-1.0 if record.number <= 6 else 1.0, 0.0])
            place = middle + random.uniform(-0.3, 0.3, 2)
            vector = projection.mean + projection.plane @ (place / lengths)
            archive.keep_embedding(record.idea.text, projection.model, vector.astype(np.float32))
    return archive_dir


def test_the_map_puts_records_where_their_vectors_are_and_tells_what_they_are(
    page: Page, serve: Callable[..., str], mapped: Path, tmp_path: Path
) -> None:
    open_page(page, serve(mapped) + "/map")
    points = page.evaluate(
        "() => document.querySelector('.explore').map.points.map(p => [p.number, p.x])"
    )
    assert [number for number, _ in points] == list(range(1, 13))
    assert all((x < 0) == (number <= 6) for number, x in points)
    assert colours(drawn(page, tmp_path)) > 50
    page.mouse.move(*place_of(page, 5))
    tip = page.locator(".tip")
    assert "Climb a spiral of stairs" in tip.inner_text()
    assert "too hard · 10 %" in tip.inner_text()
    assert tip.locator("img").get_attribute("src", timeout=2000)
    page.mouse.click(*place_of(page, 5))
    page.wait_for_url("**/task/5")


def test_a_lasso_leads_to_the_gallery(page: Page, serve: Callable[..., str], mapped: Path) -> None:
    open_page(page, serve(mapped) + "/map")
    page.get_by_role("button", name="Lasso").click()
    places = [place_of(page, number) for number in range(1, 7)]
    left, right = min(x for x, _ in places) - 25, max(x for x, _ in places) + 25
    top, bottom = min(y for _, y in places) - 25, max(y for _, y in places) + 25
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(*corner, steps=3)
    page.mouse.up()
    assert page.locator("[data-part=count]").inner_text() == (
        "6 chosen: 4 learned, 1 too hard, 1 too easy"
    )
    page.get_by_role("link", name="Show in the gallery").click()
    page.wait_for_url("**/?numbers=1-6")
    assert page.locator("a.card").count() == 6


def test_titles_on_the_canvas_only_show(
    page: Page, serve: Callable[..., str], mapped: Path
) -> None:
    title = "<img src=x onerror=alert(1)>\u202egnp.exe"
    idea = Idea(title, "d", "s", "r", "t")
    projection = fixed_projection()
    with Archive.create_or_open(mapped) as archive:
        number = archive.start_journey()
        archive.add(Record(number, "learned", "", idea))
        archive.keep_embedding(idea.text, projection.model, projection.mean)
    url = serve(mapped)
    for path in ("/map", "/lineage"):
        open_page(page, url + path)
        page.mouse.move(*place_of(page, number))
        shown = page.locator(".tip").inner_text()
        assert "<img src=x onerror=alert(1)>⟨U+202E⟩gnp.exe" in shown
        assert page.locator(".tip img").count() == 0


def test_an_empty_archive_has_pages_that_say_so(
    page: Page, serve: Callable[..., str], tmp_path: Path
) -> None:
    url = serve(tmp_path)
    for path, sentence in {
        "/lineage": "Nothing has grown yet",
        "/map": "Nothing is on the map",
    }.items():
        page.goto(url + path)
        assert sentence in page.locator("main").inner_text()


@pytest.mark.parametrize("path", ["/lineage", "/map"])
def test_the_pages_fit_a_phone(page: Page, site_url: str, path: str) -> None:
    open_page(page, site_url + path, 390, 844)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    box = page.locator(".explore canvas").bounding_box()
    assert box
    assert box["height"] > 300


VIEW = """() => {
    const { scale, x, y } = document.querySelector('.explore').lineage.plane;
    return [scale, x, y];
}"""


def test_dragging_moves_keys_zoom_and_neither_opens_a_task(page: Page, site_url: str) -> None:
    open_page(page, site_url + "/lineage")
    scale, x, y = page.evaluate(VIEW)
    page.mouse.move(*place_of(page, 4))
    page.mouse.down()
    page.mouse.move(420, 330, steps=3)
    moved_x, moved_y = page.evaluate(VIEW)[1:]
    page.mouse.move(430, 335)
    page.mouse.up()
    assert page.evaluate(VIEW) == pytest.approx([scale, moved_x + 10, moved_y + 5], abs=0.5)
    assert (moved_x, moved_y) != pytest.approx((x, y), abs=5)
    page.locator("canvas").focus()
    page.keyboard.press("+")
    assert page.evaluate(VIEW)[0] == pytest.approx(1.3 * scale)
    page.keyboard.press("0")
    assert page.evaluate(VIEW) == pytest.approx([scale, x, y])
    assert page.url.endswith("/lineage")


def test_two_fingers_zoom_and_one_opens_a_task(chromium: Browser, site_url: str) -> None:
    with chromium.new_context(has_touch=True) as context:
        page = context.new_page()
        open_page(page, site_url + "/lineage")
        scale = page.evaluate(VIEW)[0]
        session = context.new_cdp_session(page)

        def touch(kind: str, *places: int) -> None:
            points = [{"x": x, "y": 300, "id": n} for n, x in enumerate(places)]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", 350, 450)
        touch("touchMove", 325, 475)
        touch("touchMove", 300, 500)
        touch("touchEnd")
        assert page.evaluate(VIEW)[0] == pytest.approx(2 * scale)
        page.get_by_role("button", name="Fit").click()
        page.touchscreen.tap(*place_of(page, 6))
        page.wait_for_url("**/task/6")
