"""Blocks: journeys whose ideas are asked for in one call.

With `model.ideas_per_call` k, the journeys from the first one without a seed on come in blocks of k
numbers. The first of a block selects for all of them, asks for their ideas, and writes what came of
it down before anybody uses it; the others wait for that and take their shares from its journal. So
all that a block knows is what its first journey knows, whatever happens to the process meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..task import Idea, Noun
from .archive_view import Selection

STEP = "block"
"""The step of the first journey that settles the shares of all."""


@dataclass(frozen=True)
class Share(Noun):
    """What a journey has of its block."""

    number: int
    """Of the journey."""
    selection: Selection
    idea: Idea | None = None
    """None where it asks by itself: its strategy wants a prompt of its own, or the common answer
    had no idea for it that could be used."""


@dataclass(frozen=True)
class Block(Noun):
    """The shares of the journeys of a block, in their order."""

    shares: tuple[Share, ...] = ()

    def share_of(self, number: int) -> Share | None:
        """The share of a journey; None where it has none."""
        return next((share for share in self.shares if share.number == number), None)


def first_of_block(number: int, size: int, seeds: int) -> int:
    """The first journey of the block of journey `number`, where blocks of `size` begin after the
    journeys that have seeds. A journey with a seed is alone."""
    return number if number <= seeds else number - (number - seeds - 1) % size
