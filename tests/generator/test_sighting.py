"""A model that looks at what the agent does: it is heard strictly, and decides nothing."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from taskwright.archive.folder import frame_strip_path
from taskwright.archive.store import Archive
from taskwright.config import Config, ModelConfig, resolve
from taskwright.errors import BrokenError
from taskwright.executor import job as job_module
from taskwright.executor.job import JobResult
from taskwright.generator import run as run_module
from taskwright.generator.answers import SIGHTING_FIELDS, AnswerError, Sight, parse_sighting
from taskwright.generator.author import FrameStrip
from taskwright.generator.model.client import FoundationModel
from taskwright.generator.model.meter import Meter
from taskwright.generator.model_author import ModelAuthor
from taskwright.generator.run import open_run
from taskwright.prompts import render
from taskwright.sandbox.isolation.confine import Isolation
from taskwright.task import Idea, Outcome, Trial, from_json, to_json
from taskwright.trainer.requests import Film, FilmRequest, Replay, TrialRequest

IDEA = Idea("Park in the circle", "A circle.", "The robot stands in it.", "Speed.", "None")
SEES = {Sight.YES: True, Sight.NO: False, Sight.UNCLEAR: None}


def prompt(at_the_end=False):
    return render(
        "success",
        robot="r2d2",
        idea=IDEA,
        moments=9,
        apart_s=2.0,
        at_the_end=at_the_end,
        yes=Sight.YES.value,
        no=Sight.NO.value,
        unclear=Sight.UNCLEAR.value,
    )


@pytest.mark.parametrize("sight", list(Sight))
def test_every_answer_that_is_offered_is_read_as_it_was_meant(sight):
    form = prompt()[prompt().rindex("SEEN:") :]
    assert tuple(re.findall(r"^([A-Z]+):", form, re.MULTILINE)) == SIGHTING_FIELDS
    offered = "VERDICT: ACCOMPLISHED, NOT ACCOMPLISHED or CANNOT TELL"
    assert offered in form
    answer = form.replace(offered, f"VERDICT: {sight.value}")
    seen = parse_sighting(answer, "eyes", code_success=True)
    assert seen.sees_success is SEES[sight]
    assert seen.disagrees is (sight is Sight.NO)
    assert seen.judge == "eyes"


@pytest.mark.parametrize(
    ("text", "sight"),
    [
        ("accomplished", Sight.YES),
        ("**NOT ACCOMPLISHED**.", Sight.NO),
        ("Not accomplished (the robot stops short of the circle)", Sight.NO),
        ("CANNOT TELL - it is hidden behind the wall", Sight.UNCLEAR),
    ],
)
def test_the_ways_in_which_models_write_a_verdict(text, sight):
    answer = f"<think>ACCOMPLISHED?</think>SEEN: It drives.\nVERDICT: {text}"
    assert parse_sighting(answer, "eyes", True).sees_success is SEES[sight]


@pytest.mark.parametrize(
    "text",
    ["yes", "", "ACCOMPLISHED or NOT ACCOMPLISHED", "PROBABLY ACCOMPLISHED", "NOT", "CANNOT"],
)
def test_no_other_verdict_is_guessed_at(text):
    with pytest.raises(AnswerError):
        parse_sighting(f"SEEN: It drives.\nVERDICT: {text}", "eyes", True)


def test_two_verdicts_that_differ_are_none():
    answer = "SEEN: a\nVERDICT: ACCOMPLISHED\nSEEN: b\nVERDICT: NOT ACCOMPLISHED"
    with pytest.raises(AnswerError, match="unclear"):
        parse_sighting(answer, "eyes", True)


def test_the_prompt_says_when_success_counts():
    assert "at any moment" in prompt()
    assert "at the end of the episode" in prompt(at_the_end=True)


@pytest.fixture
def author(tmp_path, model_server):
    """Makes an author at work, whose model is the scripted server."""
    opened = []

    def make(**settings):
        config = ModelConfig(name="scripted", base_url=model_server.url, max_retries=0, **settings)
        model = FoundationModel(config, tmp_path, lambda *_, **__: None)
        opened.append(model.__enter__())
        return ModelAuthor(model, Config(model=config), ()).for_journey(Meter(1))

    yield make
    for model in opened:
        model.close()


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "moments.png"
    Image.new("RGB", (9, 6), "red").save(path)
    return path


STRIP = FrameStrip(9, 1.8, at_the_end=False)


def test_the_role_success_is_shown_the_picture(author, model_server, picture):
    model_server.answer = lambda prompt: "SEEN: It stops short.\nVERDICT: NOT ACCOMPLISHED"
    looking = author(judge_success=True, roles={"success": {"name": "eyes"}})
    sighting = looking.look(IDEA, picture, STRIP, code_success=True)
    (request,) = model_server.requests
    text, shown = request["messages"][0]["content"]
    assert request["model"] == "eyes"
    assert "Park in the circle" in text["text"]
    assert "Between two of them 1.8 s pass" in text["text"]
    assert shown["image_url"]["url"].startswith("data:image/png;base64,")
    assert (sighting.sees_success, sighting.disagrees) == (False, True)
    assert (sighting.reason, sighting.judge) == ("It stops short.", "eyes")


def test_who_answers_unclearly_is_asked_once_more_and_then_not_believed(
    author, model_server, picture
):
    model_server.answer = lambda prompt: "SEEN: Hm.\nVERDICT: maybe"
    with pytest.raises(BrokenError):
        author(judge_success=True).look(IDEA, picture, STRIP, True)
    assert len(model_server.requests) == 2
    assert "VERDICT: CANNOT TELL" in model_server.requests[1]["messages"][-1]["content"]


def test_nobody_looks_unless_asked_to(author, model_server, picture):
    assert author().look(IDEA, picture, STRIP, True) is None
    assert model_server.requests == []


class Encoder:
    """No idea is like another."""

    name = "scripted"

    def encode(self, text):
        vector = np.random.default_rng(len(text)).normal(size=16)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


class Looking(job_module.Executor):
    """Checks pass, trials succeed, and films are written; `success` is what the code says."""

    workers = 1

    def __init__(self, success):
        self.success = success

    def run(self, job, tell=lambda point: None, at_work=lambda is_it: None):
        noun, outputs = self._work(job)
        return JobResult(job.job_id, to_json(noun), outputs=outputs)

    def _work(self, job):
        if job.kind == "check":
            return Outcome("passed"), {}
        if job.kind == "trial":
            request = from_json(TrialRequest, job.payload)
            learned = Trial("learned", "It was.", 0.0, 0.9, seed=request.seed)
            return learned, {"policy": b"a policy"}
        if job.kind == "replay":
            return Replay(1, 1), {"replay": b"a replay"}
        picture = io.BytesIO()
        Image.new("RGB", (8, 6), "red").save(picture, "PNG")
        film = Film(1)
        if from_json(FilmRequest, job.payload).frames:
            film = Film(1, self.success, apart_s=1.5, at_the_end=False)
        return film, {"film": picture.getvalue()}

    def cancel(self, *, running=True):
        pass

    def close(self):
        pass


@pytest.mark.parametrize(
    ("verdict", "disagrees"), [("ACCOMPLISHED", False), ("NOT ACCOMPLISHED", True), ("eh", None)]
)
def test_a_run_records_what_was_seen_and_keeps_the_task_all_the_same(
    verdict, disagrees, model_server, reply, tmp_path, monkeypatch
):
    monkeypatch.setattr(run_module, "make_encoder", lambda settings: Encoder())
    found = Isolation(5, False, True, True, [], [])
    monkeypatch.setattr(job_module, "require_isolation", lambda required: found)
    answer = f"SEEN: It drives.\nVERDICT: {verdict}"
    model_server.answer = lambda prompt: reply(answer, usage=False)
    config = resolve(
        {
            "model": {
                "name": "scripted",
                "base_url": model_server.url,
                "max_retries": 0,
                "judge_success": True,
            },
            "run": {"attempts": 1, "seed_tasks": 1, "concurrency": 1},
        }
    )
    events = []
    open_run(tmp_path, config, Looking(True), events.append)
    with Archive.open(tmp_path) as archive:
        (record,) = archive.records()
    assert record.status == "learned"
    assert [seen.disagrees for seen in record.sightings] == (
        [] if disagrees is None else [disagrees]
    )
    warnings = [event["text"] for event in events if event["event"] == "warning"]
    assert bool(warnings) is (disagrees is None)
    assert frame_strip_path(tmp_path, record.task_id).endswith(
        f"media/{record.task_id}.moments.png"
    )
    (call,) = {request["model"] for request in model_server.requests if "messages" in request}
    assert call == "scripted"
