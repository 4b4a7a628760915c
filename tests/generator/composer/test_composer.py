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
from taskwright.generator.composer.drawing import DISTINCT, Known, unlikeness
from taskwright.generator.composer.goals import GOALS
from taskwright.generator.composer.order import FIRST, THEN
from taskwright.generator.composer.parts import PARTS
from taskwright.generator.composer.recipe import MAX_LEVEL, MAX_PARTS, Recipe, compose
from taskwright.generator.strategies import STRATEGIES
from taskwright.sandbox.checker import check_task
from taskwright.task import Record, Task, Trial
from taskwright.world.task_env import TaskEnv


def recipes(level: int) -> list[Recipe]:
    """Every goal on the field, every part, every part after another one, and goals in order."""
    parts, goals = list(PARTS), list(GOALS)
    courses = [(part,) for part in parts]
    courses += [(part, parts[(n + level) % len(parts)]) for n, part in enumerate(parts)]
    return [
        *(Recipe((), goal, level, level) for goal in goals),
        *(
            Recipe(course, goals[(n + level) % len(goals)], level, level)
            for n, course in enumerate(courses)
        ),
        *in_order(level),
    ]


def in_order(level: int) -> list[Recipe]:
    """Every goal before and after some other one, some of them at the end of a long course."""
    parts, found = list(PARTS), []
    for n, first in enumerate(FIRST):
        then = [name for name in THEN if name != first][(n + level) % (len(THEN) - 1)]
        course = tuple(
            parts[(n + level + k) % len(parts)] for k in range(MAX_PARTS if n % 4 else 0)
        )
        found.append(Recipe(course, first, level, level, then))
    return found


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


def test_the_second_goal_counts_from_when_the_first_has_been_accomplished():
    env = TaskEnv(compose(Recipe((), "reach", 1, 1, "stay"))[1])
    env.reset(seed=0)
    task = env.env
    here = np.array(task.robot.links["base"].position[:2])

    def color():
        return task._p.getVisualShapeData(task.arena)[0][7]

    def wait(steps):
        for _ in range(steps):
            *_, terminated, _, info = env.step(0)
            if terminated or info["is_success"]:
                return info["is_success"]
        return False

    before = color()
    task.circle_xy = here
    assert not wait(40)
    assert (task.first_done, task.held_s, color()) == (False, 0.0, before)
    task.beacon_xy = here
    assert wait(40)
    assert task.first_done
    assert task.held_s > 1.5
    assert color() != before, "the agent sees that the first is accomplished"
    env.reset(seed=1)
    task = env.env
    assert (task.first_done, color()) == (False, before)
    env.close()


@pytest.mark.parametrize(
    "more", [{"then": "kick"}, {"then": "reach"}, {"then": 3}, {"goal": "orbit", "then": "pads"}]
)
def test_goals_that_cannot_follow_each_other_make_no_recipe(more):
    made = Recipe((), "reach", 1, 0, "pads").as_dict()
    assert Recipe.from_dict(made).goals == ("reach", "pads")
    with pytest.raises(ValueError, match="follow each other"):
        Recipe.from_dict({**made, **more})


def some_recipes(random, count: int) -> list[Recipe]:
    found = []
    for _ in range(count):
        parts = tuple(map(str, random.choice(list(PARTS), size=int(random.integers(0, 6)))))[:5]
        goal = str(random.choice(FIRST))
        then = str(random.choice([name for name in THEN if name != goal]))
        found.append(Recipe(parts, goal, 1, 0, then if random.random() < 0.5 else None))
    return found


def test_unlikeness_is_the_distance_to_the_nearest_known_recipe():
    random = np.random.default_rng(0)
    recipes, known = some_recipes(random, 80), Known()
    assert unlikeness(recipes[:1], known) == [(1.0, 1.0)]

    def apart(one, other):
        return 1 - len(one & other) / len(one | other) if one | other else 0.0

    for number, recipe in enumerate(recipes[1:], 1):
        known.add(recipes[number - 1])
        kinds = {(frozenset(o.goals), frozenset(o.parts)) for o in recipes[:number]}
        distances = sorted(
            (apart({*recipe.goals}, goals) + apart({*recipe.parts}, parts)) / 2
            for goals, parts in kinds
        )
        nearest = [*distances, 1.0, 1.0][:3]
        assert unlikeness([recipe], known, Known()) == [(nearest[0], sum(nearest) / 3)]


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


def test_what_is_under_way_is_known():
    """None of 200 ideas that are all under way at once has the scene and the goal of another."""
    composer, ideas = Composer(0.1), []
    for number in range(200):
        random = np.random.default_rng([0, number])
        ideas.append(
            composer.propose(Brief("r2d2", random, STRATEGIES["frontier"], under_way=ideas))
        )
    kinds = {(frozenset(i.recipe["parts"]), i.recipe["goal"], i.recipe.get("then")) for i in ideas}
    assert len(kinds) == 200
    beginners = [i for i in ideas[:50] if len(i.recipe["parts"]) <= 1 and "then" not in i.recipe]
    assert len(beginners) > 40, "widening comes when it is needed"


def test_the_drawing_widens_where_all_that_lies_near_is_known():
    near = [
        compose(Recipe(parts, goal, 1, 0))[0]
        for parts in ((), *((p,) for p in PARTS))
        for goal in GOALS
    ]
    composer = Composer(0.1)
    for seed in range(5):
        brief = Brief("r2d2", np.random.default_rng(seed), STRATEGIES["frontier"], under_way=near)
        idea = composer.propose(brief)
        assert len(idea.recipe["parts"]) > 1 or "then" in idea.recipe
        known = Known()
        known.add_all(near)
        assert unlikeness([Recipe.from_dict(idea.recipe)], known)[0][0] >= DISTINCT


def test_a_composer_that_has_proposed_in_one_archive_proposes_in_another_as_a_new_one():
    first, second = grow(0, 12), grow(1, 12)
    used = Composer(0.1)
    for records in (first, first[:5], second, second[:3], first):
        brief = [
            Brief(
                "r2d2",
                np.random.default_rng(7),
                STRATEGIES["frontier"],
                records[-1:],
                records=records,
            )
            for _ in range(2)
        ]
        assert used.propose(brief[0]) == Composer(0.1).propose(brief[1])


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


def test_nothing_is_taken_away_that_leaves_a_task_which_is_kept_or_under_way():
    idea, source = compose(Recipe(("gaps", "wall"), "reach", 1, 0))
    hard = Record(1, "too_hard", "", idea, Task(source))
    without_wall, without_gaps = (
        compose(Recipe(parts, "reach", 1, 5)) for parts in (("gaps",), ("wall",))
    )
    kept = Record(2, "learned", "", without_wall[0], Task(without_wall[1]))
    for seed in range(4):
        brief = dataclasses.replace(
            revision_of(hard, records=[hard, kept]), random=np.random.default_rng(seed)
        )
        assert Composer(0.1).propose(brief).recipe["parts"] == ["wall"]
        brief = dataclasses.replace(brief, under_way=[without_gaps[0]])
        assert set(Composer(0.1).propose(brief).recipe["parts"]) not in ({"wall"}, {"gaps"})


def test_of_two_goals_the_second_is_left_out_first():
    idea, source = compose(Recipe(("gaps",), "reach", 1, 0, "stay"))
    hard = Record(1, "too_hard", "", idea, Task(source))
    eased = Recipe.from_dict(Composer(0.1).propose(revision_of(hard)).recipe)
    assert (eased.goals, eased.parts) == (("reach",), ("gaps",))


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
