"""Every way in which a server fails, over real HTTP: what is retried, what is not, none spins."""

from __future__ import annotations

import email.utils
import json
import time

import pytest

from taskwright.errors import BrokenError, ModelError
from taskwright.executor.local import LocalExecutor
from taskwright.generator.answers import AnswerError
from taskwright.generator.model import retries
from taskwright.generator.model.log import read_calls
from taskwright.generator.run import open_run, prepare_config
from taskwright.task import Cost


def as_it_is(answer: str) -> str:
    return answer


def only_yes(answer: str) -> str:
    if answer != "yes":
        raise AnswerError("Say yes.")
    return answer


CHAT = json.dumps({"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]})

# What passes: the same request, sent again, may well be answered.
PASSING = {
    "408": {"status": 408},
    "409": {"status": 409},
    "429": {"status": 429},
    "429 with Retry-After in seconds": {"status": 429, "headers": {"retry-after": "0.05"}},
    "429 with Retry-After as a date": {
        "status": 429,
        "headers": {"retry-after": email.utils.formatdate(time.time() - 5, usegmt=True)},
    },
    "429 with a Retry-After of no sense": {"status": 429, "headers": {"retry-after": "soon"}},
    "500": {"status": 500},
    "502": {"status": 502},
    "503": {"status": 503, "body": b"<html>Service Unavailable</html>"},
    "529": {"status": 529},
    "a connection reset in the middle of the body": {"cut_after": 40},
    "a stall": {"delay_s": 2.0},
    "a body that comes drop by drop": {"drip_s": 0.05},
    "no JSON": {"body": b'{"choices": [{"mess'},
    "a web page": {"body": b"<html>hello</html>", "headers": {"content-type": "text/html"}},
    "an empty body": {"body": b""},
    "JSON of another shape": {"body": b'{"choices": "none"}'},
    "a list": {"body": b"[]"},
    "choices of another shape": {"body": b'{"choices": ["hello"]}'},
    "an error with status 200": {"body": b'{"error": {"code": 502, "message": "upstream"}}'},
}
# What does not pass: sending it again would only repeat the refusal.
LASTING = {
    "400": ({"status": 400}, BrokenError, "refused the prompt"),
    "401": ({"status": 401}, ModelError, "with status 401"),
    "402": ({"status": 402}, ModelError, "add credit"),
    "403": ({"status": 403}, ModelError, "with status 403"),
    "404": ({"status": 404}, ModelError, "with status 404"),
    "413": ({"status": 413}, BrokenError, "refused the prompt"),
    "422": ({"status": 422}, BrokenError, "refused the prompt"),
    "429 of an empty account": (
        {"status": 429, "body": b'{"error": {"message": "no", "code": "insufficient_quota"}}'},
        ModelError,
        "with status 429: “no”. Go by its words, or add credit",
    ),
    "a Retry-After beyond the deadline": (
        {"status": 429, "headers": {"retry-after": "3600"}},
        ModelError,
        "status 429, once",
    ),
    "an endless answer": ({"body": b" " * 16_000_001}, ModelError, "longer than 16 MB"),
}


SLOW = {"a stall", "a body that comes drop by drop"}
# Where a fault is not about time, a busy machine shall not make it so.
TIMEOUT_S = {fault: 0.7 if fault in SLOW else 20.0 for fault in [*PASSING, *LASTING]}


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_asked_again_and_answered(model, meter, model_server, reply, fault):
    model_server.script = [reply(**PASSING[fault]), reply("hello")]
    assert (
        model(timeout_s=TIMEOUT_S[fault], deadline_s=40.0).ask("idea", "?", as_it_is, meter)
        == "hello"
    )
    assert len(model_server.requests) == 2
    assert meter.read().calls == 2


@pytest.mark.parametrize("fault", PASSING)
def test_what_does_not_pass_after_all_ends_with_one_sentence(
    model, meter, model_server, reply, fault, tmp_path
):
    model_server.answer = lambda prompt: reply(**PASSING[fault])
    started = time.monotonic()
    with pytest.raises(ModelError, match="2 times") as caught:
        model(timeout_s=TIMEOUT_S[fault], deadline_s=40.0).ask("idea", "?", as_it_is, meter)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - started < 4.0
    assert len(model_server.requests) == 2
    (entry,) = read_calls(tmp_path)
    assert [bool(tried["error"]) for tried in entry["tries"]] == [True, True]
    assert "pause_s" in entry["tries"][0]
    assert entry["error"]


@pytest.mark.parametrize("fault", LASTING)
def test_what_lasts_is_not_asked_again(model, meter, model_server, reply, fault):
    fields, kind, message = LASTING[fault]
    model_server.answer = lambda prompt: reply(**fields)
    with pytest.raises(kind, match=message):
        model(timeout_s=TIMEOUT_S[fault], deadline_s=40.0).ask("idea", "?", as_it_is, meter)
    assert len(model_server.requests) == 1


def test_the_deadline_covers_all_tries(model, meter, model_server, reply, monkeypatch):
    monkeypatch.setattr(retries, "LONGEST_PAUSE_S", 0.3)
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.3)
    model_server.answer = lambda prompt: reply(status=503)
    started = time.monotonic()
    with pytest.raises(ModelError, match="status 503, "):
        model(max_retries=1000, deadline_s=2.0).ask("idea", "?", as_it_is, meter)
    assert time.monotonic() - started < 4.0
    assert 2 <= len(model_server.requests) <= 6


def test_retry_after_is_waited_for(model, meter, model_server, reply):
    model_server.script = [reply(status=429, headers={"retry-after": "0.5"}), reply("hello")]
    started = time.monotonic()
    model().ask("idea", "?", as_it_is, meter)
    assert time.monotonic() - started > 0.5


def test_an_answer_that_is_cut_at_its_limit_is_asked_for_once_more(
    model, meter, model_server, reply
):
    model_server.script = [reply("yes", finish_reason="length"), reply("yes")]
    assert model().ask("idea", "?", only_yes, meter) == "yes"
    model_server.script = [reply("yes", finish_reason="length")] * 2
    with pytest.raises(BrokenError, match="cut off at its greatest length"):
        model().ask("idea", "other", only_yes, meter)
    assert len(model_server.requests) == 4


def test_an_answer_that_a_content_filter_stopped_is_asked_for_once_more(
    model, meter, model_server, reply
):
    model_server.answer = lambda prompt: reply(None, finish_reason="content_filter")
    with pytest.raises(BrokenError, match="content filter"):
        model().ask("idea", "?", only_yes, meter)
    assert len(model_server.requests) == 2


def test_an_answer_of_five_megabytes_is_asked_for_shorter_and_not_sent_back(
    model, meter, model_server, reply
):
    model_server.script = [reply("x" * 5_000_000), reply("yes")]
    assert model().ask("idea", "?", as_it_is, meter) == "yes"
    _, sent_back, request = model_server.requests[1]["messages"]
    assert len(sent_back["content"]) <= 20_000
    assert "5000000 characters" in request["content"]


@pytest.mark.parametrize(
    "usage", [b"null", b"{}", b'"many"', b'{"prompt_tokens": null, "completion_tokens": 3}']
)
def test_usage_that_is_missing_is_estimated_and_marked(
    model, meter, model_server, reply, usage, tmp_path
):
    body = CHAT[:-1].encode() + b', "usage": ' + usage + b"}"
    model_server.script = [reply(body=body)]
    model().ask("idea", "y" * 400, as_it_is, meter)
    assert meter.read() == Cost(1, 134, 2, None, estimated_tokens=136)
    (entry,) = read_calls(tmp_path)
    assert entry["estimated_tokens"] == 136


def test_text_of_any_content_type_and_in_parts_is_read(model, meter, model_server, reply):
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "hello \ud800"}]
    body = json.dumps({"choices": [{"message": {"content": parts}}]}).encode()
    model_server.script = [reply(body=body, headers={"content-type": "text/plain"})]
    assert model().ask("idea", "?", as_it_is, meter) == "hello ?"


@pytest.mark.slow
def test_a_run_survives_all_of_it(model_server, reply, tmp_path):
    """Every fault before an answer, and the journey ends as if there had been none."""
    idea = "TITLE: A\nDESCRIPTION: B\nSUCCESS: C\nREWARDS: D\nTERMINATION: None"
    source = "import math\n\n\nclass Env:\n    pass\n"
    faults = [reply(**fields) for fields in PASSING.values()]
    model_server.script = [*faults, reply(idea), *faults[:3], reply(f"```python\n{source}```")]
    settings = {
        "run": {"attempts": 1, "seed_tasks": 0},
        "model": {
            "name": "scripted",
            "base_url": model_server.url,
            "timeout_s": 1.0,
            "max_retries": 50,
            "max_repairs": 0,
        },
    }
    with LocalExecutor() as executor:
        config = prepare_config(tmp_path, settings)
        ending = open_run(tmp_path, config, executor, lambda event: None)
    assert ending.reason == "1 journeys have ended."
    assert ending.counts == {"invalid": 1}
    assert len(model_server.requests) == len(PASSING) + 5
    assert ending.cost.calls == len(model_server.requests)
    assert [len(entry["tries"]) for entry in read_calls(tmp_path)] == [len(PASSING), 3]
