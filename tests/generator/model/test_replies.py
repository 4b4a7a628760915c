"""Bodies of answers as gateways send them: what can be read is read, and nothing is made whole that
is not."""

from __future__ import annotations

import json

import pytest

from taskwright.config import Price
from taskwright.errors import BrokenError, ModelError
from taskwright.generator.answers import AnswerError
from taskwright.generator.model.failures import TryFailed
from taskwright.generator.model.log import read_calls
from taskwright.generator.model.replies import read_models, read_reply
from taskwright.task import Cost


def document(content: object = "hello", finish_reason: object = "stop", **message: object) -> str:
    choice = {
        "index": 0,
        "message": {"content": content, **message},
        "finish_reason": finish_reason,
    }
    usage = {"prompt_tokens": 9, "completion_tokens": 3}
    return json.dumps({"choices": [choice], "usage": usage}, ensure_ascii=False)


def chunk(finish_reason: str | None = None, **delta: object) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return json.dumps({"choices": [choice]}, ensure_ascii=False)


USAGE = json.dumps({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}})
CHUNKS = [chunk(role="assistant", content=""), chunk(content="hel"), chunk(content="lo")]
CHUNKS += [chunk("stop"), USAGE]


def stream(chunks: list[str], line_end: str = "\n", between: str = "") -> str:
    events = [f"data: {text}{line_end}{line_end}{between}" for text in chunks]
    return "".join(events) + f"data: [DONE]{line_end}{line_end}"


WHOLE = {
    "one document": document(),
    "on many lines": json.dumps(json.loads(document()), indent=2).replace("\n", "\r\n"),
    "after blank lines": "\n\n  \r\n\n" + document(),
    "after comments that keep the connection": ": OPENROUTER PROCESSING\n\n: ping\n\n" + document(),
    "with the end of a stream": document() + "\n\ndata: [DONE]\n\n",
    "on many lines, with the end of a stream": json.dumps(json.loads(document()), indent=2)
    + "\ndata: [DONE]",
    "with the end of a stream on its last line": document() + "data: [DONE]\n\n",
    "with a bare end": document() + "\n[DONE]\n",
    "as the only event": f"data: {document()}\n\ndata: [DONE]\n\n",
    "as the only event, named": f"event: completion\nid: 7\ndata:{document()}\n\n",
    "a stream": stream(CHUNKS),
    "a stream with CRLF": stream(CHUNKS, "\r\n"),
    "a stream with CR": stream(CHUNKS, "\r"),
    "a stream with comments": ": ping\n\n" + stream(CHUNKS, between=": ping\n\n"),
    "a stream without blank lines": "".join(f"data: {text}\n" for text in CHUNKS),
    "a stream that does not say that it is done": stream(CHUNKS).replace("data: [DONE]\n\n", ""),
    "a stream without its last line end": stream(CHUNKS).rstrip(),
    "a stream with what is no part of the answer": stream(
        ['{"type": "ping"}', '{"choices": [], "prompt_filter_results": []}', *CHUNKS]
    ),
    "a stream that ends with the whole": stream([*CHUNKS[:3], document()]),
    "a stream of growing wholes": stream(
        [
            json.dumps({"choices": [{"delta": {"content": d}, "message": {"content": m}}]})
            for d, m in (("hel", "hel"), ("lo", "hello"))
        ]
        + [chunk("stop"), USAGE]
    ),
    "one event on two lines": stream(CHUNKS).replace('"choices": ', '"choices":\ndata: '),
}


@pytest.mark.parametrize("how", WHOLE)
def test_an_answer_is_read_whatever_stands_around_it(how):
    reply = read_reply(WHOLE[how])
    assert (reply.text, reply.thoughts, reply.finish_reason) == ("hello", "", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens) == (9, 3)


def test_a_stream_that_nobody_asked_for_is_read_over_the_wire(
    model, meter, model_server, reply, tmp_path
):
    events = {"content-type": "text/event-stream"}
    model_server.script = [reply(body=stream(CHUNKS, "\r\n").encode("utf-8-sig"), headers=events)]
    assert model().ask("idea", "?", str, meter) == "hello"
    assert model_server.requests[0]["stream"] is False
    assert meter.read() == Cost(1, 9, 3, None)


def test_line_ends_of_unicode_within_an_event_are_not_ends_of_lines():
    for odd in ("\u2028", "\x85", "\u2029"):
        text = stream([chunk(content=f"a{odd}b"), chunk("stop")])
        assert read_reply(text).text == f"a{odd}b"


@pytest.mark.parametrize(
    "body",
    [
        stream(CHUNKS[:3]),
        stream(CHUNKS[:3]).replace("data: [DONE]\n\n", ""),
        stream([*CHUNKS[:3], USAGE]),
        stream([chunk("null", content="hello")]),
        stream(CHUNKS[:3]).replace("data: [DONE]", 'data: {"choices": [{"delta": {"con'),
    ],
)
def test_a_stream_without_a_finish_reason_is_an_answer_that_was_cut_off(
    model, meter, model_server, reply, body
):
    model_server.answer = lambda prompt: reply(body=body.encode())
    with pytest.raises(BrokenError, match=r"cut off.*stream of the last answer ended before"):
        model().ask("idea", "?", str, meter)
    assert len(model_server.requests) == 2


@pytest.mark.parametrize(
    "body",
    [
        "",
        "data: [DONE]\n\n",
        ": ping\n\n",
        "data: hello\n\n" + stream(CHUNKS),
        "hello\n" + stream(CHUNKS),
        document() + document(),
        "Here you are: " + document(),
        "<html>" + document(),
        '{"choices": [{"delta": "hello"}]}',
        '{"choices": [{"message": "hello"}]}',
        '{"choices": {"message": {"content": "hello"}}}',
        '{"choices": null}',
        "[" * 5000,
    ],
    ids=lambda body: body[:30],
)
def test_what_is_no_answer_is_none(body):
    with pytest.raises(TryFailed, match="no chat completion") as caught:
        read_reply(body)
    assert caught.value.kind == "unreadable"


THOUGHTS = {
    "reasoning_content": {"reasoning_content": "Hm."},
    "reasoning": {"reasoning": "Hm."},
    "details": {"reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
    "a summary": {"reasoning_details": [{"type": "reasoning.summary", "summary": "Hm."}]},
    "both": {"reasoning": "Hm.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
    "secret": {
        "reasoning": "Hm.",
        "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}],
    },
}


@pytest.mark.parametrize("name", THOUGHTS)
def test_thoughts_are_read_by_the_names_that_servers_give_them(name):
    whole = read_reply(document("hello", **THOUGHTS[name]))
    assert (whole.text, whole.thoughts) == ("hello", "Hm.")
    streamed = read_reply(stream([chunk(**THOUGHTS[name]), *CHUNKS]))
    assert (streamed.text, streamed.thoughts) == ("hello", "Hm.")


def test_parts_that_are_thoughts_are_no_answer():
    mistral = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]
    for parts in (mistral, [{"type": "reasoning", "text": "Hm."}]):
        reply = read_reply(document([*parts, {"type": "text", "text": "hello"}]))
        assert (reply.text, reply.thoughts) == ("hello", "Hm.")


def test_a_refusal_is_what_the_model_said():
    assert read_reply(document(None, refusal="I will not.")).text == "I will not."


IDEA = "TITLE: Reach the pole"


def titled(answer: str) -> str:
    if not answer.startswith("TITLE: "):
        raise AnswerError("Send a TITLE.")
    return answer


def test_an_answer_that_came_as_thoughts_is_used_where_it_is_what_was_asked_for(
    model, meter, model_server, reply, tmp_path
):
    for content in (None, "", " \n"):
        body = document(content, reasoning_content=IDEA).encode()
        model_server.script = [reply(body=body)]
        assert model().ask("idea", f"{content!r}", titled, meter) == IDEA
    assert len(model_server.requests) == 3
    entries = list(read_calls(tmp_path))
    assert [entry["thoughts"] for entry in entries] == [IDEA] * 3
    assert entries[0]["answer"] == ""


def test_thoughts_that_are_no_answer_are_told_from_one(model, meter, model_server, reply):
    thought = reply(body=document(None, reasoning="Which title?").encode())
    model_server.script = [thought, thought]
    with pytest.raises(BrokenError, match=r"twice: The answer was empty.* thoughts\. Send a TITLE"):
        model().ask("idea", "?", titled, meter)
    _, sent_back, reason = model_server.requests[1]["messages"]
    assert sent_back["content"] == "Which title?"
    assert "came as thoughts" in reason["content"]


def test_thoughts_beside_an_answer_are_never_taken_for_one(model, meter, model_server, reply):
    model_server.script = [reply(body=document("no", reasoning=IDEA).encode()), reply(IDEA)]
    assert model().ask("idea", "?", titled, meter) == IDEA
    assert len(model_server.requests) == 2


def test_thoughts_that_took_all_the_room_are_an_answer_that_was_cut_off(
    model, meter, model_server, reply
):
    body = document(None, "length", reasoning=IDEA).encode()
    model_server.answer = lambda prompt: reply(body=body)
    with pytest.raises(BrokenError, match="twice: The answer was cut off"):
        model().ask("idea", "?", titled, meter)


def test_thoughts_of_five_megabytes_are_not_looked_at_nor_sent_back(
    model, meter, model_server, reply
):
    body = document(None, reasoning="x" * 5_000_000).encode()
    model_server.script = [reply(body=body), reply(IDEA)]
    assert model().ask("idea", "?", titled, meter) == IDEA
    _, sent_back, reason = model_server.requests[1]["messages"]
    assert len(sent_back["content"]) <= 20_000
    assert "thoughts have 5000000 characters" in reason["content"]


def test_thoughts_are_counted_where_the_server_counts_nothing(model, meter, model_server, reply):
    body = json.loads(document("x" * 30, reasoning="y" * 60))
    del body["usage"]
    model_server.script = [reply(body=json.dumps(body).encode())]
    model().ask("idea", "?", str, meter)
    assert meter.read().completion_tokens == 30


def test_thoughts_are_kept_replayed_and_shared_and_answers_without_any_still_read(
    model, meter, model_server, reply, tmp_path
):
    body = document(None, reasoning_content=IDEA).encode()
    model_server.answer = lambda prompt: reply(body=body)
    shared = tmp_path / "shared"
    model(tmp_path / "a", cache=shared).ask("idea", "?", titled, meter)
    for settings in ({"cache": shared}, {"replay": tmp_path / "a"}):
        run_dir = tmp_path / next(iter(settings))
        meter.begin("")
        assert model(run_dir, **settings).ask("idea", "?", titled, meter) == IDEA
        assert [entry["thoughts"] for entry in read_calls(run_dir)] == [IDEA]
    assert len(model_server.requests) == 1
    (kept,) = (tmp_path / "a").glob("answers/*/*.json")
    before = json.loads(kept.read_text())
    del before["thoughts"]
    kept.write_text(json.dumps({**before, "text": "TITLE: Old"}))
    meter.begin("")
    assert model(tmp_path / "a").ask("idea", "?", titled, meter) == "TITLE: Old"
    assert len(model_server.requests) == 1


@pytest.mark.parametrize("count", [10**400, -1, True, "9", 9.5, float("inf"), None])
def test_what_is_no_number_of_tokens_is_estimated_instead(model, meter, model_server, reply, count):
    body = {**json.loads(document("x" * 30)), "usage": {"prompt_tokens": count}}
    body["usage"]["completion_tokens"] = 3
    model_server.script = [reply(body=json.dumps(body).encode())]
    prices = {"scripted": Price(prompt=1, completion=1)}
    model(prices=prices).ask("idea", "y" * 30, str, meter)
    assert meter.read() == Cost(1, 10, 10, pytest.approx(20e-6), 20)


def test_tokens_that_are_counted_in_floats_are_counted():
    body = {**json.loads(document()), "usage": {"prompt_tokens": 9.0, "completion_tokens": 3.0}}
    assert read_reply(json.dumps(body)).prompt_tokens == 9


def test_lists_of_models_are_read_and_what_is_none_is_told(model, model_server, reply):
    assert read_models('{"data": [{"id": "a"}, {"id": 3}, "b", {}]}') == ["a"]
    assert read_models('{"object": "list", "data": null}') == []
    for body in ("[]", "<html>Hello</html>", '{"data": "many"}', ""):
        with pytest.raises(TryFailed, match="no list of models"):
            read_models(body)
    with pytest.raises(TryFailed, match="status 502: no"):
        read_models('{"error": "no"}')


def test_a_body_that_is_no_answer_is_quoted_as_a_person_reads_it(model, meter, model_server, reply):
    page = b"<html><head><title>My router</title></head><body>Log in</body></html>"
    model_server.answer = lambda prompt: reply(body=page)
    with pytest.raises(ModelError, match=r"no chat completion: “My router Log in”.*ends in /v1"):
        model(max_retries=0).ask("idea", "?", str, meter)
    model_server.answer = lambda prompt: reply(body=b"\n\n")
    with pytest.raises(ModelError, match="no chat completion: it is empty"):
        model(max_retries=0).ask("idea", "other", str, meter)
