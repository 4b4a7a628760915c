"""Draw a world beside what the agent is told of it, as docs/images/observation.png.

The right half is drawn from the numbers of one observation alone.

    python docs/make_observation.py
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from taskwright.world import TaskEnv
from taskwright.world.pictures.camera import FIELD_OF_VIEW_DEG, Camera
from taskwright.world.pictures.rendering import Renderer
from taskwright.world.robots.r2d2 import R2D2Robot
from taskwright.world.rotation import yaw_of
from taskwright.world.scene import NUMBERS_PER_SLOT, SLOTS

SOURCE = '''
import numpy as np

from taskwright.world import R2D2Env


class Env(R2D2Env):
    """A yard with ten bodies, two of which are too far away to be told."""

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [9.0, 9.0, 0.5], [0, 0, -0.5], [0.80, 0.82, 0.78, 1])
        self.create_box(0.0, [1.7, 0.15, 0.5], [2.4, 3.0, 0.5], [0.70, 0.30, 0.24, 1])
        self.create_cylinder(0.0, 0.35, 1.2, [3.3, 0.7, 0.6], [0.95, 0.75, 0.10, 1])
        self.crate = self.create_box(20.0, [0.4, 0.4, 0.4], [1.2, -1.7, 0.4], [0.62, 0.42, 0.22, 1])
        self.create_box(150.0, [0.6, 0.6, 0.5], [-2.6, 1.2, 0.5], [0.30, 0.33, 0.38, 1])
        self.ball = self.create_sphere(2.0, 0.35, [-2.2, -2.5, 0.35], [0.90, 0.25, 0.55, 1])
        self.lift = self.create_box(0.0, [0.7, 0.5, 0.1], [0, 3.2, 0.1], [0.20, 0.60, 0.35, 1])
        for place in ([5.4, 5.4, 0.5], [-5.4, 5.4, 0.5]):
            self.create_cylinder(0.0, 0.25, 1.0, place, [0.95, 0.95, 0.97, 1])
        paint = self._p.createVisualShape(
            self._p.GEOM_BOX, halfExtents=[1, 1, 0.01], rgbaColor=[0.25, 0.50, 0.95, 1]
        )
        self._p.createMultiBody(baseVisualShapeIndex=paint, basePosition=[3.6, -3.2, 0.01])

    def reset(self):
        observation = super().reset()
        facing = self._p.getQuaternionFromEuler([0, 0, np.pi / 6])
        self._p.resetBasePositionAndOrientation(self.robot.robot_id, [0, 0, 0.47], facing)
        askew = self._p.getQuaternionFromEuler([0, 0, 0.5])
        self._p.resetBasePositionAndOrientation(self.crate, [1.2, -1.7, 0.4], askew)
        self._p.resetBaseVelocity(self.ball, [1.6, 0.9, 0])
        self.x = 0.35
        return observation

    def step(self, action):
        self.x -= 1.5 * self.dt
        self._p.resetBasePositionAndOrientation(self.lift, [self.x, 3.2, 0.1], [0, 0, 0, 1])
        return super().step(action)

    def get_task_rewards(self, action):
        return {}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''
SMOOTH = 2
"""Drawn larger by this and scaled down."""
PANEL, GAP, HEAD, FOOT = 760 * SMOOTH, 24 * SMOOTH, 44 * SMOOTH, 76 * SMOOTH
REACH_M = 6.6
INK, PALE, PAPER = (40, 46, 56), (206, 212, 220), (255, 255, 255)
CAMERA_HEIGHT_M = 16.6
CAMERA = Camera.around(np.zeros(3), CAMERA_HEIGHT_M, 0.0, -89.9)


class Slot:
    """One body, from its numbers."""

    def __init__(self, numbers: NDArray[np.float32]) -> None:
        metres = np.sign(numbers) * np.expm1(np.abs(numbers))
        self.nearest, self.centre = metres[1:4], metres[4:7]
        self.half_extents, self.velocity = metres[7:10], metres[10:13]
        self.color = tuple(int(255 * part) for part in numbers[13:16])
        self.movable, self.heavy = bool(numbers[16]), bool(numbers[17])


def font(size: int) -> Any:
    return ImageFont.load_default(size * SMOOTH)


def on_map(point: NDArray[np.float64]) -> tuple[float, float]:
    """Where a point of the yaw frame lies in the right panel, in which ahead is up."""
    scale = PANEL / (2 * REACH_M)
    return PANEL / 2 - point[1] * scale, PANEL / 2 - point[0] * scale


def in_picture(point: NDArray[np.float64]) -> tuple[float, float]:
    """Where a point of the world lies in the left panel, as the camera above it sees it."""
    scale = PANEL / 2 / math.tan(math.radians(FIELD_OF_VIEW_DEG) / 2)
    depth = CAMERA_HEIGHT_M - point[2]
    return PANEL / 2 + scale * point[0] / depth, PANEL / 2 - scale * point[1] / depth


def chip(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str) -> None:
    """A slot's number on a disc."""
    x, y = place
    radius = 12 * SMOOTH
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), PAPER, INK, 2 * SMOOTH)
    draw.text(place, text, INK, font(15), anchor="mm")


def arrow(
    draw: ImageDraw.ImageDraw,
    start: tuple[float, float],
    end: tuple[float, float],
    color: tuple[int, int, int],
    width: int,
) -> None:
    direction = np.subtract(end, start)
    length = float(np.hypot(*direction))
    along, head = direction / length, 11 * SMOOTH
    across = np.array([-along[1], along[0]])
    neck = np.array(end) - head * along
    draw.line([start, tuple(neck)], color, width)
    corners = [end, tuple(neck + 0.5 * head * across), tuple(neck - 0.5 * head * across)]
    draw.polygon([(float(x), float(y)) for x, y in corners], color)


def draw_world(env: TaskEnv, slots: list[Slot]) -> Image.Image:
    picture = Image.fromarray(Renderer(env.client).picture(CAMERA, PANEL, PANEL))
    draw = ImageDraw.Draw(picture)
    base = env.robot.links["base"]
    yaw = yaw_of(env.robot.base_state()[1])
    ahead = np.array([math.cos(yaw), math.sin(yaw), 0.0])
    left = np.array([-math.sin(yaw), math.cos(yaw), 0.0])
    arrow(
        draw,
        in_picture(base.position + 0.45 * ahead),
        in_picture(base.position + 1.5 * ahead),
        INK,
        4 * SMOOTH,
    )
    for number, slot in enumerate(slots, 1):
        x, y, z = slot.centre
        place = base.position + x * ahead + y * left + np.array([0, 0, z])
        chip(draw, floor_corner() if is_floor(slot) else in_picture(place), str(number))
    return picture


def is_floor(slot: Slot) -> bool:
    return bool(slot.half_extents.max() > REACH_M)


def floor_corner() -> tuple[float, float]:
    return 92 * SMOOTH, PANEL - 92 * SMOOTH


def draw_numbers(slots: list[Slot]) -> Image.Image:
    panel = Image.new("RGB", (PANEL, PANEL), PAPER)
    for slot in slots:
        if is_floor(slot):
            panel.paste(tuple((part + 3 * 255) // 4 for part in slot.color), (0, 0, PANEL, PANEL))
    draw = ImageDraw.Draw(panel)
    for metre in range(-6, 7):
        for a, b in (((-9, metre), (9, metre)), ((metre, -9), (metre, 9))):
            ends = [on_map(np.array(a)), on_map(np.array(b))]
            draw.line(ends, INK if metre == 0 else PALE, SMOOTH)
        if metre and metre % 2 == 0:
            x, y = on_map(np.array([metre, 0]))
            draw.text((x + 5 * SMOOTH, y), f"{metre} m", INK, font(12), anchor="lm")
            x, y = on_map(np.array([0, metre]))
            draw.text((x, y + 11 * SMOOTH), f"{metre} m", INK, font(12), anchor="mm")
    draw.text((PANEL / 2 + 8 * SMOOTH, 10 * SMOOTH), "x, ahead", INK, font(14), anchor="lt")
    draw.text((8 * SMOOTH, PANEL / 2 - 6 * SMOOTH), "y, to the left", INK, font(14), anchor="lb")
    for slot in slots:
        if not is_floor(slot):
            corners = [
                on_map(slot.centre + slot.half_extents),
                on_map(slot.centre - slot.half_extents),
            ]
            width = (5 if slot.heavy else 3 if slot.movable else 1) * SMOOTH
            draw.rectangle((*corners[0], *corners[1]), slot.color, INK, width)
    origin = on_map(np.zeros(3))
    for slot in slots:
        if not is_floor(slot):
            nearest = on_map(slot.nearest)
            draw.line([origin, nearest], (120, 128, 140), SMOOTH)
            x, y = nearest
            radius = 4.5 * SMOOTH
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), (225, 30, 40))
        if np.hypot(*slot.velocity[:2]) > 0.1:
            start, end = on_map(slot.centre), on_map(slot.centre + slot.velocity)
            arrow(draw, start, end, (20, 90, 220), 4 * SMOOTH)
    x, y = origin
    size = 14 * SMOOTH
    draw.polygon(
        [(x, y - 1.3 * size), (x - size, y + size), (x, y + 0.5 * size), (x + size, y + size)], INK
    )
    for number, slot in enumerate(slots, 1):
        chip(draw, floor_corner() if is_floor(slot) else on_map(slot.centre), str(number))
    return panel


def main() -> None:
    env = TaskEnv(SOURCE, render_mode="rgb_array")
    observation, _ = env.reset(seed=0)
    for _ in range(8):
        observation, *_ = env.step(0)
    rows = observation[R2D2Robot.proprioception_size :].reshape(SLOTS, NUMBERS_PER_SLOT)
    slots = [Slot(row) for row in rows if row[0]]
    size = (2 * PANEL + 3 * GAP, HEAD + PANEL + FOOT)
    sheet = Image.new("RGB", size, PAPER)
    sheet.paste(draw_world(env, slots), (GAP, HEAD))
    sheet.paste(draw_numbers(slots), (2 * GAP + PANEL, HEAD))
    draw = ImageDraw.Draw(sheet)
    middle = HEAD / 2
    draw.text((GAP, middle), "The world, from above", INK, font(20), anchor="lm")
    label = "What the agent is told: eight slots, in its yaw frame"
    draw.text((2 * GAP + PANEL, middle), label, INK, font(20), anchor="lm")
    legend = (
        "The arrow on the left is the robot's heading. The two white posts are the ninth and tenth "
        "nearest bodies: they are not told.",
        "Red: the nearest point of a box.  Blue: where it will be in one second.  Thin outline: "
        "it cannot be moved; medium: it can; thick: it is heavier than the robot.",
    )
    for line, text in enumerate(legend):
        y = HEAD + PANEL + (22 + 28 * line) * SMOOTH
        draw.text((GAP, y), text, INK, font(16), anchor="lm")
    width, height = size
    sheet = sheet.resize((width // SMOOTH, height // SMOOTH), Image.Resampling.LANCZOS)
    # Flat colours: a palette is enough and makes the file a third as large.
    sheet = sheet.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    sheet.save(Path(__file__).parent / "images" / "observation.png", optimize=True)
    for number, slot in enumerate(slots, 1):
        print(number, slot.nearest.round(2), slot.centre.round(2), slot.velocity.round(2))
    env.close()


if __name__ == "__main__":
    main()
