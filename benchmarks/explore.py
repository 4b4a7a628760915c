"""How fast are the lineage, the map and a task's page with thousands of records?

Setup: an archive of `--records` records, written and served as `benchmarks/browser_speed.py` does
it, is looked at with a headless Chromium. "Shown" is from the start of the navigation until
everything has been drawn once; "drawn anew" is one drawing of the canvas, as at each step of moving
or zooming, until its pixels can be read. Medians of `REPEATS`.

Duration: a minute or two.

    python benchmarks/explore.py --records 5000
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from browser_speed import ARGUMENTS, browsed, get, timed, write_archive
from playwright.sync_api import Browser, sync_playwright

REPEATS = 7
DRAWINGS = 20
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


def tell(name: str, times: list[float]) -> None:
    print(f"{name:<34}{statistics.median(times):8.1f} ms   worst {max(times):8.1f} ms")


def measure(browser: Browser, url: str, name: str) -> None:
    shown = []
    for _ in range(REPEATS):
        with browser.new_context(viewport={"width": 1360, "height": 900}) as context:
            page = context.new_page()
            started = time.perf_counter()
            page.goto(f"{url}/{name}")
            page.wait_for_selector(".explore[data-state=ready]")
            shown.append(1000 * (time.perf_counter() - started))
            drawn = page.evaluate(DRAW, DRAWINGS)
    tell(f"{name}, shown", shown)
    tell(f"{name}, drawn anew", drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--records", type=int, default=5000)
    count: int = parser.parse_args().records
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        write_archive(run_dir, count)
        with browsed(run_dir) as (url, _), sync_playwright() as playwright:
            get(f"{url}/map/data")
            tell("task page, server", timed(lambda: get(f"{url}/task/{count // 2}")))
            tell("lineage, server", timed(lambda: get(f"{url}/lineage/data"), REPEATS))
            tell("map, server", timed(lambda: get(f"{url}/map/data"), REPEATS))
            # Without a graphics card, as on most servers.
            arguments = [*ARGUMENTS, "--disable-gpu"]
            browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
            for name in ("lineage", "map"):
                measure(browser, url, name)
            browser.close()


if __name__ == "__main__":
    main()
