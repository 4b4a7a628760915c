"""Photograph every page of the archive's browser, as docs/images/browser-*.png.

A copy of a run folder is served and shown by a headless Chromium; for the run page a run goes on in
that copy for a while.

    python docs/make_screenshots.py runs/default
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

SHOWN_AS = Path("runs") / "default"
"""What the commands on the pages call the run folder."""
IMAGES = Path(__file__).parent / "images"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
DESK = (1360, 860)
PHONE = (390, 844)


@dataclass(frozen=True)
class Shot:
    """One picture: its name, the address, how the page is looked at, and what is done before."""

    name: str
    path: str
    scheme: str = "light"
    size: tuple[int, int] = DESK
    prepare: Callable[[Page], None] = lambda page: None


def play_on(page: Page) -> None:
    """Let an episode run until the robot is somewhere in the middle of it."""
    page.locator("canvas").first.wait_for(timeout=30_000)
    page.wait_for_timeout(4000)


def settle(page: Page) -> None:
    """Wait for what is drawn rather than loaded."""
    page.wait_for_timeout(1500)


def search(page: Page) -> None:
    """Type, and wait until meaning was searched as well."""
    page.keyboard.press("/")
    page.keyboard.type("push something through a gap", delay=15)
    page.wait_for_url("**/?q=*", timeout=30_000)
    page.locator(".loading").wait_for(state="detached", timeout=120_000)
    page.wait_for_timeout(600)


def drive(page: Page) -> None:
    """A moment at the wheel."""
    page.locator("canvas").first.wait_for(timeout=60_000)
    page.wait_for_timeout(6000)
    page.keyboard.down("ArrowUp")
    page.wait_for_timeout(900)


def shots(task: int) -> list[Shot]:
    return [
        Shot("gallery", "/?sort=success"),
        Shot("gallery-dark", "/", "dark", DESK, search),
        Shot("gallery-phone", "/?sort=success", "light", PHONE),
        Shot("task", f"/task/{task}", "light", (1360, 1300), play_on),
        Shot("task-phone", f"/task/{task}", "dark", PHONE, play_on),
        Shot("lineage", "/lineage", "dark", DESK, settle),
        Shot("map", "/map", "light", DESK, settle),
        Shot("judge", "/judge", "light", DESK, settle),
        Shot("play", f"/play/{task}", "dark", DESK, drive),
    ]


def photograph(browser: Browser, url: str, shot: Shot) -> None:
    width, height = shot.size
    with browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if shot.scheme == "dark" else "light",
    ) as context:
        page = context.new_page()
        answer = page.goto(url + shot.path)
        if answer is None or answer.status != 200:
            sys.exit(f"{shot.path} was not answered.")
        page.evaluate("document.fonts.ready")
        shot.prepare(page)
        page.wait_for_timeout(400)
        path = IMAGES / f"browser-{shot.name}.png"
        page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


@contextlib.contextmanager
def browsed(folder: str) -> Iterator[str]:
    """`taskwright browse` over the run folder `SHOWN_AS` in a folder; its address."""
    words = ["browse", str(SHOWN_AS), "--no-open", "--allow-feedback"]
    command = [sys.executable, "-m", "taskwright", *words]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"http://[^\s/]+", process.stdout.readline())
            if found is None:
                sys.exit(f"{SHOWN_AS} is not served.")
            yield found[0]
        finally:
            process.terminate()


@contextlib.contextmanager
def going_on(folder: str) -> Iterator[None]:
    """A run in the same place, stopped at the end."""
    command = [sys.executable, "-m", "taskwright", "run", str(SHOWN_AS), "--plain"]
    limits = ["--tasks", "40", "--minutes", "10"]
    with subprocess.Popen([*command, *limits], cwd=folder) as process:
        try:
            yield
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--task", type=int, default=1, help="Journey whose task is shown.")
    parser.add_argument("--only", nargs="*", help="Names of pictures; all where none is given.")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("There is no Chromium; `apt-get install chromium` brings one.")

    wanted = arguments.only
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        shutil.copytree(arguments.run_dir, Path(folder) / SHOWN_AS)
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        with browsed(folder) as url:
            for shot in shots(arguments.task):
                if not wanted or shot.name in wanted:
                    photograph(browser, url, shot)
            if not wanted or "run" in wanted:
                with going_on(folder):
                    photograph(browser, url, Shot("run", "/run", prepare=wait_for_training))
        browser.close()


def wait_for_training(page: Page) -> None:
    """Until a learning curve has begun to show."""
    page.locator(".flight-curve").first.wait_for(timeout=240_000)
    page.wait_for_timeout(12_000)


if __name__ == "__main__":
    main()
