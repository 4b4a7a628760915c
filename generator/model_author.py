"""An author that asks a foundation model, with the templates in `prompts`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self, TypeVar

from ..archive.novelty import Neighbour
from ..config import ModelConfig
from ..prompts import render
from ..task import Idea, Judgement, Outcome, Record, Robot
from .answers import Interest, parse_code, parse_idea, parse_interest
from .author import Brief
from .model.client import FoundationModel
from .model.meter import Meter
from .seeds import SeedTask

T = TypeVar("T")

TITLES_IN_IDEA_PROMPT = 60
"""The latest titles, told so that they are not proposed again: about ten tokens each."""
EXAMPLES_IN_CODE_PROMPT = 2
"""Sources shown beside the interface. Each is about a thousand tokens, in every such prompt."""


class ModelAuthor:
    """Proposes, writes and judges with one foundation model."""

    def __init__(
        self,
        model: FoundationModel,
        config: ModelConfig,
        robot: Robot,
        examples: Sequence[SeedTask],
    ) -> None:
        self.name = model.name
        self.max_repairs = config.max_repairs
        self._model = model
        self._robot = robot
        self._examples = examples
        self._folder = config.prompts
        self._meter: Meter | None = None

    def for_journey(self, meter: Meter) -> Self:
        author = copy.copy(self)
        author._meter = meter
        return author

    def propose(self, brief: Brief) -> Idea:
        if brief.revised is not None:
            revised = brief.revised
            prompt = self._render("revision", record=revised)
            idea = self._ask("revision", prompt, parse_idea)
            return replace(idea, strategy="revision", parents=(revised.task_id or "",))
        prompt = self._render(
            "idea",
            kept=brief.stones,
            failures=brief.failures,
            examples=[seed.idea for seed in self._examples],
            titles=[record.idea.title for record in brief.known[-TITLES_IN_IDEA_PROMPT:]],
        )
        idea = self._ask("idea", prompt, parse_idea)
        parents = tuple(stone.task_id or "" for stone in brief.stones[:1])
        return replace(idea, strategy="new", parents=parents)

    def write(self, idea: Idea, stones: Sequence[Record]) -> str:
        sources = [stone.task.source for stone in stones if stone.task is not None]
        sources += [seed.source for seed in self._examples]
        prompt = self._render(
            "code", idea=idea, sources=list(dict.fromkeys(sources))[:EXAMPLES_IN_CODE_PROMPT]
        )
        return self._ask("code", prompt, parse_code)

    def repair(self, idea: Idea, source: str, outcome: Outcome) -> str:
        prompt = self._render("repair", idea=idea, source=source, outcome=outcome)
        return self._ask("repair", prompt, parse_code)

    def judge(
        self, idea: Idea, neighbours: Sequence[Neighbour], novelty: float | None
    ) -> Judgement:
        if not neighbours:
            return Judgement("interestingness", True, "Nothing has been kept yet.", "novelty")
        prompt = self._render(
            "interestingness",
            idea=idea,
            neighbours=[neighbour.record for neighbour in neighbours],
            yes=Interest.YES.value,
            no=Interest.NO.value,
        )
        judge = self._model.name_for("interestingness")
        return self._ask("interestingness", prompt, lambda answer: parse_interest(answer, judge))

    def _ask(self, role: str, prompt: str, parse: Callable[[str], T]) -> T:
        assert self._meter is not None, "an author asks for a journey: see for_journey"
        return self._model.ask(role, prompt, parse, self._meter)

    def _render(self, name: str, **values: Any) -> str:
        return render(name, self._folder, robot=self._robot, **values)
