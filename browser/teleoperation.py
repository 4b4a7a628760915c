"""From keys to actions: what a person who drives a robot may hold down, and what it then does.

R2D2 has six discrete actions. Whoever presses "left" wants it to turn at a pace that can be
steered, and to stop turning on release; the action adds 3 to 4 rad/s, which then fade over half a
second. So keys say what is wanted, and each step takes the action that comes nearest to it: a turn
where the robot turns too slowly, one the other way where it turns on after the release, else the
drive, up to half of the robot's top speed unless Shift is held, since most courses are short. All
of it goes through the actions that agents have, at their pace: what a person can do with it, an
agent could.

Ant has a gait that walks where it is told (`world.robots.gait`), in one of eight directions: the
keys say in which. Humanoid has none, and seventeen joints, more than hands have fingers; it cannot
be played.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from ..task import Robot

TURN_RAD_S = 2.6
"""The pace of a turn while its key is held: two and a half seconds around."""
DRIVE_M_S = 5.0
"""Up to this speed the robot drives on while its key is held; with "fast", up to its own limit."""
NEAR_ENOUGH_RAD_S = 1.5
"""Half of what one turning action changes: below this, another one would overshoot."""


@dataclass(frozen=True)
class Control:
    """Something that can be held down."""

    name: str
    label: str
    codes: tuple[str, ...]
    """`KeyboardEvent.code`s: places on the keyboard, the same in every layout."""
    keys: str
    """How the key is shown."""


DRIVE = (
    Control("forward", "Forward", ("ArrowUp", "KeyW"), "↑ W"),
    Control("left", "Turn left", ("ArrowLeft", "KeyA"), "← A"),
    Control("right", "Turn right", ("ArrowRight", "KeyD"), "→ D"),
    Control("backward", "Backward, brake", ("ArrowDown", "KeyS"), "↓ S"),
    Control("jump", "Jump", ("Space",), "Space"),
    Control("fast", "Full speed", ("ShiftLeft", "ShiftRight"), "Shift"),
)

WALK = (
    Control("forward", "Walk ahead", ("ArrowUp", "KeyW"), "↑ W"),
    Control("left", "Walk to the left", ("ArrowLeft", "KeyA"), "← A"),
    Control("right", "Walk to the right", ("ArrowRight", "KeyD"), "→ D"),
    Control("backward", "Walk backward", ("ArrowDown", "KeyS"), "↓ S"),
)

CONTROLS: dict[Robot, tuple[Control, ...]] = {"r2d2": DRIVE, "ant": WALK, "humanoid": ()}
"""What each robot can be driven with; a robot without any cannot be played."""


def choose_action(
    robot: Robot,
    held: Collection[str],
    pressed: Collection[str],
    turn_rad_s: float,
    speed_m_s: float,
) -> list[float]:
    """The action for the controls that are held down, and those pressed since the step before: one
    number.

    `turn_rad_s` is how fast the robot turns now, to the left, and `speed_m_s` how fast it goes
    ahead.
    """
    if robot == "r2d2":
        return [float(_drive(held, pressed, turn_rad_s, speed_m_s))]
    return [float(_walk({*held, *pressed}))]


def _walk(wants: Collection[str]) -> int:
    """0 to stand, or 1 for ahead and so on to the left, in steps of 45 degrees."""
    ahead = ("forward" in wants) - ("backward" in wants)
    left = ("left" in wants) - ("right" in wants)
    if not (ahead or left):
        return 0
    return 1 + round(math.atan2(left, ahead) / math.radians(45.0)) % 8


def _drive(
    held: Collection[str], pressed: Collection[str], turn_rad_s: float, speed_m_s: float
) -> int:
    idle, forward, backward, turn_right, turn_left, jump = range(6)
    # What came and went between two steps was meant too.
    wants = {*held, *pressed}
    if "jump" in pressed:
        return jump
    wanted = TURN_RAD_S * (("left" in wants) - ("right" in wants))
    lacking = wanted - turn_rad_s
    if abs(lacking) > NEAR_ENOUGH_RAD_S:
        return turn_left if lacking > 0 else turn_right
    ahead = ("forward" in wants) - ("backward" in wants)
    if ahead * speed_m_s > DRIVE_M_S and "fast" not in wants:
        return idle
    return {1: forward, -1: backward, 0: idle}[ahead]
