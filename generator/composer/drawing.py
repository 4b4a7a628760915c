"""Drawing recipes: how the idea strategies have the Composer vary what is known.

Difficulty grows from what has been learned: a new recipe varies that of a learned task, a level
higher where that one was learned quickly. A task that was too hard comes back easier. Where all
that lies near is known already, the drawing widens: to other scenes and goals, to longer courses,
and to two goals in order.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from ...task import Idea, Record
from ..author import Brief
from .goals import GOALS
from .order import FIRST, THEN
from .parts import PARTS
from .recipe import MAX_LEVEL, MAX_PARTS, Recipe

CANDIDATES = 16
"""Recipes drawn for each idea, of which the one least like all known ones is taken."""

NEAR_PARTS = 3
"""Parts of the longest course that a strategy draws; those beyond are drawn by widening."""
DISTINCT = 0.45
"""A recipe at least this unlike all known ones is probably no near copy of any. Of 1,400 ideas with
512 in flight, pairs with the same goal had a cosine similarity above 0.90 in 26 % of cases where
they were 0.33 apart, in 8 % at 0.40, and in 1 % at 0.50; above 0.95 there were hardly any beyond
0.3, and above 0.90 none whose goals were others."""
NEIGHBOURS = 3
"""So many nearest recipes count, as many as for novelty."""
WIDEST = 6
"""How often the drawing widens at most."""
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
    parts, goal, then = base.parts, base.goal, base.then
    match random.choice(["goal", "scene", "longer", "both"]):
        case "goal":
            goal, then = str(random.choice([name for name in GOALS if name != base.goal])), None
        case "scene":
            parts = _some_parts(random, max(len(parts), 1))
        case "longer":
            parts = (*parts, *_some_parts(random, 1))[-NEAR_PARTS:]
        case _:
            parts = _some_parts(random, int(random.integers(0, len(parts) + 2)))
            goal, then = str(random.choice(list(GOALS))), None
    return Recipe(parts[:NEAR_PARTS], goal, level, seed, then)


def rare(brief: Brief) -> list[Recipe]:
    """Recipes at the level of the stepping stone, out of goals and parts that few kept tasks
    have."""
    random = brief.random
    kept = [r for k in brief.records if k.status == "learned" and (r := recipe_of(k))]
    bases = (base for stone in brief.stones if (base := recipe_of(stone)))
    base = next(bases, Recipe((), "reach", 1, 0))
    goals = Counter(goal for r in kept for goal in r.goals)
    parts = Counter(part for r in kept for part in r.parts)

    def draw(brief: Brief) -> Recipe:
        seed = int(random.integers(2**31))
        goal = _weighted(list(GOALS), goals, random, 1)
        scene = _weighted(list(PARTS), parts, random, int(random.integers(1, NEAR_PARTS + 1)))
        return Recipe(scene, goal[0], base.level, seed)

    return candidates(draw, brief)


def _weighted(
    names: list[str], uses: Counter[str], random: np.random.Generator, count: int
) -> tuple[str, ...]:
    chances = np.array([1.0 / (1 + uses[name]) ** 2 for name in names])
    chosen = random.choice(names, size=count, replace=False, p=chances / chances.sum())
    return tuple(map(str, chosen))


def practice(brief: Brief) -> Recipe:
    """A part of what was too hard: one of two goals, its goal without its scene, or one piece of
    its scene on the way to another goal; on an open field another goal, as there is no other part.
    """
    assert brief.subject is not None
    random, hard = brief.random, recipe_of(brief.subject)
    if hard is None:
        return grown(brief)
    seed = int(random.integers(2**31))
    if hard.then and random.random() < 0.5:
        return Recipe(hard.parts, str(random.choice(hard.goals)), hard.level, seed)
    if hard.parts and random.random() < 0.5:
        return Recipe((), hard.goal, hard.level, seed)
    goal = str(random.choice([name for name in GOALS if name != hard.goal]))
    piece = (str(random.choice(hard.parts)),) if hard.parts else ()
    return Recipe(piece, goal, hard.level, seed)


def _some_parts(random: np.random.Generator, count: int) -> tuple[str, ...]:
    return tuple(str(name) for name in random.choice(list(PARTS), size=count, replace=False))


def eased(brief: Brief) -> Recipe | None:
    """The recipe of a task that was too hard, made easier: a level lower, or at level 1 without its
    second goal or one of its parts. None where it has no recipe, and where nothing is left to take
    away that would not make it a task that is kept or under way."""
    hard = recipe_of(brief.subject) if brief.subject else None
    if hard is None:
        return None
    if hard.level > 1:
        easier = [replace(hard, level=hard.level - 1)]
    elif hard.then:
        easier = [replace(hard, then=None)]
    else:
        parts = hard.parts
        easier = [replace(hard, parts=parts[:n] + parts[n + 1 :]) for n in range(len(parts))]
    taken = _alike(brief, hard.goal)
    easier = [recipe for recipe in easier if (recipe.goals, _scene(recipe)) not in taken]
    return easier[int(brief.random.integers(len(easier)))] if easier else None


def _alike(brief: Brief, goal: str) -> set[tuple[tuple[str, ...], int]]:
    """Goals and scenes of all tasks that begin with a goal and are kept or under way."""
    ideas = [record.idea for record in brief.records if record.status == "learned"]
    recipes = [
        recipe_in(idea)
        for idea in (*ideas, *brief.under_way)
        if idea.recipe and idea.recipe.get("goal") == goal
    ]
    return {(recipe.goals, _scene(recipe)) for recipe in recipes if recipe}


class Known:
    """The recipes that are known, to measure by how unlike them another one is.

    The distance of two recipes (0 to 1) is the mean of that of their goals and that of their parts,
    each the share of what both have together that only one of them has. Levels and numbers make no
    distance.
    """

    def __init__(self) -> None:
        self._scenes: dict[frozenset[str], set[int]] = {}
        """By goals, the scenes with them, each as a number whose bits are its parts."""

    def add(self, recipe: Recipe) -> None:
        self._scenes.setdefault(frozenset(recipe.goals), set()).add(_scene(recipe))

    def add_all(self, ideas: Iterable[Idea]) -> None:
        """The recipes of those ideas that have one."""
        for idea in ideas:
            if recipe := recipe_in(idea):
                self.add(recipe)

    def distances(self, recipe: Recipe) -> list[float]:
        """The distances to the `NEIGHBOURS` nearest known recipes that differ in goals or parts,
        nearest first; 1.0 for those that are missing."""
        goals, scene = frozenset(recipe.goals), _scene(recipe)
        nearest = [1.0] * NEIGHBOURS
        for others, scenes in self._scenes.items():
            apart = 1 - len(goals & others) / len(goals | others)
            if apart / 2 < nearest[-1]:
                found = ((apart + _apart(scene, other)) / 2 for other in scenes)
                nearest = heapq.nsmallest(NEIGHBOURS, [*nearest, *found])
        return nearest


def unlikeness(recipe: Recipe, *known: Known) -> tuple[float, float]:
    """How unlike a recipe is to all that is known: its distance to the nearest known recipe, and
    where others are as far from theirs, the mean distance to the nearest few."""
    nearest = heapq.nsmallest(NEIGHBOURS, (d for some in known for d in some.distances(recipe)))
    return nearest[0], sum(nearest) / len(nearest)


_BITS = {name: 1 << place for place, name in enumerate(PARTS)}


def _scene(recipe: Recipe) -> int:
    return sum(_BITS[name] for name in set(recipe.parts))


def _apart(one: int, other: int) -> float:
    union = one | other
    return 1 - (one & other).bit_count() / union.bit_count() if union else 0.0


def widened(recipe: Recipe, steps: int, random: np.random.Generator) -> Recipe:
    """A recipe further away from what is known: a scene or a goal of its own, then courses that are
    up to two parts longer, and from the second of the `steps` on another goal after the first. A
    level lower for each of these that it has more, since each makes it harder."""
    longer = min(int(random.integers(0, min(steps, 2) + 1)), MAX_PARTS - len(recipe.parts))
    parts, goal, then = _some_parts(random, len(recipe.parts) + longer), recipe.goal, recipe.then
    if random.random() < 0.5:
        goal, then = str(random.choice(list(GOALS))), None
    if steps > 1 and then is None and goal in FIRST and random.random() < 0.5:
        then = str(random.choice([name for name in THEN if name != goal]))
    more = longer + (then is not None and recipe.then is None)
    return Recipe(parts, goal, max(recipe.level - more, 1), recipe.seed, then)
