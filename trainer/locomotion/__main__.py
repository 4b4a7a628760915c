"""Make the Ant's gait anew, and measure it: `python -m taskwright.trainer.locomotion WORK_DIR`.

WORK_DIR keeps the oscillator that is found first; where it is there already, practice begins.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import torch

from ...output import print_json, say
from ...world.robots.gait import WEIGHTS, read_gait
from .datasheet import measure
from .oscillator import NAMES, Numbers, search
from .practice import practise

SHEET = Path(__file__).parent / "ant.json"


@click.command(help=__doc__)
@click.argument("work_dir", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--generations", default=80, show_default=True, help="Of the search for an oscillator."
)
@click.option(
    "--steps",
    type=click.IntRange(0),
    default=200_000,
    show_default=True,
    help="Agent steps of practice; with 0, the gait that there is is measured.",
)
@click.option("--episodes", default=24, show_default=True, help="To measure the gait in.")
@click.option("--gait", type=click.Path(path_type=Path), default=WEIGHTS, help="Where it is kept.")
@click.option("--sheet", type=click.Path(path_type=Path), default=SHEET, help="What it can do.")
def main(
    work_dir: Path, seed: int, generations: int, steps: int, episodes: int, gait: Path, sheet: Path
) -> None:
    torch.set_num_threads(1)
    if steps:
        work_dir.mkdir(parents=True, exist_ok=True)
        numbers = _oscillator(work_dir / "oscillator.json", generations, seed)
        practise(numbers, steps, seed, gait, say)
    measured = measure(read_gait(gait), episodes)
    sheet.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print_json(measured)


def _oscillator(path: Path, generations: int, seed: int) -> Numbers:
    if not path.exists():
        numbers = search(generations, seed, say)
        named = dict(zip(NAMES, numbers.tolist(), strict=True))
        path.write_text(json.dumps(named, indent=1), encoding="utf-8")
    named = json.loads(path.read_text(encoding="utf-8"))
    return np.array([named[name] for name in NAMES])


if __name__ == "__main__":
    main()
