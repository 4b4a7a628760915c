"""Film the trained agents of a run's kept tasks side by side, as docs/images/film.gif.

python docs/make_film.py RUN_DIR [TASK ...]
"""

from __future__ import annotations

import io
import itertools
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageSequence

from taskwright.archive.folder import policy_path
from taskwright.archive.store import Archive
from taskwright.executor import make_executor
from taskwright.executor.contents import digest_of
from taskwright.executor.job import Executor, Job
from taskwright.task import Record, from_json, to_json
from taskwright.trainer.media.film import FRAMES_PER_SECOND
from taskwright.trainer.requests import Film, FilmRequest

TILES, COLUMNS, WIDTH, HEIGHT, GAP, CAPTION = 6, 3, 300, 210, 4, 22
LINGERING_FRAMES = 20
"""How long the film stands still when the last episode has ended."""
DEADLINE_S = 300.0
COLOURS = 256
IMAGES = Path(__file__).parent / "images"


def main(run_dir: Path, tasks: list[str]) -> None:
    with Archive.open(run_dir) as archive:
        records = [archive.find(task) for task in tasks] or archive.kept()[:TILES]
    with make_executor("local") as executor:
        films = [film(executor, run_dir, record) for record in records]
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


def film(executor: Executor, run_dir: Path, record: Record) -> list[Image.Image]:
    """The frames of one episode of a task's trained agent, each with the task's title below it."""
    assert record.task is not None
    title = record.idea.title
    policy = Path(policy_path(run_dir, record.task.task_id)).read_bytes()
    request = FilmRequest(
        record.task.source,
        record.task.robot,
        "gif",
        policy=digest_of(policy),
        width=WIDTH,
        height=HEIGHT,
    )
    inputs = {digest_of(policy): policy}
    result = executor.run(Job(f"film {title}", "film", to_json(request), DEADLINE_S, inputs))
    if result.broken:
        sys.exit(f"{title}: {result.broken}")
    print(f"{title}: {'success' if from_json(Film, result.payload).success else 'no success'}")
    with Image.open(io.BytesIO(result.outputs["film"])) as frames:
        return [captioned(each.convert("RGB"), title) for each in ImageSequence.Iterator(frames)]


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
