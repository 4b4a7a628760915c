"""What servers refuse is changed once and remembered. The refusals are those of real servers."""

from __future__ import annotations

import json

import pytest

from taskwright.errors import BrokenError


def refusal(reply, message: str, status: int = 400):
    return reply(status=status, body=json.dumps({"error": {"message": message}}).encode())


def sent(model_server):
    names = ("max_tokens", "max_completion_tokens", "temperature")
    return [{name: r[name] for name in names if name in r} for r in model_server.requests]


@pytest.mark.parametrize(
    ("message", "status", "then"),
    [
        (  # OpenAI's reasoning models
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            400,
            {"max_completion_tokens": 16_000, "temperature": 0.5},
        ),
        (
            "Unsupported value: 'temperature' does not support 0.5 with this model. Only the "
            "default (1) value is supported.",
            400,
            {"max_tokens": 16_000},
        ),
        ("`temperature` is deprecated for this model.", 400, {"max_tokens": 16_000}),  # Anthropic
        (
            "max_tokens is too large: 16000. This model supports at most 8192 completion tokens.",
            400,
            {"max_tokens": 8_000, "temperature": 0.5},
        ),
        (  # DeepSeek
            "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
            422,
            {"max_tokens": 8_000, "temperature": 0.5},
        ),
    ],
)
def test_a_refused_parameter_is_changed_once_and_remembered(
    model, meter, model_server, reply, warnings, message, status, then
):
    model_server.script = [refusal(reply, message, status)]
    asked = model(temperature=0.5, max_retries=0)
    asked.ask("idea", "A", str, meter)
    asked.ask("code", "B", str, meter)
    assert sent(model_server) == [{"max_tokens": 16_000, "temperature": 0.5}, then, then]
    assert len(warnings) == 1
    assert "from now on" in warnings[0]


def test_a_full_context_shortens_the_answer_to_this_prompt_alone(
    model, meter, model_server, reply, warnings
):
    message = (  # vLLM
        "This model's maximum context length is 8192 tokens. However, you requested 18000 tokens "
        "(2000 in the messages, 16000 in the completion). Please reduce the length."
    )
    model_server.script = [refusal(reply, message), refusal(reply, message)]
    asked = model(max_retries=0)
    asked.ask("idea", "A", str, meter)
    asked.ask("idea", "B", str, meter)
    assert [request["max_tokens"] for request in sent(model_server)] == [16000, 8000, 4000, 16000]
    assert warnings == []


def test_a_prompt_that_leaves_no_room_for_an_answer_breaks_the_journey(
    model, meter, model_server, reply
):
    message = "This model's maximum context length is 2048 tokens. However, you requested 99999."
    model_server.answer = lambda prompt: refusal(reply, message)
    with pytest.raises(BrokenError, match="maximum context length"):
        model().ask("idea", "A", str, meter)
    assert [r["max_tokens"] for r in sent(model_server)] == [16000, 8000, 4000, 2000, 1000]


def test_a_server_that_refuses_both_names_of_the_limit_is_not_asked_for_ever(
    model, meter, model_server, reply
):
    model_server.answer = lambda prompt: refusal(
        reply, "max_tokens and max_completion_tokens are not supported", 422
    )
    with pytest.raises(BrokenError, match="not supported"):
        model().ask("idea", "A", str, meter)
    assert len(model_server.requests) == 2


def test_a_server_that_counts_far_too_few_tokens_of_a_prompt_is_warned_of_once(
    model, meter, model_server, warnings
):
    asked = model()
    asked.ask("idea", "short", str, meter)
    assert warnings == []
    asked.ask("idea", "x" * 30_000, str, meter)
    asked.ask("code", "y" * 30_000, str, meter)
    (warning,) = warnings
    assert "counted 100 tokens of a prompt of about 10000" in warning


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("Unknown parameter: 'stream'", 400),
        ("Unsupported value: 'stream' does not support false with this model.", 400),
        ("body.stream: Extra inputs are not permitted", 422),
    ],
)
def test_a_server_that_takes_no_word_on_streams_is_sent_none(
    model, meter, model_server, reply, warnings, message, status
):
    model_server.script = [refusal(reply, message, status)]
    asked = model(max_retries=0)
    asked.ask("idea", "A", str, meter)
    asked.ask("code", "B", str, meter)
    assert [request.get("stream") for request in model_server.requests] == [False, None, None]
    assert len(warnings) == 1


def test_a_model_that_answers_in_streams_alone_is_asked_for_one(
    model, meter, model_server, reply, warnings
):
    only = "This model only support stream mode, please enable the stream parameter"  # DashScope
    events = [
        '{"choices": [{"delta": {"content": "hello"}, "finish_reason": "stop"}]}',
        '{"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}',
    ]
    answer = "".join(f"data: {event}\n\n" for event in events) + "data: [DONE]\n\n"
    streamed = reply(body=answer.encode(), headers={"content-type": "text/event-stream"})
    model_server.answer = lambda prompt: (
        streamed if model_server.requests[-1].get("stream") else refusal(reply, only)
    )
    asked = model(max_retries=0)
    assert asked.ask("idea", "A", str, meter) == asked.ask("idea", "B", str, meter) == "hello"
    assert [r.get("stream") for r in model_server.requests] == [False, None, True, True]
    assert model_server.requests[-1]["stream_options"] == {"include_usage": True}
    assert meter.read().tokens == 20


def test_a_refusal_that_only_mentions_a_stream_changes_nothing(model, meter, model_server, reply):
    model_server.answer = lambda prompt: refusal(reply, "The stream of water is too wet")
    with pytest.raises(BrokenError, match="too wet"):
        model().ask("idea", "A", str, meter)
    assert [request["stream"] for request in model_server.requests] == [False]
