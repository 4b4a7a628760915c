"""What every model provider in the table promises to whoever asks through it.

The fixture `server` holds a server of each kind; a new provider adds its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from taskwright.config import ModelConfig
from taskwright.errors import ModelStopped, UsageError
from taskwright.generator.model.failures import TryFailed
from taskwright.generator.model.messages import message
from taskwright.generator.model.providers import PROVIDERS, make_provider
from taskwright.generator.model.roles import asked_in

MESSAGES = [message("user", "Say hello.")]


@pytest.fixture(params=list(PROVIDERS))
def name(request) -> str:
    return request.param


@pytest.fixture
def provider(name):
    provider = make_provider(name)
    yield provider
    provider.close()


@pytest.fixture
def server(name, model_server):
    """A server of the provider's kind, which answers what its `script` says."""
    servers = {"openai": model_server}
    assert name in servers, "a provider's tests need a server that speaks as its servers do"
    return servers[name]


@pytest.fixture
def asked(name, provider, server):
    config = ModelConfig(name="scripted", provider=name, base_url=server.url, max_answer_tokens=500)
    return asked_in("idea", config, provider)


def send(provider, asked, timeout_s: float = 10.0, before: Callable[[], None] = lambda: None):
    return provider.send(asked, provider.request(asked, MESSAGES), timeout_s, before)


def test_a_question_is_answered_with_what_it_used(provider, asked, server):
    reply = send(provider, asked)
    assert (reply.text, reply.finish_reason) == ("hello", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens) == (100, 20)
    assert len(server.requests) == 1


def test_the_longest_answer_is_sent_and_told_to_whoever_reserves_for_it(provider, asked, server):
    request = provider.request(asked, MESSAGES)
    assert provider.longest_answer(asked, request) == 500
    send(provider, asked)
    assert 500 in server.requests[0].values()


def test_it_tells_once_before_the_prompt_leaves_and_then_sends_nothing_if_that_raises(
    provider, asked, server
):
    told: list[int] = []
    send(provider, asked, before=lambda: told.append(len(server.requests)))
    assert told == [0]

    def refuse() -> None:
        raise UsageError("Not that.", "Leave it.")

    with pytest.raises(UsageError):
        send(provider, asked, before=refuse)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_a_refusal_has_its_status_and_the_words_of_the_server(
    provider, asked, server, reply, status
):
    server.script = [reply(status=status, text="Not on a Monday.")]
    with pytest.raises(TryFailed) as caught:
        send(provider, asked)
    assert caught.value.status == status
    assert "Not on a Monday." in caught.value.what
    assert caught.value.may_pass == (status in (429, 500, 503))


def test_a_timeout_is_kept(provider, asked, server, reply):
    server.script = [reply(delay_s=3.0)]
    began = time.monotonic()
    with pytest.raises(TryFailed) as caught:
        send(provider, asked, timeout_s=0.3)
    assert time.monotonic() - began < 2.0
    assert caught.value.kind == "timeout"


def test_an_answer_that_is_none_is_a_failure_of_its_own_kind(provider, asked, server, reply):
    server.script = [reply(body=b"<html>Welcome</html>")]
    with pytest.raises(TryFailed) as caught:
        send(provider, asked)
    assert caught.value.kind == "unreadable"


def test_a_server_that_is_not_there_costs_nothing(name, provider, unused_url):
    config = ModelConfig(name="scripted", provider=name, base_url=unused_url)
    sent: list[None] = []
    with pytest.raises(TryFailed) as caught:
        send(provider, asked_in("idea", config, provider), before=lambda: sent.append(None))
    assert caught.value.kind == "unreachable"
    assert not sent


def test_closing_ends_the_wait_for_an_answer(provider, asked, server, reply):
    server.script = [reply(delay_s=5.0)]
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            send(provider, asked, timeout_s=30.0)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not server.requests:
        time.sleep(0.01)
    began = time.monotonic()
    provider.close()
    thread.join(5.0)
    assert time.monotonic() - began < 4.0
    assert [type(error) for error in raised] == [ModelStopped]
    assert provider.closed.is_set()
    with pytest.raises(ModelStopped):
        send(provider, asked)


def test_knocking_finds_a_server_and_one_that_is_not_there(name, provider, asked, unused_url):
    assert provider.models(asked, 5.0) in ([], ["scripted"])
    config = ModelConfig(name="scripted", provider=name, base_url=unused_url)
    with pytest.raises(TryFailed):
        provider.models(asked_in("idea", config, provider), 5.0)


def test_a_prompt_that_a_server_cuts_is_told_once_for_each_model(provider, asked):
    assert not provider.cuts_prompts(asked, 900, 1_100)
    assert provider.cuts_prompts(asked, 400, 2_000)
    assert not provider.cuts_prompts(asked, 400, 2_000)


def test_a_provider_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match="'delphi'") as caught:
        make_provider("delphi")
    assert all(name in str(caught.value) for name in PROVIDERS)
