"""Tile the pictures of a run's kept tasks into docs/images/poster.png, for the README.

python docs/make_poster.py RUN_DIR
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from taskwright.archive.folder import poster_path
from taskwright.archive.store import Archive

COLUMNS, WIDTH, HEIGHT, GAP = 3, 400, 300, 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", type=Path)
    run_dir = parser.parse_args().run_dir
    with Archive.open(run_dir) as archive:
        records = archive.kept()
    rows = len(records) // COLUMNS
    poster = Image.new("RGB", (COLUMNS * (WIDTH + GAP) - GAP, rows * (HEIGHT + GAP) - GAP), "white")
    for n, record in enumerate(records[: rows * COLUMNS]):
        picture = Image.open(poster_path(run_dir, record.task_id or ""))
        place = (n % COLUMNS * (WIDTH + GAP), n // COLUMNS * (HEIGHT + GAP))
        poster.paste(picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), place)
        print(f"{n + 1}. {record.idea.title}")
    # Flat colours: a palette of 256 is enough and makes the file a tenth as large.
    poster = poster.quantize(256, dither=Image.Dither.NONE)
    poster.save(Path(__file__).parent / "images" / "poster.png", optimize=True)


if __name__ == "__main__":
    main()
