"""Goals: what is to be done in the arena at the end of the course, harder at higher levels.

A goal is a function `(random, level, arena) -> Piece`. Its code may use `self.arena_point(margin)`,
a random place on the arena at least `margin` from its edge; `self.distance_to(xy)`; and
`self.time_s`, the time since the episode began.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import pursuits
from .pieces import Arena, Piece, code, number, vector

Goal = Callable[[np.random.Generator, int, Arena], Piece]


def reach(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    radius = max(0.6, 1.1 - 0.08 * level)
    return Piece(
        phrase="reach the beacon",
        sentence=f"A green beacon of {number(radius)} m radius shines from afar.",
        init=f"# Beacon\nself.beacon = self.create_marker({number(radius)}, 2.0, GREEN)",
        reset=code(f"""
            self.beacon_xy = self.arena_point(1.0)
            self.place(self.beacon, self.beacon_xy, {number(arena.z + 1)})
        """),
        target="self.beacon_xy",
        success=f"self.distance_to(self.beacon_xy) < {number(radius)}",
        success_text="The beacon has been entered.",
    )


def pads(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    count = min(2 + level // 2, 4)
    colors = ["RED", "YELLOW", "BLUE", "PURPLE"][:count]
    names = {"RED": "red", "YELLOW": "yellow", "BLUE": "blue", "PURPLE": "purple"}
    order = ", ".join(names[c] for c in colors)
    return Piece(
        phrase=f"visit {count} pads in order",
        sentence=f"{count} round pads lie about: {order}. A pad turns "
        "white once it has been visited in its turn.",
        init=code(f"""
            # Pads, in the order in which they are to be visited
            self.pads = [
                self.create_marker(0.7, 0.02, color) for color in [{", ".join(colors)}]
            ]
        """),
        reset=code(f"""
            self.visited = 0
            self.pads_xy = [self.arena_point(0.8) for _ in self.pads]
            for pad, xy in zip(self.pads, self.pads_xy):
                self.place(pad, xy, {number(arena.z + 0.02)})
        """),
        after_step=code("""
            visited_before = self.visited
            if not self.all_visited() and self.distance_to(self.pads_xy[self.visited]) < 0.7:
                self._p.changeVisualShape(self.pads[self.visited], -1, rgbaColor=WHITE)
                self.visited += 1
        """),
        target="self.pads_xy[min(self.visited, len(self.pads) - 1)]",
        rewards={"pad_visited": "10.0 * (self.visited - visited_before)"},
        methods=code("""
            def all_visited(self):
                return self.visited == len(self.pads)
        """),
        success="self.all_visited()",
        success_text=f"All pads have been visited in the order {order}.",
        rewards_text="10 for every pad that is visited in its turn.",
    )


def collect(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    count = min(2 + level // 2, 5)
    return Piece(
        phrase=f"collect {count} gems",
        sentence=f"{count} golden gems hover here and there; driving through one picks it up.",
        init=code(f"""
            # Gems
            self.gems = [self.create_marker(0.3, 0.5, YELLOW) for _ in range({count})]
        """),
        reset=code(f"""
            self.gems_left, self.gems_found = list(self.gems), []
            for gem in self.gems:
                self.place(gem, self.arena_point(0.6), {number(arena.z + 0.5)})
        """),
        methods=code("""
            def nearest_gem(self):
                return min(self.gems_left or self.gems, key=self.get_distance_to_object)
        """),
        after_step=code("""
            gem = self.nearest_gem()
            found = bool(self.gems_left) and self.get_distance_to_object(gem) < 0.7
            if found:
                self.gems_left.remove(gem)
                self.gems_found.append(gem)
        """),
        step=code(f"""
            while self.gems_found:
                # Out of sight: far below the arena.
                self.place(self.gems_found.pop(), {vector(arena.x, 0)}, {number(arena.z - 50)})
        """),
        target="self.get_object_position(self.nearest_gem())[:2]",
        rewards={"gem_found": "10.0 * found"},
        success="not self.gems_left",
        success_text="All gems have been picked up.",
        rewards_text="10 for every gem that is picked up.",
    )


def push(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    size = float(random.uniform(0.4, 0.6))
    mass = 2.0 + 2.0 * level
    radius = max(0.9, 1.5 - 0.1 * level)
    zone_x = arena.x + arena.half - radius - 0.4
    crate_x = number(arena.x + (1.5 if arena.x == 0 else -0.3 * arena.half))
    return Piece(
        phrase="push the crate into the zone",
        sentence=f"A crate of {number(2 * size)} m and {number(mass)} kg, and some way behind "
        f"it a green zone of {number(radius)} m radius.",
        init=code(f"""
            # Crate, and the zone it belongs in
            crate_half = {vector(size, size, size)}
            crate_position = [{crate_x}, 0.0, {number(arena.z + size)}]
            self.crate = self.create_box({number(mass)}, crate_half, crate_position, ORANGE)
            self.zone = self.create_marker({number(radius)}, 0.02, GREEN)
        """),
        reset=code(f"""
            crate_y = self.np_random.uniform(-1.5, 1.5)
            self.place(self.crate, [{crate_x}, crate_y], {number(arena.z + size + 0.01)})
            zone_y = crate_y + self.np_random.uniform(-0.5, 0.5)
            self.zone_xy = np.array([{number(zone_x)}, zone_y])
            self.place(self.zone, self.zone_xy, {number(arena.z + 0.02)})
            self.crate_distance = self.crate_to_zone()
        """),
        methods=code(f"""
            def crate_to_zone(self):
                return np.linalg.norm(self.get_object_position(self.crate)[:2] - self.zone_xy)

            def spot_behind_crate(self):
                crate_xy = self.get_object_position(self.crate)[:2]
                away = (crate_xy - self.zone_xy) / max(self.crate_to_zone(), 0.1)
                return crate_xy + {number(size + 0.4)} * away
        """),
        after_step=code("""
            crate_distance = self.crate_to_zone()
            crate_speed = (self.crate_distance - crate_distance) / self.dt
            self.crate_distance = crate_distance
        """),
        target="self.spot_behind_crate()",
        rewards={"push": "np.clip(2.0 * crate_speed, -10.0, 10.0)"},
        success=f"self.crate_to_zone() < {number(radius)}",
        success_text="The centre of the crate is inside the zone.",
        rewards_text="Twice the speed (m/s) at which the crate nears the zone.",
        failure=f"self.get_object_position(self.crate)[2] < {number(arena.z - 1)}",
        failure_text="The crate has fallen off the arena.",
    )


def kick(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    radius = float(random.uniform(0.3, 0.45))
    width = max(2.0, 3.6 - 0.25 * level)
    gate_x = arena.x + arena.half - 0.6
    ball_x = number(arena.x + (1.8 if arena.x == 0 else 0.0))
    return Piece(
        phrase="kick the ball through the gate",
        sentence=f"A ball of {number(radius)} m radius lies still; two posts "
        f"{number(width)} m apart form a gate behind it.",
        init=code(f"""
            # Ball and gate
            ball_position = [{ball_x}, 0.0, {number(arena.z + radius)}]
            self.ball = self.create_sphere(1.0, {number(radius)}, ball_position, WHITE)
            for post_y in {vector(-width / 2, width / 2)}:
                post_position = [{number(gate_x)}, post_y, {number(arena.z + 0.75)}]
                self.create_cylinder(0.0, 0.12, 1.5, post_position, PURPLE)
        """),
        reset=code(f"""
            ball_xy = [{ball_x}, self.np_random.uniform(-1.0, 1.0)]
            self.place(self.ball, ball_xy, {number(arena.z + radius)})
            self.scored = False
            self.ball_distance = self.ball_to_gate()
        """),
        methods=code(f"""
            def ball_to_gate(self):
                ball_xy = self.get_object_position(self.ball)[:2]
                return np.linalg.norm(ball_xy - {vector(gate_x, 0)})
        """),
        after_step=code(f"""
            ball_distance = self.ball_to_gate()
            ball_speed = (self.ball_distance - ball_distance) / self.dt
            self.ball_distance = ball_distance
            x, y, z = self.get_object_position(self.ball)
            if x > {number(gate_x)} and abs(y) < {number(width / 2)}:
                self.scored = True
        """),
        target="self.get_object_position(self.ball)[:2]",
        rewards={
            "ball": "0.0 if self.scored else np.clip(ball_speed, -10.0, 10.0)",
            "goal": "1.0 * self.scored",
        },
        success="self.scored",
        success_text="The ball has passed between the posts.",
        rewards_text="The speed (m/s) at which the ball nears the gate, and 1 per step once it is "
        "through.",
        failure="not self.scored and "
        f"self.get_object_position(self.ball)[2] < {number(arena.z - 1)}",
        failure_text="The ball has fallen off the arena without passing the gate.",
    )


def stay(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    radius = max(0.7, 1.2 - 0.08 * level)
    seconds = min(1.0 + 0.5 * level, 4.0)
    return Piece(
        phrase=f"hold the circle for {number(seconds)} s",
        sentence=f"A yellow circle of {number(radius)} m radius is painted somewhere.",
        init=f"# Circle\nself.circle = self.create_marker({number(radius)}, 0.02, YELLOW)",
        reset=code(f"""
            self.circle_xy = self.arena_point(1.2)
            self.place(self.circle, self.circle_xy, {number(arena.z + 0.02)})
            self.held_s = 0.0
        """),
        after_step=code(f"""
            inside = self.distance_to(self.circle_xy) < {number(radius)}
            self.held_s = self.held_s + self.dt if inside else 0.0
        """),
        target="self.circle_xy",
        rewards={"inside": "2.0 * inside"},
        success=f"self.held_s > {number(seconds)}",
        success_text=f"The circle has been occupied for {number(seconds)} s without a break.",
        rewards_text="2 for every step inside the circle.",
    )


def follow(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    seconds = min(2.0 + 0.5 * level, 5.0)
    radius = max(1.0, 1.8 - 0.1 * level)
    speed = 0.4 + 0.12 * level
    orbit = arena.half - 1.5
    return Piece(
        phrase="follow the drone",
        sentence=f"A drone flies a circle of {number(orbit)} m radius overhead, "
        f"{number(speed * orbit)} m/s fast.",
        init=code("""
            # Drone, moved by `step`
            self.drone = self.create_marker(0.35, 0.3, PURPLE)
        """),
        reset=code("""
            self.drone_phase = self.np_random.uniform(-np.pi, np.pi)
            self.near_s = 0.0
            self.move_drone()
        """),
        step="self.move_drone()",
        methods=code(f"""
            def move_drone(self):
                angle = {number(speed)} * self.time_s + self.drone_phase
                center = np.array({vector(arena.x, 0)})
                xy = center + {number(orbit)} * np.array([np.cos(angle), np.sin(angle)])
                self.place(self.drone, xy, {number(arena.z + 1.6)})
        """),
        after_step=code(f"""
            near = self.get_distance_to_object(self.drone) < {number(radius)}
            self.near_s += self.dt * near
        """),
        target="self.get_object_position(self.drone)[:2]",
        rewards={"near": "2.0 * near"},
        success=f"self.near_s > {number(seconds)}",
        success_text=f"The drone has been shadowed, no more than {number(radius)} m away, for "
        f"{number(seconds)} s altogether.",
        rewards_text="2 for every step near the drone.",
    )


def survive(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    seconds = min(4.0 + level, 9.0)
    # Radians per second; the beam is fastest, at this times half the arena, in the middle.
    speed = (2.5 + 0.4 * level) / arena.half
    return Piece(
        phrase=f"dodge the sweeping beam for {number(seconds)} s",
        sentence="A low beam sweeps from end to end, again and again: leap over it or be "
        "pushed off.",
        init=code(f"""
            # Beam, moved by `step`
            beam_position = {vector(arena.x + arena.half, 0, arena.z + 0.17)}
            self.beam = self.create_box(0.0, {vector(0.12, arena.half, 0.12)}, beam_position, RED)
        """),
        reset=code("""
            self.on_arena_s = 0.0
            self.move_beam()
        """),
        step="self.move_beam()",
        methods=code(f"""
            def move_beam(self):
                x = {number(arena.x)} + {number(arena.half)} * np.cos({number(speed)} * self.time_s)
                self.place(self.beam, [x, 0.0], {number(arena.z + 0.17)})
        """),
        after_step=code(f"""
            x, y, z = self.robot.links["base"].position
            on_arena = abs(x - {number(arena.x)}) < {number(arena.half)} and z > {number(arena.z)}
            self.on_arena_s += self.dt * on_arena
        """),
        target=f"np.array([{number(arena.x)}, 0.0])",
        rewards={"on_arena": "2.0 * on_arena"},
        success=f"self.on_arena_s > {number(seconds)}",
        success_text=f"{number(seconds)} s have been survived on the arena.",
        rewards_text="2 for every step on the arena.",
    )


def topple(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    count = min(1 + (level + 1) // 2, 4)
    height = float(random.uniform(1.2, 1.8))
    z = number(arena.z + height / 2)
    ahead = number(arena.x + (2.0 if arena.x == 0 else 0.0))
    return Piece(
        phrase=f"topple {count} towers" if count > 1 else "topple the tower",
        sentence=f"{count} slender tower{'s' if count > 1 else ''} {number(height)} m high "
        f"{'stand' if count > 1 else 'stands'} in the open.",
        init=code(f"""
            # Towers
            tower_half = {vector(0.2, 0.2, height / 2)}
            self.towers = [
                self.create_box(3.0, tower_half, [{number(arena.x)}, n, {z}], BLUE)
                for n in range({count})
            ]
        """),
        reset=code(f"""
            for n, tower in enumerate(self.towers):
                x = {ahead} + self.np_random.uniform(-1.0, 1.0)
                share = (n + self.np_random.uniform(0.2, 0.8)) / {count} - 0.5
                self.place(tower, [x, {number(2 * (arena.half - 0.8))} * share], {z})
            self.fallen = 0
        """),
        methods=code(f"""
            def stands(self, tower):
                return self.get_object_position(tower)[2] > {number(arena.z + 0.75 * height / 2)}

            def next_tower(self):
                standing = [tower for tower in self.towers if self.stands(tower)]
                return min(standing or self.towers, key=self.get_distance_to_object)
        """),
        after_step=code("""
            fallen_before = self.fallen
            self.fallen = sum(not self.stands(tower) for tower in self.towers)
        """),
        target="self.get_object_position(self.next_tower())[:2]",
        rewards={"toppled": "np.clip(10.0 * (self.fallen - fallen_before), -10.0, 10.0)"},
        success="self.fallen == len(self.towers)",
        success_text="No tower stands any more.",
        rewards_text="10 for every tower that falls.",
    )


def clear(random: np.random.Generator, level: int, arena: Arena) -> Piece:
    count = min(1 + level // 2, 4)
    z = number(arena.z + 0.35)
    ahead = number(arena.x + (2.0 if arena.x == 0 else 0.0))
    return Piece(
        phrase=f"push {count} balls over the edge" if count > 1 else "push the ball over the edge",
        sentence=f"{count} orange ball{'s lie' if count > 1 else ' lies'} scattered.",
        init=code(f"""
            # Balls
            self.balls = [
                self.create_sphere(2.0, 0.35, [{ahead}, n, {z}], ORANGE)
                for n in range({count})
            ]
        """),
        reset=code(f"""
            for n, ball in enumerate(self.balls):
                x = {ahead} + self.np_random.uniform(-1.0, 1.0)
                share = (n + self.np_random.uniform(0.2, 0.8)) / {count} - 0.5
                self.place(ball, [x, {number(2 * (arena.half - 1))} * share], {z})
            self.cleared = 0
        """),
        methods=code(f"""
            def lies(self, ball):
                return self.get_object_position(ball)[2] > {number(arena.z)}

            def next_ball(self):
                lying = [ball for ball in self.balls if self.lies(ball)]
                return min(lying or self.balls, key=self.get_distance_to_object)
        """),
        after_step=code("""
            cleared_before = self.cleared
            self.cleared = sum(not self.lies(ball) for ball in self.balls)
        """),
        target="self.get_object_position(self.next_ball())[:2]",
        rewards={"cleared": "np.clip(10.0 * (self.cleared - cleared_before), -10.0, 10.0)"},
        success="self.cleared == len(self.balls)",
        success_text="No ball is left: all went over the edge.",
        rewards_text="10 for every ball that goes over the edge.",
    )


GOALS: dict[str, Goal] = {
    "reach": reach,
    "pads": pads,
    "collect": collect,
    "push": push,
    "kick": kick,
    "stay": stay,
    "follow": follow,
    "survive": survive,
    "topple": topple,
    "clear": clear,
    "summit": pursuits.summit,
    "catch": pursuits.catch,
    "shuttle": pursuits.shuttle,
    "orbit": pursuits.orbit,
    "dominoes": pursuits.dominoes,
    "shadow": pursuits.shadow,
    "flee": pursuits.flee,
    "stars": pursuits.stars,
}
