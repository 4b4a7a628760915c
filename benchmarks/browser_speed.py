"""How fast is the archive's browser with ten thousand records?

Setup: an archive of `--records` records is written, each with a source of an example task, learning
curve, embedding and poster. It is served as `taskwright browse` serves it, in a process of its own,
and asked from this one: over plain HTTP ("server") and by a headless Chromium with an empty cache
("browser": from the start of the navigation until the cards are painted, and until everything is
loaded). "Opened" is from the start of the command until the first page was answered: it includes
Python, the imports and reading the whole archive once. Frames are timed while the gallery is
scrolled through as fast as cards come.

Duration: about two minutes.

    python benchmarks/browser_speed.py --records 10000
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, sync_playwright

import taskwright
from taskwright.archive.embedding import SentenceEncoder
from taskwright.archive.store import Archive
from taskwright.generator.seeds import example_tasks
from taskwright.task import Cost, CurvePoint, Idea, Judgement, Outcome, Record, Task, Trial

ROOT = Path(taskwright.__file__).parent
VERBS = "push kick carry drive climb jump herd balance open cross follow reach".split()
THINGS = "crate ball beacon bridge ramp door gate stairs hurdle plate drone wall zone".split()
STATUSES = ("learned", "too_hard", "too_easy", "uninteresting", "duplicate", "invalid", "broken")
SHARES = (0.3, 0.25, 0.15, 0.1, 0.08, 0.1, 0.02)
REPEATS = 25
LOADS = 12
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-quic", "--no-first-run"]


def write_archive(run_dir: Path, count: int) -> None:
    """An archive as a long run leaves it."""
    random = np.random.default_rng(0)
    sources = [example.source for example in example_tasks("r2d2")]
    (run_dir / "media").mkdir(parents=True)
    posters = [run_dir / "media" / f"picture-{n}.png" for n in range(24)]
    for n, path in enumerate(posters):
        draw_poster(path, n)
    kept: list[str] = []
    with Archive.create_or_open(run_dir) as archive:
        archive._connection.execute("BEGIN")
        for number in range(1, count + 1):
            archive.start_journey()
            record = make_record(
                number, str(random.choice(STATUSES, p=SHARES)), random, sources, kept
            )
            archive.add(record)
            vector = random.standard_normal(384).astype(np.float32)
            archive.keep_embedding(
                record.idea.text, SentenceEncoder.name, vector / np.linalg.norm(vector)
            )
            if record.task_id:
                os.link(posters[number % 24], run_dir / "media" / f"{record.task_id}.png")
                if record.status == "learned":
                    kept.append(record.task_id)
        archive._connection.execute("COMMIT")


def make_record(
    number: int, status: str, random: np.random.Generator, sources: list[str], kept: list[str]
) -> Record:
    verb, thing, other = random.choice(VERBS), random.choice(THINGS), random.choice(THINGS)
    title = f"{verb.capitalize()} the {thing} beyond {random.integers(2, 9)} {other}s"
    parents = (str(random.choice(kept[-500:])),) if kept and random.random() < 0.8 else ()
    idea = Idea(
        title,
        f"An arena of {random.integers(8, 40)} m with a {thing} and a {other}. " * 4,
        f"The {thing} is where it belongs.",
        "Progress towards the goal; a bonus when it is reached.",
        "The robot falls off the arena.",
        str(random.choice(["new", "revision"])),
        parents,
    )
    source = f"# Task {number}.\n{sources[number % len(sources)]}"
    after = float(random.random())
    curve = tuple(
        CurvePoint(2048 * n, 1.5 * n, float(random.random()), float(random.normal()), 12)
        for n in range(40)
    )
    return Record(
        number,
        status,  # type: ignore[arg-type]
        f"{status} because of what happened in journey {number}.",
        idea,
        None if status == "duplicate" else Task(source),
        (Outcome("passed"),),
        Trial("learned", "tried", 0.1, after, {"idle": 0.0, "random": 0.1}, 96, (0.7, 0.9),
              80_000, 60.0, None, number, curve),
        (Judgement("interestingness", True, "It is new.", "scripted"),),
        parents,
        float(random.random()),
        Cost(3, 9000, 1500, 0.01),
        60.0,
        f"2026-01-{1 + number % 28:02}T{number % 24:02}:00:00+00:00",
    )  # fmt: skip


def draw_poster(path: Path, number: int) -> None:
    """A picture of about the size, in bytes, of a real one."""
    random = np.random.default_rng(number)
    picture = Image.new("RGB", (480, 360), (214, 226, 240))
    pen = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y = random.integers(0, 480), random.integers(120, 360)
        colour = tuple(int(c) for c in random.integers(40, 220, 3))
        pen.polygon([(x, y), (x + 60, y + 12), (x + 40, y + 44), (x - 16, y + 30)], fill=colour)
    picture.save(path)


@contextlib.contextmanager
def browsed(run_dir: Path) -> Iterator[tuple[str, float]]:
    """`taskwright browse` in a process of its own; its address, and seconds to the first page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "taskwright", "browse", str(run_dir), "--no-open"]
    started = time.perf_counter()
    with subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            while True:
                with contextlib.suppress(urllib.error.URLError, ConnectionError):
                    get(url)
                    break
                if process.poll() is not None:
                    sys.exit("The server ended.")
                time.sleep(0.02)
            seconds = time.perf_counter() - started
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
            resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
            print(f"{'memory of the server':<34}{int(resident.split()[1]) / 1e3:8.0f} MB")
            yield url, seconds
        finally:
            process.terminate()


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=120) as answer:
        text: str = answer.read().decode()
    return text


def timed(work: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    """Milliseconds of each repeat."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    return times


def until_meaning_is_searched(url: str) -> float:
    """Seconds from the first search until the sentence encoder is loaded."""
    started = time.perf_counter()
    while "is being loaded" in get(f"{url}/gallery?q=crate"):
        time.sleep(0.1)
    return time.perf_counter() - started


def measure_server(url: str) -> dict[str, list[float]]:
    words = iter([f"{verb} {thing}" for verb in VERBS for thing in THINGS])
    asked = {
        "first page": "/",
        "filter": "/gallery?status=learned&generation=3",
        "sort": "/gallery?sort=novelty",
        "page 100 of the scroll": "/gallery/more?offset=4800",
    }
    times = {name: timed(lambda path=path: get(url + path)) for name, path in asked.items()}
    times["search by words"] = timed(
        lambda: get(f"{url}/gallery?q={urllib.parse.quote(next(words))}")
    )
    print(f"{'encoder loaded':<34}{until_meaning_is_searched(url):8.1f} s after the first search")
    times["search by words and meaning"] = timed(
        lambda: get(f"{url}/gallery?q={urllib.parse.quote(next(words))}")
    )
    return times


def measure_browser(url: str, browser: Browser) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"first page painted": [], "first page loaded": []}
    for _ in range(LOADS):
        with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
            page = context.new_page()
            page.goto(url, wait_until="load")
            page.wait_for_function(
                "performance.getEntriesByName('first-contentful-paint').length > 0"
            )
            painted, loaded = page.evaluate(
                """() => [
                    performance.getEntriesByName('first-contentful-paint')[0].startTime,
                    performance.getEntriesByType('navigation')[0].loadEventEnd,
                ]"""
            )
            times["first page painted"].append(painted)
            times["first page loaded"].append(loaded)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(url)
        times["filter set by a click"] = timed(lambda: swapped(page, "#status-learned"), 10)
        page.goto(url)
        times["frame while scrolling"] = page.evaluate(SCROLL)
        shown = page.locator(".card").count()
        print(f"{'cards scrolled through':<34}{shown:8}")
    return times


def swapped(page, selector: str) -> None:  # type: ignore[no-untyped-def]
    """Click, and wait until other cards are painted."""
    page.evaluate(
        """selector => new Promise(done => {
            document.addEventListener('htmx:after:swap', () =>
                requestAnimationFrame(() => setTimeout(done)), {once: true});
            document.querySelector(selector).click();
        })""",
        selector,
    )


SCROLL = """async () => {
    const times = [];
    let last = performance.now();
    const end = last + 8000;
    while (last < end) {
        scrollBy(0, 400);
        const now = await new Promise(requestAnimationFrame);
        times.push(now - last);
        last = now;
    }
    return times.slice(1);
}"""


def report(title: str, times: dict[str, list[float]]) -> None:
    print(f"\n{title:<34}{'median':>8}{'95 %':>8}{'worst':>8}  ms")
    for name, values in times.items():
        ordered = sorted(values)
        high = ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)]
        print(f"{name:<34}{statistics.median(values):8.1f}{high:8.1f}{ordered[-1]:8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--json", type=Path, help="Write all times here as well.")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("There is no Chromium; `apt-get install chromium` brings one.")

    scripts = sorted((ROOT / "archive" / "browser" / "static").rglob("*.js"))
    vendored = sum(path.stat().st_size for path in scripts if path.parent.name == "vendor")
    ours = sum(path.stat().st_size for path in scripts) - vendored
    print(f"{'vendored JavaScript':<34}{vendored / 1e6:8.2f} MB")
    print(f"{'our JavaScript':<34}{ours / 1e3:8.1f} kB")
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        write_archive(run_dir, arguments.records)
        size = (run_dir / "archive.db").stat().st_size / 1e6
        print(f"{'records':<34}{arguments.records:8} ({size:.0f} MB)")
        with browsed(run_dir) as (url, seconds):
            print(f"{'opened':<34}{seconds:8.1f} s")
            server = measure_server(url)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
                in_browser = measure_browser(url, browser)
                browser.close()
    report("server", server)
    report("browser", in_browser)
    if arguments.json:
        arguments.json.write_text(json.dumps({"server": server, "browser": in_browser}))


if __name__ == "__main__":
    main()
