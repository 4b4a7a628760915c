"""Recipes, and how one becomes an idea and its source code."""

from __future__ import annotations

import itertools
import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from ...task import Idea
from .goals import GOALS
from .order import FIRST, THEN, in_order
from .parts import PARTS
from .pieces import COLORS, HALF_WIDTH, Arena, Cursor, Piece, number, slab

MAX_LEVEL = 6
MAX_PARTS = 5
"""Parts of the longest course. Each strategy draws up to three."""


@dataclass(frozen=True)
class Recipe:
    """What a task is made of. The same recipe always gives the same source."""

    parts: tuple[str, ...]
    """Names from `PARTS`, in the order of the course; none for a goal on an open field."""
    goal: str
    """A name from `GOALS`."""
    level: int
    """1 (easy) to `MAX_LEVEL`."""
    seed: int
    """Settles the lengths and places that are fixed in the task."""
    then: str | None = None
    """Another name from `GOALS`, to be accomplished after the goal; None where that is all."""

    @property
    def goals(self) -> tuple[str, ...]:
        """One goal, or two in their order."""
        return (self.goal, self.then) if self.then else (self.goal,)

    def as_dict(self) -> dict[str, Any]:
        fields = {**asdict(self), "parts": list(self.parts)}
        if self.then is None:
            del fields["then"]
        return fields

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Recipe:
        """Raises ValueError where it is none that the Composer could have made."""
        if data.keys() - {"then"} != {"parts", "goal", "level", "seed"}:
            raise ValueError("a recipe has parts, a goal, a level and a seed")
        parts, goal, level, seed = data["parts"], data["goal"], data["level"], data["seed"]
        then = data.get("then")
        if not isinstance(parts, list) or len(parts) > MAX_PARTS or goal not in list(GOALS):
            raise ValueError("it is none of our goals, or too many parts")
        if any(name not in list(PARTS) for name in parts):
            raise ValueError("it is none of our parts")
        if then is not None and not (goal in FIRST and then in list(THEN) and goal != then):
            raise ValueError("these goals cannot follow each other")
        if type(level) is not int or not 1 <= level <= MAX_LEVEL:
            raise ValueError(f"a level is from 1 to {MAX_LEVEL}")
        if type(seed) is not int or not 0 <= seed < 2**63:
            raise ValueError("a seed is a whole number of 63 bits")
        return cls(tuple(parts), goal, level, seed, then)


_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=False,
)


def compose(recipe: Recipe) -> tuple[Idea, str]:
    """The idea and the source code of a recipe."""
    random = np.random.default_rng(recipe.seed)
    at = Cursor(HALF_WIDTH, 0.0)
    parts: list[Piece] = []
    lowest = 0.0
    for name in recipe.parts:
        part, at = PARTS[name](random, recipe.level, at)
        parts.append(part)
        lowest = min(lowest, at.z)
    half = float(random.uniform(3.0, 4.0)) if parts else 4.5 + 0.4 * recipe.level
    arena = Arena(at.x + half if parts else 0.0, at.z, round(half, 2))
    goal = GOALS[recipe.goal](random, recipe.level, arena)
    if recipe.then is not None:
        goal = in_order(goal, GOALS[recipe.then](random, recipe.level, arena))

    idea = _describe(recipe, parts, goal, arena)
    start = slab(-HALF_WIDTH, 2 * HALF_WIDTH, 0.0)
    floor = slab(arena.x - arena.half, 2 * arena.half, arena.z, arena.half, "SLATE")
    if recipe.then is not None:
        floor = f"self.arena = {floor}"
    pieces = [*parts, goal]
    body: dict[str, Any] = {
        "docstring": "\n".join(textwrap.fill(line, 92) for line in idea.docstring.splitlines()),
        "parts": parts,
        "goal": goal,
        "pieces": pieces,
        "moving": [piece for piece in pieces if piece.step],
        "route": [point for part in parts for point in part.route],
        "floors": [start, floor] if parts else [floor],
        "fallen_below": number(lowest - 1.0),
        "arena_x": number(arena.x),
        "arena_half": number(arena.half),
    }
    # What the pieces use decides which helpers and colours the source needs.
    written = [(piece.init, piece.reset, piece.step, piece.methods) for piece in pieces]
    draft = "\n".join([*body["floors"], goal.after_step, *itertools.chain(*written)])
    colors = {name: rgba for name, rgba in COLORS.items() if name in draft}
    template = _templates.get_template("task.py.j2")
    return idea, template.render(draft=draft, colors=colors, **body) + "\n"


def _describe(recipe: Recipe, parts: list[Piece], goal: Piece, arena: Arena) -> Idea:
    title = goal.phrase
    if parts:
        *others, last = [part.phrase for part in parts]
        title = f"{goal.phrase} beyond {', '.join(others) + ' and ' if others else ''}{last}"
    # Words that all tasks share stay out of the embedded text: they would make all tasks alike.
    size = f"{number(2 * arena.half)} m square"
    where = f"the arena, {size}, in the middle of which it starts, facing anywhere"
    if parts:
        where = f"the course, which leads from a platform over a void to an arena, {size}"
    return Idea(
        title=title[0].upper() + title[1:],
        description=" ".join([*(part.sentence for part in parts), goal.sentence]),
        success=goal.success_text,
        rewards=" ".join(
            filter(
                None,
                [
                    "The speed (m/s) at which the robot nears what it has to do next.",
                    goal.rewards_text,
                ],
            )
        ),
        termination=" ".join(
            filter(None, [f"The robot has fallen off {where}.", goal.failure_text])
        ),
        recipe=recipe.as_dict(),
    )
