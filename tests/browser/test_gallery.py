"""The gallery in a real Chromium: what it shows, how it narrows down, what the address holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from starlette.datastructures import QueryParams

from taskwright.archive.store import Archive
from taskwright.browser.gallery import PAGE_SIZE, Address
from taskwright.task import Record


def titles(page: Page) -> list[str]:
    return page.locator(".card h2").all_text_contents()


def test_shows_every_record_with_what_became_of_it(page: Page, site_url: str) -> None:
    page.goto(site_url)
    expect(page.locator(".card")).to_have_count(12)
    card = page.locator(".card", has_text="Climb a spiral of stairs")
    expect(card.locator(".chip")).to_have_text("too hard")
    expect(card).to_contain_text("because of reason 5")
    expect(card).to_contain_text("5% → 10%")
    expect(card).to_contain_text("novelty 0.35")
    expect(card).to_contain_text("$0.0125")


def test_a_missing_picture_looks_meant(page: Page, site_url: str) -> None:
    page.goto(site_url)
    expect(page.locator(".card", has_text="Herd a ball")).to_contain_text("no picture")
    expect(page.locator(".card", has_text="other beacon")).to_contain_text("no code was written")
    broken = page.locator("img").evaluate_all(
        "all => all.filter(image => image.complete && !image.naturalWidth).length"
    )
    assert broken == 0


def test_filters_narrow_the_cards_and_the_address_holds_them(page: Page, site_url: str) -> None:
    page.goto(site_url)
    page.locator("#status-learned").click()
    expect(page.locator(".card")).to_have_count(6)
    page.locator("select[name=generation]").select_option("1")
    expect(page.locator(".card")).to_have_count(1)
    assert page.url == f"{site_url}/?status=learned&generation=1"
    page.reload()
    assert titles(page) == ["Push two crates past a wall"]
    expect(page.locator("#status-learned input")).to_be_checked()
    page.get_by_text("Show all").click()
    expect(page.locator(".card")).to_have_count(12)


def test_going_back_undoes_a_filter(page: Page, site_url: str) -> None:
    page.goto(site_url)
    page.locator("#status-learned").click()
    page.wait_for_url("**/?status=learned")
    page.go_back()
    expect(page.locator(".card")).to_have_count(12)
    expect(page.locator("#status-learned input")).not_to_be_checked()


@pytest.mark.slow
def test_search_while_typing_keeps_the_focus_and_the_history(page: Page, site_url: str) -> None:
    page.goto(f"{site_url}/run")
    page.goto(site_url)
    page.keyboard.press("/")
    page.keyboard.type("seesaw", delay=20)
    expect(page.locator(".card")).to_have_count(1)
    assert titles(page) == ["Balance on a seesaw"]
    page.wait_for_url("**/?q=seesaw")
    assert page.evaluate("document.activeElement.id") == "q"
    page.go_back()
    assert page.url == f"{site_url}/run"


def test_a_search_without_results_says_so(page: Page, site_url: str) -> None:
    page.goto(f"{site_url}/?q=zeppelin&status=invalid")
    expect(page.locator(".empty")).to_contain_text("Show all records")
    expect(page.locator(".empty")).to_contain_text("Nothing answers to this.", timeout=120_000)


def test_sorts(page: Page, site_url: str) -> None:
    page.goto(site_url)
    page.locator("#sort").select_option("title")
    expect(page.locator(".card h2").first).to_have_text("Balance on a seesaw")
    assert page.url == f"{site_url}/?sort=title"


def test_keys_move_through_the_cards_and_open_one(page: Page, site_url: str) -> None:
    page.goto(site_url)
    focused = "document.activeElement.dataset.number"
    page.keyboard.press("j")
    assert page.evaluate(focused) == "12"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("j")
    assert page.evaluate(focused) == "10"
    page.keyboard.press("k")
    assert page.evaluate(focused) == "11"
    page.keyboard.press("ArrowDown")
    below = int(page.evaluate(focused))
    assert below < 11
    page.keyboard.press("ArrowUp")
    assert page.evaluate(focused) == "11"
    href = page.evaluate("document.activeElement.getAttribute('href')")
    assert href == "/task/11"


def test_letters_typed_into_the_search_box_are_no_keys(page: Page, site_url: str) -> None:
    page.goto(site_url)
    page.locator("#q").click()
    page.keyboard.type("jkt/")
    assert page.locator("#q").input_value() == "jkt/"


def test_the_keys_are_listed_on_a_key(page: Page, site_url: str) -> None:
    page.goto(site_url)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#keys")).not_to_be_visible()


def test_the_theme_can_be_chosen_and_stays(page: Page, site_url: str) -> None:
    page.goto(site_url)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.keyboard.press("t")
    dark = page.evaluate(ground)
    assert dark != light
    page.goto(f"{site_url}/run")
    assert page.evaluate(ground) == dark


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_screen(page: Page, site_url: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/", "/?q=crate&status=learned", "/run"):
        page.goto(site_url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.slow
def test_more_cards_come_while_scrolling(
    page: Page, tmp_path: Path, make_record: Callable[..., Record], serve: Callable[..., str]
) -> None:
    count = PAGE_SIZE + 5
    with Archive.create_or_open(tmp_path) as archive:
        for number in range(1, count + 1):
            archive.start_journey()
            archive.add(make_record(number))
    page.goto(serve(tmp_path))
    expect(page.locator("#summary")).to_contain_text(f"{count} of {count} records")
    for _ in range(40):
        if page.locator(".card").count() == count:
            break
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(50)
    expect(page.locator(".card")).to_have_count(count)
    numbers = page.locator(".card").evaluate_all("all => all.map(card => +card.dataset.number)")
    assert numbers == list(range(count, 0, -1))


@pytest.mark.slow
def test_records_added_by_a_run_are_announced(
    page: Page, archive_dir: Path, make_record: Callable[..., Record], serve: Callable[..., str]
) -> None:
    page.goto(serve(archive_dir))
    with Archive.create_or_open(archive_dir) as archive:
        number = archive.start_journey()
        archive.add(make_record(number, title="Fresh from the run"))
    page.locator(".fresh").click(timeout=15_000)
    expect(page.locator(".card h2").first).to_have_text("Fresh from the run")


def test_an_archive_that_is_not_there_yet_looks_meant(
    page: Page, tmp_path: Path, serve: Callable[..., str]
) -> None:
    page.goto(serve(tmp_path))
    expect(page.locator(".empty")).to_contain_text("No records yet")
    expect(page.locator(".empty pre")).to_have_text(f"taskwright run {tmp_path}")


def test_a_damaged_record_looks_meant(
    page: Page, archive_dir: Path, serve: Callable[..., str]
) -> None:
    with Archive.create_or_open(archive_dir) as archive:
        archive._connection.execute("UPDATE records SET record = '{' WHERE number = 4")
    page.goto(serve(archive_dir))
    card = page.locator(".card", has_text="Push two crates past a wall")
    expect(card).to_contain_text("written only in part")


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("", "/"),
        ("q=++a++b+", "/?q=a+b"),
        ("status=learned&status=broken&status=nonsense", "/?status=learned&status=broken"),
        ("generation=2&generation=&generation=x&robot=ant", "/?robot=ant&generation=2"),
        ("sort=newest", "/"),
        ("sort=relevance", "/"),
        ("q=a&sort=newest", "/?q=a&sort=newest"),
        ("numbers=1-3,7,,x,9-9", "/?numbers=1-3,7,9"),
        ("unknown=1&sort=DROP+TABLE", "/"),
    ],
)
def test_an_address_is_read_tolerantly_and_written_short(given: str, canonical: str) -> None:
    assert Address.read(QueryParams(given)).url() == canonical
