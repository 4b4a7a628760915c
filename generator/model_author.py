"""An author that asks a foundation model, with the templates in `prompts`."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ..archive.novelty import Neighbour
from ..config import Config
from ..prompts import render, wanted
from ..task import Idea, Judgement, Outcome, Record, Sighting
from .answers import (
    Interest,
    Sight,
    parse_code,
    parse_comparison,
    parse_idea,
    parse_ideas,
    parse_interest,
    parse_sighting,
)
from .author import Brief, FrameStrip, UnderWay
from .examples import contrasting, excerpt
from .in_flight import NO_IDEA
from .model.client import FoundationModel
from .model.messages import Prompt, picture_part, text_part
from .model.meter import Meter
from .seeds import SeedTask
from .skeleton import RULES, SCENE, assemble, parse_parts, parts_of
from .trial_terms import TrialTerms

if TYPE_CHECKING:
    from .strategies.strategy import IdeaStrategy

T = TypeVar("T")

TITLE_CHARACTERS_IN_IDEA_PROMPT = 4_000
"""So much room have the titles that are listed against repetition: about a hundred of them, ten
tokens each."""
NEAREST_TITLES = 20
"""So many titles of the records most like what an idea starts from come before all others."""
UNDER_WAY_IN_JUDGE_PROMPT = 3
"""So many ideas under way, about eighty tokens each, are shown to a judge."""


class ModelAuthor:
    """Proposes, writes and judges with one foundation model."""

    def __init__(
        self,
        model: FoundationModel,
        config: Config,
        examples: Sequence[SeedTask],
    ) -> None:
        settings = config.model
        self.name = model.name
        self.max_repairs = settings.max_repairs
        self._model = model
        self._robot = config.run.robot
        self._trial = TrialTerms.of(config)
        self._examples = examples
        self._folder = settings.prompts
        self._style = settings.style
        self._stones = settings.neighbours + 1
        self._failures = settings.failures
        self._has_second_judge = settings.second_judge
        self._least_news = settings.least_news
        self._judges_success = settings.judge_success
        self._meter: Meter | None = None

    def for_journey(self, meter: Meter) -> Self:
        author = copy.copy(self)
        author._meter = meter
        return author

    def supports(self, strategy: IdeaStrategy) -> bool:
        return True

    def propose(self, brief: Brief) -> Idea:
        strategy = brief.strategy
        given: dict[str, Any] = {
            "strategy": strategy.name,
            "kept": brief.stones,
            "failures": brief.failures,
            "titles": _titles([brief], self._told(brief)),
            "examples": [seed.idea for seed in self._examples],
        }
        if brief.subject is not None:
            given["subject"] = brief.subject
        prompt = self._render(strategy.template, **given)
        idea = self._ask(strategy.role, prompt, parse_idea)
        return replace(idea, strategy=strategy.name, parents=strategy.parents(brief))

    def _told(self, brief: Brief) -> list[Record]:
        """The records that the prompt for one idea tells of."""
        shown = wanted(brief.strategy.template, self._folder)
        stones = brief.stones if "kept" in shown else ()
        failures = brief.failures if "failures" in shown else ()
        return [*stones, *failures, *([brief.subject] if brief.subject else [])]

    def can_ask_beside(self, strategy: IdeaStrategy) -> bool:
        own = self._folder and self._folder / f"{strategy.template}.md.j2"
        if own and own.is_file() and not (own.parent / "ideas.md.j2").is_file():
            return False  # Who replaces the prompt for one idea wants to see it used.
        return strategy.beside is not None

    def propose_together(self, briefs: Sequence[Brief]) -> Sequence[Idea | None]:
        stones = _in_turn([brief.stones for brief in briefs], 2 * self._stones)
        failures = _in_turn([brief.failures for brief in briefs], 2 * self._failures)
        subjects = [brief.subject for brief in briefs if brief.subject]
        prompt = self._render(
            "ideas",
            kept=stones,
            failures=failures,
            titles=_titles(briefs, [*stones, *failures, *subjects]),
            examples=[seed.idea for seed in self._examples],
            wanted=[self._request(brief) for brief in briefs],
        )
        ideas = self._ask("idea", prompt, lambda answer: parse_ideas(answer, len(briefs)))
        return [
            replace(idea, strategy=brief.strategy.name, parents=brief.strategy.parents(brief))
            if idea
            else None
            for idea, brief in zip(ideas, briefs, strict=True)
        ]

    def _request(self, brief: Brief) -> str:
        """What one of several ideas is to be."""
        template = brief.strategy.beside
        assert template is not None, "who asks has looked whether it can be asked for in a list"
        stone = next(iter(brief.stones), None)
        return self._render(template, stone=stone, subject=brief.subject).strip()

    def write(self, idea: Idea, stones: Sequence[Record]) -> str:
        if self._style == "skeleton":
            scene = self._ask_for_parts("code", "skeleton_scene", SCENE, idea=idea)
            source = assemble(idea, self._robot, scene)
            rules = self._ask_for_parts("code", "skeleton_rules", RULES, idea=idea, source=source)
            return assemble(idea, self._robot, scene | rules)
        found = [stone.task.source for stone in stones if stone.task is not None]
        found += [seed.source for seed in self._examples]
        near = found[:1]
        other = contrasting(near[0], found) if near else ""
        prompt = self._render(
            "code",
            idea=idea,
            sources=near + [other] * bool(other),
            contrast=excerpt(other, near[0]) if other else "",
        )
        return self._ask("code", prompt, parse_code)

    def repair(self, idea: Idea, source: str, outcome: Outcome) -> str:
        parts = parts_of(source) if self._style == "skeleton" else None
        if parts is not None:
            changed = self._ask_for_parts(
                "repair",
                "skeleton_repair",
                (*SCENE, *RULES),
                all_of_them=False,
                source=source,
                outcome=outcome,
                parts=tuple(parts),
            )
            return assemble(idea, self._robot, parts | changed)
        prompt = self._render("repair", idea=idea, source=source, outcome=outcome)
        return self._ask("repair", prompt, parse_code)

    def judge(
        self,
        idea: Idea,
        neighbours: Sequence[Neighbour],
        novelty: float | None,
        under_way: Sequence[UnderWay] = (),
        pictures: Sequence[Path | None] = (),
    ) -> Judgement:
        shown = self._shown_to_a_judge(under_way)
        if not neighbours and not shown:
            return Judgement("interestingness", True, "Nothing has been kept yet.", "novelty")
        return self._judged_in("interestingness", idea, neighbours, shown, pictures)

    def judge_again(
        self,
        idea: Idea,
        neighbours: Sequence[Neighbour],
        under_way: Sequence[UnderWay] = (),
        pictures: Sequence[Path | None] = (),
    ) -> Judgement | None:
        shown = self._shown_to_a_judge(under_way)
        if not self._has_second_judge or (not neighbours and not shown):
            return None
        return self._judged_in("second_judge", idea, neighbours, shown, pictures)

    def _shown_to_a_judge(self, under_way: Sequence[UnderWay]) -> list[Idea]:
        """The ideas under way that a judge is shown: none by a user's template that does not list
        them, for the judge names the closest task by its number in the list."""
        if "under_way" not in wanted("interestingness", self._folder):
            return []
        return [other.idea for other in under_way[:UNDER_WAY_IN_JUDGE_PROMPT]]

    def look(
        self, idea: Idea, picture: Path, strip: FrameStrip, code_success: bool
    ) -> Sighting | None:
        if not self._judges_success:
            return None
        text = self._render(
            "success",
            idea=idea,
            moments=strip.count,
            apart_s=strip.apart_s,
            at_the_end=strip.at_the_end,
            yes=Sight.YES.value,
            no=Sight.NO.value,
            unclear=Sight.UNCLEAR.value,
        )
        judge = self._model.name_for("success")
        return self._ask(
            "success",
            [text_part(text), picture_part(picture)],
            lambda answer: parse_sighting(answer, judge, code_success),
        )

    def _judged_in(
        self,
        role: str,
        idea: Idea,
        neighbours: Sequence[Neighbour],
        under_way: Sequence[Idea],
        pictures: Sequence[Path | None],
    ) -> Judgement:
        captions = ["The proposal:", *(f"Task {n}:" for n in range(1, len(neighbours) + 1))]
        shown = [
            (caption, path)
            for caption, path in zip(captions, pictures, strict=False)
            if path is not None
        ]
        asks_for_verdict = "yes" in wanted("interestingness", self._folder)
        text = self._render(
            "interestingness",
            idea=idea,
            neighbours=[neighbour.record for neighbour in neighbours],
            under_way=under_way,
            pictures=len(shown),
            yes=Interest.YES.value,
            no=Interest.NO.value,
        )
        parts = [text_part(text)]
        for caption, path in shown:
            parts += [text_part(caption), picture_part(path)]
        judge = self._model.name_for(role)
        titles = [neighbour.record.idea.title for neighbour in neighbours]
        titles += [idea.title for idea in under_way]

        def parse(answer: str) -> Judgement:
            if asks_for_verdict:
                return parse_interest(answer, judge, titles)
            solved = self._trial.learned_success_rate
            return parse_comparison(answer, judge, titles, self._least_news, solved)

        return self._ask(role, parts if shown else text, parse)

    def _ask(self, role: str, prompt: Prompt, parse: Callable[[str], T]) -> T:
        assert self._meter is not None, "an author asks for a journey: see for_journey"
        return self._model.ask(role, prompt, parse, self._meter)

    def _ask_for_parts(
        self,
        role: str,
        template: str,
        names: Sequence[str],
        *,
        all_of_them: bool = True,
        **given: Any,
    ) -> dict[str, str]:
        prompt = self._render(template, **given)
        return self._ask(
            role, prompt, lambda answer: parse_parts(answer, names, all_of_them=all_of_them)
        )

    def _render(self, name: str, **values: Any) -> str:
        return render(name, self._folder, robot=self._robot, trial=self._trial, **values)


def _titles(briefs: Sequence[Brief], told: Sequence[Record]) -> list[str]:
    """The titles of earlier ideas that fit into a prompt, each once, without those that it has
    `told` of in full: first the nearest ones, then those under way, then all others, the latest
    first."""
    first = briefs[0]
    near = (brief.nearest(NEAREST_TITLES // len(briefs)) for brief in briefs)
    nearest = (record.idea for records in near for record in records)
    others = (record.idea for record in reversed(first.records))
    seen = {record.idea.title.casefold() for record in told}
    titles, room = [], TITLE_CHARACTERS_IN_IDEA_PROMPT
    for idea in (*nearest, *reversed(first.under_way), *others):
        if idea == NO_IDEA or idea.title.casefold() in seen:
            continue
        room -= len(idea.title)
        if room < 0:
            break
        seen.add(idea.title.casefold())
        titles.append(idea.title)
    return titles


def _in_turn(several: Sequence[Sequence[Record]], count: int) -> list[Record]:
    """The first of each, then the second of each, and so on, each record once: `count` of them, and
    at least as many as there are lists."""
    found: dict[int, Record] = {}
    for records in itertools.zip_longest(*several):
        for record in filter(None, records):
            if len(found) < max(count, len(several)):
                found.setdefault(record.number, record)
    return list(found.values())
