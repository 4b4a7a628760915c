"""Who is asked in which role, and with which key."""

from __future__ import annotations

import pytest

from taskwright.config import Config, ModelConfig, parse_assignment, resolve
from taskwright.errors import UsageError
from taskwright.generator.model.messages import picture_part, text_part
from taskwright.generator.model.providers.openai import OpenAI
from taskwright.generator.model.roles import asked_in
from taskwright.generator.run import model_is_configured

KEY = "sk-author-0123456789"
JUDGE_KEY = "sk-judge-9876543210"


def test_a_role_takes_what_is_its_own_and_the_rest_from_the_section():
    config = ModelConfig(
        name="author",
        base_url="http://author:1/v1",
        temperature=0.2,
        roles={"code": {"name": "coder", "max_answer_tokens": 9000, "timeout_s": 5}},
    )
    code, idea, unheard_of = (
        asked_in(role, config, OpenAI()) for role in ("code", "idea", "unheard_of")
    )
    assert (code.model, code.server, code.temperature) == ("coder", "http://author:1/v1", 0.2)
    assert (code.max_answer_tokens, code.timeout_s) == (9000, 5)
    assert (idea.model, idea.max_answer_tokens, idea.timeout_s) == ("author", 16_000, 180)
    assert unheard_of == idea


def test_the_judge_may_be_another_model_on_another_server_with_a_key_of_its_own(
    model, meter, model_server, model_server_type, monkeypatch
):
    judge_server = model_server_type()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("JUDGE_KEY", JUDGE_KEY)
    judge = {"name": "judge", "base_url": judge_server.url, "temperature": 0.0, "extra": {"a": 1}}
    asked = model(roles={"interestingness": {**judge, "key_variable": "JUDGE_KEY"}})
    asked.greet()
    asked.ask("idea", "?", str, meter)
    asked.ask("interestingness", "?", str, meter)
    judge_server.close()
    assert asked.name_for("interestingness") == "judge"
    (request,) = judge_server.requests
    assert (request["model"], request["temperature"], request["a"]) == ("judge", 0.0, 1)
    assert judge_server.keys == [f"Bearer {JUDGE_KEY}"]
    assert [request["model"] for request in model_server.requests] == ["scripted"]
    assert model_server.keys == [f"Bearer {KEY}"]


def test_no_key_goes_to_a_server_it_was_not_meant_for(model, meter, model_server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    elsewhere = model(
        base_url="http://elsewhere.invalid/v1", roles={"idea": {"base_url": model_server.url}}
    )
    elsewhere.ask("idea", "?", str, meter)
    assert KEY not in model_server.keys[0]


def test_a_key_that_is_named_and_not_set_is_said_with_its_variable(model, monkeypatch):
    with pytest.raises(UsageError, match="JUDGE_KEY is empty"):
        model(roles={"interestingness": {"key_variable": "JUDGE_KEY"}})


@pytest.mark.parametrize(
    "assignment",
    [
        f"model.key_variable={KEY}",
        f"model.roles.code.key_variable={KEY}",
        f"model.base_url=https://user:{KEY}@server/v1",
        f"model.base_url=https://server/v1?key={KEY}",
        f"model.api_key={KEY}",
    ],
)
def test_a_key_in_the_wrong_place_is_refused_and_not_repeated(assignment):
    with pytest.raises(UsageError) as caught:
        resolve(parse_assignment(assignment))
    assert KEY not in str(caught.value)


def test_a_key_in_the_address_of_the_environment_is_refused_and_not_repeated(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", f"https://user:{KEY}@server/v1")
    with pytest.raises(UsageError, match="OPENAI_BASE_URL") as caught:
        asked_in("idea", ModelConfig(name="x"), OpenAI())
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "pasted",
    [
        f"{KEY}\n",
        f"{KEY}\r\n",
        f"  {KEY}\t",
        f"\ufeff{KEY}\u200b",
        f"“{KEY}”",
        f"‘{KEY}’",
        f'"{KEY}"\n',
        f" ' {KEY} ' ",
        f"\xa0{KEY}\u2060",
        f"«{KEY}»",
    ],
    ids=ascii,
)
def test_what_was_pasted_around_a_key_is_neither_sent_nor_shown(
    model, meter, model_server, reply, monkeypatch, tmp_path, pasted
):
    monkeypatch.setenv("OPENAI_API_KEY", pasted)
    model_server.script = [reply(f"You sent {KEY}!", status=503), reply(f"It was {KEY}.")]
    assert model().ask("idea", "?", str, meter) == "It was [key]."
    assert model_server.keys == [f"Bearer {KEY}"] * 2
    assert KEY not in (tmp_path / "llm.jsonl").read_text()


@pytest.mark.parametrize(
    "inside", ["\n", "\r", "\x1b", "\x7f", "“", "\u200b", "é", "\udce9"], ids=ascii
)
@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "JUDGE_KEY"])
def test_a_key_that_no_header_takes_is_told_by_its_variable_and_not_shown(
    model, monkeypatch, inside, variable
):
    monkeypatch.setenv(variable, f"sk-begin{inside}end-0123456789")
    with pytest.raises(UsageError, match=f"The key in {variable} holds") as caught:
        model(roles={"code": {"key_variable": variable}})
    assert "begin" not in str(caught.value)
    assert "0123456789" not in str(caught.value)


@pytest.mark.parametrize("blank", ["", " ", "\n", "“”", '""', "\ufeff"], ids=ascii)
def test_a_blank_key_or_address_is_none(monkeypatch, blank):
    monkeypatch.setenv("OPENAI_API_KEY", blank)
    monkeypatch.setenv("OPENAI_BASE_URL", blank)
    assert not model_is_configured(Config())
    with pytest.raises(UsageError, match="OPENAI_API_KEY is empty"):
        asked_in("idea", ModelConfig(name="x"), OpenAI())
    asked = asked_in("idea", ModelConfig(name="x", base_url="http://local:1/v1"), OpenAI())
    assert (asked.server, asked.key) == ("http://local:1/v1", None)


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "OPENAI_BASE_URL"])
def test_a_key_or_an_address_alone_configures_a_model(monkeypatch, variable):
    monkeypatch.setenv(variable, " http://local:1/v1 ")
    assert model_is_configured(Config())


def test_an_address_in_the_environment_is_taken_without_what_is_around_it(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", " “http://local:1/v1/”\n")
    assert asked_in("idea", ModelConfig(name="x"), OpenAI()).server == "http://local:1/v1"


def test_pictures_are_sent_and_logged_by_their_hash_alone(model, meter, model_server, tmp_path):
    picture = tmp_path / "poster.png"
    picture.write_bytes(b"a picture" * 1000)
    prompt = [text_part("Is this new?"), picture_part(picture)]
    model().ask("interestingness", prompt, str, meter)
    _, sent = model_server.requests[0]["messages"][0]["content"]
    assert sent["image_url"]["url"].startswith("data:image/png;base64,YSBwaWN0dXJl")
    log = (tmp_path / "llm.jsonl").read_text()
    assert "Is this new?" in log
    assert "data:image/png;base64, 12000 bytes, " in log
    assert "YSBwaWN0dXJl" not in log
