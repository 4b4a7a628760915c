"""What people and models are told of a robot: the keys that drive it, and its words in prompts."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass


@dataclass(frozen=True)
class Control:
    """Something that a person can hold down to drive a robot."""

    name: str
    label: str
    codes: tuple[str, ...]
    """`KeyboardEvent.code`s: places on the keyboard, the same in every layout."""
    keys: str
    """How the keys are shown, with blanks between them."""
    button: str = ""
    """What its button says on a screen that is touched; empty where it has none."""


@dataclass(frozen=True)
class Driving:
    """What choosing the next action follows from, while a person drives."""

    held: Set[str]
    """Names of the controls that are held down."""
    pressed: Set[str]
    """Names of those that were pressed since the step before."""
    turn_rad_s: float
    """How fast the robot turns now, to the left."""
    speed_m_s: float
    """How fast it goes ahead now."""

    @property
    def wanted(self) -> set[str]:
        """What came and went between two steps was meant too."""
        return {*self.held, *self.pressed}

    def balance(self, one: str, other: str) -> int:
        """1 where one control is wanted, -1 where the other is, and 0 for none or both."""
        return (one in self.wanted) - (other in self.wanted)


@dataclass(frozen=True)
class Words:
    """What a model is told of a robot, in sentences that stand in the prompts as they are."""

    description: str
    """Its size, its mass, its actions, what it can do and what it cannot."""
    moves_by: str = "moving"
    """How it gets anywhere, such as "walking"."""
    start_height: str = 'self.robot.links["base"].position_init[2]'
    """How high above its floor a task places its base, as Python, in m."""
    placing: str = ""
    """How a task places it, and finds out that it has fallen where it can fall. Empty: at its
    `start_height`."""
    placing_in_short: str = ""
    """The same in as few words as a small model needs. Empty: as `placing`."""

    def __post_init__(self) -> None:
        height = f"`{self.start_height}`"
        whole = self.placing or (
            f"Place the robot's base {height} above its floor, clear of all bodies."
        )
        object.__setattr__(self, "placing", whole)
        object.__setattr__(self, "placing_in_short", self.placing_in_short or whole)
