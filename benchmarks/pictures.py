"""How many pictures a second does one core draw, and what does seeing cost an agent?

Setup: one process. Pictures of 320 by 240, of the nine examples, of a hundred bodies on a floor and
of as many as a task may have, each drawn by PyBullet alone and with the large boxes painted by
numpy, in turn; the median counts. Then agent steps a second with and without vision, resets
included, R2D2 driving at random. All times are those of the processor, since machines are shared;
compare columns of one run.
Duration: about a minute.

    python benchmarks/pictures.py
    python benchmarks/pictures.py --renderer egl
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from taskwright.world import TaskEnv
from taskwright.world.pictures import painting

EXAMPLES = Path(__file__).parents[1] / "examples/tasks/r2d2"
CROWD = '''
from taskwright.world import R2D2Env


class Env(R2D2Env):
    """A crowd."""

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [9.0, 9.0, 0.5], [0.0, 0.0, -0.5], [0.5, 0.6, 0.5, 1.0])
        for n in range({count}):
            place = [1.1 * (n % 16 - 7.5), 1.1 * (n // 16 - 7.5), 0.3]
            color = [(n * 37 % 97) / 97, (n * 53 % 89) / 89, (n * 71 % 83) / 83, 1.0]
            if abs(place[0]) + abs(place[1]) < 1.5:
                continue
            if n % 3 == 0:
                self.create_box(0.0, [0.2, 0.2, 0.2], place, color)
            elif n % 3 == 1:
                self.create_sphere(0.0, 0.2, place, color)
            else:
                self.create_cylinder(0.0, 0.2, 0.5, place, color)

    def get_task_rewards(self, action):
        return {{}}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''
ROUNDS = 15
STEPS = 600


def seconds_per_picture(env: TaskEnv, worthwhile_pixels: float) -> float:
    """Of the processor, with boxes painted that cover more than so many pixels."""
    kept, painting.WORTHWHILE_PIXELS = painting.WORTHWHILE_PIXELS, worthwhile_pixels
    try:
        started = time.process_time()
        env.render()
        return time.process_time() - started
    finally:
        painting.WORTHWHILE_PIXELS = kept


def pictures(sources: dict[str, str], renderer: str) -> None:
    print("| pictures/s | overview | PyBullet alone | chase | PyBullet alone |")
    print("|---|---|---|---|---|")
    for name, source in sources.items():
        cells = []
        for camera in ("overview", "chase"):
            env = TaskEnv(source, render_mode="rgb_array", camera=camera, renderer=renderer)
            env.reset(seed=0)
            env.render()
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(ROUNDS):
                times[0].append(seconds_per_picture(env, painting.WORTHWHILE_PIXELS))
                times[1].append(seconds_per_picture(env, np.inf))
            cells += [f"{1 / statistics.median(column):.0f}" for column in times]
            env.close()
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def steps_per_second(source: str, vision: tuple[int, int] | None, renderer: str) -> float:
    env = TaskEnv(source, vision=vision, renderer=renderer)
    env.action_space.seed(0)
    env.reset(seed=0)
    started = time.process_time()
    for _ in range(STEPS):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    rate = STEPS / (time.process_time() - started)
    env.close()
    return rate


def vision(sources: dict[str, str], renderer: str) -> None:
    sizes = (None, (32, 32), (64, 64), (128, 128))
    print("| agent steps/s | without | 32x32 | 64x64 | 128x128 |")
    print("|---|---|---|---|---|")
    for name, source in sources.items():
        rates = [steps_per_second(source, size, renderer) for size in sizes]
        print(f"| {name} | {' | '.join(f'{rate:.0f}' for rate in rates)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--renderer", choices=("cpu", "egl", "auto"), default="cpu")
    renderer = parser.parse_args().renderer
    sources = {path.stem: path.read_text() for path in sorted(EXAMPLES.glob("*.py"))}
    crowds = {f"a crowd of {count}": CROWD.format(count=count) for count in (100, 250)}
    pictures(sources | crowds, renderer)
    print()
    seen = ("drive_to_beacon", "find_open_doorway", "kick_ball_into_goal")
    vision({name: sources[name] for name in seen}, renderer)


if __name__ == "__main__":
    main()
