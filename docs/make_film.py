"""Film the trained agents of a run's kept tasks side by side, as docs/images/film.gif.

python docs/make_film.py RUN_DIR [TASK ...]
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageSequence

from taskwright.archive.folder import policy_path
from taskwright.archive.store import Archive
from taskwright.task import Record
from taskwright.trainer.media.film import FRAMES_PER_SECOND, make_film
from taskwright.trainer.requests import FilmRequest

TILES, COLUMNS, WIDTH, HEIGHT, GAP, CAPTION = 6, 3, 300, 210, 4, 22
LINGERING_FRAMES = 20
"""How long the film stands still when the last episode has ended."""
COLOURS = 256
IMAGES = Path(__file__).parent / "images"


def main(run_dir: Path, tasks: list[str]) -> None:
    with Archive.open(run_dir) as archive:
        records = [archive.find(task) for task in tasks] or archive.kept()[:TILES]
    films = [film(run_dir, record) for record in records]
    length = max(map(len, films)) + LINGERING_FRAMES
    # An episode that has ended stands still until the last one has.
    films = [[*frames, *itertools.repeat(frames[-1], length - len(frames))] for frames in films]
    sheets = [sheet(tiles) for tiles in zip(*films, strict=True)]
    # One palette for all frames, from a few of them: else still areas would flicker.
    sample = np.concatenate([np.asarray(each) for each in sheets[:: len(sheets) // 4]])
    palette = Image.fromarray(sample).quantize(COLOURS, dither=Image.Dither.NONE)
    flat = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in sheets]
    path = IMAGES / "film.gif"
    pace_ms = 1000 // FRAMES_PER_SECOND
    flat[0].save(path, save_all=True, append_images=flat[1:], duration=pace_ms, loop=0)
    print(f"{path}: {length} frames, {path.stat().st_size / 1e6:.1f} MB")


def film(run_dir: Path, record: Record) -> list[Image.Image]:
    """The frames of one episode of a task's trained agent, each with the task's title below it."""
    assert record.task is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.gif"
        policy = policy_path(run_dir, record.task.task_id)
        request = FilmRequest(
            record.task.source,
            record.task.robot,
            str(path),
            policy_path=policy,
            width=WIDTH,
            height=HEIGHT,
        )
        done = make_film(request)
        print(f"{record.idea.title}: {'success' if done.success else 'no success'}")
        with Image.open(path) as frames:
            title = record.idea.title
            return [
                captioned(each.convert("RGB"), title) for each in ImageSequence.Iterator(frames)
            ]


def captioned(frame: Image.Image, title: str) -> Image.Image:
    tile = Image.new("RGB", (WIDTH, HEIGHT + CAPTION), "white")
    tile.paste(frame)
    font = ImageFont.load_default(12)
    ImageDraw.Draw(tile).text(
        (WIDTH / 2, HEIGHT + CAPTION / 2), title, font=font, fill="black", anchor="mm"
    )
    return tile


def sheet(tiles: tuple[Image.Image, ...]) -> Image.Image:
    """Tiles in rows of `COLUMNS`."""
    rows = -(-len(tiles) // COLUMNS)
    step_x, step_y = WIDTH + GAP, HEIGHT + CAPTION + GAP
    whole = Image.new("RGB", (COLUMNS * step_x - GAP, rows * step_y - GAP), "white")
    for n, tile in enumerate(tiles):
        whole.paste(tile, (n % COLUMNS * step_x, n // COLUMNS * step_y))
    return whole


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
