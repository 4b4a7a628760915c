"""What servers say when something is wrong, in every shape in which they say it."""

from __future__ import annotations

import json
import time

import pytest

from taskwright.errors import BrokenError, ModelError
from taskwright.generator.model.words import LONGEST, one_line, words_in

SHAPES = {
    "OpenAI": ({"error": {"message": "No", "type": "t", "code": 5}}, "No"),
    "an error that is a text (Ollama)": ({"error": "model not found"}, "model not found"),
    "a message beside a flag": ({"error": True, "message": "No"}, "No"),
    "FastAPI": ({"detail": "Not authenticated"}, "Not authenticated"),
    "FastAPI's list": (
        {"detail": [{"loc": ["body", "stream"], "msg": "Extra inputs", "type": "extra"}]},
        "body.stream: Extra inputs",
    ),
    "two complaints": ({"detail": [{"msg": "a"}, {"msg": "b"}]}, "a: b"),
    "a problem document": ({"title": "Quota", "status": 429, "detail": "None left"}, "None left"),
    "Google's list": ([{"error": {"message": "Key not valid", "code": 400}}], "Key not valid"),
    "Cloudflare": ({"success": False, "errors": [{"code": 1, "message": "No route"}]}, "No route"),
    "AWS": ({"Message": "Forbidden"}, "Forbidden"),
    "Spring": ({"status": 404, "error": "Not Found", "path": "/v1"}, "Not Found"),
    "a gateway that passes words on": (
        {
            "error": {
                "message": "Provider error",
                "metadata": {"raw": '{"error": {"message": "Full"}}'},
            }
        },
        "Provider error: Full",
    ),
    "a moderator": (
        {"error": {"message": "Flagged", "metadata": {"reasons": ["violence"]}}},
        "Flagged: violence",
    ),
    "a message that is JSON": ({"message": '{"error": "inner"}'}, "inner"),
    "a message that looks like JSON": ({"message": "[ERROR] no"}, "[ERROR] no"),
    "nothing that is known": (
        {"fault": {"faultstring": "Bad"}},
        '{"fault": {"faultstring": "Bad"}}',
    ),
    "OAuth": ({"error": "no", "error_description": "Token expired"}, "no: Token expired"),
    "a text": ("Unauthorized", "Unauthorized"),
    "nothing": ({}, ""),
    "null": (None, ""),
    "half a surrogate pair": ({"error": "a\ud800b"}, "ab"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_words_are_found_in_json_of_any_shape(shape):
    document, words = SHAPES[shape]
    assert words_in(json.dumps(document)) == words
    assert words_in(f"\ufeff\n {json.dumps(document)}\n") == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", ""),
        (" \r\n\t ", ""),
        ("upstream\n  connect   error", "upstream connect error"),
        ("<html><body>You have been <b>blocked</b></body></html>", "You have been blocked"),
        (
            "<!-- a --><!DOCTYPE html><html><head><title>404 Not Found</title><style>p {}</style>"
            "<script>if (a < b) go()</script></head><body><h1>404 Not Found</h1>nginx</body>",
            "404 Not Found nginx",
        ),
        ("<p>5 &lt; 6 &amp; more</p>", "5 < 6 & more"),
        ("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "AccessDenied"),
        ("<urlopen error>", "<urlopen error>"),
        ("<p>cut <!-- off", "cut"),
        ("a < b", "a < b"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07\x9bbell\x07\u202etxt.exe", "red belltxt.exe"),
        ("not JSON {", "not JSON {"),
    ],
)
def test_pages_and_plain_text_are_one_line_of_what_they_show(body, words):
    assert words_in(body) == words


def test_long_words_are_cut_and_told_so():
    assert words_in("y" * 1000) == "y" * (LONGEST - 1) + "…"
    assert one_line("a b c", 4) == "a b…"


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"error":' * 10_000,
        '{"error":' * 500 + '"deep"' + "}" * 500,
        "<!-- -->" * 12_000,
        "<" * 100_000,
        "<p <![" * 16_000,
        "<a b='" * 16_000,
        "\x1b]" * 50_000,
        json.dumps({"detail": [{"msg": "x"}] * 9_000}),
        json.dumps({"message": json.dumps({"message": json.dumps({"message": "[" * 9_000})})}),
    ],
    ids=lambda body: body[:12],
)
def test_no_body_takes_long(body):
    started = time.monotonic()
    assert len(words_in(body)) <= LONGEST
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 429, 500, 503, 529])
def test_whatever_the_status_the_server_is_quoted(model, meter, model_server, reply, status):
    model_server.answer = lambda prompt: reply(
        status=status, body=b'{"detail": "What is\\n wrong"}', headers={"retry-after": "0"}
    )
    with pytest.raises(
        ModelError, match=f"with status {status}(, 2 times)?: “What is wrong”"
    ) as caught:
        model().ask("idea", "?", str, meter)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "words"),
    [(403, "403 (Forbidden)"), (503, "503 (Service Unavailable), 2 times"), (529, "529, 2 times")],
)
def test_a_status_without_words_is_told_with_its_standard_phrase(
    model, meter, model_server, reply, status, words
):
    model_server.answer = lambda prompt: reply(status=status, body=b"")
    with pytest.raises(ModelError) as caught:
        model().ask("idea", "?", str, meter)
    assert f"with status {words}." in str(caught.value)


def test_an_address_that_is_none_is_told_with_the_page_that_was_found_there(
    model, meter, model_server, reply
):
    page = b"<html><title>Nothing here</title></html>"
    model_server.answer = lambda prompt: reply(status=404, body=page)
    with pytest.raises(ModelError, match=r"404: “Nothing here”.*--base-url, which usually ends in"):
        model().ask("idea", "?", str, meter)
    with pytest.raises(ModelError, match=r"let --base-url end before /chat/completions\."):
        model(base_url=f"{model_server.url}/chat/completions").ask("idea", "?", str, meter)


def test_a_server_that_sends_prompts_on_is_told_with_the_place(model, meter, model_server, reply):
    elsewhere = {"location": "https://new.example/v1/chat/completions"}
    model_server.answer = lambda prompt: reply(status=301, body=b"", headers=elsewhere)
    told = (
        r"301: “it sends prompts on to .*Set the address of the server to https://new\.example/v1\."
    )
    with pytest.raises(ModelError, match=told):
        model().ask("idea", "?", str, meter)
    assert len(model_server.requests) == 1


def test_a_prompt_is_sent_on_where_a_server_says_how(
    model, meter, model_server, model_server_type, reply
):
    new = model_server_type()
    target = {"location": f"{new.url}/chat/completions"}
    model_server.answer = lambda prompt: reply(status=308, body=b"", headers=target)
    assert model().ask("idea", "?", str, meter) == "hello"
    assert [r["messages"][0]["content"] for r in new.requests] == ["?"]
    new.close()


def test_an_error_that_goes_on_for_ever_is_told_by_its_status(model, meter, model_server, reply):
    model_server.script = [reply(status=400, body=b"no " * 1_000_000)]
    with pytest.raises(BrokenError, match="status 400: no no"):
        model().ask("idea", "?", str, meter)
    packed = {"content-encoding": "gzip"}
    model_server.script = [reply(status=400, body=b"not packed", headers=packed)]
    with pytest.raises(BrokenError, match=r"status 400 \(Bad Request\)"):
        model().ask("idea", "other", str, meter)
    model_server.script = [reply(status=400, body=b"It broke off here", cut_after=8)]
    with pytest.raises(BrokenError, match="status 400: It broke"):
        model().ask("idea", "another", str, meter)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"error": {"code": 429, "message": "Slow down"}}', 429),
        (b'{"error": {"code": "503", "message": "Slow down"}}', 503),
        (b'{"error": "Slow down"}', 502),
        (b'{"error": {"code": "overloaded", "message": "Slow down"}, "choices": []}', 502),
        (b'data: {"error": {"message": "Slow down", "code": 500}}\n\n', 500),
    ],
)
def test_an_error_that_comes_with_status_200_is_an_error(
    model, meter, model_server, reply, body, status
):
    model_server.answer = lambda prompt: reply(body=body)
    with pytest.raises(ModelError, match=f"with status {status}, 2 times: “Slow down”"):
        model().ask("idea", "?", str, meter)
