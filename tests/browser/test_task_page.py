"""The task page in Chromium: the replay draws, the timeline moves it, and all that led to the task
is there; whatever is missing, huge or hostile looks deliberate."""

from __future__ import annotations

import dataclasses
import gzip
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page
from starlette.testclient import TestClient

from taskwright.archive.store import Archive
from taskwright.browser.app import create_app
from taskwright.sandbox.recording import Agent, Mesh, Part, RecordedEpisode, Recording, Shape
from taskwright.task import Idea, Outcome, Record, Task, to_json

FRAMES = 61
FLOOR = Shape("box", (20.0, 20.0, 0.5), (0, 0, 0), (0, 0, 0, 1), (0.5, 0.5, 0.55, 1.0))
VIOLET = (0.5, 0.1, 0.6, 1.0)
BODY = Shape("box", (0.8, 0.8, 0.8), (0, 0, 0), (0, 0, 0, 1), (0.9, 0.1, 0.1, 1.0))
LAMP = dataclasses.replace(BODY, color=VIOLET)
OTHERS = tuple(
    Shape(kind, size, (x, 2.0, 0.5), (0, 0, 0, 1), (0.1, 0.4, 0.9, 1.0), mesh)  # type: ignore[arg-type]
    for x, (kind, size, mesh) in enumerate(
        [
            ("sphere", (0.3, 0.0, 0.0), None),
            ("cylinder", (0.5, 0.3, 0.0), None),
            ("capsule", (0.5, 0.2, 0.0), None),
            ("mesh", (1.0, 1.0, 1.0), 0),
        ]
    )
)
TETRAHEDRON = Mesh(
    (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    (0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3),
)


def still(x_mm: int, z_mm: int) -> tuple[tuple[int, ...], ...]:
    return ((x_mm,), (0,), (z_mm,), (0,), (0,), (0,), (10_000,))


def episode(agent: Agent, speed_mm: int, success: bool) -> RecordedEpisode:
    """A red robot that moves along x at so many mm a frame, for `FRAMES` frames."""
    moving = ((0, *[speed_mm] * (FRAMES - 1)), *still(0, 700)[1:])
    return RecordedEpisode(
        agent=agent,
        seed=1,
        success=success,
        success_frame=FRAMES - 1 if success else None,
        ended="stopped" if success else "time limit",
        frames=FRAMES,
        eye=(3.0, -12.0, 7.0),
        target=(3.0, 0.0, 0.0),
        parts=(
            Part(1, -1, False, 0, (FLOOR,), still(0, 0), FRAMES),
            Part(2, -1, True, 0, (BODY,), moving, FRAMES),
            Part(3, -1, False, 0, OTHERS, still(0, 0), FRAMES),
            # It vanishes, and before that turns green.
            Part(4, -1, False, 0, (LAMP,), still(-4000, 700), 40, ((20, 0, (0.0, 1.0, 0.0, 1.0)),)),
        ),
        reward_terms={"ahead": tuple(0.001 * speed_mm for _ in range(FRAMES - 1))},
    )


def write_replay(run_dir: Path, task_id: str, *episodes: RecordedEpisode) -> Path:
    recording = Recording(task_id, "r2d2", 0.066, episodes, (TETRAHEDRON,))
    path = run_dir / "media" / f"{task_id}.replay.json.gz"
    path.write_bytes(gzip.compress(to_json(recording).encode()))
    return path


@pytest.fixture
def watched(archive_dir: Path) -> Path:
    """The small archive, its first task with a replay of both agents."""
    with Archive.open(archive_dir) as archive:
        task_id = archive.find("1").task_id
    assert task_id
    write_replay(archive_dir, task_id, episode("trained", 100, True), episode("random", 20, False))
    return archive_dir


def open_replay(page: Page, address: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 800, "height": 560})
    page.goto(address)
    page.wait_for_selector(".replay[data-state=ready]")


def picture(page: Page, tmp_path: Path) -> np.ndarray:
    """What the canvas shows once it has been drawn, shape (height, width, 3)."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 60)))")
    path = tmp_path / "canvas.png"
    page.locator(".replay canvas").screenshot(path=path)
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def colours(pixels: np.ndarray) -> int:
    """How many there are."""
    return len(np.unique(pixels @ [65536, 256, 1]))


def red(pixels: np.ndarray) -> np.ndarray:
    """Columns in which the robot is seen, below what is written over the scene."""
    pixels = pixels[50:]
    mask = (pixels[..., 0] > 110) & (pixels[..., 1] < 70) & (pixels[..., 2] < 70)
    return np.flatnonzero(mask.sum(axis=0) > 2)


def test_the_canvas_draws_and_the_timeline_moves_the_robot(
    page: Page, serve: Callable[..., str], watched: Path, tmp_path: Path
) -> None:
    open_replay(page, serve(watched) + "/task/1")
    page.get_by_role("button", name="Trained", exact=True).click()
    page.locator(".timeline").fill("45")
    late = picture(page, tmp_path)
    assert page.locator("[data-part=clock]").inner_text() == "3.0 s / 4.0 s"
    page.locator(".timeline").fill("0")
    early = picture(page, tmp_path)
    assert colours(early) > 100, "shaded, not a plain colour"
    assert (np.abs(early - late).max(axis=2) > 40).mean() > 0.002
    assert red(late).max() > red(early).max() + 50, "it has driven along x"
    # By keys, frame by frame.
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert page.locator(".replay").get_attribute("data-frame") == "11"


@pytest.mark.slow
def test_it_plays_by_itself_and_pauses(
    page: Page, serve: Callable[..., str], watched: Path
) -> None:
    page.goto(serve(watched) + "/task/1")
    replay = page.locator(".replay")
    page.wait_for_selector(".replay[data-state=ready]")
    page.wait_for_function("() => Number(document.querySelector('.replay').dataset.frame) > 5")
    page.keyboard.press(" ")
    assert page.get_by_role("button", name="Play", exact=True).is_visible()
    paused = replay.get_attribute("data-frame")
    page.wait_for_timeout(200)
    assert replay.get_attribute("data-frame") == paused


@pytest.mark.slow
def test_trained_and_untrained_are_seen_side_by_side_from_one_side(
    page: Page, serve: Callable[..., str], watched: Path, tmp_path: Path
) -> None:
    open_replay(page, serve(watched) + "/task/1")
    assert page.locator(".replay").get_attribute("data-sides") == "both"
    page.keyboard.press("End")
    labels = page.locator(".pane-label").all_inner_texts()
    assert [label.split("\n")[0] for label in labels] == ["Trained", "Untrained"]
    assert "success at 4.0 s" in labels[0]
    assert "no success" in labels[1]
    pixels = picture(page, tmp_path)
    half = pixels.shape[1] // 2
    trained, untrained = red(pixels[:, :half]), red(pixels[:, half:])
    assert trained.max() > untrained.max() + 40, "the trained one has come further"
    # Turned with the mouse, both turn.
    box = page.locator(".replay canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 100, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 230, steps=4)
    page.mouse.up()
    turned = picture(page, tmp_path)
    for side in (np.s_[:, :half], np.s_[:, half:]):
        assert (np.abs(turned[side] - pixels[side]).max(axis=2) > 30).mean() > 0.05


@pytest.mark.slow
def test_the_camera_follows_the_robot(
    page: Page, serve: Callable[..., str], watched: Path, tmp_path: Path
) -> None:
    open_replay(page, serve(watched) + "/task/1")
    page.get_by_role("button", name="Trained", exact=True).click()
    page.get_by_role("button", name="Follow").click()
    start = red(picture(page, tmp_path))
    page.keyboard.press("End")
    end = red(picture(page, tmp_path))
    assert abs(start.mean() - end.mean()) < 25, "it stays in the middle"


def test_bodies_change_colour_and_vanish(
    page: Page, serve: Callable[..., str], watched: Path
) -> None:
    open_replay(page, serve(watched) + "/task/1")
    seen = """frame => {
        const { replay } = document.querySelector('.replay');
        replay.seek(frame);
        const { group, meshes } = replay.episodes[0].bodies[3].body;
        return [group.visible, meshes[0].material.color.g > 0.9];
    }"""
    assert [page.evaluate(seen, frame) for frame in (0, 20, 39, 40, 0)] == [
        [True, False],
        [True, True],
        [True, True],
        [False, True],
        [True, False],
    ]


def test_rewards_share_the_timeline_and_lead_through_it(
    page: Page, serve: Callable[..., str], watched: Path
) -> None:
    open_replay(page, serve(watched) + "/task/1")
    assert page.locator(".reward-name b").all_inner_texts() == ["ahead"]
    assert page.locator(".reward-sum").all_inner_texts() == ["Σ 6", "Σ 1.2"]
    page.locator(".reward-plot").click()
    assert page.locator(".replay").get_attribute("data-frame") == "30"
    assert float(page.locator(".reward-cursor").get_attribute("x1") or 0) == pytest.approx(
        30, abs=0.6
    )


def test_a_replay_that_is_damaged_says_so(
    page: Page, serve: Callable[..., str], watched: Path
) -> None:
    (path,) = (watched / "media").glob("*.replay.json.gz")
    path.write_bytes(path.read_bytes()[:200])
    page.goto(serve(watched) + "/task/1")
    page.wait_for_selector(".replay[data-state=failed]")
    assert "The replay cannot be shown" in page.locator(".screen-message").inner_text()


@pytest.mark.slow
def test_all_that_led_to_a_task_is_told(page: Page, site_url: str) -> None:
    page.goto(site_url + "/task/6")
    text = page.locator("main").inner_text()
    for part in (
        "Climb three low stairs",
        "generation 3",
        "It is learned because of reason 6.",
        "The goal is reached.",
        "20 fresh episodes, 95 % interval 70% to 97%",
        "New.",
        "taskwright export",
        'gymnasium.make("my_tasks:ClimbThreeLowStairs-v0")',
    ):
        assert part in text.replace("\xa0", " "), part
    assert page.locator(".curve .mark").count() == 10
    parent = page.locator(".parents .small-card")
    assert "Climb a spiral of stairs" in parent.inner_text()
    # The difference to its parent: one line of three in each differs, and the docstring.
    page.get_by_text("Difference to its parent").click()
    assert "crate_6 = 6" in page.locator(".diff-added").last.inner_text()
    assert "crate_5 = 5" in page.locator(".diff-removed").last.inner_text()
    assert page.locator(".listing .hl-k").first.inner_text() == "class"
    parent.click()
    page.wait_for_url("**/task/5")
    page.wait_for_load_state()
    page.keyboard.press("]")
    page.wait_for_url("**/task/6")


def test_the_command_is_copied(page: Page, site_url: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site_url)
    page.goto(site_url + "/task/1")
    line = page.locator(".command", has_text="gymnasium.make")
    line.locator(".copy").click()
    page.wait_for_selector(".copy[data-done]")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == 'gymnasium.make("my_tasks:DriveToTheBeacon-v0")'


def test_every_attempt_is_told_with_what_changed(
    page: Page, serve: Callable[..., str], archive_dir: Path
) -> None:
    with Archive.create_or_open(archive_dir) as archive:
        journal = archive.journal(7)
        rejected = Outcome.rejected(
            "reset", "It overlaps.", "The crate is in the wall.", "Move it."
        )
        journal.once("code 0", Task, lambda: Task("a = 1\nb = 2\n"))
        journal.once("check 0", Outcome, lambda: rejected)
        journal.once("code 1", Task, lambda: Task("a = 1\nb = 3\n"))
        journal.once("check 1", Outcome, lambda: Outcome("passed"))
    page.goto(serve(archive_dir) + "/task/7")
    attempts = page.locator(".attempt").all_inner_texts()
    assert len(attempts) == 2
    for part in ("rejected", "reset", "It overlaps.", "The crate is in the wall.", "Move it."):
        assert part in attempts[0]
    assert "Version 2: passed" in attempts[1]
    page.get_by_text("What changed since version 1").click()
    assert (
        page.locator(".attempt .diff-added").inner_text().split("\t")[-1].strip().endswith("b = 3")
    )


def test_prompts_and_answers_come_when_they_are_asked_for(
    page: Page, serve: Callable[..., str], archive_dir: Path
) -> None:
    calls = [
        {
            "role": "idea",
            "journey": journey,
            "model": "scripted",
            "prompt_tokens": 1200,
            "messages": [{"role": "user", "content": f"Propose <b>{journey}</b>"}],
            "answer": f"TITLE: task {journey}",
        }
        for journey in (1, 2)
    ]
    lines = [json.dumps(calls[0]), "{ half a line", json.dumps(calls[1]), '{"unfinished']
    (archive_dir / "llm.jsonl").write_text("\n".join(lines), encoding="utf-8")
    page.goto(serve(archive_dir) + "/task/2")
    page.get_by_text("Show what models were asked").click()
    page.wait_for_selector(".call")
    page.locator(".call summary").click()
    shown = page.locator(".call").all_inner_texts()
    assert len(shown) == 1
    for part in ("idea", "1.2 k", "Propose <b>2</b>", "TITLE: task 2"):
        assert part in shown[0], part


HOSTILE = (
    "<script>document.title='taken'</script>\x1b[31m\u202egnp.exe <img src=x onerror=alert(1)>"
)


def test_hostile_text_does_nothing_but_show(
    page: Page, serve: Callable[..., str], archive_dir: Path
) -> None:
    idea = Idea(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    source = (
        f'"""{HOSTILE}"""\n' + "x = 1  # " + "A" * 2_000_000 + "\n</code></pre><script>1</script>"
    )
    with Archive.create_or_open(archive_dir) as archive:
        number = archive.start_journey()
        record = Record(
            number,
            "learned",
            HOSTILE,
            idea,
            Task(source),
            (Outcome("rejected", "step", HOSTILE, HOSTILE, HOSTILE), Outcome("passed")),
        )
        archive.add(record)
    terms = {HOSTILE: (1.0,) * (FRAMES - 1)}
    hostile = episode("trained", 10, True)
    assert record.task_id
    write_replay(archive_dir, record.task_id, dataclasses.replace(hostile, reward_terms=terms))
    open_replay(page, f"{serve(archive_dir)}/task/{number}")
    assert page.title().startswith("<script>")
    assert page.locator("main script, main img[src=x]").count() == 0
    text = page.locator("main").inner_text()
    assert "\u202e" not in text.replace(page.locator(".reward-name b").inner_text(), "")
    assert "␛[31m" in text
    assert "⟨U+202E⟩" in text
    assert "more characters" in text
    assert len(page.content()) < 400_000, "the long line is cut"
    size = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert size[0] <= size[1]
    whole = TestClient(create_app(archive_dir), base_url="http://localhost").get(
        f"/task/{number}/source.py"
    )
    assert whole.text == source
    assert whole.headers["content-disposition"].startswith("attachment")


@pytest.mark.slow
def test_what_is_missing_looks_deliberate(
    page: Page, serve: Callable[..., str], archive_dir: Path
) -> None:
    with sqlite3.connect(archive_dir / "archive.db") as archive:
        (text,) = archive.execute("SELECT record FROM records WHERE number = 3").fetchone()
        archive.execute("UPDATE records SET record = ? WHERE number = 3", (text[: len(text) // 2],))
    with Archive.create_or_open(archive_dir) as store:
        going_on = store.start_journey()
        store.journal(going_on).once("idea", Idea, lambda: Idea("Half done", "d", "s", "r", "t"))
    url = serve(archive_dir)
    for number, sentence in {
        1: "This task has no replay yet. Record one",
        3: "This record cannot be read",
        8: "the journey ended before any code was written",
        going_on: "This journey has no record yet",
    }.items():
        answer = page.goto(f"{url}/task/{number}")
        assert answer
        assert answer.status == 200
        assert sentence in page.locator("main").inner_text(), number
    client = TestClient(create_app(archive_dir), base_url="http://localhost")
    assert client.get("/task/9999").status_code == 404
    assert client.get("/task/8/source.py").status_code == 404


def test_the_page_fits_a_phone_in_the_dark(
    page: Page, serve: Callable[..., str], watched: Path
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.goto(serve(watched) + "/task/1")
    page.wait_for_selector(".replay[data-state=ready]")
    assert page.locator(".replay").get_attribute("data-sides") == "0"
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
