"""Scene parts: stretches of a course, each in harder versions at higher levels.

A part is a function `(random, level, cursor) -> (Piece, Cursor)`. Random choices made here are
fixed in the task; what varies from episode to episode is drawn in the task's own `reset`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from . import obstacles
from .pieces import (
    HALF_WIDTH,
    THICKNESS,
    Cursor,
    Piece,
    Waypoint,
    beyond,
    code,
    number,
    slab,
    vector,
)

Part = Callable[[np.random.Generator, int, Cursor], tuple[Piece, Cursor]]


def bridge(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    length = float(random.uniform(4, 6)) + 0.5 * level
    half_width = max(0.5, 1.3 - 0.15 * level)
    end = at.x + length
    piece = Piece(
        phrase="a narrow bridge",
        sentence=f"A bridge {number(length)} m long and only {number(2 * half_width)} m wide: no "
        "room to swerve.",
        init=f"# Narrow bridge\n{slab(at.x, length, at.z, half_width, 'ORANGE')}",
        route=(beyond(end + 0.5),),
    )
    return piece, Cursor(end, at.z)


def gaps(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    planks = 2 + level // 2
    gap = min(0.5 + 0.2 * level, 1.8)
    plank = float(random.uniform(2.2, 2.8))
    pitch = plank + gap
    first_x = at.x + gap + plank / 2
    end = at.x + pitch * planks + gap
    piece = Piece(
        phrase=f"a broken bridge with {planks + 1} gaps",
        sentence=f"{planks} planks, each {number(plank)} m long, hang in a row with gaps of "
        f"{number(gap)} m before, between and behind them, to be jumped.",
        init=code(f"""
            # Broken bridge
            for n in range({planks}):
                plank_x = {number(first_x)} + {number(pitch)} * n
                plank_half = {vector(plank / 2, 1.6, THICKNESS)}
                self.create_box(0.0, plank_half, [plank_x, 0.0, {number(at.z - THICKNESS)}], ORANGE)
        """),
        route=(
            *(beyond(first_x + pitch * n) for n in range(planks)),
            beyond(end + 0.7),
        ),
    )
    return piece, Cursor(end, at.z)


def stairs(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    steps = 2 + level // 2
    rise = min(0.15 + 0.06 * level, 0.5)
    depth = float(random.uniform(1.4, 1.9))
    half_height = THICKNESS + rise / 2
    piece = Piece(
        phrase=f"stairs of {steps} steps",
        sentence=f"Stairs lead up {steps} steps of {number(rise)} m, each {number(depth)} m deep; "
        "each takes a hop.",
        init=code(f"""
            # Stairs
            for n in range({steps}):
                step_x = {number(at.x + depth / 2)} + {number(depth)} * n
                step_z = {number(at.z + rise - half_height)} + {number(rise)} * n
                step_half = {vector(depth / 2, HALF_WIDTH, half_height)}
                self.create_box(0.0, step_half, [step_x, 0.0, step_z], SAND if n % 2 else SLATE)
        """),
        route=tuple(beyond(at.x + depth * (n + 0.5)) for n in range(steps)),
    )
    return piece, Cursor(at.x + depth * steps, at.z + rise * steps)


def ledges(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    steps = 2 + level // 3
    drop = min(0.4 + 0.15 * level, 1.2)
    depth = float(random.uniform(1.8, 2.4))
    piece = Piece(
        phrase=f"a descent over {steps} ledges",
        sentence=f"The way leads down over {steps} ledges, {number(drop)} m each and "
        f"{number(depth)} m deep, too short to stop on at full speed.",
        init=code(f"""
            # Ledges, going down
            for n in range({steps}):
                ledge_x = {number(at.x + depth / 2)} + {number(depth)} * n
                ledge_z = {number(at.z - drop - THICKNESS)} - {number(drop)} * n
                ledge_half = {vector(depth / 2, HALF_WIDTH, THICKNESS)}
                self.create_box(0.0, ledge_half, [ledge_x, 0.0, ledge_z], SLATE if n % 2 else SAND)
        """),
        route=tuple(beyond(at.x + depth * (n + 0.5)) for n in range(steps)),
    )
    return piece, Cursor(at.x + depth * steps, at.z - drop * steps)


def ramp(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    slope = math.radians(min(6 + 2 * level, 16))
    length = float(random.uniform(4, 6))
    run, rise = length * math.cos(slope), length * math.sin(slope)
    # The top face of the turned box begins at the edge of what lies before it.
    center = vector(
        at.x + run / 2 + THICKNESS * math.sin(slope),
        0,
        at.z + rise / 2 - THICKNESS * math.cos(slope),
    )
    piece = Piece(
        phrase="a ramp",
        sentence=f"A ramp {number(length)} m long climbs {number(rise)} m.",
        init=code(f"""
            # Ramp, a box turned about the y axis
            ramp_half = {vector(length / 2, HALF_WIDTH, THICKNESS)}
            ramp = self.create_box(0.0, ramp_half, {center}, YELLOW)
            turned = self._p.getQuaternionFromEuler([0.0, {-slope:.4f}, 0.0])
            self._p.resetBasePositionAndOrientation(ramp, {center}, turned)
        """),
        route=(beyond(at.x + run / 2), beyond(at.x + run + 0.5)),
    )
    return piece, Cursor(at.x + run, at.z + rise)


def wall(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    width = max(1.2, 2.0 - 0.15 * level)
    length = 4.0
    wall_x, wall_z = at.x + length / 2, at.z + 1.0
    reach = HALF_WIDTH - width / 2
    piece = Piece(
        phrase="a wall with an opening",
        sentence="A wall 2 m high stands across the way; its only opening, "
        f"{number(width)} m wide, is somewhere else in each episode.",
        init=code(f"""
            # Wall of two halves, which `reset` draws apart where the opening is
            {slab(at.x, length, at.z)}
            half_wall = {vector(0.1, HALF_WIDTH, 1)}
            self.wall_halves = [
                self.create_box(0.0, half_wall, [{number(wall_x)}, y, {number(wall_z)}], BLUE)
                for y in (-4.0, 4.0)
            ]
        """),
        reset=code(f"""
            self.opening_y = self.np_random.uniform({number(-reach)}, {number(reach)})
            for half, side in zip(self.wall_halves, (-1, 1)):
                half_y = self.opening_y + side * {number(width / 2 + HALF_WIDTH)}
                self.place(half, [{number(wall_x)}, half_y], {number(wall_z)})
        """),
        route=(
            beyond(wall_x - 0.8, "self.opening_y"),
            beyond(wall_x + 0.8, "self.opening_y"),
        ),
    )
    return piece, Cursor(at.x + length, at.z)


def hurdles(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    count = 1 + level // 2
    height = min(0.2 + 0.08 * level, 0.6)
    pitch = float(random.uniform(2.4, 3.2))
    length = pitch * (count + 0.5)
    first_x = at.x + 0.6 * pitch
    several = count > 1
    piece = Piece(
        phrase=f"{count} hurdles" if several else "a hurdle",
        sentence=f"{'Hurdles' if several else 'A hurdle'} {number(height)} m high "
        f"{'bar' if several else 'bars'} the whole width of the way and must be jumped.",
        init=code(f"""
            # Hurdles
            {slab(at.x, length, at.z)}
            for n in range({count}):
                hurdle_x = {number(first_x)} + {number(pitch)} * n
                hurdle_half = {vector(0.08, HALF_WIDTH, height / 2)}
                self.create_box(0.0, hurdle_half, [hurdle_x, 0.0, {number(at.z + height / 2)}], RED)
        """),
        route=tuple(beyond(first_x + pitch * n + 0.9) for n in range(count)),
    )
    return piece, Cursor(at.x + length, at.z)


def islands(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    count = 2 + level // 3
    gap = min(0.5 + 0.15 * level, 1.4)
    half = max(0.9, 1.3 - 0.06 * level)
    aside = min(0.5 + 0.2 * level, 1.8)
    side = int(random.choice([-1, 1]))
    ys = [side * aside * (-1) ** n for n in range(count)]
    xs = [at.x + gap + half + (2 * half + gap) * n for n in range(count)]
    end = xs[-1] + half + gap
    centers = ", ".join(f"({number(x)}, {number(y)})" for x, y in zip(xs, ys, strict=True))
    piece = Piece(
        phrase=f"{count} staggered islands",
        sentence=f"{count} square islands of {number(2 * half)} m float {number(gap)} m apart, "
        f"alternately {number(aside)} m to the left and to the right.",
        init=code(f"""
            # Islands
            for x, y in [{centers}]:
                island_half = {vector(half, half, THICKNESS)}
                self.create_box(0.0, island_half, [x, y, {number(at.z - THICKNESS)}], GREEN)
        """),
        route=(
            *(beyond(x, number(y)) for x, y in zip(xs, ys, strict=True)),
            beyond(end + 0.7),
        ),
    )
    return piece, Cursor(end, at.z)


def pillars(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    count = min(2 + level, 6)
    length = 2.2 * count
    radius = float(random.uniform(0.25, 0.4))
    first_x, z = number(at.x + 1.2), number(at.z + 0.8)
    piece = Piece(
        phrase=f"{count} pillars",
        sentence=f"{count} pillars form a forest that is planted anew in each episode.",
        init=code(f"""
            # Pillars, placed by `reset`
            {slab(at.x, length, at.z)}
            self.pillars = [
                self.create_cylinder(0.0, {number(radius)}, 1.6, [{first_x}, 0.0, {z}], PURPLE)
                for _ in range({count})
            ]
        """),
        reset=code(f"""
            for n, pillar in enumerate(self.pillars):
                pillar_xy = [{first_x} + 2.2 * n, self.np_random.uniform(-1.4, 1.4)]
                self.place(pillar, pillar_xy, {z})
        """),
        route=(beyond(at.x + length + 0.3),),
    )
    return piece, Cursor(at.x + length, at.z)


def sweeper(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    speed = 0.8 + 0.25 * level
    length = 4.0
    x, z = number(at.x + length / 2), number(at.z + 0.75)
    phase = float(random.uniform(0, 2 * math.pi))
    piece = Piece(
        phrase="a sliding block",
        sentence="A heavy block slides to and fro across the way and pushes off whatever it meets; "
        "the moment to pass is behind it.",
        init=code(f"""
            # Sliding block, moved by `step`
            {slab(at.x, length, at.z)}
            self.block = self.create_box(0.0, [0.4, 1.1, 0.7], [{x}, 0.0, {z}], RED)
        """),
        reset="self.move_block()",
        step="self.move_block()",
        methods=code(f"""
            def move_block(self):
                y = 1.6 * np.sin({number(speed)} * self.time_s + {number(phase)})
                self.place(self.block, [{x}, y], {z})
        """),
        route=(beyond(at.x + length + 0.3),),
    )
    return piece, Cursor(at.x + length, at.z)


def door(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    length = 5.0 + 0.3 * level
    radius = max(0.5, 0.8 - 0.05 * level)
    door_x = at.x + length - 1.0
    plate_x = at.x + length / 2 - 0.8
    piece = Piece(
        phrase="a door that a plate opens",
        sentence=f"A door stays shut until a plate of {number(radius)} m radius, never in the same "
        "place, is driven onto; then it turns from red to green and the door sinks.",
        init=code(f"""
            # Door, and the plate that opens it
            {slab(at.x, length, at.z)}
            door_half = {vector(0.1, HALF_WIDTH, 1)}
            self.door = self.create_box(0.0, door_half, {vector(door_x, 0, at.z + 1)}, BLUE)
            self.plate = self.create_marker({number(radius)}, 0.02, RED)
        """),
        reset=code(f"""
            self.door_open = False
            self.plate_xy = np.array([{number(plate_x)}, self.np_random.uniform(-1.2, 1.2)])
            self.place(self.plate, self.plate_xy, {number(at.z + 0.01)})
        """),
        step=code(f"""
            if not self.door_open and self.distance_to(self.plate_xy) < {number(radius)}:
                self.door_open = True
                self._p.changeVisualShape(self.plate, -1, rgbaColor=GREEN)
                self.place(self.door, {vector(door_x, 0)}, {number(at.z - 3)})
        """),
        route=(
            Waypoint("self.plate_xy[0]", "self.plate_xy[1]", passed="self.door_open"),
            beyond(door_x + 0.9),
        ),
    )
    return piece, Cursor(at.x + length, at.z)


def crates(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    count = min(2 + level, 6)
    length = 6.0
    mass = number(1.0 + 1.5 * level)
    first_x = number(at.x + 1.0)
    piece = Piece(
        phrase=f"{count} crates in the way",
        sentence=f"{count} loose crates of {mass} kg lie about and must be pushed aside.",
        init=code(f"""
            # Loose crates, placed by `reset`
            {slab(at.x, length, at.z)}
            crate_half = [0.3, 0.3, 0.3]
            self.crates = [
                self.create_box({mass}, crate_half, [{first_x}, 0.0, {number(at.z + 0.3)}], SAND)
                for _ in range({count})
            ]
        """),
        reset=code(f"""
            for n, crate in enumerate(self.crates):
                crate_xy = [{first_x} + 0.8 * n, self.np_random.uniform(-1.5, 1.5)]
                self.place(crate, crate_xy, {number(at.z + 0.31)})
        """),
        route=(beyond(at.x + length + 0.3),),
    )
    return piece, Cursor(at.x + length, at.z)


PARTS: dict[str, Part] = {
    "bridge": bridge,
    "gaps": gaps,
    "stairs": stairs,
    "ledges": ledges,
    "ramp": ramp,
    "wall": wall,
    "hurdles": hurdles,
    "islands": islands,
    "pillars": pillars,
    "sweeper": sweeper,
    "door": door,
    "crates": crates,
    "chicane": obstacles.chicane,
    "trench": obstacles.trench,
    "tunnel": obstacles.tunnel,
    "turnstile": obstacles.turnstile,
    "boulders": obstacles.boulders,
    "zigzag": obstacles.zigzag,
    "crumbling": obstacles.crumbling,
}
