"""How many pictures a second does one core draw, and what does seeing cost an agent?

Measures: pictures of 320 by 240 per second, of the nine examples, of a hundred bodies on a floor
and of as many as a task may have; then agent steps per second with vision, resets included, R2D2
driving at random. All in computing time, of one process.
Compared with: PyBullet's renderer alone, without the large boxes that numpy paints; and agent
steps without vision.
Duration: about a minute.

    python benchmarks/pictures.py
    python benchmarks/pictures.py --renderer egl
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from harness import EXAMPLES, Benchmark, act_at_random, in_turn, median, seconds

from taskwright.world import TaskEnv
from taskwright.world.pictures import painting

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
STEPS = 600


def seconds_per_picture(env: TaskEnv, worthwhile_pixels: float) -> float:
    """Of the processor, with boxes painted that cover more than so many pixels."""
    kept, painting.WORTHWHILE_PIXELS = painting.WORTHWHILE_PIXELS, worthwhile_pixels
    try:
        return seconds(env.render, time.process_time)
    finally:
        painting.WORTHWHILE_PIXELS = kept


def pictures(sources: dict[str, str], renderer: str, rounds: int) -> Iterator[list[Any]]:
    limits = {"painted": painting.WORTHWHILE_PIXELS, "PyBullet alone": np.inf}
    for name, source in sources.items():
        rates = []
        for camera in ("overview", "chase"):
            env = TaskEnv(source, render_mode="rgb_array", camera=camera, renderer=renderer)
            env.reset(seed=0)
            works = {
                kind: functools.partial(seconds_per_picture, env, limit)
                for kind, limit in limits.items()
            }
            rates += [1 / median(each) for each in in_turn(works, rounds, warm_up=True).values()]
            env.close()
        yield [name, *rates]


def steps_per_second(source: str, vision: tuple[int, int] | None, renderer: str) -> float:
    env = TaskEnv(source, vision=vision, renderer=renderer)
    env.action_space.seed(0)
    env.reset(seed=0)
    spent_s = seconds(lambda: [act_at_random(env) for _ in range(STEPS)], time.process_time)
    env.close()
    return STEPS / spent_s


def main() -> None:
    bench = Benchmark(__doc__, rounds=15)
    bench.option("--renderer", choices=("cpu", "egl", "auto"), default="cpu")
    options = bench.start()
    paths = sorted((EXAMPLES / "r2d2").glob("*.py"))
    sources = {path.stem: path.read_text(encoding="utf-8") for path in paths}
    crowds = {f"a crowd of {count}": CROWD.format(count=count) for count in (100, 250)}
    heads = ("overview", "PyBullet alone", "chase", "PyBullet alone, chase")
    columns = {"pictures/s": "", **dict.fromkeys(heads, ".0f")}
    bench.table(columns, pictures(sources | crowds, options.renderer, options.rounds))
    sizes = {"without": None, "32x32": (32, 32), "64x64": (64, 64), "128x128": (128, 128)}
    bench.table(
        {"agent steps/s": "", **dict.fromkeys(sizes, ".0f")},
        (
            [name, *(steps_per_second(sources[name], s, options.renderer) for s in sizes.values())]
            for name in ("drive_to_beacon", "find_open_doorway", "kick_ball_into_goal")
        ),
    )


if __name__ == "__main__":
    main()
