"""The run page: the funnel and the chart as numbers, the page live in a real Chromium."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from taskwright.archive.metrics import funnel
from taskwright.archive.store import Archive
from taskwright.browser.run_page import as_message, kept_over_time
from taskwright.task import Record


def tell(run_dir: Path, event: str, **details: Any) -> None:
    entry = {"event": event, "time": datetime.now(UTC).isoformat(timespec="seconds"), **details}
    with (run_dir / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def test_the_funnel_loses_journeys_step_by_step() -> None:
    statuses = {"learned": 4, "invalid": 3, "duplicate": 2, "too_hard": 1, "broken": 5}
    steps = funnel(statuses, {"step": 2, "reset": 1})
    assert [step.reached for step in steps] == [10, 8, 5, 5, 5, 4]
    assert steps[1].detail == "step 2, reset 1"
    assert steps[-1].name == "kept tasks"


def test_the_chart_ends_at_all_journeys_and_at_those_kept() -> None:
    times = [f"2026-01-01T00:0{n}:00+00:00" for n in range(4)]
    chart = kept_over_time(
        list(zip(times, ["learned", "invalid", "learned", "broken"], strict=True))
    )
    assert chart is not None
    assert chart["ended"].endswith("100.00,0.00")
    assert chart["kept"].endswith("100.00,50.00")
    assert (chart["count"], chart["total"]) == (2, 4)


@pytest.mark.parametrize(
    "endings",
    [[], [("2026-01-01T00:00:00+00:00", "learned")], [("soon", "learned"), ("later", "learned")]],
)
def test_there_is_no_chart_of_no_time(endings: list[tuple[str, str]]) -> None:
    assert kept_over_time(endings) is None


def test_a_chart_of_many_journeys_stays_small() -> None:
    times = [datetime.fromtimestamp(1.7e9 + n, UTC).isoformat() for n in range(10_000)]
    chart = kept_over_time([(time, "learned") for time in times])
    assert chart is not None
    assert len(chart["ended"].split()) < 1500
    assert chart["kept"].endswith("100.00,0.00")


def test_a_message_keeps_its_lines() -> None:
    assert as_message("a\n\nb") == "data: a\ndata: \ndata: b\n\n"


def test_what_the_run_tells_shows_at_once(
    page: Page, archive_dir: Path, serve: Callable[..., str]
) -> None:
    page.goto(serve(archive_dir) + "/run")
    expect(page.locator("h1")).to_have_text("No run yet")
    (archive_dir / "run.lock").write_text(str(os.getpid()), encoding="utf-8")
    tell(archive_dir, "run", author="composer", seed=3, tasks=9, workers=2)
    expect(page.locator("h1")).to_have_text("Running")
    expect(page.locator(".limits")).to_contain_text("6 of 9")
    title = "Follow <b>the</b> drone"
    tell(archive_dir, "stage", journey=13, stage="train", title=title, attempt=0)
    tell(archive_dir, "job", journey=13, kind="trial", state="begun")
    flight = page.locator("#journey-13")
    expect(flight).to_contain_text(title)
    expect(flight.locator(".now")).to_have_text("train")
    expect(page.locator(".limits")).to_contain_text("1 of 2 busy")
    for steps, rate in ((2048, 0.1), (4096, 0.45)):
        tell(archive_dir, "curve", journey=13, steps=steps, success_rate=rate, mean_return=0.0)
    expect(flight).to_contain_text("45% after 4.1 k steps")
    tell(archive_dir, "warning", journey=13, text="The disk is nearly full.")
    expect(page.locator(".notes")).to_contain_text("The disk is nearly full.")
    tell(archive_dir, "end", reason="It was stopped.")
    expect(page.locator("h1")).to_have_text("Ended")
    expect(page.locator(".run-head")).to_contain_text("It was stopped.")
    expect(page.locator(".journey")).to_have_count(0)


def test_a_record_shows_and_is_counted(
    page: Page, archive_dir: Path, make_record: Callable[..., Record], serve: Callable[..., str]
) -> None:
    page.goto(serve(archive_dir) + "/run")
    expect(page.locator(".funnel tr").last).to_contain_text("kept tasks 6")
    with Archive.create_or_open(archive_dir) as archive:
        archive.add(make_record(archive.start_journey(), title="Fresh from the run"))
    expect(page.locator(".funnel tr").last).to_contain_text("kept tasks 7")
    expect(page.locator(".strip .card").first).to_contain_text("Fresh from the run")


def test_a_driver_that_died_is_noticed(
    page: Page, archive_dir: Path, serve: Callable[..., str]
) -> None:
    tell(archive_dir, "run", author="composer")
    tell(archive_dir, "stage", journey=13, stage="train", title="Lost")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        (archive_dir / "run.lock").write_text(str(process.pid), encoding="utf-8")
        page.goto(serve(archive_dir) + "/run")
        expect(page.locator("h1")).to_have_text("Running")
        process.kill()
    expect(page.locator("h1")).to_have_text("Stopped without a word")
    expect(page.locator(".journey")).to_have_count(0)


@pytest.mark.slow
def test_clocks_tick_between_the_events(
    page: Page, archive_dir: Path, serve: Callable[..., str]
) -> None:
    (archive_dir / "run.lock").write_text(str(os.getpid()), encoding="utf-8")
    tell(archive_dir, "run", author="composer")
    tell(archive_dir, "stage", journey=13, stage="idea", title="Tick")
    page.goto(serve(archive_dir) + "/run")
    clock = page.locator("#journey-13 [data-clock]")
    first = clock.text_content()
    expect(clock).not_to_have_text(first or "")


@pytest.mark.slow
def test_a_real_run_is_seen_from_its_beginning_to_its_end(
    page: Page, tmp_path: Path, serve: Callable[..., str]
) -> None:
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    url = serve(run_dir)
    page.goto(url + "/run")
    expect(page.locator("h1")).to_have_text("No run yet")
    command = [sys.executable, "-m", "taskwright", "run", str(run_dir), "--attempts", "2"]
    command += ["--plain", "--model", "composer"]
    for setting in ("max_steps=4096", "screening_episodes=4", "evaluation_episodes=8"):
        command += ["--set", f"trainer.{setting}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            expect(page.locator("h1")).to_have_text("Running", timeout=60_000)
            expect(page.locator(".journey").first).to_be_visible(timeout=60_000)
            seen = set()
            while process.poll() is None:
                seen.update(page.locator(".stages .now").all_text_contents())
                page.wait_for_timeout(100)
            assert "train" in seen
        finally:
            process.terminate()
    assert process.returncode == 0
    expect(page.locator("h1")).to_have_text("Ended", timeout=10_000)
    expect(page.locator(".limits")).to_contain_text(re.compile("journeys\\s*2 of 2"))
    expect(page.locator(".strip .card")).to_have_count(2)
    page.goto(url)
    expect(page.locator(".card")).to_have_count(2)
    assert page.locator(".card img.poster").count() == 2
