"""The Composer: an author that needs no model, no key and no network."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ...archive.metrics import NEAR_COPY
from ...archive.novelty import Neighbour
from ...errors import BrokenError
from ...task import Idea, Judgement, Outcome, Record
from ..author import Brief, FrameStrip, UnderWay
from ..model.meter import Meter
from .drawing import (
    DISTINCT,
    WIDEST,
    Known,
    recipe_in,
    unlikeness,
    widened,
)
from .recipe import Recipe, compose

if TYPE_CHECKING:
    from ..strategies.strategy import IdeaStrategy

MOST_UNDER_WAY = 10_000
"""So many ideas under way are remembered as known ones; others are read again."""


class Composer:
    """Proposes recipes and writes them as code."""

    name = "composer"
    max_repairs = 0

    def __init__(self, interesting: float) -> None:
        self._interesting = interesting
        self._lock = threading.Lock()
        self._known = Known()
        """The recipes of the journeys before the one that proposed last."""
        self._count = 0
        """How many records those were."""
        self._last: Record | None = None
        """The last of them."""
        self._under_way: dict[int, Idea] = {}
        """Ideas under way whose recipes are known, by their places in memory."""

    def for_journey(self, meter: Meter) -> Self:
        return self

    def supports(self, strategy: IdeaStrategy) -> bool:
        return strategy.has_recipes

    def propose(self, brief: Brief) -> Idea:
        with self._lock:
            recipe = self._choose(brief)
        idea, _ = compose(recipe)
        return replace(idea, strategy=brief.strategy.name, parents=brief.parents)

    def can_ask_beside(self, strategy: IdeaStrategy) -> bool:
        """It asks nobody, so there is nothing to be gained."""
        return False

    def propose_together(self, briefs: Sequence[Brief]) -> Sequence[Idea | None]:
        return [None] * len(briefs)

    def _choose(self, brief: Brief) -> Recipe:
        """The recipe least like all that the journey knows and that are under way."""
        known = self._known_from(brief)

        def best(recipes: Sequence[Recipe]) -> tuple[tuple[float, float], Recipe]:
            ranks = unlikeness(recipes, known)
            place = max(range(len(recipes)), key=ranks.__getitem__)
            return ranks[place], recipes[place]

        drawn = brief.strategy.recipes(brief)
        rank, chosen = best(drawn)
        # A strategy that offers one recipe alone wants that one.
        widest = WIDEST if len(drawn) > 1 else 0
        for steps in range(1, widest + 1):
            if rank[0] >= DISTINCT:
                break
            further = [widened(one, steps, brief.random) for one in drawn]
            rank, chosen = best([chosen, *further])
        return chosen

    def _known_from(self, brief: Brief) -> Known:
        """The recipes of all journeys before this one. Ideas come in the order of their journeys:
        mostly these are those of the time before and a few more, and only the latter are read."""
        records, count = brief.records, self._count
        if count:
            goes_on = count <= len(records) and records[count - 1] is self._last
        else:
            goes_on = any(id(idea) in self._under_way for idea in brief.under_way[:1])
        if not goes_on:
            count, self._known = 0, Known()
            self._under_way.clear()
        self._known.add_all(record.idea for record in records[count:])
        self._count, self._last = len(records), records[-1] if records else None
        for idea in brief.under_way:
            if id(idea) not in self._under_way:
                self._known.add_all([idea])
                # The idea itself, so that no other one can come to have its place in memory.
                self._under_way[id(idea)] = idea
                if len(self._under_way) > MOST_UNDER_WAY:
                    del self._under_way[next(iter(self._under_way))]
        return self._known

    def write(self, idea: Idea, stones: Sequence[Record]) -> str:
        recipe = recipe_in(idea)
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
        under_way: Sequence[UnderWay] = (),
        pictures: Sequence[Path | None] = (),
    ) -> Judgement:
        """Judged by novelty alone; the first task has nothing to be compared with."""
        copied = [
            (near.similarity, f"kept task “{near.record.idea.title}”") for near in neighbours[:1]
        ] + [(near.similarity, f"idea under way “{near.idea.title}”") for near in under_way[:1]]
        similarity, what = max(copied, default=(0.0, ""))
        if similarity > NEAR_COPY:
            return Judgement(
                "interestingness",
                False,
                f"Its cosine similarity to the {what} is {similarity:.3f}: above {NEAR_COPY} it is "
                "nearly a copy, however far the others are.",
                "novelty",
            )
        if novelty is None:
            return Judgement("interestingness", True, "Nothing has been kept yet.", "novelty")
        nearest = neighbours[0].record.idea.title
        positive = novelty >= self._interesting
        comparison = "at least" if positive else "below"
        return Judgement(
            "interestingness",
            positive,
            f"Its novelty is {novelty:.3f}, {comparison} {self._interesting:g}; the kept task most "
            f"like it is “{nearest}”.",
            "novelty",
        )

    def look(self, idea: Idea, picture: Path, strip: FrameStrip, code_success: bool) -> None:
        """It has no eyes."""

    def judge_again(
        self,
        idea: Idea,
        neighbours: Sequence[Neighbour],
        under_way: Sequence[UnderWay] = (),
        pictures: Sequence[Path | None] = (),
    ) -> None:
        """Asked again, it would measure the same."""
