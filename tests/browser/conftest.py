"""What the browser's tests share: an archive on disk, a server, and a Chromium that is strict."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, Request, sync_playwright

from taskwright.archive.store import Archive
from taskwright.browser.app import create_app
from taskwright.browser.serving import Server, settings_for
from taskwright.task import (
    Cost,
    CurvePoint,
    Idea,
    Judgement,
    Outcome,
    Record,
    Task,
    Trial,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    # Without a graphics card, WebGL is drawn by the processor.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]

EMBEDDER = "all-MiniLM-L6-v2"

# Status, title, strategy, number of the parent.
JOURNEYS: tuple[tuple[str, str, str, int | None], ...] = (
    ("learned", "Drive to the beacon", "seed", None),
    ("learned", "Push the crate into the zone", "seed", None),
    ("too_easy", "Stand still", "new", 1),
    ("learned", "Push two crates past a wall", "new", 2),
    ("too_hard", "Climb a spiral of stairs", "new", 4),
    ("learned", "Climb three low stairs", "revision", 5),
    ("invalid", "Balance on a seesaw", "new", 6),
    ("duplicate", "Drive to the other beacon", "new", 1),
    ("uninteresting", "Push a crate of another colour", "new", 2),
    ("broken", "Open the door with a plate", "new", 4),
    ("learned", "Herd a ball through a gate", "new", 4),
    ("learned", "Cross the moving bridge", "new", 6),
)


def make_source(number: int) -> str:
    return f'"""Task {number}."""\n\nclass Env(R2D2Env):\n    crate_{number} = {number}\n'


def make_archive(run_dir: Path) -> list[Record]:
    """A small archive in which every status, a parent of each and every missing thing occurs."""
    random = np.random.default_rng(0)
    (run_dir / "media").mkdir(parents=True)
    records: list[Record] = []
    with Archive.create_or_open(run_dir) as archive:
        for status, title, strategy, parent in JOURNEYS:
            number = archive.start_journey()
            task_ids = [record.task_id for record in records]
            parents = (task_ids[parent - 1],) if parent else ()
            idea = Idea(
                title,
                f"A floor of 20 m. {title}, without touching the walls.",
                "The goal is reached.",
                "Speed towards the goal.",
                "The robot falls.",
                strategy,
                tuple(p for p in parents if p),
            )
            task = None if status in ("duplicate", "broken") else Task(make_source(number))
            tried = status in ("learned", "too_hard", "too_easy")
            after = {"learned": 0.9, "too_hard": 0.1, "too_easy": None}.get(status)
            before = 1.0 if status == "too_easy" else 0.05 * (number % 4)
            curve = tuple(
                CurvePoint(2048 * n, 2.0 * n, min(0.1 * n, after or 0.1), 10.0 * n, 8)
                for n in range(1, 11)
            )
            journal = archive.journal(number)
            journal.once("idea", Idea, lambda idea=idea: idea)
            rejected = Outcome.rejected("step", "It raised IndexError.", "A loop.", "Shorten it.")
            outcomes = (rejected,) if status == "invalid" else (Outcome("passed"),)
            record = Record(
                number,
                status,  # type: ignore[arg-type]
                f"It is {status.replace('_', ' ')} because of reason {number}.",
                idea,
                task,
                outcomes if task else (),
                Trial(
                    status,
                    "Tried.",
                    before,
                    after,
                    {"idle": before},
                    20,
                    (0.7, 0.97),
                    20480,
                    20.0,
                    None,
                    number,
                    curve,
                )
                if tried
                else None,  # type: ignore[arg-type]
                (Judgement("interestingness", status != "uninteresting", "New.", "scripted"),)
                if task
                else (),
                idea.parents,
                round(0.1 + 0.05 * (number % 7), 4) if parent else None,
                Cost(3, 4000, 900, 0.0125),
                30.0 + number,
                f"2026-01-01T{number:02}:00:00+00:00",
            )
            archive.add(record)
            vector = random.normal(size=384).astype(np.float32)
            archive.keep_embedding(idea.text, EMBEDDER, vector / np.linalg.norm(vector))
            # One task without its picture: that must look deliberate.
            if record.task_id and number != 11:
                draw_poster(run_dir / "media" / f"{record.task_id}.png", number)
            records.append(record)
    return records


def draw_poster(path: Path, number: int) -> None:
    picture = Image.new("RGB", (480, 360), (205, 212, 214))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 220, 480, 360), fill=(150, 160, 150))
    pen.rectangle((60 + 20 * number, 180, 130 + 20 * number, 250), fill=(60, 90, 20 * number % 255))
    picture.save(path)


@pytest.fixture(scope="session")
def made_archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    """A small archive that no test may change, and its records."""
    run_dir = tmp_path_factory.mktemp("browser") / "first-light"
    return run_dir, make_archive(run_dir)


@pytest.fixture
def archive_dir(made_archive: tuple[Path, list[Record]], tmp_path: Path) -> Path:
    """A copy of the small archive, for a test to change."""
    return Path(shutil.copytree(made_archive[0], tmp_path / "run"))


Serve = Callable[..., str]


@contextlib.contextmanager
def serving(run_dir: Path, port: int = 0, **options: Any) -> Iterator[str]:
    """Serve a run folder from a thread; gives its address, without a slash at the end."""
    app = create_app(run_dir, **options)
    server = Server(settings_for(app, port=port), app.state.site)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "The server does not start."
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(name="serving")
def serving_fixture() -> Callable[..., contextlib.AbstractContextManager[str]]:
    """Serves a run folder for as long as a `with` lasts, on a port of one's choice."""
    return serving


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves run folders until the test ends: `serve(run_dir, feedback=True)` gives the address."""
    with contextlib.ExitStack() as stack:
        yield lambda run_dir, **options: stack.enter_context(serving(run_dir, **options))


@pytest.fixture(scope="session")
def site_url(made_archive: tuple[Path, list[Record]]) -> Iterator[str]:
    """The address of the small archive, read-only."""
    with serving(made_archive[0]) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium for all tests; they are skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("There is no Chromium; `apt-get install chromium` brings one.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that fails its test on an error in the console and on a request to another host.

    A test that means to provoke one empties `page.problems` (a list of sentences) itself.
    """
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        problems: list[str] = []
        page.problems = problems  # type: ignore[attr-defined]

        def note_console(message: Any) -> None:
            if message.type in ("error", "warning"):
                problems.append(f"console {message.type}: {message.text}")

        def note_request(request: Request) -> None:
            address = urlsplit(request.url)
            if address.scheme not in ("data", "blob", "about") and address.hostname != "127.0.0.1":
                problems.append(f"request to {request.url[:200]}")

        def forgive_what_was_stopped(request: Request) -> None:
            # It never left: the policy of the page stopped it, and the console says so.
            if request.failure == "csp":
                problems.remove(f"request to {request.url[:200]}")

        page.on("console", note_console)
        page.on("requestfailed", forgive_what_was_stopped)
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
        page.on("request", note_request)
        yield page
        assert not problems, json.dumps(problems, indent=2)
