"""A generalist is trained, stopped, continued and evaluated, and a task that breaks is dropped."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import zipfile
from collections.abc import Callable

import pytest
import torch

from taskwright.errors import UsageError
from taskwright.generalist import Generalist, GeneralistPoint
from taskwright.task import from_json, to_json
from taskwright.trainer.generalist import STATE_NAME, train_generalist
from taskwright.trainer.policy_files import read_policy
from taskwright.trainer.requests import GeneralistRequest, GeneralistTask

# With so few slots a rollout is smaller than the batches that are meant for sixteen.
pytestmark = pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")

ROLLOUT = 2 * 128
"""Agent steps: 128 in each of two slots."""


@pytest.fixture
def make_request(tmp_path, easy_source) -> Callable[..., GeneralistRequest]:
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
            "policy_path": str(tmp_path / "policy.zip"),
            "max_steps": 2 * ROLLOUT,
            "max_seconds": float("inf"),
            "slots": 2,
            "evaluation_episodes": 4,
            "processes": 1,
        }
        return GeneralistRequest(**{**values, **fields})

    return make


def test_a_generalist_is_trained_continued_and_never_does_anything_twice(make_request, tmp_path):
    told: list[tuple[Generalist, GeneralistPoint]] = []
    first = train_generalist(make_request(), lambda *news: told.append(news))
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
    assert [news[1].steps for news in told[:2]] == [ROLLOUT, 2 * ROLLOUT]
    assert all(0.0 <= rate <= 1.0 for rate in told[1][1].success.values())

    # Trials can start from it, and other trainers can load it.
    assert read_policy(tmp_path / "policy.zip")
    with zipfile.ZipFile(tmp_path / "policy.zip") as archive:
        assert archive.testzip() is None

    # The same request again has nothing to do.
    told.clear()
    assert train_generalist(make_request(), lambda *news: told.append(news)) == first
    assert len(told) == 1

    # With more steps it goes on; what is known of the episodes so far is not lost.
    more = train_generalist(make_request(max_steps=3 * ROLLOUT))
    assert more.steps == 3 * ROLLOUT
    assert more.curve[:2] == first.curve
    assert more.dropped == first.dropped
    trained = {skill.task_id: skill.trained_episodes for skill in more.tasks}
    assert all(trained[name] >= skills[name].trained_episodes for name in trained)
    assert sum(trained.values()) > sum(skill.trained_episodes for skill in first.tasks)


@pytest.mark.slow
def test_the_same_seed_trains_the_same(make_request, tmp_path):
    tasks = make_request().tasks[:2]
    fields = {"sampler": "alp_gmm", "tasks": tasks, "max_steps": ROLLOUT, "evaluation_episodes": 2}
    one = train_generalist(make_request(**fields))
    other = train_generalist(make_request(**fields, policy_path=str(tmp_path / "other.zip")))
    assert dataclasses.replace(one, seconds=0.0, curve=()) == dataclasses.replace(
        other, seconds=0.0, curve=()
    )


def test_what_was_trained_before_a_stop_is_kept(make_request):
    def stop(generalist: Generalist, now: GeneralistPoint) -> None:
        raise KeyboardInterrupt

    fields = {"tasks": make_request().tasks[:2], "max_steps": 2 * ROLLOUT, "sampler": "plr"}
    with pytest.raises(KeyboardInterrupt):
        train_generalist(make_request(**fields), stop)
    seen: list[int] = []
    done = train_generalist(make_request(**fields), lambda generalist, now: seen.append(now.steps))
    assert seen[0] == 2 * ROLLOUT
    assert [point.steps for point in done.curve] == [ROLLOUT, 2 * ROLLOUT]


def test_the_clock_ends_the_training_and_not_the_evaluation(make_request):
    ended = train_generalist(
        make_request(max_steps=10**9, max_seconds=0.01, tasks=make_request().tasks[:1])
    )
    assert ended.finished
    assert ended.steps == 0
    assert ended.tasks[0].episodes == 4


def test_tasks_that_all_break_end_it_with_the_reason(make_request):
    with pytest.raises(UsageError, match=r"No task is left.*ZeroDivisionError"):
        train_generalist(make_request(tasks=make_request().tasks[2:]))


def test_another_sampler_cannot_go_on_where_one_has_begun(make_request):
    train_generalist(make_request(max_seconds=0.01, tasks=make_request().tasks[:1]))
    with pytest.raises(UsageError, match="begun with sampler learning_progress"):
        train_generalist(make_request(sampler="uniform", tasks=make_request().tasks[:1]))


def test_a_file_that_is_no_generalist_is_left_alone(make_request, tmp_path):
    (tmp_path / "policy.zip").write_text("mine")
    with pytest.raises(UsageError, match="no policy that a generalist can go on from"):
        train_generalist(make_request())
    assert (tmp_path / "policy.zip").read_text() == "mine"


def test_a_generalist_file_that_was_changed_is_left_alone_and_told(make_request, tmp_path):
    def rewritten(**changes: bytes) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(sound) as old, zipfile.ZipFile(file, "w") as new:
            for name in old.namelist():
                new.writestr(name, changes.get(name.rpartition(".")[0], old.read(name)))
        return file.getvalue()

    def saved(thing: object) -> bytes:
        file = io.BytesIO()
        torch.save(thing, file)
        return file.getvalue()

    fields = {"tasks": make_request().tasks[:1], "max_steps": ROLLOUT, "evaluation_episodes": 1}
    train_generalist(make_request(**fields))
    sound, path = tmp_path / "sound.zip", tmp_path / "policy.zip"
    shutil.copy(path, sound)
    with zipfile.ZipFile(sound) as archive:
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
        data = rewritten(**changes)
        path.write_bytes(data)
        with pytest.raises(UsageError, match=f"can go on from: .*{reason}"):
            train_generalist(make_request(**{**fields, "max_steps": 2 * ROLLOUT}))
        assert path.read_bytes() == data
    # How it learns is no matter of the file.
    groups = [{**optimiser["param_groups"][0], "lr": float("inf"), "betas": "x"}]
    harmless = saved({"state": {}, "param_groups": groups})
    path.write_bytes(rewritten(**{"policy.optimizer": harmless}))
    assert (
        train_generalist(make_request(**{**fields, "max_steps": 2 * ROLLOUT})).steps == 2 * ROLLOUT
    )
