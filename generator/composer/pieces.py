"""What the Composer builds tasks from: pieces of text and code that fit together.

A course leads from a start platform along +x over a void; every part takes up the course where the
last one ended (`Cursor`) and hands it on. All lengths are metres.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

COLORS = {
    "GREY": [0.55, 0.57, 0.6, 1.0],
    "SLATE": [0.35, 0.4, 0.48, 1.0],
    "SAND": [0.8, 0.72, 0.55, 1.0],
    "RED": [0.85, 0.2, 0.18, 1.0],
    "ORANGE": [0.95, 0.55, 0.15, 1.0],
    "YELLOW": [0.95, 0.83, 0.25, 1.0],
    "GREEN": [0.25, 0.65, 0.35, 1.0],
    "BLUE": [0.2, 0.42, 0.8, 1.0],
    "PURPLE": [0.55, 0.35, 0.75, 1.0],
    "WHITE": [0.95, 0.95, 0.95, 1.0],
}


HALF_WIDTH = 2.0
"""Of an ordinary stretch of the course."""
THICKNESS = 0.25
"""Half the thickness of everything one drives on."""


@dataclass(frozen=True)
class Arena:
    """The square the goal is on: its centre, half its side, and the height of its top."""

    x: float
    z: float
    half: float


@dataclass(frozen=True)
class Cursor:
    """Where the course has got to: its near edge `x`, and the height `z` of its top."""

    x: float
    z: float


@dataclass(frozen=True)
class Waypoint:
    """A point to pass on the way, as Python expressions, and whether that has been done."""

    x: str
    y: str
    passed: str


def beyond(x: float, y: str = "0.0") -> Waypoint:
    """A waypoint that is passed by getting about as far as its `x`."""
    return Waypoint(number(x), y, f"x > {number(x - 0.3)}")


@dataclass(frozen=True)
class Piece:
    """A part of a scene, or a goal, as sentences and code. Code is kept dedented."""

    phrase: str
    """For the title: "a bridge with 3 gaps", "kick the ball through the gate"."""
    sentence: str
    """For the description, a full sentence."""
    init: str
    """Statements for `__init__`."""
    reset: str = ""
    """Statements for `reset`, after the robot has been placed."""
    step: str = ""
    """Statements for `step`, before the world advances. May use `self.time_s`."""
    methods: str = ""
    """Methods of the class."""
    route: tuple[Waypoint, ...] = ()
    """For parts: points to pass, in order."""

    # For goals only.

    target: str = ""
    """Expression for where to head once the course lies behind the robot: an array (x, y)."""
    rewards: dict[str, str] = field(default_factory=dict)
    """Named reward expressions besides the approach to the target."""
    after_step: str = ""
    """Statements for `get_task_rewards`, run before the rewards are computed."""
    success: str = ""
    """Expression."""
    failure: str = ""
    """Expression that ends the episode, besides falling; may be empty."""
    success_text: str = ""
    rewards_text: str = ""
    failure_text: str = ""


def code(text: str) -> str:
    """A block of code written inside our own, without its indentation."""
    return textwrap.dedent(text).strip("\n")


def number(value: float) -> str:
    """A number as task code shows it: centimetres are enough, and no trailing zeros."""
    text = f"{value:.2f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def vector(*values: float) -> str:
    return "[" + ", ".join(number(value) for value in values) + "]"


def slab(
    x: float, length: float, z: float, half_width: float = HALF_WIDTH, color: str = "GREY"
) -> str:
    """Code for a stretch of floor from `x` to `x + length` with its top at height `z`."""
    half = vector(length / 2, half_width, THICKNESS)
    return f"self.create_box(0.0, {half}, {vector(x + length / 2, 0, z - THICKNESS)}, {color})"
