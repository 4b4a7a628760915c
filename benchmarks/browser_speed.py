"""How fast is the archive's browser with ten thousand records?

Measures: an archive of `--records` records, each with a source of an example task, learning
curve, embedding and poster, served as `taskwright browse` serves it, in a process of its own, and
asked from this one: over plain HTTP ("server") and by a headless Chromium with an empty cache
("browser": from the start of the navigation until the cards are painted, and until everything is
loaded; of the lineage and the map until everything has been drawn once). "Opened" is from the
start of the command until the first page was answered: it includes Python, the imports and
reading the whole archive once. Frames are timed while the gallery is scrolled through as fast as
cards come; "drawn anew" is one drawing of a canvas, as at each step of moving or zooming, until
its pixels can be read.
Compared with: the medians in docs/browser.md; there is no other browser of such an archive.
Duration: about three minutes.

    python benchmarks/browser_speed.py --records 10000
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
from harness import ROOT, Benchmark, memory_mb, milliseconds, serving
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

from taskwright.archive.embedding import SentenceEncoder
from taskwright.archive.store import Archive
from taskwright.generator.seeds import example_tasks
from taskwright.task import Cost, CurvePoint, Idea, Judgement, Outcome, Record, Task, Trial

VERBS = "push kick carry drive climb jump herd balance open cross follow reach".split()
THINGS = "crate ball beacon bridge ramp door gate stairs hurdle plate drone wall zone".split()
STATUSES = ("learned", "too_hard", "too_easy", "uninteresting", "duplicate", "invalid", "broken")
SHARES = (0.3, 0.25, 0.15, 0.1, 0.08, 0.1, 0.02)
REPEATS, LOADS, DRAWINGS = 25, 12, 20
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
PAINTED = """() => [
    performance.getEntriesByName('first-contentful-paint')[0].startTime,
    performance.getEntriesByType('navigation')[0].loadEventEnd,
]"""
SWAP = """selector => new Promise(done => {
    document.addEventListener('htmx:after:swap', () =>
        requestAnimationFrame(() => setTimeout(done)), {once: true});
    document.querySelector(selector).click();
})"""
DRAW = """drawings => {
    const explore = document.querySelector('.explore');
    const { plane } = explore.lineage ?? explore.map;
    const times = [];
    for (let n = 0; n < drawings; n++) {
        const started = performance.now();
        plane.paint(plane.context, plane);
        plane.context.getImageData(0, 0, 1, 1);
        times.push(performance.now() - started);
    }
    return times;
}"""

Times = dict[str, list[float]]


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=120) as answer:
        text: str = answer.read().decode()
    return text


def measure_server(bench: Benchmark, url: str, count: int) -> Times:
    words = itertools.cycle([f"{verb} {thing}" for verb in VERBS for thing in THINGS])
    asked = {
        "first page": "",
        "filter": "/gallery?status=learned&generation=3",
        "sort": "/gallery?sort=novelty",
        "page 100 of the scroll": "/gallery/more?offset=4800",
        "task page": f"/task/{count // 2}",
        "lineage": "/lineage/data",
        "map": "/map/data",
    }

    def search() -> str:
        return get(f"{url}/gallery?q={urllib.parse.quote(next(words))}")

    get(url + asked["map"])
    times = {n: milliseconds(lambda path=p: get(url + path), REPEATS) for n, p in asked.items()}
    times["search by words"] = milliseconds(search, REPEATS)
    started = time.perf_counter()
    while "is being loaded" in get(f"{url}/gallery?q=crate"):
        time.sleep(0.1)
    loaded_s = time.perf_counter() - started
    bench.say(f"{'encoder loaded':<34}{loaded_s:8.1f} s after the first search")
    times["search by words and meaning"] = milliseconds(search, REPEATS)
    return times


def measure_gallery(bench: Benchmark, url: str, browser: Browser) -> Times:
    times: Times = {"first page painted": [], "first page loaded": []}
    for _ in range(LOADS):
        with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
            page = context.new_page()
            page.goto(url, wait_until="load")
            page.wait_for_function(
                "performance.getEntriesByName('first-contentful-paint').length > 0"
            )
            for each, found in zip(times.values(), page.evaluate(PAINTED), strict=True):
                each.append(found)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(url)
        # Until other cards are painted.
        click = "#status-learned"
        times["filter set by a click"] = milliseconds(lambda: page.evaluate(SWAP, click), 10)
        page.goto(url)
        times["frame while scrolling"] = page.evaluate(SCROLL)
        bench.say(f"{'cards scrolled through':<34}{page.locator('.card').count():8}")
    return times


def measure_canvas(url: str, browser: Browser, name: str) -> Times:
    """The lineage or the map."""
    shown: list[float] = []
    drawn: list[float] = []

    def show(page: Page) -> None:
        page.goto(f"{url}/{name}")
        page.wait_for_selector(".explore[data-state=ready]")

    for _ in range(LOADS // 2):
        with browser.new_context(viewport={"width": 1360, "height": 900}) as context:
            page = context.new_page()
            shown += milliseconds(lambda page=page: show(page), 1)
            drawn += page.evaluate(DRAW, DRAWINGS)
    return {f"{name} shown": shown, f"{name} drawn anew": drawn}


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--records", type=int, default=10_000)
    count = bench.start().records
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("There is no Chromium; `apt-get install chromium` brings one.")
    scripts = sorted((ROOT / "browser" / "static").rglob("*.js"))
    vendored = sum(path.stat().st_size for path in scripts if path.parent.name == "vendor")
    ours = sum(path.stat().st_size for path in scripts) - vendored
    bench.say(f"{'vendored JavaScript':<34}{vendored / 1e6:8.2f} MB")
    bench.say(f"{'our JavaScript':<34}{ours / 1e3:8.1f} kB")
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        write_archive(run_dir, count)
        size = (run_dir / "archive.db").stat().st_size / 1e6
        bench.say(f"{'records':<34}{count:8} ({size:.0f} MB)")
        started = time.perf_counter()
        with serving("browse", run_dir, "--no-open") as (url, pid), sync_playwright() as playwright:
            get(url)
            bench.say(f"{'opened':<34}{time.perf_counter() - started:8.1f} s")
            bench.say(f"{'memory of the server':<34}{memory_mb(pid, 'VmRSS'):8.0f} MB")
            server = measure_server(bench, url, count)
            launch = playwright.chromium.launch
            with launch(executable_path=chromium, args=ARGUMENTS) as browser:
                shown = measure_gallery(bench, url, browser)
            # Without a graphics card, as on most servers.
            with launch(executable_path=chromium, args=[*ARGUMENTS, "--disable-gpu"]) as browser:
                for name in ("lineage", "map"):
                    shown |= measure_canvas(url, browser, name)
    bench.times(server, "server, ms")
    bench.times(shown, "browser, ms")


if __name__ == "__main__":
    main()
