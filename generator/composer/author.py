"""The Composer: an author that needs no model, no key and no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np

from ...archive.metrics import NEAR_COPY
from ...archive.novelty import Neighbour
from ...errors import BrokenError
from ...task import Idea, Judgement, Outcome, Record, Strategy
from ..author import Brief, Moments
from ..model.meter import Meter
from .goals import GOALS
from .parts import PARTS
from .recipe import MAX_LEVEL, MAX_PARTS, Recipe, compose

CANDIDATES = 16
"""Recipes drawn for each idea, of which the one least like all known ones is taken."""

QUICKLY_LEARNED_STEPS = 20_000
"""A task learned within this many agent steps was easy: what grows from it is a level harder."""


class Composer:
    """Proposes recipes and writes them as code.

    Difficulty grows from what has been learned: a new recipe varies that of a learned task, a level
    higher where that one was learned quickly. A task that was too hard comes back easier.
    """

    name = "composer"
    max_repairs = 0
    strategies: tuple[Strategy, ...] = ("frontier", "breadth", "revision", "failure")
    """It has no words for what an agent achieved instead, so it cannot relabel."""

    def __init__(self, interesting: float) -> None:
        self._interesting = interesting

    def for_journey(self, meter: Meter) -> Self:
        return self

    def propose(self, brief: Brief) -> Idea:
        recipe = None
        if brief.strategy == "revision" and brief.subject and (hard := _recipe_of(brief.subject)):
            recipe = _eased(hard, brief.random)
        if recipe is None:
            # Where nothing is left to take away, a revision is a new task like any other.
            known = [known for record in brief.known if (known := _recipe_of(record))]
            draw = {"breadth": _rare, "failure": _practice}.get(brief.strategy, _grown)
            drawn = [draw(brief) for _ in range(CANDIDATES)]
            recipe = max(drawn, key=lambda candidate: _unlikeness(candidate, known))
        idea, _ = compose(recipe)
        parent = brief.subject or next(iter(brief.stones), None)
        parents = (parent.task_id or "",) if parent else ()
        return replace(idea, strategy=brief.strategy, parents=parents)

    def write(self, idea: Idea, stones: Sequence[Record]) -> str:
        recipe = _recipe_in(idea)
        if recipe is None:
            raise BrokenError(
                "The idea holds no recipe of the Composer's.",
                "Somebody or something has changed the archive; nothing follows for the task.",
            )
        return compose(recipe)[1]

    def repair(self, idea: Idea, source: str, outcome: Outcome) -> str:
        raise BrokenError("The Composer cannot repair code.", "Report the rejected task as a bug.")

    def judge(
        self,
        idea: Idea,
        neighbours: Sequence[Neighbour],
        novelty: float | None,
        pictures: Sequence[Path | None] = (),
    ) -> Judgement:
        """Judged by novelty alone; the first task has nothing to be compared with."""
        if novelty is None:
            return Judgement("interestingness", True, "Nothing has been kept yet.", "novelty")
        nearest = neighbours[0].record.idea.title
        if neighbours[0].similarity > NEAR_COPY:
            return Judgement(
                "interestingness",
                False,
                f"Its cosine similarity to the kept task “{nearest}” is "
                f"{neighbours[0].similarity:.3f}: above {NEAR_COPY} it is nearly a copy, however "
                "far the others are.",
                "novelty",
            )
        positive = novelty >= self._interesting
        comparison = "at least" if positive else "below"
        return Judgement(
            "interestingness",
            positive,
            f"Its novelty is {novelty:.3f}, {comparison} {self._interesting:g}; the kept task most "
            f"like it is “{nearest}”.",
            "novelty",
        )

    def look(self, idea: Idea, picture: Path, moments: Moments, code_success: bool) -> None:
        """It has no eyes."""

    def judge_again(
        self, idea: Idea, neighbours: Sequence[Neighbour], pictures: Sequence[Path | None] = ()
    ) -> None:
        """Asked again, it would measure the same."""


def _recipe_of(record: Record) -> Recipe | None:
    return _recipe_in(record.idea)


def _recipe_in(idea: Idea) -> Recipe | None:
    """What a task is made of; None where it was made otherwise, or where somebody has put something
    else there."""
    try:
        return Recipe.from_dict(idea.recipe) if idea.recipe is not None else None
    except ValueError:
        return None


def _grown(brief: Brief) -> Recipe:
    """A recipe grown from the stepping stone, or a beginner's one where there is none."""
    random = brief.random
    seed = int(random.integers(2**31))
    stone = next((stone for stone in brief.stones if _recipe_of(stone)), None)
    base = _recipe_of(stone) if stone else None
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


def _rare(brief: Brief) -> Recipe:
    """A recipe at the level of the stepping stone, out of goals and parts that few kept tasks
    have."""
    random = brief.random
    seed = int(random.integers(2**31))
    kept = [r for k in brief.known if k.status == "learned" and (r := _recipe_of(k))]
    bases = (base for stone in brief.stones if (base := _recipe_of(stone)))
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


def _practice(brief: Brief) -> Recipe:
    """A part of what was too hard: its goal without its scene, or one piece of its scene on the way
    to another goal; on an open field another goal, as there is no other part."""
    assert brief.subject is not None
    random, hard = brief.random, _recipe_of(brief.subject)
    if hard is None:
        return _grown(brief)
    seed = int(random.integers(2**31))
    if hard.parts and random.random() < 0.5:
        return Recipe((), hard.goal, hard.level, seed)
    goal = str(random.choice([name for name in GOALS if name != hard.goal]))
    piece = (str(random.choice(hard.parts)),) if hard.parts else ()
    return Recipe(piece, goal, hard.level, seed)


def _some_parts(random: np.random.Generator, count: int) -> tuple[str, ...]:
    return tuple(str(name) for name in random.choice(list(PARTS), size=count, replace=False))


def _eased(recipe: Recipe, random: np.random.Generator) -> Recipe | None:
    """The recipe made easier: a level lower, or at level 1 without one of its parts. None where
    there is nothing left to take away."""
    if recipe.level > 1:
        return replace(recipe, level=recipe.level - 1)
    if recipe.parts:
        dropped = int(random.integers(len(recipe.parts)))
        return replace(recipe, parts=recipe.parts[:dropped] + recipe.parts[dropped + 1 :])
    return None


def _unlikeness(recipe: Recipe, known: Sequence[Recipe]) -> float:
    """Distance (0 to 1) to the most similar known recipe, by goal and parts."""
    return min((_distance(recipe, other) for other in known), default=1.0)


def _distance(one: Recipe, other: Recipe) -> float:
    goal = one.goal != other.goal
    union = set(one.parts) | set(other.parts)
    shared = set(one.parts) & set(other.parts)
    scene = 1 - len(shared) / len(union) if union else 0.0
    return (goal + scene) / 2
