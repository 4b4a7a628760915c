"""What can the Humanoid's gait do, and how often does it fall?

Measures: of episodes of 16.5 s, a command held all the time, or changed at random every 0.1 to 1 s:
how often the Humanoid falls (its torso comes below 0.7 m above the ground), how long it then takes
to get up (above 0.9 m), which share of the time it is on its feet after the first second (above
0.75 m), how fast it goes and turns, and how far it gets from where it began. The same on ground
with other friction, beyond a step, and pushed sideways every 3 s.
Compared with: the commands and grounds among each other.
Duration: about 3 minutes on one core with the default number of episodes.

    python benchmarks/humanoid_gait.py --rounds 8
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from harness import Benchmark

from taskwright.world import TaskEnv
from taskwright.world.base import BaseEnv
from taskwright.world.robots.humanoid import HumanoidRobot
from taskwright.world.robots.humanoid_gait import WAYS_DEG

SOURCE = '''
from taskwright.world import HumanoidEnv


class Env(HumanoidEnv):
    """A wide plain, with a step across it."""

    def __init__(self):
        super().__init__()
        ground = self.create_box(0.0, [80, 80, 1], [0, 0, -1], [0.5, 0.6, 0.5, 1])
        self._p.changeDynamics(ground, -1, lateralFriction=@FRICTION@)
        if @STEP_M@ != 0.0:
            self.create_box(0.0, [20, 80, 1], [23, 0, @STEP_M@ - 1], [0.6, 0.5, 0.5, 1])

        self.push_n = 0.0

    def step(self, action):
        place = self.robot.links["base"].position
        force = [0.0, self.push_n, 0.0]
        self._p.applyExternalForce(self.robot.robot_id, -1, force, place, self._p.WORLD_FRAME)
        return super().step(action)

    def get_task_rewards(self, action):
        return {}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''
RANDOM = -1
"""A command that changes."""
STEPS_PER_S = 15
FALLEN_M, UP_M, UPRIGHT_M = 0.7, 0.9, 0.75
PUSH_EVERY, PUSH_STEPS = 3 * STEPS_PER_S, 2


@dataclass(frozen=True)
class Case:
    """A ground, and what happens on it."""

    name: str
    command: int = 1
    friction: float = 0.5
    step_m: float = 0.0
    push_n: float = 0.0
    ahead_s: int = 0
    """For so long it is told ahead before, which does not count."""


NAMES = (
    "to stand",
    "ahead",
    "25° to the left",
    "60° to the left",
    "60° to the right",
    "25° to the right",
)
CASES = [
    *(Case(f"told {name}", command) for command, name in enumerate(NAMES)),
    Case("told to stand, after 3 s ahead", 0, ahead_s=3),
    Case("told at random", RANDOM),
    *(Case(f"ahead, ground of friction {f:g}", friction=f) for f in (0.2, 0.35, 0.8)),
    Case("at random, friction 0.35", RANDOM, friction=0.35),
    *(Case(f"ahead, up a step of {step:g} m", step_m=step) for step in (0.05, 0.1, 0.2)),
    *(Case(f"ahead, pushed by {push:g} N for 0.13 s", push_n=push) for push in (150.0, 300.0)),
]
assert len(NAMES) == len(WAYS_DEG)


@dataclass
class Seen:
    """What is seen of all episodes of a case."""

    falls: int = 0
    getting_up_s: list[float] = dataclasses.field(default_factory=list)
    upright: list[float] = dataclasses.field(default_factory=list)
    speeds_m_s: list[float] = dataclasses.field(default_factory=list)
    turns_rad_s: list[float] = dataclasses.field(default_factory=list)
    away_m: list[float] = dataclasses.field(default_factory=list)


def play(env: TaskEnv, case: Case, seed: int, seen: Seen) -> None:
    """Play an episode, and note what is seen."""
    env.reset(seed=seed)
    robot, random = env.robot, np.random.default_rng(seed)
    assert isinstance(robot, HumanoidRobot)
    command, left, over, rows = case.command, 0, False, []
    for _ in range(case.ahead_s * STEPS_PER_S):
        env.step(1)
    while not over:
        if case.command == RANDOM and left == 0:
            command, left = int(random.integers(1, len(WAYS_DEG))), int(random.integers(2, 15))
        left -= 1
        is_pushed = len(rows) % PUSH_EVERY >= PUSH_EVERY - PUSH_STEPS
        env.env.push_n = case.push_n if is_pushed else 0.0  # type: ignore[attr-defined]
        over = env.step(command)[3]
        (x, y, z), _, _, _ = robot.base_state()
        ground = case.step_m if case.step_m and x > 3.0 else 0.0
        rows.append([x, y, z - ground, robot.roll_pitch_yaw()[2]])
    x, y, z, yaw = np.array(rows).T
    _note_falls(z, seen)
    seen.upright.append(float((z[STEPS_PER_S:] > UPRIGHT_M).mean()))
    ways = np.hypot(x[STEPS_PER_S:] - x[:-STEPS_PER_S], y[STEPS_PER_S:] - y[:-STEPS_PER_S])
    seen.speeds_m_s.append(float(np.median(ways[STEPS_PER_S:])))
    seen.turns_rad_s.append(float(np.unwrap(yaw)[-1] / (len(yaw) * 4 * BaseEnv.dt)))
    seen.away_m.append(float(np.hypot(x - x[0], y - y[0]).max()))


def _note_falls(heights_m: np.ndarray, seen: Seen) -> None:
    """Falls after the first second, in which the robot comes down onto its feet."""
    fallen_at = None
    for step, height_m in enumerate(heights_m[STEPS_PER_S:]):
        if fallen_at is None and height_m < FALLEN_M:
            fallen_at = step
            seen.falls += 1
        elif fallen_at is not None and height_m > UP_M:
            seen.getting_up_s.append((step - fallen_at) * 4 * BaseEnv.dt)
            fallen_at = None


def main() -> None:
    assert __doc__
    bench = Benchmark(__doc__, rounds=8)
    bench.option("--case", metavar="TEXT", default="", help="only cases with this in their names")
    options = bench.start()

    def rows() -> Iterator[list[object]]:
        for case in CASES:
            if options.case not in case.name:
                continue
            source = SOURCE.replace("@FRICTION@", str(case.friction))
            env = TaskEnv(source.replace("@STEP_M@", str(case.step_m)), steered=True)
            seen = Seen()
            for seed in range(options.rounds):
                play(env, case, seed, seen)
            env.close()
            minutes = options.rounds * env.time_limit * BaseEnv.dt / 60.0
            yield [
                case.name,
                seen.falls / minutes,
                float(np.median(seen.getting_up_s)) if seen.getting_up_s else None,
                100.0 * float(np.mean(seen.upright)),
                float(np.median(seen.speeds_m_s)),
                float(np.median(seen.turns_rad_s)),
                float(np.median(seen.away_m)),
            ]

    bench.table(
        {
            f"{options.rounds} episodes each": "",
            "falls in a minute": ".1f",
            "s to get up": ".1f",
            "% on its feet": ".0f",
            "m/s": ".2f",
            "rad/s": ".2f",
            "m away at most": ".1f",
        },
        rows(),
    )


if __name__ == "__main__":
    main()
