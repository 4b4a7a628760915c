"""The Composer: reproducible, varied, readable, and valid."""

from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from taskwright.generator.author import Brief, UnderWay
from taskwright.generator.composer import Composer
from taskwright.generator.composer.goals import GOALS
from taskwright.generator.composer.parts import PARTS
from taskwright.generator.composer.recipe import MAX_LEVEL, Recipe, compose
from taskwright.generator.strategies import STRATEGIES
from taskwright.sandbox.checker import check_task
from taskwright.task import Record, Task, Trial


def recipes(level: int) -> list[Recipe]:
    """Every goal on the field, every part, and every part after another one."""
    parts, goals = list(PARTS), list(GOALS)
    courses = [(part,) for part in parts]
    courses += [(part, parts[(n + level) % len(parts)]) for n, part in enumerate(parts)]
    return [Recipe((), goal, level, level) for goal in goals] + [
        Recipe(course, goals[(n + level) % len(goals)], level, level)
        for n, course in enumerate(courses)
    ]


def rejected(chosen: list[Recipe]) -> list[str]:
    def check(recipe: Recipe) -> str:
        outcome = check_task(Task(compose(recipe)[1]))
        return "" if outcome.passed else f"{recipe}: {outcome.report}"

    with ThreadPoolExecutor(2) as pool:
        return [report for report in pool.map(check, chosen) if report]


def test_has_at_least_eight_parts_and_eight_goals():
    assert len(PARTS) >= 8
    assert len(GOALS) >= 8


@pytest.mark.slow
def test_a_sample_of_recipes_passes_every_check():
    assert rejected(recipes(2)[::5]) == []


@pytest.mark.slow
@pytest.mark.parametrize("level", range(1, MAX_LEVEL + 1))
def test_recipes_of_every_level_pass_every_check(level):
    assert rejected(recipes(level)) == []


@pytest.mark.parametrize("recipe", recipes(3)[::4], ids=str)
def test_the_same_recipe_gives_the_same_readable_source(recipe):
    idea, source = compose(recipe)
    assert (idea, source) == compose(Recipe.from_dict(idea.recipe))
    assert max(map(len, source.splitlines())) <= 100
    (env,) = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert idea.title in ast.get_docstring(env)


def test_higher_levels_are_harder_in_numbers():
    easy, hard = (compose(Recipe(("gaps",), "reach", level, 0))[0] for level in (1, 6))
    assert "gaps of 0.7 m" in easy.description
    assert "gaps of 1.7 m" in hard.description


def grow(seed: int, count: int, steps: int = 10_000) -> list[Record]:
    """Records as they would come if every task were learned within `steps`."""
    composer, records = Composer(0.1), []
    for number in range(1, count + 1):
        random = np.random.default_rng([seed, number])
        stones = records[-1:]
        idea = composer.propose(
            Brief("r2d2", random, STRATEGIES["frontier"], stones=stones, records=records)
        )
        task = Task(composer.write(idea, stones))
        trial = Trial("learned", "", steps=steps)
        records.append(Record(number, "learned", "", idea, task, trial=trial))
    return records


def test_the_same_seed_gives_the_same_ideas_and_sources():
    assert grow(0, 12) == grow(0, 12)
    assert grow(0, 12) != grow(1, 12)


def test_no_two_of_forty_tasks_have_the_same_scene_and_goal():
    seen = {(frozenset(r.idea.recipe["parts"]), r.idea.recipe["goal"]) for r in grow(0, 40)}
    assert len(seen) == 40


def test_difficulty_grows_only_from_what_was_learned_quickly():
    quick = [record.idea.recipe["level"] for record in grow(0, 8)]
    slow = [record.idea.recipe["level"] for record in grow(0, 8, steps=100_000)]
    assert quick[0] == 1
    assert quick[-1] > 3
    assert set(slow) == {1}


def revision_of(hard, **more) -> Brief:
    random = np.random.default_rng(0)
    return Brief("r2d2", random, STRATEGIES["revision"], subject=hard, **more)


def test_a_task_that_was_too_hard_comes_back_easier():
    composer = Composer(0.1)
    hard = dataclasses.replace(grow(0, 5)[-1], status="too_hard")
    idea = composer.propose(revision_of(hard))
    assert idea.strategy == "revision"
    assert idea.parents == (hard.task_id,)
    assert idea.recipe["level"] == hard.idea.recipe["level"] - 1
    assert idea.recipe["goal"] == hard.idea.recipe["goal"]


def test_at_the_lowest_level_a_part_is_left_out():
    composer = Composer(0.1)
    idea, source = compose(Recipe(("gaps", "wall"), "reach", 1, 0))
    hard = Record(1, "too_hard", "", idea, Task(source))
    eased = composer.propose(revision_of(hard))
    assert len(eased.recipe["parts"]) == 1


def test_where_nothing_is_left_to_take_away_something_new_is_proposed():
    idea, source = compose(Recipe((), "reach", 1, 0))
    hard = Record(1, "too_hard", "", idea, Task(source))
    proposed = Composer(0.1).propose(revision_of(hard, records=[hard]))
    assert proposed.parents == (hard.task_id,)
    assert compose(Recipe.from_dict(proposed.recipe))[1] != source


def test_a_task_out_of_a_failure_has_a_part_of_what_was_too_hard():
    idea, source = compose(Recipe(("gaps", "wall"), "kick", 3, 0))
    hard = Record(1, "too_hard", "", idea, Task(source))
    for seed in range(8):
        random = np.random.default_rng(seed)
        brief = Brief("r2d2", random, STRATEGIES["failure"], subject=hard)
        practice = Composer(0.1).propose(brief)
        assert (practice.strategy, practice.parents) == ("failure", (hard.task_id,))
        parts, goal = practice.recipe["parts"], practice.recipe["goal"]
        assert (parts == [] and goal == "kick") or (
            len(parts) == 1 and set(parts) < {"gaps", "wall"} and goal != "kick"
        )


def test_breadth_takes_up_what_few_kept_tasks_have():
    kept = []
    for number, goal in enumerate(list(GOALS)[:-1] * 3, 1):
        idea, source = compose(Recipe(("gaps",), goal, 2, number))
        kept.append(Record(number, "learned", "", idea, Task(source)))
    goals = Counter()
    for seed in range(10):
        random = np.random.default_rng(seed)
        brief = Brief("r2d2", random, STRATEGIES["breadth"], stones=kept[:1], records=kept)
        idea = Composer(0.1).propose(brief)
        goals[idea.recipe["goal"]] += 1
        assert idea.strategy == "breadth"
        assert idea.recipe["level"] == 2
    assert goals.most_common(1)[0][0] == list(GOALS)[-1]


def test_novelty_alone_decides_what_is_interesting(make_record):
    from taskwright.archive.novelty import Neighbour

    composer = Composer(interesting=0.2)
    idea, _ = compose(Recipe((), "reach", 1, 0))
    neighbours = [Neighbour(make_record(1), 0.85)]
    assert composer.judge(idea, [], None).positive
    assert not composer.judge(idea, neighbours, 0.15).positive
    judgement = composer.judge(idea, neighbours, 0.25)
    assert judgement.positive
    assert "Task 1" in judgement.reason


def test_what_nearly_copies_one_kept_task_is_uninteresting_however_far_the_others_are(make_record):
    from taskwright.archive.novelty import Neighbour

    idea, _ = compose(Recipe((), "reach", 1, 0))
    far = [Neighbour(make_record(n), 0.2) for n in (2, 3)]
    near = Composer(0.12).judge(idea, [Neighbour(make_record(1), 0.91), *far], 0.56)
    assert not near.positive
    assert "0.910" in near.reason
    assert Composer(0.12).judge(idea, [Neighbour(make_record(1), 0.89), *far], 0.57).positive


def test_what_nearly_copies_an_idea_under_way_is_uninteresting(make_record):
    idea, _ = compose(Recipe((), "reach", 1, 0))
    near, far = (UnderWay(make_record(2).idea, similarity) for similarity in (0.92, 0.85))
    judgement = Composer(0.12).judge(idea, [], None, [near, far])
    assert not judgement.positive
    assert "the idea under way “Task 2” is 0.920" in judgement.reason
    assert Composer(0.12).judge(idea, [], None, [far]).positive


def test_what_all_tasks_have_in_common_is_not_embedded():
    texts = [compose(recipe)[0].text for recipe in recipes(3)]
    for common in ("void", "arena, "):
        assert sum(common in text for text in texts) < 0.1 * len(texts)
    assert "over a void" in compose(Recipe(("gaps",), "reach", 1, 0))[0].termination
