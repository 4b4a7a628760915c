"""Make the walkers: `python -m taskwright.trainer.locomotion WORK_DIR`.

Every step writes what it found into WORK_DIR and is skipped where that is there already, so an
interrupted run goes on. All of them together take about 15 minutes of one core.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
from stable_baselines3 import PPO

from ..policies import write_weights
from . import FOLDER
from .datasheet import measure
from .lessons import (
    WALKERS,
    copy_oscillator,
    feelings,
    feelings_of_pupil,
    new_gait,
    practise,
    teach,
)
from .oscillator import NAMES, Oscillator, search
from .scenes import look_around


@click.command(help=__doc__)
@click.argument("work_dir", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--generations", default=80, show_default=True, help="Of the search for a first gait."
)
@click.option("--copied", default=8_000, show_default=True, help="Agent steps of it to copy.")
@click.option("--practice", default=135_000, show_default=True, help="Agent steps of practice.")
@click.option("--felt", default=6_000, show_default=True, help="Agent steps of it to teach with.")
@click.option("--scenes", default=40_000, show_default=True, help="Scenes to teach with.")
@click.option("--lessons", default=4_000, show_default=True, help="Batches of 512 per walker.")
@click.option("--episodes", default=20, show_default=True, help="To measure each walker in.")
@click.option("--out", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
def main(
    work_dir: Path,
    seed: int,
    generations: int,
    copied: int,
    practice: int,
    felt: int,
    scenes: int,
    lessons: int,
    episodes: int,
    out: Path,
) -> None:
    torch.set_num_threads(1)
    work_dir.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    oscillator = _oscillator(work_dir / "oscillator.json", generations, seed)
    gait = _gait(work_dir / "gait.zip", oscillator, copied, practice, seed)
    seen = np.random.default_rng(seed)
    bodies = _array(work_dir / "felt.npy", lambda: feelings(gait, felt, seed))
    views = _array(work_dir / "scenes.npy", lambda: look_around(scenes, seen))
    for walker in WALKERS:
        path = out / f"ant-{walker}.npz"
        if not path.exists():
            policy, error = teach(gait, walker, bodies, views, lessons, seed)
            click.echo(f"{walker}: mean squared error {error:.3f}")
            erring = feelings_of_pupil(policy, walker, felt, seed)
            both = np.concatenate([bodies, erring])
            policy, error = teach(gait, walker, both, views, lessons, seed)
            click.echo(f"{walker}, taught again: mean squared error {error:.3f}")
            write_weights(path, policy.state_dict())
    paths = {walker: out / f"ant-{walker}.npz" for walker in WALKERS}
    sheet = json.dumps(measure(paths, episodes), indent=1)
    (out / "ant.json").write_text(sheet + "\n", encoding="utf-8")
    click.echo(sheet)


def _oscillator(path: Path, generations: int, seed: int) -> Oscillator:
    if not path.exists():
        numbers = search(generations, seed, click.echo)
        named = dict(zip(NAMES, numbers.tolist(), strict=True))
        path.write_text(json.dumps(named, indent=1), encoding="utf-8")
    named = json.loads(path.read_text(encoding="utf-8"))
    return Oscillator(np.array([named[name] for name in NAMES]))


def _gait(path: Path, oscillator: Oscillator, copied: int, practice: int, seed: int) -> PPO:
    gait = new_gait(seed)
    if path.exists():
        gait = PPO.load(path, env=gait.get_env(), device="cpu")
    else:
        error = copy_oscillator(gait, oscillator, copied, seed)
        click.echo(f"copied the oscillator: mean squared error {error:.3f}")
    if gait.num_timesteps < practice:
        practise(gait, practice, path, click.echo)
        gait.save(path)
    return gait


def _array(path: Path, make: Callable[[], np.ndarray]) -> np.ndarray:
    if not path.exists():
        np.save(path, make())
    array: np.ndarray = np.load(path)
    return array


if __name__ == "__main__":
    main()
