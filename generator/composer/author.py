"""The Composer: an author that needs no model, no key and no network."""

from __future__ import annotations

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
from .drawing import recipe_in, recipe_of, unlikeness
from .recipe import compose

if TYPE_CHECKING:
    from ..strategies.strategy import IdeaStrategy


class Composer:
    """Proposes recipes and writes them as code."""

    name = "composer"
    max_repairs = 0

    def __init__(self, interesting: float) -> None:
        self._interesting = interesting

    def for_journey(self, meter: Meter) -> Self:
        return self

    def supports(self, strategy: IdeaStrategy) -> bool:
        return strategy.has_recipes

    def propose(self, brief: Brief) -> Idea:
        known = [known for record in brief.records if (known := recipe_of(record))]
        drawn = brief.strategy.recipes(brief)
        recipe = max(drawn, key=lambda candidate: unlikeness(candidate, known))
        idea, _ = compose(recipe)
        return replace(idea, strategy=brief.strategy.name, parents=brief.parents)

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
