"""More goals: what moves and is to be caught, fled or kept out of sight of, and what asks for
jumping, turning and coming back. See `goals` for what their code may use."""

from __future__ import annotations

import numpy as np

from .pieces import Arena, Piece, code, number, vector


def summit(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    height = min(0.3 + 0.07 * level, 0.7)
    half = 1.1
    return Piece(
        phrase="climb onto the podium",
        sentence=f"A sand-coloured podium {number(height)} m high, {number(2 * half)} m wide, is "
        "to be mounted; only a jump leads up.",
        init=code(f"""
            # Podium
            podium_half = {vector(half, half, height / 2)}
            podium_position = {vector(arena.x + 3.0, 0, arena.z + height / 2)}
            self.podium = self.create_box(0.0, podium_half, podium_position, SAND)
        """),
        reset=code(f"""
            self.podium_xy = self.arena_point(1.4)
            self.place(self.podium, self.podium_xy, {number(arena.z + height / 2)})
            self.on_top_s = 0.0
        """),
        after_step=code(f"""
            offset = np.abs(self.robot.links["base"].position[:2] - self.podium_xy)
            on_top = bool(np.all(offset < {number(half - 0.2)}))
            self.on_top_s = self.on_top_s + self.dt if on_top else 0.0
        """),
        target="self.podium_xy",
        rewards={"on_top": "2.0 * on_top"},
        success="self.on_top_s > 0.5",
        success_text="The podium's top has been held for half a second.",
        rewards_text="2 for every step on top.",
    )


def catch(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    speed = 0.4 + 0.1 * level
    long, wide = arena.half - 1.0, max(0.6 * arena.half, 2.2)
    return Piece(
        phrase="catch the runaway orb",
        sentence=f"A red orb races round an oval, at up to {number(speed * long)} m/s; it is "
        "caught by running into it.",
        init=code("""
            # Orb, moved by `step`
            self.orb = self.create_marker(0.4, 0.5, RED)
        """),
        reset=code("""
            self.orb_phase = self.np_random.uniform(-np.pi, np.pi)
            self.caught = False
            self.move_orb()
        """),
        step="self.move_orb()",
        methods=code(f"""
            def move_orb(self):
                angle = {number(speed)} * self.time_s + self.orb_phase
                oval = {vector(long, wide)} * np.array([np.cos(angle), np.sin(angle)])
                self.orb_xy = np.array({vector(arena.x, 0)}) + oval
                self.place(self.orb, self.orb_xy, {number(arena.z + 0.5)})
        """),
        after_step=code("""
            was_caught = self.caught
            self.caught = was_caught or self.distance_to(self.orb_xy) < 0.7
        """),
        target="self.orb_xy",
        rewards={"caught": "10.0 * (self.caught and not was_caught)"},
        success="self.caught",
        success_text="The orb has been caught.",
        rewards_text="10 for catching the orb.",
    )


def shuttle(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    count = min(2 + level // 2, 5)
    y = number(arena.half - 1.0)
    return Piece(
        phrase=f"shuttle {count} times between two flags",
        sentence=f"A white flag and a blue flag stand {number(2 * arena.half - 2)} m apart, left "
        "and right; each is a turning point.",
        init=code("""
            # Flags
            self.flags = [self.create_marker(0.15, 1.6, color) for color in [WHITE, BLUE]]
        """),
        reset=code(f"""
            side = self.np_random.choice([-1.0, 1.0])
            self.flags_xy = [
                np.array([{number(arena.x)}, end * side * {y}]) for end in (1.0, -1.0)
            ]
            for flag, xy in zip(self.flags, self.flags_xy):
                self.place(flag, xy, {number(arena.z + 0.8)})
            self.turns = 0
        """),
        after_step=code(f"""
            turns_before = self.turns
            if self.turns < {count} and self.distance_to(self.flags_xy[self.turns % 2]) < 0.9:
                self.turns += 1
        """),
        target="self.flags_xy[self.turns % 2]",
        rewards={"turn": "10.0 * (self.turns - turns_before)"},
        success=f"self.turns >= {count}",
        success_text=f"{count} flags have been reached, white and blue by turns.",
        rewards_text="10 for every flag that is reached in its turn.",
    )


def orbit(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    rounds = 1 + level // 4
    center = vector(arena.x + (2.0 if arena.x == 0 else 0.0), 0)
    return Piece(
        phrase=f"circle the obelisk {'twice' if rounds > 1 else 'once'}",
        sentence="A purple obelisk towers 3 m high; the way round it is anticlockwise, no more "
        "than 2.6 m from it.",
        init=code(f"""
            # Obelisk
            obelisk_position = [*{center}, {number(arena.z + 1.5)}]
            self.create_box(0.0, [0.35, 0.35, 1.5], obelisk_position, PURPLE)
        """),
        reset=code("""
            self.bearing = self.bearing_now()
            self.turned = 0.0
        """),
        methods=code(f"""
            def bearing_now(self):
                x, y = self.robot.links["base"].position[:2] - np.array({center})
                return np.arctan2(y, x)

            def spot_ahead(self):
                ahead = self.bearing + 0.7
                return np.array({center}) + 1.6 * np.array([np.cos(ahead), np.sin(ahead)])
        """),
        after_step=code(f"""
            bearing = self.bearing_now()
            turn = (bearing - self.bearing + np.pi) % (2.0 * np.pi) - np.pi
            self.bearing = bearing
            if self.distance_to(np.array({center})) > 2.6:
                turn = 0.0
            self.turned += turn
        """),
        target="self.spot_ahead()",
        rewards={"turn": "np.clip(turn / self.dt, -5.0, 5.0)"},
        success=f"self.turned > {number(2 * np.pi * rounds)}",
        success_text=f"The obelisk has been circled {'twice' if rounds > 1 else 'once'}, "
        "anticlockwise.",
        rewards_text="How fast (rad/s) it goes round.",
    )


def dominoes(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    count = min(3 + level, 7)
    x = number(arena.x + (1.8 if arena.x == 0 else 0.0))
    first_y, z = number(-0.25 * (count - 1)), number(arena.z + 0.5)
    return Piece(
        phrase=f"fell {count} dominoes",
        sentence=f"{count} white dominoes, 1 m high, stand in a row half a metre apart, so that "
        "one can knock over the next.",
        init=code(f"""
            # Dominoes
            self.dominoes = [
                self.create_box(1.5, [0.3, 0.07, 0.5], [{x}, 0.5 * n, {z}], WHITE)
                for n in range({count})
            ]
        """),
        reset=code(f"""
            shift = self.np_random.uniform(-0.6, 0.6)
            for n, domino in enumerate(self.dominoes):
                self.place(domino, [{x}, {first_y} + 0.5 * n + shift], {z})
            self.felled = 0
        """),
        methods=code(f"""
            def is_upright(self, domino):
                return self.get_object_position(domino)[2] > {number(arena.z + 0.38)}

            def next_domino(self):
                upright = [domino for domino in self.dominoes if self.is_upright(domino)]
                return min(upright or self.dominoes, key=self.get_distance_to_object)
        """),
        after_step=code("""
            felled_before = self.felled
            self.felled = sum(not self.is_upright(domino) for domino in self.dominoes)
        """),
        target="self.get_object_position(self.next_domino())[:2]",
        rewards={"felled": "np.clip(4.0 * (self.felled - felled_before), -10.0, 10.0)"},
        success="self.felled == len(self.dominoes)",
        success_text="Every domino lies flat.",
        rewards_text="4 for every domino that falls.",
    )


def shadow(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    seconds = min(1.5 + 0.5 * level, 4.5)
    speed = 0.15 + 0.06 * level
    center = vector(arena.x + (2.2 if arena.x == 0 else 0.0), 0)
    return Piece(
        phrase=f"hide from the lamp for {number(seconds)} s",
        sentence=f"A yellow lamp wanders round a broad blue column at {number(speed)} rad/s; the "
        "column's shadow turns with it and is the only place to hide.",
        init=code(f"""
            # Column, and the lamp, which `step` moves
            column_position = [*{center}, {number(arena.z + 1)}]
            self.create_cylinder(0.0, 0.6, 2.0, column_position, BLUE)
            self.lamp = self.create_marker(0.25, 0.5, YELLOW)
        """),
        reset=code("""
            self.lamp_phase = self.np_random.uniform(-np.pi, np.pi)
            self.hidden_s = 0.0
            self.move_lamp()
        """),
        step="self.move_lamp()",
        methods=code(f"""
            def move_lamp(self):
                angle = {number(speed)} * self.time_s + self.lamp_phase
                self.away = -np.array([np.cos(angle), np.sin(angle)])
                xy = np.array({center}) - {number(arena.half)} * self.away
                self.place(self.lamp, xy, {number(arena.z + 2.0)})
        """),
        after_step=code(f"""
            offset = self.robot.links["base"].position[:2] - np.array({center})
            aside = abs(offset[0] * self.away[1] - offset[1] * self.away[0])
            hidden = bool(0.0 < offset @ self.away < 2.5 and aside < 0.6)
            self.hidden_s += self.dt * hidden
        """),
        target=f"np.array({center}) + 1.4 * self.away",
        rewards={"hidden": "2.0 * hidden"},
        success=f"self.hidden_s > {number(seconds)}",
        success_text=f"{number(seconds)} s have been spent in the column's shadow.",
        rewards_text="2 for every step in the shadow.",
    )


def flee(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    seconds = min(3.0 + level, 8.0)
    speed = 1.0 + 0.15 * level
    return Piece(
        phrase=f"escape the hunter for {number(seconds)} s",
        sentence=f"An orange hunter gives chase at {number(speed)} m/s and must never get hold "
        "of its prey.",
        init="# Hunter, moved by `step`\nself.hunter = self.create_marker(0.45, 0.8, ORANGE)",
        reset=code(f"""
            self.hunter_xy = self.arena_point(0.8)
            self.place(self.hunter, self.hunter_xy, {number(arena.z + 0.4)})
            self.free_s = 0.0
        """),
        step=code(f"""
            if self.is_on_arena():
                to_robot = self.robot.links["base"].position[:2] - self.hunter_xy
                stride = {number(speed)} * self.dt / max(np.linalg.norm(to_robot), 0.1)
                self.hunter_xy = self.hunter_xy + stride * to_robot
                self.place(self.hunter, self.hunter_xy, {number(arena.z + 0.4)})
        """),
        methods=code(f"""
            def is_on_arena(self):
                x, y, z = self.robot.links["base"].position
                return abs(x - {number(arena.x)}) < {number(arena.half)} and z > {number(arena.z)}

            def refuge(self):
                from_middle = self.hunter_xy - np.array({vector(arena.x, 0)})
                away = from_middle / max(np.linalg.norm(from_middle), 0.1)
                return np.array({vector(arena.x, 0)}) - {number(0.6 * arena.half)} * away
        """),
        after_step=code("""
            free = self.is_on_arena()
            self.free_s += self.dt * free
        """),
        target="self.refuge()",
        rewards={"free": "2.0 * free"},
        success=f"self.free_s > {number(seconds)}",
        success_text=f"The prey has been at large for {number(seconds)} s.",
        rewards_text="2 for every step on the arena.",
        failure="self.distance_to(self.hunter_xy) < 0.6",
        failure_text="The hunter has caught the robot.",
    )


def stars(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    count = 1 + level // 3
    several = count > 1
    return Piece(
        phrase=f"jump for {count} stars" if several else "jump for the star",
        sentence=f"{count} yellow star{'s hang' if several else ' hangs'} 1.7 m up in the air; "
        f"{'each is' if several else 'it is'} plucked by leaping right below.",
        init=code(f"""
            # Stars
            self.stars = [self.create_marker(0.3, 0.3, YELLOW) for _ in range({count})]
        """),
        reset=code("""
            self.stars_xy = [self.arena_point(0.9) for _ in self.stars]
            self.plucked = [False for _ in self.stars]
            self.move_stars()
        """),
        step="self.move_stars()",
        methods=code(f"""
            def move_stars(self):
                for star, xy, is_plucked in zip(self.stars, self.stars_xy, self.plucked):
                    # Out of sight: far below the arena.
                    height = {number(arena.z - 50)} if is_plucked else {number(arena.z + 1.7)}
                    self.place(star, xy, height)

            def next_star(self):
                left = [xy for xy, gone in zip(self.stars_xy, self.plucked) if not gone]
                return min(left or self.stars_xy, key=self.distance_to)
        """),
        after_step=code(f"""
            plucked_before = sum(self.plucked)
            if self.robot.links["base"].position[2] > {number(arena.z + 0.9)}:
                self.plucked = [
                    gone or bool(self.distance_to(xy) < 0.8)
                    for xy, gone in zip(self.stars_xy, self.plucked)
                ]
        """),
        target="self.next_star()",
        rewards={"plucked": "np.clip(10.0 * (sum(self.plucked) - plucked_before), 0.0, 10.0)"},
        success="all(self.plucked)",
        success_text="No star hangs in the air any more.",
        rewards_text="10 for every star that is plucked.",
    )
