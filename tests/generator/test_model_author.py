"""The author that asks a model: what it asks for, in which role, and what it makes of answers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from taskwright.archive.novelty import Neighbour
from taskwright.config import Config, ModelConfig
from taskwright.errors import BrokenError
from taskwright.generator.author import Brief
from taskwright.generator.model.client import FoundationModel
from taskwright.generator.model.meter import Meter
from taskwright.generator.model_author import ModelAuthor
from taskwright.generator.seeds import example_tasks
from taskwright.generator.skeleton import assemble, parts_of
from taskwright.generator.strategies import STRATEGIES
from taskwright.task import Idea, Outcome, Task, Trial

IDEA = Idea("Touch the ball", "A ball.", "It is touched.", "Speed.", "None")
ANSWER = "TITLE: {}\nDESCRIPTION: a\nSUCCESS: b\nREWARDS: c\nTERMINATION: None"
JUDGED = "CLOSEST: 2\nREASON: The same drive.\nREACH: 20\nNEW: {}"
SCENE = "BODIES:\n```\nself.ball = 1\n```\nPLACES:\n```\nself.x = 0.0\n```\nMOTION:\nNone"
RULES = "REWARDS:\n```\nrewards['a'] = 0.0\n```\nTERMINATION:\nNone\nSUCCESS:\n```\n{}\n```"


@pytest.fixture
def author(tmp_path, model_server):
    """Makes an author at work for a journey, whose model is the scripted server."""
    with_settings = []

    def make(**settings) -> ModelAuthor:
        config = ModelConfig(name="scripted", base_url=model_server.url, max_retries=0, **settings)
        model = FoundationModel(config, tmp_path, lambda *_, **__: None)
        with_settings.append(model)
        model.__enter__()
        return ModelAuthor(model, Config(model=config), ()).for_journey(Meter(1))

    yield make
    for model in with_settings:
        model.close()


def brief(strategy, stones=(), subject=None) -> Brief:
    random = np.random.default_rng(0)
    return Brief("r2d2", random, STRATEGIES[strategy], stones, (), subject, stones)


@pytest.mark.parametrize(
    ("strategy", "asks", "parent"),
    [
        ("frontier", "a small step beyond “Task 1”", 1),
        ("breadth", "from all over its archive", None),
        ("revision", "turned out too hard", 3),
        ("relabel", "did something else instead", 3),
        ("failure", "trains a part of what that one demands", 3),
    ],
)
def test_each_strategy_has_its_prompt_and_its_parent(
    strategy, asks, parent, author, model_server, make_record
):
    model_server.answer = lambda prompt: ANSWER.format("Next")
    records = {n: make_record(n) for n in (1, 2)}
    records[3] = make_record(3, "too_hard", trial=Trial("too_hard", "", 0.0, 0.1))
    subject = records[3] if parent == 3 else None
    idea = author().propose(brief(strategy, [records[1], records[2]], subject))
    assert idea.strategy == strategy
    assert idea.parents == ((records[parent].task_id,) if parent else ())
    assert asks in model_server.requests[0]["messages"][0]["content"]


def test_of_many_titles_the_nearest_and_those_under_way_are_listed_before_others(
    author, model_server, make_record
):
    model_server.answer = lambda prompt: ANSWER.format("Next")
    records = [
        make_record(n, title=f"Title {n} of some forty characters in all") for n in range(1, 500)
    ]
    under_way = [dataclasses.replace(IDEA, title=f"Under way {n}") for n in range(20)]
    asked = dataclasses.replace(
        brief("frontier", records[:1]),
        records=records,
        under_way=[*under_way, under_way[3]],
        nearest=lambda count: records[99 : 99 + count],
    )
    author().propose(asked)
    prompt = model_server.requests[0]["messages"][0]["content"]
    (line,) = [line for line in prompt.splitlines() if line.startswith("Proposed before")]
    titles = line.partition("proposed again: ")[2].rstrip(".").split("; ")
    assert titles[:20] == [record.idea.title for record in records[99:119]]
    assert titles[20:40] == [f"Under way {n}" for n in (3, *range(19, 3, -1), 2, 1, 0)]
    assert titles[40:43] == [f"Title {n} of some forty characters in all" for n in (499, 498, 497)]
    assert records[0].idea.title not in titles
    assert 3_900 < sum(map(len, titles)) <= 4_000


@pytest.mark.parametrize(("strategy", "listed"), [("frontier", False), ("revision", True)])
def test_titles_are_listed_where_the_prompt_does_not_tell_of_their_tasks(
    strategy, listed, author, model_server, make_record
):
    model_server.answer = lambda prompt: ANSWER.format("Next")
    records = [make_record(1), make_record(2), make_record(3, "too_hard")]
    asked = dataclasses.replace(
        brief(strategy, records[:2], records[2] if listed else None), failures=[records[2]]
    )
    asked = dataclasses.replace(asked, records=records)
    assert author()._told(asked) == (records[2:] if listed else records)


def test_code_is_asked_for_with_one_whole_task_and_what_another_does_otherwise(
    author, model_server, make_record
):
    seeds = {seed.idea.title: seed for seed in example_tasks("r2d2")}
    near, far = seeds["Drive to the beacon"], seeds["Jump over the sweeping arm"]
    model_server.answer = lambda prompt: f"```python\n{near.source}```"
    stones = [make_record(n, task=Task(seed.source)) for n, seed in enumerate((near, far), 1)]
    author().write(IDEA, stones)
    prompt = model_server.requests[0]["messages"][0]["content"]
    assert near.source.strip() in prompt
    assert prompt.count("class Env(R2D2Env):") == 1
    assert prompt.count("def get_success(self):") == 2
    assert "def turn_arm(self, angle):" in prompt
    author().write(IDEA, stones[:1])
    assert "one of another kind" not in model_server.requests[1]["messages"][0]["content"]


def judged(judge, make_record, pictures=()):
    neighbours = [Neighbour(make_record(n), 0.8) for n in (1, 2)]
    novelty = {"novelty": 0.2} if judge.__name__ == "judge" else {}
    return judge(IDEA, neighbours, **novelty, pictures=pictures)


def test_a_verdict_names_the_closest_task_and_who_judged(author, model_server, make_record):
    model_server.answer = lambda prompt: JUDGED.format(1)
    writer = author(roles={"interestingness": {"name": "a-judge"}})
    judgement = judged(writer.judge, make_record)
    assert not judgement.positive
    assert judgement.reason == (
        "Most like “Task 2”, whose policy would succeed in 20 %; 1 of 4 is new: The same drive."
    )
    assert (judgement.news, judgement.reach) == (1, 0.2)
    assert judgement.judge == "a-judge"
    assert model_server.requests[0]["model"] == "a-judge"


def test_nobody_is_asked_where_there_is_nothing_to_compare_with(author, model_server):
    assert author().judge(IDEA, [], None).positive
    assert author(second_judge=True).judge_again(IDEA, []) is None
    assert model_server.requests == []


def test_a_second_judge_is_another_model_that_is_told_the_same(author, model_server, make_record):
    model_server.answer = lambda prompt: JUDGED.format(3)
    writer = author(second_judge=True, roles={"second_judge": {"name": "another"}})
    first = judged(writer.judge, make_record)
    second = judged(writer.judge_again, make_record)
    assert (first.judge, second.judge) == ("scripted", "another")
    asked = [request["messages"] for request in model_server.requests]
    assert asked[0] == asked[1]
    assert judged(author().judge_again, make_record) is None


def test_a_judge_is_shown_the_pictures_that_there_are(author, model_server, make_record, tmp_path):
    model_server.answer = lambda prompt: JUDGED.format(3)
    for name in ("own.png", "second.png"):
        Image.new("RGB", (8, 6), "red").save(tmp_path / name)
    judged(author().judge, make_record, [tmp_path / "own.png", None, tmp_path / "second.png"])
    (request,) = model_server.requests
    text, *parts = request["messages"][0]["content"]
    assert "pictures of 2 of these scenes" in text["text"]
    assert [part["type"] for part in parts] == ["text", "image_url"] * 2
    assert [part["text"] for part in parts[::2]] == ["The proposal:", "Task 2:"]
    assert parts[1]["image_url"]["url"].startswith("data:image/png;base64,")


def test_a_small_model_is_asked_for_a_few_lines_at_a_time(author, model_server):
    model_server.answer = lambda prompt: (
        SCENE if "First the scene" in prompt else RULES.format("success = self.x > 1.0")
    )
    source = author(style="skeleton").write(IDEA, [])
    scene, rules = (request["messages"][0]["content"] for request in model_server.requests)
    assert "self.ball = 1" not in scene
    assert "self.ball = 1" in rules
    parts = parts_of(source)
    assert parts["BODIES"] == "self.ball = 1"
    assert parts["SUCCESS"] == "success = self.x > 1.0"


def test_a_small_model_mends_only_the_parts_that_are_wrong(author, model_server):
    source = assemble(IDEA, "r2d2", {"BODIES": "self.ball = 1", "SUCCESS": "success = True"})
    model_server.answer = lambda prompt: "SUCCESS:\n```\nsuccess = self.x > 1.0\n```"
    outcome = Outcome.rejected("step", "It succeeds at the start.", "It is True.", "Ask for more.")
    mended = author(style="skeleton").repair(IDEA, source, outcome)
    assert mended == source.replace("success = True", "success = self.x > 1.0")
    assert "It succeeds at the start." in model_server.requests[0]["messages"][0]["content"]


def test_a_module_that_was_written_whole_is_mended_whole(author, model_server):
    module = "import numpy as np\n\n\nclass Env(R2D2Env):\n    pass\n"
    model_server.answer = lambda prompt: f"```python\n{module}```"
    outcome = Outcome.rejected("load", "It fails.", "", "")
    assert author(style="skeleton").repair(IDEA, module, outcome) == module


def test_an_answer_that_was_cut_off_is_asked_for_again(author, model_server, reply):
    whole = ANSWER.format("Whole")
    model_server.script = [reply(whole[:-4], finish_reason="length"), reply(whole)]
    idea = author().propose(brief("frontier"))
    assert idea.title == "Whole"
    assert "cut off" in model_server.requests[1]["messages"][-1]["content"]
    model_server.script = [reply(whole, finish_reason="length")] * 2
    with pytest.raises(BrokenError, match="cut off"):
        author(temperature=0.5).propose(brief("frontier"))


def test_a_subject_without_code_can_be_revised(author, model_server, make_record):
    model_server.answer = lambda prompt: ANSWER.format("Next")
    subject = dataclasses.replace(make_record(3, "too_hard"), task=None, trial=None)
    idea = author().propose(brief("revision", subject=subject))
    assert idea.parents == ("",)
