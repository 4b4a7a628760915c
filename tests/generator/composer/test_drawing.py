"""What recipes are compared with, and what is known of kept ones, is exact however it is found."""

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from taskwright.archive.history import History, following
from taskwright.generator.composer.drawing import Known, _KeptRecipes, made_of, unlikeness
from taskwright.generator.composer.goals import GOALS
from taskwright.generator.composer.order import FIRST, THEN
from taskwright.generator.composer.parts import PARTS
from taskwright.generator.composer.recipe import Recipe, compose
from taskwright.task import Record

# Few of them, so that equal and similar recipes come about.
FEW_PARTS, FEW_FIRST = list(PARTS)[:5], list(FIRST)[:3]


@st.composite
def recipes(draw):
    parts = draw(st.lists(st.sampled_from(FEW_PARTS), max_size=3, unique=True))
    goal = draw(st.sampled_from(FEW_FIRST))
    after = [name for name in list(THEN)[:3] if name != goal]
    return Recipe(tuple(parts), goal, 1, 0, draw(st.none() | st.sampled_from(after)))


def distance(one, other):
    def apart(these, those):
        return 1 - len(these & those) / len(these | those) if these | those else 0.0

    return (apart(set(one.goals), set(other.goals)) + apart(set(one.parts), set(other.parts))) / 2


@settings(max_examples=60, deadline=None)
@given(st.lists(recipes(), max_size=12), st.lists(recipes(), min_size=1, max_size=4))
def test_a_recipe_is_as_unlike_as_the_nearest_of_all_known_ones_says(known, asked):
    index = Known()
    for recipe in known:
        index.add(recipe)
    expected = []
    for recipe in asked:
        kinds = {(frozenset(o.goals), frozenset(o.parts)): o for o in known}
        distances = sorted(distance(recipe, other) for other in kinds.values())
        nearest = [*distances, 1.0, 1.0, 1.0][:3]
        expected.append((nearest[0], sum(nearest) / 3))
    assert unlikeness(asked, index, Known()) == expected


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(recipes(), st.sampled_from(["learned", "too_hard"])), max_size=8))
def test_what_kept_tasks_are_made_of_is_known_for_any_number_of_records(made):
    history, records = History(), []
    for number, (recipe, status) in enumerate(made, 1):
        records.append(Record(number, status, "", compose(recipe)[0]))
        history.append(records[-1])
    for count in (len(records), len(records) // 2, 0):
        kept = [recipe for recipe, status in made[:count] if status == "learned"]
        with following(history.up_to(count), _KeptRecipes) as found:
            goals, parts = found.uses(count)
            for name in GOALS:
                assert goals[name] == sum(recipe.goals.count(name) for recipe in kept)
                alike = {(r.goals, made_of(r)[1]) for r in kept if r.goal == name}
                assert found.with_first_goal(name, count) == alike
            for name in PARTS:
                assert parts[name] == sum(recipe.parts.count(name) for recipe in kept)


def test_levels_and_numbers_make_no_distance():
    recipe = Recipe((FEW_PARTS[0],), FEW_FIRST[0], 1, 0)
    index = Known()
    index.add(recipe)
    other = dataclasses.replace(recipe, level=3, seed=7)
    (same, bare) = unlikeness([other, dataclasses.replace(recipe, parts=())], index)
    assert (same[0], bare[0]) == (0.0, 0.5)
