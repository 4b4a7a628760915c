"""The model over a real HTTP server: what is retried, what is not, and what it costs."""

from __future__ import annotations

import json
import time

import pytest

from taskwright.config import ModelConfig, Price
from taskwright.errors import BrokenError, BudgetSpent, ModelError, UsageError
from taskwright.generator.answers import AnswerError
from taskwright.generator.model.client import FoundationModel
from taskwright.generator.model.messages import text_part
from taskwright.task import Cost


def as_it_is(answer: str) -> str:
    return answer


def only_yes(answer: str) -> str:
    if answer != "yes":
        raise AnswerError("Say yes.")
    return answer


def test_an_answer_is_parsed_counted_and_logged(meter, model, model_server, tmp_path):
    asked = model(prices={"scripted": Price(prompt=10, completion=100)})
    meter.begin("idea 0")
    assert asked.ask("idea", "What next?", as_it_is, meter) == "hello"
    expected = Cost(1, 100, 20, pytest.approx(100 * 10e-6 + 20 * 100e-6))
    assert meter.read() == expected
    assert meter.read() == Cost()
    (entry,) = map(json.loads, (tmp_path / "llm.jsonl").read_text().splitlines())
    assert (entry["journey"], entry["step"], entry["role"]) == (7, "idea 0", "idea")
    assert entry["prompt_tokens"] == 100
    assert entry["answer"] == "hello"
    assert len(entry["prompt_sha256"]) == 64


def test_half_a_surrogate_pair_keeps_no_prompt_from_being_sent(meter, model, model_server):
    asked = model()
    asked.ask("idea", "a\ud800b", as_it_is, meter)
    asked.ask("idea", [text_part("a\udfffb")], as_it_is, meter)
    first, second = (request["messages"][0]["content"] for request in model_server.requests)
    assert (first, second[0]["text"]) == ("a?b", "a?b")


def test_an_unparseable_answer_is_asked_for_once_more_with_the_reason(
    meter, model, model_server, reply
):
    model_server.script = [reply("no"), reply("yes")]
    assert model().ask("idea", "Well?", only_yes, meter) == "yes"
    first, second = model_server.requests
    assert [m["role"] for m in second["messages"]] == ["user", "assistant", "user"]
    assert second["messages"][2]["content"] == "Say yes."
    assert first["messages"][0] == second["messages"][0]


def test_two_unparseable_answers_are_broken_and_not_asked_a_third_time(
    meter, model, model_server, reply
):
    model_server.script = [reply("no"), reply("never")]
    with pytest.raises(BrokenError, match="twice: Say yes"):
        model().ask("idea", "Well?", only_yes, meter)
    assert len(model_server.requests) == 2


@pytest.mark.parametrize("fields", [{"text": None}, {"text": ""}, {"choices": False}])
def test_an_empty_answer_is_an_unparseable_one(meter, model, model_server, reply, fields):
    model_server.script = [reply(**fields), reply("yes")]
    assert model().ask("idea", "Well?", only_yes, meter) == "yes"


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
def test_passing_failures_are_retried(meter, model, model_server, reply, status):
    model_server.script = [reply(status=status, headers={"retry-after": "0"}), reply("hello")]
    assert model().ask("idea", "?", as_it_is, meter) == "hello"
    assert len(model_server.requests) == 2


def test_retries_are_bounded(meter, model, model_server, reply):
    model_server.answer = lambda prompt: reply(status=503, headers={"retry-after": "0"})
    with pytest.raises(ModelError, match="503, 2 times"):
        model().ask("idea", "?", as_it_is, meter)
    assert len(model_server.requests) == 2


def test_a_refused_key_is_told_at_once_in_the_servers_words_and_never_shown(
    meter, model, model_server, reply, tmp_path, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    model_server.answer = lambda prompt: reply("Incorrect key sk-very-secret", status=401)
    with pytest.raises(
        ModelError, match=r"“Incorrect key \[key\]”.*check OPENAI_API_KEY"
    ) as caught:
        model().ask("idea", "?", as_it_is, meter)
    assert len(model_server.requests) == 1
    assert model_server.keys == ["Bearer sk-very-secret"]
    assert "sk-very-secret" not in str(caught.value) + (tmp_path / "llm.jsonl").read_text()


def test_a_key_is_hidden_however_json_writes_it(
    meter, model, model_server, reply, tmp_path, monkeypatch
):
    key = "sk-a+b/c=0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    written = key.replace("/", "\\/").replace("+", "\\u002B")
    message = f'{{"content": "It was {written}", "reasoning": "{written}"}}'
    body = f'{{"choices": [{{"message": {message}, "finish_reason": "stop"}}]}}'
    refusal = f'{{"error": {{"message": "Not {written}"}}}}'
    model_server.script = [reply(status=503, body=refusal.encode()), reply(body=body.encode())]
    assert model().ask("idea", "?", as_it_is, meter) == "It was [key]"
    log = (tmp_path / "llm.jsonl").read_text()
    assert "Not [key]" in log
    assert "0123456789" not in log


def test_a_server_that_wants_a_key_and_was_sent_none_is_told_so(meter, model, model_server, reply):
    model_server.answer = lambda prompt: reply(status=401)
    with pytest.raises(ModelError, match="set OPENAI_API_KEY: it is empty, so no key was sent"):
        model().ask("idea", "?", as_it_is, meter)


def test_a_403_for_one_prompt_among_answers_breaks_that_journey_alone(
    meter, model, model_server, reply
):
    flagged = reply("Your input was flagged", status=403)
    model_server.script = [flagged, reply("hello"), flagged, flagged]
    with pytest.raises(ModelError, match="with status 403: “Your input was flagged”"):
        model().ask("idea", "first", as_it_is, meter)
    asked = model()
    asked.ask("idea", "fine", as_it_is, meter)
    for going_on in (asked, model()):
        with pytest.raises(BrokenError, match="status 403: Your input was flagged"):
            going_on.ask("idea", "flagged", as_it_is, meter)


def test_an_unknown_model_is_named(meter, model, model_server, reply):
    model_server.answer = lambda prompt: reply(status=404)
    with pytest.raises(ModelError, match=r"for the model scripted with status 404.*--base-url"):
        model().ask("idea", "?", as_it_is, meter)


def test_a_prompt_the_server_refuses_breaks_this_journey_only(meter, model, model_server, reply):
    model_server.answer = lambda prompt: reply(status=400)
    with pytest.raises(BrokenError, match="refused the prompt"):
        model().ask("idea", "?", as_it_is, meter)
    assert len(model_server.requests) == 1


def test_an_unreachable_server_is_one_clear_line(meter, model, unused_url):
    with pytest.raises(ModelError, match="cannot be reached"):
        model(base_url=unused_url).ask("idea", "?", as_it_is, meter)


def test_greeting_an_unreachable_server_or_one_that_refuses_the_key_is_refused(
    model, model_server, unused_url, reply
):
    with pytest.raises(ModelError, match="cannot be reached"):
        model(base_url=unused_url).greet()
    model_server.models = reply(status=401)
    with pytest.raises(ModelError, match="with status 401"):
        model().greet()


@pytest.mark.parametrize(
    ("status", "text"), [(200, ""), (404, "No such page"), (500, ""), (401, "Missing scopes: list")]
)
def test_a_server_that_lists_no_models_is_greeted(model, model_server, reply, status, text):
    model_server.models = reply(text, status)
    model().greet()
    assert model_server.requests == []


def test_a_silent_server_is_given_up_after_the_timeout(meter, model, model_server, reply):
    model_server.answer = lambda prompt: reply(delay_s=3)
    started = time.monotonic()
    with pytest.raises(ModelError, match=r"within 0.3 s, once"):
        model(timeout_s=0.3, max_retries=0).ask("idea", "?", as_it_is, meter)
    assert time.monotonic() - started < 2.5


@pytest.mark.parametrize("body", [b"not json at all", b'{"choices": "none"}', b"[]"])
def test_a_server_that_talks_nonsense_does_not_crash_us(meter, model, model_server, reply, body):
    model_server.answer = lambda prompt: reply(body=body)
    with pytest.raises((ModelError, BrokenError)):
        model().ask("idea", "?", only_yes, meter)


def test_missing_usage_is_estimated_from_the_length(meter, model, model_server, reply):
    model_server.script = [reply("x" * 40, usage=False)]
    asked = model()
    asked.ask("idea", "y" * 400, as_it_is, meter)
    assert meter.read() == Cost(1, 134, 14, None, estimated_tokens=148)


def test_the_token_cap_ends_the_run_before_the_next_call(meter, model, model_server):
    asked = model(max_tokens=200)
    asked.ask("idea", "?", as_it_is, meter)
    asked.ask("idea", "?", as_it_is, meter)
    with pytest.raises(BudgetSpent, match="200 tokens"):
        asked.ask("idea", "?", as_it_is, meter)
    assert len(model_server.requests) == 2


def test_what_earlier_commands_spent_counts_against_the_cap(meter, model, model_server):
    model(max_tokens=100).ask("idea", "?", as_it_is, meter)
    with pytest.raises(BudgetSpent):
        model(max_tokens=100).ask("idea", "?", as_it_is, meter)
    assert len(model_server.requests) == 1


def test_the_money_cap_needs_a_price(model):
    with pytest.raises(UsageError, match="price of the model scripted"):
        model(max_usd=1.0)


def test_the_money_cap_ends_the_run(meter, model):
    asked = model(max_usd=0.001, prices={"scripted": Price(prompt=10, completion=100)})
    asked.ask("idea", "?", as_it_is, meter)
    with pytest.raises(BudgetSpent, match=r"\$0.001"):
        asked.ask("idea", "?", as_it_is, meter)


def test_neither_key_nor_address_is_said_before_anything_is_asked(tmp_path):
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        FoundationModel(ModelConfig(name="some-model"), tmp_path, print)
