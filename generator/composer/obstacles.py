"""More scene parts: what winds, turns, rolls and crumbles. See `parts` for what a part is."""

from __future__ import annotations

import numpy as np

from .pieces import HALF_WIDTH, THICKNESS, Cursor, Piece, beyond, code, number, slab, vector


def chicane(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    count = 2 + level // 3
    opening = max(1.2, 1.9 - 0.1 * level)
    pitch = 2.4
    length = pitch * count + 0.8
    side = int(random.choice([-1, 1]))
    xs = [at.x + 1.2 + pitch * n for n in range(count)]
    ys = [side * (-1) ** n * (HALF_WIDTH - opening / 2) for n in range(count)]
    fence = (2 * HALF_WIDTH - opening) / 2
    fences = ", ".join(
        f"({number(x)}, {number(-np.sign(y) * (HALF_WIDTH - fence))})"
        for x, y in zip(xs, ys, strict=True)
    )
    piece = Piece(
        phrase=f"a chicane of {count} fences",
        sentence=f"{count} fences reach in from left and right by turns, leaving "
        f"{number(opening)} m at their ends: one has to weave.",
        init=code(f"""
            # Chicane
            {slab(at.x, length, at.z)}
            for x, y in [{fences}]:
                fence_half = {vector(0.08, fence, 0.6)}
                self.create_box(0.0, fence_half, [x, y, {number(at.z + 0.6)}], GREEN)
        """),
        route=tuple(
            beyond(x + offset, number(y))
            for x, y in zip(xs, ys, strict=True)
            for offset in (-0.6, 0.6)
        ),
    )
    return piece, Cursor(at.x + length, at.z)


def trench(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    depth = min(0.2 + 0.045 * level, 0.46)
    length = float(random.uniform(3.0, 4.5))
    piece = Piece(
        phrase="a sunken trench",
        sentence=f"A trench {number(depth)} m deep and {number(length)} m long has to be entered, "
        "and left again with a leap up its far side.",
        init=f"# Trench\n{slab(at.x, length, at.z - depth, HALF_WIDTH, 'SLATE')}",
        route=(beyond(at.x + length / 2), beyond(at.x + length + 0.7)),
    )
    return piece, Cursor(at.x + length, at.z)


def tunnel(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    length = float(random.uniform(4.0, 6.0))
    width = max(1.2, 1.9 - 0.1 * level)
    middle = at.x + length / 2
    thick = (2 * HALF_WIDTH - width) / 4
    piece = Piece(
        phrase="a roofed tunnel",
        sentence=f"A dark tunnel {number(length)} m long, {number(width)} m wide, its roof 1.6 m "
        "above the ground.",
        init=code(f"""
            # Tunnel: two sides and a roof
            {slab(at.x, length, at.z)}
            for y in {vector(-width / 2 - thick, width / 2 + thick)}:
                side_half = {vector(length / 2 - 0.5, thick, 0.8)}
                self.create_box(0.0, side_half, [{number(middle)}, y, {number(at.z + 0.8)}], SLATE)
            roof_half = {vector(length / 2 - 0.5, HALF_WIDTH, 0.08)}
            self.create_box(0.0, roof_half, {vector(middle, 0, at.z + 1.68)}, SAND)
        """),
        route=(beyond(at.x + 0.6), beyond(at.x + length + 0.3)),
    )
    return piece, Cursor(at.x + length, at.z)


def turnstile(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    speed = 0.5 + 0.12 * level
    length = 5.0
    x, z = number(at.x + length / 2), number(at.z + 0.5)
    phase = float(random.uniform(0, np.pi))
    piece = Piece(
        phrase="a turnstile",
        sentence=f"A yellow bar spins about a post in the middle of the way, {number(speed)} rad/s "
        "fast, and takes along whatever it hits.",
        init=code(f"""
            # Turnstile, turned by `step`
            {slab(at.x, length, at.z)}
            self.bar = self.create_box(0.0, [1.5, 0.08, 0.3], [{x}, 0.0, {z}], YELLOW)
        """),
        reset="self.turn_bar()",
        step="self.turn_bar()",
        methods=code(f"""
            def turn_bar(self):
                angle = {number(speed)} * self.time_s + {number(phase)}
                turned = self._p.getQuaternionFromEuler([0.0, 0.0, angle])
                self._p.resetBasePositionAndOrientation(self.bar, [{x}, 0.0, {z}], turned)
        """),
        route=(beyond(at.x + length + 0.3),),
    )
    return piece, Cursor(at.x + length, at.z)


def boulders(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    count = 1 + level // 3
    speed = 1.2 + 0.25 * level
    length = 7.0
    radius = 0.45
    lanes = [float(y) for y in random.permutation([-1.1, 0.0, 1.1])[:count]]
    several = count > 1
    piece = Piece(
        phrase=f"{count} rolling boulders" if several else "a rolling boulder",
        sentence=f"{count} boulder{'s come' if several else ' comes'} rolling on at "
        f"{number(speed)} m/s, again and again: sidestep or be swept off.",
        init=code(f"""
            # Boulders, rolled by `step`
            {slab(at.x, length, at.z)}
            self.boulders = [
                self.create_sphere(0.0, {number(radius)}, [{number(at.x + length)}, y, 50.0], SAND)
                for y in {vector(*lanes)}
            ]
        """),
        reset="self.roll_boulders()",
        step="self.roll_boulders()",
        methods=code(f"""
            def roll_boulders(self):
                for n, (boulder, y) in enumerate(zip(self.boulders, {vector(*lanes)})):
                    rolled = {number(speed)} * self.time_s + 2.2 * n
                    rolled = rolled % {number(length - 1)}
                    x = {number(at.x + length - 0.5)} - rolled
                    self.place(boulder, [x, y], {number(at.z + radius + 0.02)})
        """),
        route=(beyond(at.x + length + 0.3),),
    )
    return piece, Cursor(at.x + length, at.z)


def zigzag(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    count = 3 + level // 2
    aside = min(0.3 + 0.07 * level, 0.7)
    half = vector(1.0, 0.85, THICKNESS)
    side = int(random.choice([-1, 1]))
    xs = [at.x + 1.0 + 2.0 * n for n in range(count)]
    ys = [side * aside * (-1) ** n for n in range(count)]
    centers = ", ".join(f"({number(x)}, {number(y)})" for x, y in zip(xs, ys, strict=True))
    piece = Piece(
        phrase="a zigzag path",
        sentence=f"A path 1.7 m wide zigzags over the abyss: {count} slabs, each shifted "
        f"{number(2 * aside)} m against the last.",
        init=code(f"""
            # Zigzag path
            for x, y in [{centers}]:
                self.create_box(0.0, {half}, [x, y, {number(at.z - THICKNESS)}], PURPLE)
        """),
        route=tuple(beyond(x, number(y)) for x, y in zip(xs, ys, strict=True)),
    )
    return piece, Cursor(xs[-1] + 1.0, at.z)


def crumbling(random: np.random.Generator, level: int, at: Cursor) -> tuple[Piece, Cursor]:
    count = 3 + level // 2
    delay = max(0.6, 1.8 - 0.2 * level)
    first_x, z = number(at.x + 0.8), number(at.z - THICKNESS)
    end = at.x + 1.6 * count
    piece = Piece(
        phrase="a crumbling causeway",
        sentence=f"A causeway of {count} red tiles: each drops away {number(delay)} s after it was "
        "first stepped on, so nobody may linger.",
        init=code(f"""
            # Causeway, whose tiles `step` drops
            self.tiles = [
                self.create_box(0.0, [0.79, 1.5, {number(THICKNESS)}], [{first_x}, 0.0, {z}], RED)
                for _ in range({count})
            ]
        """),
        reset=code(f"""
            self.stepped_on_s = [None for _ in self.tiles]
            for n, tile in enumerate(self.tiles):
                self.place(tile, [{first_x} + 1.6 * n, 0.0], {z})
        """),
        step=code(f"""
            for n, tile in enumerate(self.tiles):
                tile_x = {first_x} + 1.6 * n
                near = abs(self.robot.links["base"].position[0] - tile_x) < 0.8
                if near and self.stepped_on_s[n] is None:
                    self.stepped_on_s[n] = self.time_s
                began_s = self.stepped_on_s[n]
                if began_s is not None and self.time_s - began_s > {number(delay)}:
                    self.place(tile, [tile_x, 0.0], {number(at.z - 20)})
        """),
        route=(*(beyond(at.x + 0.8 + 1.6 * n) for n in range(count)), beyond(end + 0.5)),
    )
    return piece, Cursor(end, at.z)
