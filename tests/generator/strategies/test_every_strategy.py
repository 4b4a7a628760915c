"""What holds of every idea strategy in the table, and that a line there is all that one takes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from taskwright.config import Config, StrategyConfig, resolve
from taskwright.generator.answers import IDEA_FIELDS
from taskwright.generator.author import Brief
from taskwright.generator.composer.author import Composer
from taskwright.generator.composer.recipe import Recipe, compose
from taskwright.generator.strategies import STRATEGIES, strategy_named
from taskwright.generator.strategies.bandit import (
    choose_start,
    enabled_strategies,
    weights_of_strategies,
)
from taskwright.generator.strategies.strategy import IdeaStrategy, Situation
from taskwright.generator.trial_terms import TrialTerms
from taskwright.prompts import render
from taskwright.task import Record, Task, Trial


@pytest.fixture
def records() -> list[Record]:
    """Journeys of the Composer, after which every strategy has something to start from."""
    hard = Trial("too_hard", "It was.", 0.0, 0.3, achieved="It drove about.")
    learned = Trial("learned", "It was.", 0.0, 0.9, steps=1_000)
    made = []
    for number, (status, trial) in enumerate([("learned", learned)] * 4 + [("too_hard", hard)] * 2):
        idea, source = compose(Recipe(("gaps", "wall"), "reach", 3, number))
        made.append(Record(number + 1, status, "A reason.", idea, Task(source), trial=trial))
    return made


def brief_of(strategy: IdeaStrategy, records: list[Record]) -> Brief:
    """What an author is told where a journey after these records starts by a strategy."""
    random = np.random.default_rng(0)
    start = strategy.start(Situation(records, len(records) + 1), random)
    assert (start.stone is None) != (start.subject is None), "one of both is what it starts from"
    stones = [record for record in records if record.task_id == start.stone]
    subject = next((record for record in records if record.number == start.subject), None)
    return Brief("r2d2", random, strategy, stones, (), subject, records)


@pytest.mark.parametrize("name", STRATEGIES)
class TestEveryStrategy:
    def test_says_who_it_is_and_what_it_asks_for(self, name):
        strategy = strategy_named(name)
        assert strategy.name == name
        assert name.isidentifier()
        assert len(strategy.asks_for.split()) > 3
        assert not strategy.asks_for.endswith(".")

    def test_can_be_enabled_alone(self, name):
        config = resolve({"strategies": {"enabled": [name]}}).strategies
        assert enabled_strategies(config) == [STRATEGIES[name]]

    def test_is_followed_where_it_is_enabled_and_applies(self, name, records):
        only, random = StrategyConfig(enabled=(name,)), np.random.default_rng(1)
        situation = Situation(records, len(records) + 1)
        assert STRATEGIES[name].applies(situation)
        assert choose_start(situation, random, only).strategy == name

    def test_a_run_can_begin_with_it_enabled_alone(self, name):
        only, random = StrategyConfig(enabled=(name,)), np.random.default_rng(1)
        start = choose_start(Situation([], 1), random, only)
        assert (start.stone, start.subject) == (None, None)

    def test_starts_from_the_same_wherever_it_is_asked_again(self, name, records):
        situation = Situation(records, len(records) + 1)
        strategy = STRATEGIES[name]
        starts = [strategy.start(situation, np.random.default_rng(3)) for _ in range(2)]
        assert starts[0] == starts[1]

    def test_asks_a_model_in_a_role_that_there_is_for_the_fields_of_an_idea(self, name, records):
        strategy = STRATEGIES[name]
        brief = brief_of(strategy, records)
        given = {"kept": brief.stones, "failures": [], "titles": [], "examples": []}
        given["trial"] = TrialTerms.of(Config())
        given |= {"strategy": name} | ({"subject": brief.subject} if brief.subject else {})
        prompt = render(strategy.template, robot="r2d2", **given)
        assert all(f"{field}:" in prompt for field in IDEA_FIELDS)
        assert strategy.role in resolve({}).model.roles.model_dump()
        known = {record.task_id for record in records}
        assert set(strategy.parents(brief)) <= known

    def test_is_followed_by_the_composer_where_it_says_so(self, name, records):
        strategy, composer = STRATEGIES[name], Composer(0.1)
        brief = brief_of(strategy, records)
        assert composer.supports(strategy) == bool(strategy.recipes(brief))
        if composer.supports(strategy):
            idea = composer.propose(brief)
            assert idea.strategy == name
            assert idea.parents == brief.parents
            assert Recipe.from_dict(idea.recipe)

    def test_earns_what_its_journeys_come_to(self, name, records):
        idea = dataclasses.replace(records[0].idea, strategy=name)
        kept = dataclasses.replace(records[0], idea=idea)
        weight = weights_of_strategies([kept])[name]
        assert weight.kept == 1
        assert weight.chance > 0.5


def test_the_docs_of_strategies_tell_of_each():
    text = (Path(__file__).parents[3] / "docs" / "prompts.md").read_text()
    for name in STRATEGIES:
        assert f"| `{name}` |" in text
