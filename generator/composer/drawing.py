"""Drawing recipes: how the idea strategies have the Composer vary what is known.

Difficulty grows from what has been learned: a new recipe varies that of a learned task, a level
higher where that one was learned quickly. A task that was too hard comes back easier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ...task import Idea, Record
from ..author import Brief
from .goals import GOALS
from .parts import PARTS
from .recipe import MAX_LEVEL, MAX_PARTS, Recipe

CANDIDATES = 16
"""Recipes drawn for each idea, of which the one least like all known ones is taken."""

QUICKLY_LEARNED_STEPS = 20_000
"""A task learned within this many agent steps was easy: what grows from it is a level harder."""


def recipe_of(record: Record) -> Recipe | None:
    return recipe_in(record.idea)


def recipe_in(idea: Idea) -> Recipe | None:
    """What a task is made of; None where it was made otherwise, or where somebody has put something
    else there."""
    try:
        return Recipe.from_dict(idea.recipe) if idea.recipe is not None else None
    except ValueError:
        return None


def candidates(draw: Callable[[Brief], Recipe], brief: Brief) -> list[Recipe]:
    """Recipes drawn for one idea."""
    return [draw(brief) for _ in range(CANDIDATES)]


def grown(brief: Brief) -> Recipe:
    """A recipe grown from the stepping stone, or a beginner's one where there is none."""
    random = brief.random
    seed = int(random.integers(2**31))
    stone = next((stone for stone in brief.stones if recipe_of(stone)), None)
    base = recipe_of(stone) if stone else None
    if stone is None or base is None:
        parts = _some_parts(random, int(random.integers(0, 2)))
        return Recipe(parts, str(random.choice(list(GOALS))), 1, seed)
    quick = stone.trial is not None and stone.trial.steps <= QUICKLY_LEARNED_STEPS
    level = min(base.level + quick, MAX_LEVEL)
    parts, goal = base.parts, base.goal
    match random.choice(["goal", "scene", "longer", "both"]):
        case "goal":
            goal = str(random.choice([name for name in GOALS if name != base.goal]))
        case "scene":
            parts = _some_parts(random, max(len(parts), 1))
        case "longer":
            parts = (*parts, *_some_parts(random, 1))[-MAX_PARTS:]
        case _:
            parts = _some_parts(random, int(random.integers(0, len(parts) + 2)))
            goal = str(random.choice(list(GOALS)))
    return Recipe(parts[:MAX_PARTS], goal, level, seed)


def rare(brief: Brief) -> Recipe:
    """A recipe at the level of the stepping stone, out of goals and parts that few kept tasks
    have."""
    random = brief.random
    seed = int(random.integers(2**31))
    kept = [r for k in brief.records if k.status == "learned" and (r := recipe_of(k))]
    bases = (base for stone in brief.stones if (base := recipe_of(stone)))
    base = next(bases, Recipe((), "reach", 1, seed))
    goals, parts = Counter(r.goal for r in kept), Counter(p for r in kept for p in r.parts)
    goal = _weighted(list(GOALS), goals, random, 1)
    scene = _weighted(list(PARTS), parts, random, int(random.integers(1, MAX_PARTS + 1)))
    return Recipe(scene, goal[0], base.level, seed)


def _weighted(
    names: list[str], uses: Counter[str], random: np.random.Generator, count: int
) -> tuple[str, ...]:
    chances = np.array([1.0 / (1 + uses[name]) ** 2 for name in names])
    chosen = random.choice(names, size=count, replace=False, p=chances / chances.sum())
    return tuple(map(str, chosen))


def practice(brief: Brief) -> Recipe:
    """A part of what was too hard: its goal without its scene, or one piece of its scene on the way
    to another goal; on an open field another goal, as there is no other part."""
    assert brief.subject is not None
    random, hard = brief.random, recipe_of(brief.subject)
    if hard is None:
        return grown(brief)
    seed = int(random.integers(2**31))
    if hard.parts and random.random() < 0.5:
        return Recipe((), hard.goal, hard.level, seed)
    goal = str(random.choice([name for name in GOALS if name != hard.goal]))
    piece = (str(random.choice(hard.parts)),) if hard.parts else ()
    return Recipe(piece, goal, hard.level, seed)


def _some_parts(random: np.random.Generator, count: int) -> tuple[str, ...]:
    return tuple(str(name) for name in random.choice(list(PARTS), size=count, replace=False))


def eased(brief: Brief) -> Recipe | None:
    """The recipe of a task that was too hard, made easier: a level lower, or at level 1 without one
    of its parts. None where there is nothing left to take away, or no recipe."""
    hard = recipe_of(brief.subject) if brief.subject else None
    if hard is None:
        return None
    if hard.level > 1:
        return replace(hard, level=hard.level - 1)
    if hard.parts:
        dropped = int(brief.random.integers(len(hard.parts)))
        return replace(hard, parts=hard.parts[:dropped] + hard.parts[dropped + 1 :])
    return None


def unlikeness(recipe: Recipe, known: Sequence[Recipe]) -> float:
    """Distance (0 to 1) to the most similar known recipe, by goal and parts."""
    return min((_distance(recipe, other) for other in known), default=1.0)


def _distance(one: Recipe, other: Recipe) -> float:
    goal = one.goal != other.goal
    union = set(one.parts) | set(other.parts)
    shared = set(one.parts) & set(other.parts)
    scene = 1 - len(shared) / len(union) if union else 0.0
    return (goal + scene) / 2
