"""Does the Panda hold what it grasps, and does its gripper come where it is told?

Measures: of cubes of 4 to 6 cm, placed and turned at random on a table, how many are grasped and
lifted by 0.2 m, how many are still held after 4 s of random moves and turns, and by how much they
slip in the hand meanwhile. Then how far the gripper is off its place, in an episode of random
commands and while it holds still, and what it pushes with.
Compared with: cubes of other masses.
Duration: about a minute on one core with the default number of cubes.

    python benchmarks/panda_grip.py --rounds 50
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from harness import Benchmark

from taskwright.world import TaskEnv
from taskwright.world.robots.panda import PandaRobot
from taskwright.world.robots.panda_gait import (
    CLOSE,
    HIGHEST_M,
    HOLD,
    LOWEST_M,
    STEP_M,
    STEPS,
    TURN_RAD,
)

SOURCE = '''
from taskwright.world import PandaEnv


class Env(PandaEnv):
    """A cube on a table, and perhaps a wall."""

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [0.5, 0.6, 0.05], [0.3, 0.0, -0.05], [0.7, 0.6, 0.4, 1.0])
        if @WALL@:
            self.wall = self.create_box(0.0, [0.02, 0.3, 0.3], [0.56, 0, 0.3], [0.5, 0.5, 0.5, 1])
        self.half = self.np_random.uniform(0.02, 0.03)
        self.cube = self.create_box(
            self.np_random.uniform(@MASSES@), [self.half] * 3, [0.4, 0.4, 0.03], [0.9, 0.2, 0.2, 1]
        )

    def reset(self):
        observation = super().reset()
        self.turn = self.np_random.uniform(-0.5, 0.5)
        x, y = self.np_random.uniform([0.34, -0.3], [0.6, 0.3])
        turn = self._p.getQuaternionFromEuler([0, 0, self.turn])
        self._p.resetBasePositionAndOrientation(self.cube, [x, y, self.half], turn)
        return observation

    def get_task_rewards(self, action):
        return {}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''
MASSES = ((0.05, 0.1), (0.1, 0.2), (0.2, 0.5))
MOVES = 60
SUB_STEPS = 4
"""PyBullet tells the force of a contact as if what it did in one of so many substeps had been
spread over the whole step."""


def workbench(masses: tuple[float, float], wall: bool = False) -> str:
    """The source of a task in which nothing is to be done."""
    return SOURCE.replace("@MASSES@", f"{masses[0]}, {masses[1]}").replace("@WALL@", str(wall))


def make(masses: tuple[float, float] = MASSES[0], wall: bool = False) -> TaskEnv:
    return TaskEnv(workbench(masses, wall), steered=True, time_limit=10_000)


def robot_of(env: TaskEnv) -> PandaRobot:
    assert isinstance(env.robot, PandaRobot)
    return env.robot


def cube_of(env: TaskEnv) -> int:
    return int(env.env.cube)  # type: ignore[attr-defined]


def go(env: TaskEnv, place: np.ndarray) -> None:
    for _ in range(100):
        steps = np.round((place - robot_of(env).gripper_position) / STEP_M)
        if not steps.any():
            return
        axis = int(np.argmax(np.abs(steps)))
        env.step(1 + 2 * axis + int(steps[axis] < 0))


def in_hand(env: TaskEnv) -> np.ndarray:
    """Where the cube is in the frame of the hand, mm."""
    _, _, _, gripper, hand = robot_of(env).frames()
    return np.array(1000.0 * hand.T @ (env.env.get_object_position(cube_of(env)) - gripper))


def grasp(env: TaskEnv, seed: int) -> tuple[bool, bool, float]:
    """Whether a cube is lifted, whether it is still held in the end, and how far it slips (mm)."""
    env.reset(seed=seed)
    robot, cube = robot_of(env), cube_of(env)
    x, y, z = env.env.get_object_position(cube)
    go(env, np.array([x, y, 0.14]))
    turns = round(env.env.turn / TURN_RAD)  # type: ignore[attr-defined]
    for _ in range(abs(turns)):
        env.step(7 if turns > 0 else 8)
    go(env, np.array([x, y, 0.02]))
    for _ in range(5):
        env.step(CLOSE)
    for _ in range(10):
        env.step(5)
    lifted = robot.holds(cube) and env.env.get_object_position(cube)[2] - z > 0.19
    grasped, slips = in_hand(env), []
    for command in np.random.default_rng(seed).integers(1, 9, size=MOVES).tolist():
        env.step(command)
        slips.append(float(np.abs(in_hand(env) - grasped).max()))
    return lifted, lifted and robot.holds(cube), max(slips)


def errors_mm(env: TaskEnv, commands: list[int]) -> list[float]:
    """How far the gripper is off its place after each of some commands."""
    env.reset(seed=0)
    env.step(HOLD)
    env.step(HOLD)
    place, errors = np.round(robot_of(env).gripper_position / STEP_M) * STEP_M, []
    for command in commands:
        env.step(command)
        place = np.clip(place + STEP_M * STEPS[command], LOWEST_M, HIGHEST_M)
        errors.append(1000.0 * float(np.abs(robot_of(env).gripper_position - place).max()))
    return errors


def push_n(env: TaskEnv) -> float:
    """What the arm pushes with against a wall."""
    env.reset(seed=0)
    wall = env.env.wall  # type: ignore[attr-defined]
    for _ in range(30):
        env.step(1)
    contacts = env.client.getContactPoints(env.robot.robot_id, wall)
    return SUB_STEPS * float(sum(contact[9] for contact in contacts))


def main() -> None:
    assert __doc__
    bench = Benchmark(__doc__, rounds=50)
    options = bench.start()

    def grips() -> Iterator[list[object]]:
        for masses in MASSES:
            env = make(masses)
            seen = [grasp(env, seed) for seed in range(options.rounds)]
            env.close()
            slips = [slip for lifted, _, slip in seen if lifted]
            yield [
                f"{masses[0]:g} to {masses[1]:g} kg",
                100.0 * float(np.mean([lifted for lifted, _, _ in seen])),
                100.0 * float(np.mean([held for _, held, _ in seen])),
                float(np.median(slips)),
                max(slips),
            ]

    def places() -> Iterator[list[object]]:
        env = make()
        random = errors_mm(env, np.random.default_rng(0).integers(7, size=240).tolist())
        still = errors_mm(env, [HOLD] * 200)[100:]
        env.close()
        yield ["random commands", float(np.mean(random)), max(random), None]
        yield ["holding still", float(np.mean(still)), max(still), None]
        walled = make(wall=True)
        yield ["against a wall", None, None, push_n(walled)]
        walled.close()

    columns = {"% lifted": ".0f", "% held": ".0f", "mm slip, median": ".1f", "at most": ".1f"}
    bench.table({f"{options.rounds} cubes each": "", **columns}, grips())
    bench.table({"the gripper": "", "mm off": ".2f", "most": ".2f", "N": ".0f"}, places())


if __name__ == "__main__":
    main()
