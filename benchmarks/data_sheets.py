"""What can each robot do, and what do bodies do that robots meet?

    python benchmarks/data_sheets.py [--write] [--robot NAME]

Measures: in worlds made for it, each robot's pace, turns, jumps, climbs and pushes, by its own
actions (the commands of its gait where it has one), and what moved bodies, friction and rolling do.
Physics is repeatable, so the numbers are the same on each machine of a kind.
Compared with: the data sheets that prompts and documentation share
(`world/robots/assets/data_sheets.json`); `--write` replaces them.
Duration: two minutes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from harness import Benchmark

from taskwright.task import ROBOT_BASES, ROBOTS, STEERED, Robot
from taskwright.world import TaskEnv
from taskwright.world.data_sheets import FILE, SHEETS
from taskwright.world.robots import robot_class

THAT_GO = tuple(robot for robot in ROBOTS if not robot_class(robot).is_fixed)
"""What an arm can do, `panda_grip.py` measures."""
IDLE, FORWARD, BACKWARD, RIGHT, LEFT, JUMP = range(6)
"""R2D2's actions. 0 and 1 are standing and ahead also for gaits."""
STEP_S = 4 * 0.0165
FLOOR = "self.create_box(0.0, [100.0, 100.0, 0.5], [0.0, 0.0, -0.5], [0.5, 0.5, 0.5, 1.0])"

SOURCE = '''
import math
from taskwright.world import {base}


class Env({base}):
    """A world for measuring"""

    def __init__(self):
        super().__init__()
        {floor}
        {bodies}

    def reset(self):
        observation = super().reset()
        self.time = 0.0
        {places}
        return observation

    def step(self, action):
        self.time += self.dt
        {motion}
        return super().step(action)

    def get_task_rewards(self, action):
        return {{}}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''


class World:
    """A world with a robot at the origin, facing +x, at rest on its floor."""

    def __init__(
        self, robot: Robot, bodies: str = "pass", motion: str = "pass", floor: str = FLOOR,
        start: str = "pass", settle: int = 8,
    ) -> None:  # fmt: skip
        def block(text: str) -> str:
            return text.replace("\n", "\n        ")

        self.robot = robot
        source = SOURCE.format(
            base=ROBOT_BASES[robot],
            floor=block(floor),
            bodies=block(bodies),
            motion=block(motion),
            places=block(start),
        )
        self.env = TaskEnv(source, steered=robot in STEERED, time_limit=4000)
        self.env.reset(seed=0)
        self.do(IDLE, settle)

    def do(self, action: int, steps: int = 1) -> None:
        for _ in range(steps):
            self.env.step(action)

    def go(self, steps: int = 1) -> None:
        """Along +x. The Ant walks where it does not look, and has to be told anew as it turns."""
        for _ in range(steps):
            turned = round(-self.heading / math.radians(45.0)) % 8 if self.robot == "ant" else 0
            self.do(FORWARD + turned)

    @property
    def position(self) -> Any:
        return np.array(self.env.robot.base_state()[0])

    @property
    def speed(self) -> float:
        """Ahead, along +x."""
        return float(self.env.robot.base_state()[2][0])

    @property
    def turn(self) -> float:
        return float(self.env.robot.base_state()[3][2])

    @property
    def heading(self) -> float:
        x, y, z, w = self.env.robot.base_state()[1]
        return math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))

    def body(self, name: str) -> Any:
        return np.array(
            self.env.client.getBasePositionAndOrientation(getattr(self.env.env, name))[0]
        )

    def body_speed(self, name: str) -> float:
        velocity = self.env.client.getBaseVelocity(getattr(self.env.env, name))[0]
        return float(np.linalg.norm(velocity))

    def upright(self) -> bool:
        return bool(self.position[2] > 0.25)


def largest(values: Iterable[float], works: Callable[[float], bool]) -> float | None:
    """The largest of rising values up to which it works; None where the first does not."""
    found = None
    for value in values:
        if not works(value):
            return found
        found = round(value, 3)
    return found


def bodies() -> dict[str, Any]:
    """What holds in every world."""

    def stays(degrees: float, friction: float | None = None) -> bool:
        floor = (
            "self.slope = self.create_box(0.0, [20.0, 5.0, 0.5], [0.0, 0.0, -0.5], [0, 1, 0, 1])\n"
            "self.box = self.create_box(5.0, [0.5, 0.5, 0.25], [5.0, 0.0, 0.3], [1, 0, 0, 1])\n"
        )
        if friction is not None:
            floor += f"self._p.changeDynamics(self.box, -1, lateralFriction={friction})"
        tilt = math.radians(degrees)
        start = (
            f"turned = self._p.getQuaternionFromEuler([0.0, {-tilt}, 0.0])\n"
            "self._p.resetBasePositionAndOrientation(self.slope, [0.0, 0.0, -0.5], turned)\n"
            "self._p.resetBasePositionAndOrientation(self.box, "
            f"[{5 * math.cos(tilt) - 0.76 * math.sin(tilt)}, 0.0, "
            f"{5 * math.sin(tilt) + 0.76 * math.cos(tilt) - 0.5}], turned)"
        )
        world = World("r2d2", floor=floor, start=start, settle=15)
        before = world.body("box")
        world.do(IDLE, 30)
        return bool(np.linalg.norm(world.body("box") - before) < 0.1)

    ball = World(
        "r2d2",
        "self.ball = self.create_sphere(5.0, 0.4, [5.0, 0.0, 0.4], [1, 0, 0, 1])",
        start="self._p.resetBaseVelocity(self.ball, [3.0, 0.0, 0.0])",
    )
    ball.do(IDLE, 15)
    speed = ball.body_speed("ball")
    ball.do(IDLE, 75)
    slide = World(
        "r2d2",
        "self.box = self.create_box(5.0, [0.5, 0.5, 0.25], [5.0, 0.0, 0.25], [1, 0, 0, 1])",
        start="self._p.resetBaseVelocity(self.box, [5.0, 0.0, 0.0])",
        settle=0,
    )
    slide.do(IDLE, 80)
    return {
        "slides_from_5_m_s_m": round(float(slide.body("box")[0] - 5.0), 1),
        "stays_on_slope_deg": largest(range(4, 60), stays),
        "stays_on_slope_with_friction_1_deg": largest(range(4, 60), lambda n: stays(n, 1.0)),
        "rolling_speed_left_after_5_s": round(ball.body_speed("ball") / speed, 2),
    }


def moved(robot: Robot) -> dict[str, Any]:
    """What bodies of mass 0 that a task moves do to the robot."""
    place = "self._p.resetBasePositionAndOrientation(self.{}, {}, [0.0, 0.0, 0.0, 1.0])"
    plate = "self.plate = self.create_box(0.0, [3.0, 3.0, 0.1], [0.0, 0.0, -0.1], [1, 0, 0, 1])"
    # From the 1st second on, for 2 s, at 1 m/s.
    gone = "min(max(self.time - 1.0, 0.0), 2.0)"
    steps = round(4.0 / STEP_S)

    def ride(at: str, push: str = "pass") -> Any:
        motion = place.format("plate", at) + f"\n{push}"
        world = World(robot, floor=plate, motion=motion, settle=15)
        before = world.position
        world.do(IDLE, steps - 15)
        return world.position - before

    sideways = ride(f"[{gone}, 0.0, -0.1]")
    velocity = (
        "self._p.resetBaseVelocity(self.plate, [1.0 if 1.0 < self.time < 3.0 else 0.0, 0, 0])"
    )
    carried = ride(f"[{gone}, 0.0, -0.1]", velocity)
    lifted = ride(f"[0.0, 0.0, {gone} - 0.1]")
    wall = "self.wall = self.create_box(0.0, [0.2, 2.0, 1.0], [-3.0, 0.0, 1.0], [1, 0, 0, 1])"
    to_wall = place.format("wall", f"[-1.5 + {gone}, 0.0, 1.0]")
    world = World(robot, wall, to_wall, settle=15)
    world.do(IDLE, steps - 15)
    pushed = world.position[0] - (world.body("wall")[0] + 0.2)
    stop = "self.stop = self.create_box(0.0, [0.2, 2.0, 2.0], [1.2, 0.0, 2.0], [0, 0, 1, 1])"
    world = World(robot, f"{wall}\n{stop}", to_wall, settle=15)
    world.do(IDLE, steps - 15)
    squeezed = world.position
    return {
        "carried_sideways_of_2_m": round(float(sideways[0]), 2),
        "carried_sideways_with_velocity_of_2_m": round(float(carried[0]), 2),
        "lifted_of_2_m": round(float(lifted[2]), 2),
        "pushed_ahead_by_a_wall": bool(pushed > 0.1),
        "between_two_walls": [round(float(n), 2) for n in squeezed],
    }


def pushes(robot: Robot) -> dict[str, Any]:
    """How far the robot pushes boxes as wide as a wall in 5 s, in m by their mass in kg."""
    found = {}
    for mass in (5, 20, 60, 120, 250, 500, 1000):
        box = (
            f"self.box = self.create_box({mass}.0, [0.5, 2.0, 0.5], [2.5, 0.0, 0.5], [1, 0, 0, 1])"
        )
        world = World(robot, box)
        world.go(76)
        found[str(mass)] = round(float(world.body("box")[0] - 2.5), 1)
    return found


def ledges(robot: Robot, drive: Callable[[World], None], heights: Iterable[float]) -> float | None:
    """The highest ledge that the robot gets onto."""

    def works(height: float) -> bool:
        half = height / 2
        ledge = f"self.create_box(0.0, [15.0, 6.0, {half}], [18.0, 0.0, {half}], [1, 0, 0, 1])"
        world = World(robot, ledge)
        floor = world.position[2]
        drive(world)
        return bool(world.position[0] > 3.4 and world.position[2] > floor + height - 0.15)

    return largest(heights, works)


def slopes(robot: Robot) -> float | None:
    """The steepest slope up which the robot gets 0.6 m higher, in degrees."""

    def works(degrees: float) -> bool:
        tilt = math.radians(degrees)
        x, z = (
            3.0 + 15 * math.cos(tilt) + 0.5 * math.sin(tilt),
            15 * math.sin(tilt) - 0.5 * math.cos(tilt),
        )
        slope = (
            "self.slope = self.create_box(0.0, [15.0, 30.0, 0.5], [0.0, 0.0, -5.0], [1, 0, 0, 1])"
        )
        start = (
            f"self._p.resetBasePositionAndOrientation(self.slope, [{x}, 0.0, {z}], "
            f"self._p.getQuaternionFromEuler([0.0, {-tilt}, 0.0]))"
        )
        world = World(robot, slope, start=start)
        walking = world.position[2]
        for _ in range(240):
            world.go()
            if world.position[0] < 2.5:
                walking = min(walking, world.position[2])
            elif world.position[2] > walking + 0.6:
                return True
        return False

    return largest((3, 6, 9, 12, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60), works)


def r2d2() -> dict[str, Any]:
    world = World("r2d2")
    world.do(FORWARD, 40)
    top_speed = world.speed
    world = World("r2d2")
    begun, steps = world.position[0], 0
    while world.speed < 0.95 * top_speed:
        world.do(FORWARD)
        steps += 1
    to_top = world.position[0] - begun

    def to_rest(action: int) -> list[float]:
        world = World("r2d2")
        world.do(FORWARD, 20)
        begun, steps = world.position[0], 0
        while world.speed > 0.1:
            world.do(action)
            steps += 1
        return [round(float(world.position[0] - begun), 1), round(steps * STEP_S, 1)]

    def turned(actions: int) -> list[float]:
        world = World("r2d2")
        angle, before, fastest = 0.0, world.heading, 0.0
        for number in range(60):
            world.do(LEFT if number < actions else IDLE)
            angle += (world.heading - before + math.pi) % (2 * math.pi) - math.pi
            before, fastest = world.heading, max(fastest, world.turn)
        return [round(math.degrees(angle)), round(fastest, 1)]

    def jump(run_up: int, in_air: int) -> tuple[float, float, float]:
        """Distance, height and seconds of a jump."""
        world = World("r2d2")
        world.do(FORWARD, run_up)
        floor, begun, highest, steps = world.position[2], world.position[0], 0.0, 0
        world.do(JUMP)
        while True:
            steps += 1
            highest = max(highest, world.position[2] - floor)
            if steps > 2 and world.position[2] < floor + 0.02:
                return float(world.position[0] - begun), float(highest), (steps) * STEP_S
            world.do(in_air)

    def jump_at(world: World) -> None:
        while world.position[0] < 1.6:
            world.do(FORWARD)
        world.do(JUMP)
        world.do(FORWARD, 20)

    top, standing, driven = jump(20, IDLE), jump(0, IDLE), jump(0, FORWARD)
    return {
        "top_speed_m_s": round(top_speed, 1),
        "to_top_speed": [round(float(to_top), 1), round(steps * STEP_S, 1)],
        "brake_from_10_m_s": to_rest(BACKWARD),
        "coast_from_10_m_s": to_rest(IDLE),
        "one_turn_action": turned(1),
        "three_turn_actions": turned(3),
        "jump_at_10_m_s_m": round(top[0], 1),
        "jump_height_m": round(standing[1], 2),
        "jump_s": round(standing[2], 1),
        "standing_jump_driving_in_the_air_m": round(driven[0], 1),
        "ledge_driven_m": ledges("r2d2", lambda w: w.do(FORWARD, 40), np.arange(0.02, 0.5, 0.02)),
        "ledge_jumped_m": ledges("r2d2", jump_at, np.arange(0.1, 2.0, 0.1)),
    }


def walker(robot: Robot) -> dict[str, Any]:
    world = World(robot, settle=15)
    begun = world.position[:2]
    world.go(230)
    pace = np.linalg.norm(world.position[:2] - begun) / (230 * STEP_S)
    return {
        "pace_ahead_m_s": round(float(pace), 1),
        "ledge_m": ledges(robot, lambda w: w.go(120), np.arange(0.02, 0.6, 0.04)),
    }


def measured(robot: Robot) -> dict[str, Any]:
    own = r2d2() if robot == "r2d2" else walker(robot)
    return {
        **own,
        "slope_deg": slopes(robot),
        "pushes_m_by_kg": pushes(robot),
        "moved": moved(robot),
    }


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--write", action="store_true", help="replace the data sheets")
    bench.option("--robot", choices=THAT_GO, help="measure this one alone")
    options = bench.start()
    sheets = dict(SHEETS)
    if not options.robot:
        sheets["bodies"] = bodies()
    for robot in (options.robot,) if options.robot else THAT_GO:
        sheets[robot] = measured(robot)
    bench.say(json.dumps(sheets, indent=1))
    bench.promise("The data sheets are what was measured.", sheets == SHEETS)
    if options.write:
        FILE.write_text(json.dumps(sheets, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
