"""A generalist is trained, stopped, continued and evaluated, and a task that breaks is dropped."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Callable

import pytest
import torch

from taskwright.errors import UsageError
from taskwright.executor.contents import digest_of
from taskwright.generalist import Generalist
from taskwright.task import from_json, to_json
from taskwright.trainer.generalist import STATE_NAME, train_generalist
from taskwright.trainer.policy_files import policy_in
from taskwright.trainer.requests import GeneralistNews, GeneralistRequest, GeneralistTask

# With so few slots a rollout is smaller than the batches that are meant for sixteen.
pytestmark = pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")

ROLLOUT = 2 * 128
"""Agent steps: 128 in each of two slots."""


@pytest.fixture
def make_request(easy_source) -> Callable[..., GeneralistRequest]:
    """Makes a request for three tasks, one of which breaks after a while; anything can be given."""

    def make(**fields) -> GeneralistRequest:
        # Short episodes, so that a rollout sees several.
        short = easy_source.replace("return False", "return self.count > 80")
        short = short.replace("self.x = 0.0", "self.x = self.count = 0.0")
        short = short.replace("x = self.robot", "self.count += 1\n        x = self.robot", 1)
        broken = short.replace("self.count += 1", "self.count += 1 / int(self.count < 60)")
        sources = {"near": short, "far": short.replace("> 2.0", "> 30.0"), "broken": broken}
        values = {
            "name": "test",
            "robot": "r2d2",
            "tasks": tuple(
                GeneralistTask(name, f"The {name} one", source, 0.9, 0.1, (float(n), 1.0))
                for n, (name, source) in enumerate(sources.items())
            ),
            "sampler": "learning_progress",
            "seed": 0,
            "max_steps": 2 * ROLLOUT,
            "max_seconds": None,
            "slots": 2,
            "evaluation_episodes": 4,
            "processes": 1,
        }
        return GeneralistRequest(**{**values, **fields})

    return make


def resumed(request: GeneralistRequest, checkpoint: bytes, tell=lambda news: None):
    """What comes of a request that goes on from a checkpoint."""
    request = dataclasses.replace(request, checkpoint=digest_of(checkpoint))
    return train_generalist(request, tell, {digest_of(checkpoint): checkpoint})


def test_a_generalist_is_trained_continued_and_never_does_anything_twice(make_request):
    told: list[GeneralistNews] = []
    first, checkpoint = train_generalist(make_request(), told.append)
    assert first.finished
    assert first.steps == 2 * ROLLOUT
    assert [point.steps for point in first.curve] == [ROLLOUT, 2 * ROLLOUT]
    assert {skill.task_id for skill in first.tasks} == {"near", "far"}
    assert first.dropped.keys() == {"broken"}
    assert "ZeroDivisionError" in first.dropped["broken"]
    skills = {skill.task_id: skill for skill in first.tasks}
    assert skills["far"].successes == 0
    for skill in first.tasks:
        assert skill.episodes == 4
        assert skill.interval[0] <= skill.success_rate <= skill.interval[1]
        assert skill.trained_episodes > 0
        assert skill.alone == 0.9
    assert from_json(Generalist, to_json(first)) == first
    assert [news.now.steps for news in told[:2]] == [ROLLOUT, 2 * ROLLOUT]
    assert all(0.0 <= rate <= 1.0 for rate in told[1].now.success.values())
    assert from_json(GeneralistNews, to_json(told[0])) == told[0]

    # Trials can start from it, and other trainers can load it.
    assert policy_in(checkpoint, "of many tasks")
    with zipfile.ZipFile(io.BytesIO(checkpoint)) as archive:
        assert archive.testzip() is None

    # The same request again has nothing to do.
    told.clear()
    assert resumed(make_request(), checkpoint, told.append)[0] == first
    assert len(told) == 1

    # With more steps it goes on; what is known of the episodes so far is not lost.
    more, _ = resumed(make_request(max_steps=3 * ROLLOUT), checkpoint)
    assert more.steps == 3 * ROLLOUT
    assert more.curve[:2] == first.curve
    assert more.dropped == first.dropped
    trained = {skill.task_id: skill.trained_episodes for skill in more.tasks}
    assert all(trained[name] >= skills[name].trained_episodes for name in trained)
    assert sum(trained.values()) > sum(skill.trained_episodes for skill in first.tasks)


@pytest.mark.slow
def test_the_same_seed_trains_the_same(make_request):
    tasks = make_request().tasks[:2]
    fields = {"sampler": "alp_gmm", "tasks": tasks, "max_steps": ROLLOUT, "evaluation_episodes": 2}
    one, policy = train_generalist(make_request(**fields))
    other, other_policy = train_generalist(make_request(**fields))
    assert dataclasses.replace(one, seconds=0.0, curve=()) == dataclasses.replace(
        other, seconds=0.0, curve=()
    )
    for name, weights in policy_in(policy, "").arrays.items():
        assert (weights == policy_in(other_policy, "").arrays[name]).all()


def test_what_was_trained_before_a_stop_is_in_the_last_checkpoint_that_was_told(make_request):
    heard: list[GeneralistNews] = []

    def stop(news: GeneralistNews) -> None:
        heard.append(news)
        raise KeyboardInterrupt

    fields = {"tasks": make_request().tasks[:2], "max_steps": 2 * ROLLOUT, "sampler": "plr"}
    with pytest.raises(KeyboardInterrupt):
        train_generalist(make_request(**fields), stop)
    seen: list[int] = []
    done, _ = resumed(
        make_request(**fields), heard[0].checkpoint, lambda news: seen.append(news.now.steps)
    )
    assert seen[0] == 2 * ROLLOUT
    assert [point.steps for point in done.curve] == [ROLLOUT, 2 * ROLLOUT]


def test_a_checkpoint_holds_the_policy_after_the_rollout_was_learned_from(make_request):
    told: list[GeneralistNews] = []
    fields = {"tasks": make_request().tasks[:1], "max_steps": ROLLOUT, "evaluation_episodes": 1}
    _, policy = train_generalist(make_request(**fields), told.append)
    # Nothing is learned after the only rollout but what is learned from it.
    for name, weights in policy_in(policy, "").arrays.items():
        assert (weights == policy_in(told[0].checkpoint, "").arrays[name]).all()


def test_the_clock_ends_the_training_and_not_the_evaluation(make_request):
    ended, _ = train_generalist(
        make_request(max_steps=10**9, max_seconds=0.01, tasks=make_request().tasks[:1])
    )
    assert ended.finished
    assert ended.steps == 0
    assert ended.tasks[0].episodes == 4


def test_tasks_that_all_break_end_it_with_the_reason(make_request):
    with pytest.raises(UsageError, match=r"No task is left.*ZeroDivisionError"):
        train_generalist(make_request(tasks=make_request().tasks[2:]))


def test_another_sampler_cannot_go_on_where_one_has_begun(make_request):
    _, checkpoint = train_generalist(make_request(max_seconds=0.01, tasks=make_request().tasks[:1]))
    with pytest.raises(UsageError, match="begun with sampler learning_progress"):
        resumed(make_request(sampler="uniform", tasks=make_request().tasks[:1]), checkpoint)


def test_a_file_that_is_no_generalist_is_refused(make_request):
    with pytest.raises(UsageError, match="no policy that a generalist can go on from"):
        resumed(make_request(), b"mine")


def test_a_checkpoint_that_was_changed_is_refused_and_told(make_request):
    def rewritten(**changes: bytes) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(sound)) as old, zipfile.ZipFile(file, "w") as new:
            for name in old.namelist():
                new.writestr(name, changes.get(name.rpartition(".")[0], old.read(name)))
        return file.getvalue()

    def saved(thing: object) -> bytes:
        file = io.BytesIO()
        torch.save(thing, file)
        return file.getvalue()

    fields = {"tasks": make_request().tasks[:1], "max_steps": ROLLOUT, "evaluation_episodes": 1}
    _, sound = train_generalist(make_request(**fields))
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        state = archive.read(STATE_NAME)
        weights = torch.load(archive.open("policy.pth"))
        optimiser = torch.load(archive.open("policy.optimizer.pth"))
    told = json.loads(state)
    wrong_sampler = json.dumps({**told, "sampler": {**told["sampler"], "tasks": {"near": 5}}})
    no_chances = state.replace(b'"draws": ', b'"draws": -')
    negative = json.dumps({**told, "scales": {"near": [1.0, 0.0, -5.0]}})
    optimiser["state"][0]["exp_avg"] = torch.zeros(3)
    cases = {
        "not what we write": {"taskwright": b"[" * 100_000},
        "not what we": {"taskwright": b'{"generalist": {}}'},
        "its sampler is none": {"taskwright": wrong_sampler.encode()},
        "its scales of rewards are none": {"taskwright": negative.encode()},
        "sampler is": {"taskwright": no_chances.replace(b": -", b': "x", "y": ')},
        "is no tensor": {"policy": saved({"a": 1})},
        "other observations or actions": {"policy": saved(dict(list(weights.items())[1:]))},
        "than the robot has now": {"policy.optimizer": saved(optimiser)},
        "something else": {"policy.optimizer": saved([1])},
    }
    for reason, changes in cases.items():
        with pytest.raises(UsageError, match=f"can go on from: .*{reason}"):
            resumed(make_request(**{**fields, "max_steps": 2 * ROLLOUT}), rewritten(**changes))
    # How it learns is no matter of the file.
    groups = [{**optimiser["param_groups"][0], "lr": float("inf"), "betas": "x"}]
    harmless = saved({"state": {}, "param_groups": groups})
    more, _ = resumed(
        make_request(**{**fields, "max_steps": 2 * ROLLOUT}),
        rewritten(**{"policy.optimizer": harmless}),
    )
    assert more.steps == 2 * ROLLOUT
