"""Drawing recipes: how the idea strategies have the Composer vary what is known.

Difficulty grows from what has been learned: a new recipe varies that of a learned task, a level
higher where that one was learned quickly. A task that was too hard comes back easier. Where all
that lies near is known already, the drawing widens: to other scenes and goals, to longer courses,
and to two goals in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...archive.history import Versions, following
from ...task import Idea, Record
from ..author import Brief
from .goals import GOALS
from .order import FIRST, THEN
from .parts import PARTS
from .recipe import MAX_LEVEL, MAX_PARTS, Recipe

_GOALS, _PARTS = list(GOALS), list(PARTS)
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
        return Recipe(parts, _one(_GOALS, random), 1, seed)
    quick = stone.trial is not None and stone.trial.steps <= QUICKLY_LEARNED_STEPS
    level = min(base.level + quick, MAX_LEVEL)
    parts, goal, then = base.parts, base.goal, base.then
    match _one(["goal", "scene", "longer", "both"], random):
        case "goal":
            goal, then = _one([name for name in _GOALS if name != base.goal], random), None
        case "scene":
            parts = _some_parts(random, max(len(parts), 1))
        case "longer":
            parts = (*parts, *_some_parts(random, 1))[-NEAR_PARTS:]
        case _:
            parts = _some_parts(random, int(random.integers(0, len(parts) + 2)))
            goal, then = _one(_GOALS, random), None
    return Recipe(parts[:NEAR_PARTS], goal, level, seed, then)


def rare(brief: Brief) -> list[Recipe]:
    """Recipes at the level of the stepping stone, out of goals and parts that few kept tasks
    have."""
    random = brief.random
    bases = (base for stone in brief.stones if (base := recipe_of(stone)))
    base = next(bases, Recipe((), "reach", 1, 0))
    with following(brief.records, _KeptRecipes) as kept:
        goals, parts = kept.uses(len(brief.records))

    def draw(brief: Brief) -> Recipe:
        seed = int(random.integers(2**31))
        goal = _weighted(_GOALS, goals, random, 1)
        scene = _weighted(_PARTS, parts, random, int(random.integers(1, NEAR_PARTS + 1)))
        return Recipe(scene, goal[0], base.level, seed)

    return candidates(draw, brief)


def _weighted(
    names: list[str], uses: Counter[str], random: np.random.Generator, count: int
) -> tuple[str, ...]:
    chances = np.array([1.0 / (1 + uses[name]) ** 2 for name in names])
    p = chances / chances.sum()
    chosen = random.choice(len(names), size=count, replace=False, p=p)
    return tuple(names[n] for n in chosen.tolist())


def _one(names: Sequence[str], random: np.random.Generator) -> str:
    # A number is drawn much faster than one of some texts, and is the same number.
    return names[int(random.choice(len(names)))]


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
        return Recipe(hard.parts, _one(hard.goals, random), hard.level, seed)
    if hard.parts and random.random() < 0.5:
        return Recipe((), hard.goal, hard.level, seed)
    goal = _one([name for name in _GOALS if name != hard.goal], random)
    piece = (_one(hard.parts, random),) if hard.parts else ()
    return Recipe(piece, goal, hard.level, seed)


def _some_parts(random: np.random.Generator, count: int) -> tuple[str, ...]:
    return tuple(_PARTS[n] for n in random.choice(len(_PARTS), size=count, replace=False).tolist())


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
    recipes = (
        recipe_in(idea)
        for idea in brief.under_way
        if idea.recipe and idea.recipe.get("goal") == goal
    )
    under_way = {(recipe.goals, _scene(recipe)) for recipe in recipes if recipe}
    with following(brief.records, _KeptRecipes) as kept:
        return under_way | kept.with_first_goal(goal, len(brief.records))


class _KeptRecipes:
    """What kept tasks are made of."""

    def __init__(self) -> None:
        self._count = 0
        self._goals = {name: place for place, name in enumerate(GOALS)}
        self._parts = {name: len(GOALS) + place for place, name in enumerate(PARTS)}
        self._uses = Versions()
        """How often each goal is used, and after the goals each part."""
        for _ in range(len(GOALS) + len(PARTS)):
            self._uses.append(0, 0)
        self._made: dict[str, dict[tuple[tuple[str, ...], int], int]] = {}
        """By their first goal, the goals and scenes of kept tasks, each with how many records there
        were when the first of them was kept."""

    def take(self, record: Record) -> None:
        self._count += 1
        recipe = recipe_of(record) if record.status == "learned" else None
        if recipe is None:
            return
        goals = [self._goals[name] for name in recipe.goals]
        for place in (*goals, *(self._parts[name] for name in recipe.parts)):
            self._uses.change(self._count, place, self._uses[place] + 1)
        made = self._made.setdefault(recipe.goal, {})
        made.setdefault((recipe.goals, _scene(recipe)), self._count)

    def uses(self, count: int) -> tuple[Counter[str], Counter[str]]:
        """How often the first `count` records have kept a task with each goal, and each part."""
        uses = self._uses.after(count).astype(int).tolist()
        goals = Counter({name: uses[place] for name, place in self._goals.items()})
        return goals, Counter({name: uses[place] for name, place in self._parts.items()})

    def with_first_goal(self, goal: str, count: int) -> set[tuple[tuple[str, ...], int]]:
        """The goals and scenes of those that begin with a goal, among the first `count` records."""
        return {made for made, first in self._made.get(goal, {}).items() if first <= count}


class Known:
    """The recipes that are known, to measure by how unlike them others are.

    The distance of two recipes (0 to 1) is the mean of that of their goals and that of their parts,
    each the share of what both have together that only one of them has. Levels and numbers make no
    distance.
    """

    def __init__(self) -> None:
        self._known: set[Made] = set()
        self._goals, self._scenes = np.zeros((2, 64), np.uint32)
        """What each is made of; twice as much room where there is none left."""

    def add(self, recipe: Recipe) -> None:
        self.add_made(made_of(recipe))

    def add_made(self, made: Made) -> None:
        if made not in self._known:
            place = len(self._known)
            if place == len(self._goals):
                more = np.zeros_like(self._goals)
                self._goals = np.concatenate([self._goals, more])
                self._scenes = np.concatenate([self._scenes, more])
            self._goals[place], self._scenes[place] = made
            self._known.add(made)

    def add_all(self, ideas: Iterable[Idea]) -> None:
        """The recipes of those ideas that have one."""
        for idea in ideas:
            if recipe := recipe_in(idea):
                self.add(recipe)

    def distances(self, made: Sequence[Made]) -> NDArray[np.float64]:
        """The distances of each to the `NEIGHBOURS` nearest known recipes that differ in goals or
        parts, shape (NEIGHBOURS, len(made)); 1.0 for those that are missing."""
        count = len(self._known)
        goals, scenes = np.array(made, np.uint32).reshape(-1, 2).T
        apart = _apart(goals, self._goals[:count]) + _apart(scenes, self._scenes[:count])
        padded = np.concatenate([apart / 2, np.ones((len(made), NEIGHBOURS))], axis=1)
        return np.partition(padded, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS].T


def unlikeness(recipes: Sequence[Recipe], *known: Known) -> list[tuple[float, float]]:
    """How unlike each recipe is to all that is known: its distance to the nearest known recipe, and
    where others are as far from theirs, the mean distance to the nearest few."""
    made = [made_of(recipe) for recipe in recipes]
    found = np.sort(np.concatenate([some.distances(made) for some in known]), axis=0)
    return [(near[0], sum(near) / NEIGHBOURS) for near in found[:NEIGHBOURS].T.tolist()]


def _apart(some: NDArray[np.uint32], others: NDArray[np.uint32]) -> NDArray[np.float64]:
    """The share of what two sets have together that only one has, for sets that are the bits of
    numbers: shape (some, others). Two empty sets are alike."""
    shared = np.bitwise_count(some[:, None] & others)
    together = np.bitwise_count(some[:, None] | others)
    shares: NDArray[np.float64] = _SHARES.take(together * np.uint16(_SETS) + shared)
    return shares


_SETS = 33
"""So many sizes a set of 32 bits can have."""
_SHARES = 1 - np.arange(_SETS) / np.maximum(np.arange(_SETS), 1)[:, None]
"""By how many things two sets have together, and how many of these both have, the share that only
one has; a table is several times faster than divisions."""
_SHARES[0] = 0.0

Made = tuple[int, int]
"""Goals and scene of a recipe, as numbers whose bits are its goals and its parts: what tells it
from another."""
_GOAL_BITS = {name: 1 << place for place, name in enumerate(_GOALS)}
_PART_BITS = {name: 1 << place for place, name in enumerate(_PARTS)}


def made_of(recipe: Recipe) -> Made:
    return sum(_GOAL_BITS[name] for name in set(recipe.goals)), _scene(recipe)


def _scene(recipe: Recipe) -> int:
    return sum(_PART_BITS[name] for name in set(recipe.parts))


def widened(recipe: Recipe, steps: int, random: np.random.Generator) -> Recipe:
    """A recipe further away from what is known: a scene or a goal of its own, then courses that are
    up to two parts longer, and from the second of the `steps` on another goal after the first. A
    level lower for each of these that it has more, since each makes it harder."""
    longer = min(int(random.integers(0, min(steps, 2) + 1)), MAX_PARTS - len(recipe.parts))
    parts, goal, then = _some_parts(random, len(recipe.parts) + longer), recipe.goal, recipe.then
    if random.random() < 0.5:
        goal, then = _one(_GOALS, random), None
    if steps > 1 and then is None and goal in FIRST and random.random() < 0.5:
        then = _one([name for name in THEN if name != goal], random)
    more = longer + (then is not None and recipe.then is None)
    return Recipe(parts, goal, max(recipe.level - more, 1), recipe.seed, then)
