"""What was never sent costs nothing, and what was sent counts as the most it can have cost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskwright.config import ModelConfig, Price
from taskwright.errors import BudgetSpent, ModelError, ModelStopped
from taskwright.generator.model.budget import Budget
from taskwright.generator.model.log import cost_in, read_calls
from taskwright.task import Cost

MOST = Cost(1, 10, 1000, None, estimated_tokens=1010)
"""Of a prompt of thirty letters."""


@pytest.fixture
def silent():
    """An address that takes connections and never says a word, so that no TLS comes about."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"https://127.0.0.1:{listening.getsockname()[1]}/v1", listening


def test_a_connection_that_never_came_about_is_logged_and_costs_nothing(
    model, meter, unused_url, tmp_path
):
    price = Price(prompt=1.0, completion=1.0)
    asked = model(base_url=unused_url, prices={"scripted": price}, max_calls=1)
    with pytest.raises(ModelError, match=r"reached, 2 times: no connection \(Connection refused\)"):
        asked.ask("idea", "?", str, meter)
    assert (meter.read(), asked.total) == (Cost(), Cost())
    (entry,) = read_calls(tmp_path)
    assert (entry["calls"], entry["usd"]) == (0, 0.0)
    assert [tried["sent"] for tried in entry["tries"]] == [False, False]
    assert not list(tmp_path.glob("in_flight/*"))


def test_a_name_that_nobody_knows_costs_nothing(model, meter):
    with pytest.raises(ModelError, match="no connection"):
        model(base_url="http://nobody.invalid/v1", max_retries=0).ask("idea", "?", str, meter)
    assert meter.read() == Cost()


def test_a_call_that_broke_off_is_told_from_those_that_never_began(
    model, meter, model_server, reply, tmp_path
):
    model_server.script = [reply(cut_after=10), reply(status=503), reply("hello")]
    model(max_answer_tokens=1000, max_retries=2).ask("idea", "x" * 30, str, meter)
    (entry,) = read_calls(tmp_path)
    assert [tried["sent"] for tried in entry["tries"]] == [True, True]
    assert meter.read() == MOST + Cost(1) + Cost(1, 100, 20, None)


def test_a_server_that_hangs_up_on_the_prompt_may_have_read_it(model, meter):
    """Nothing is known of what happens after the prompt has gone out."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1)

        threading.Thread(target=hang_up, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        with pytest.raises(ModelError, match="the connection broke"):
            model(base_url=url, max_answer_tokens=1000, max_retries=0).ask(
                "idea", "x" * 30, str, meter
            )
    assert meter.read() == MOST


def test_a_run_that_ends_while_it_connects_has_spent_nothing(model, meter, silent, tmp_path):
    url, listening = silent
    asked = model(base_url=url)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(asked.ask, "idea", "?", str, meter)
        connection, _ = listening.accept()
        started = time.monotonic()
        asked.close()
        with pytest.raises(ModelStopped):
            future.result(5)
        connection.close()
    assert time.monotonic() - started < 2
    assert meter.read() == Cost()
    assert not list(tmp_path.glob("in_flight/*"))
    assert list(read_calls(tmp_path)) == []


ASK = """
import sys
from pathlib import Path
from taskwright.config import ModelConfig
from taskwright.generator.model.client import FoundationModel
from taskwright.generator.model.meter import Meter

config = ModelConfig(name="scripted", base_url=sys.argv[2], max_answer_tokens=1000)
with FoundationModel(config, Path(sys.argv[1]), lambda *_, **__: None) as model:
    model.ask("idea", "x" * 30, str, Meter(7))
"""


@pytest.mark.parametrize("is_sent", [False, True], ids=["while it connects", "once it has asked"])
def test_a_process_that_is_killed_has_spent_what_it_had_sent(model, silent, tmp_path, is_sent):
    url, listening = silent
    url = url.replace("https:", "http:") if is_sent else url
    command = [sys.executable, "-c", ASK, str(tmp_path), url]
    with subprocess.Popen(command, env={**os.environ, "OPENAI_API_KEY": ""}) as asking:
        connection, _ = listening.accept()
        connection.recv(1)
        if is_sent:
            while not list(tmp_path.glob("in_flight/*.json")):
                time.sleep(0.01)
        asking.send_signal(signal.SIGKILL)
        connection.close()
    assert model().total == (MOST if is_sent else Cost())


def test_a_call_waits_for_those_in_flight_that_may_never_be_sent():
    budget = Budget(ModelConfig(max_calls=1), Cost())
    first = budget.reserve(Cost(1), Cost(1))
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(budget.reserve, Cost(1), Cost(1))
        time.sleep(0.1)
        assert not second.done()
        budget.settle(first, Cost())
        assert second.result(5) == Cost(1)
    budget.settle(Cost(1), Cost(1))
    with pytest.raises(BudgetSpent, match="cap of 1 calls is reached: 1 calls are spent"):
        budget.reserve(Cost(1), Cost(1))


# What earlier versions wrote.


def logged(errors: list[str], cost: Cost = MOST, **more: object) -> dict[str, object]:
    """A line of `llm.jsonl` as it was before tries told whether they were sent."""
    tries = [{"error": error, "seconds": 0.01, "pause_s": 0.6} for error in errors]
    return {
        "call": "0123",
        "journey": 1,
        "calls": cost.calls,
        "prompt_tokens": cost.prompt_tokens,
        "completion_tokens": cost.completion_tokens,
        "estimated_tokens": cost.estimated_tokens,
        "usd": cost.usd,
        "tries": tries,
        **more,
    }


def times(count: int) -> Cost:
    return sum([MOST] * count, Cost())


UNSENT = ["ImportError", "ValueError", "InvalidURL", "FileNotFoundError", "IsADirectoryError"]
UNSENT += ["PermissionError", "SSLError", "UnicodeEncodeError", "ExceptionGroup"]
UNSENT += ["the connection broke (LocalProtocolError)"]


@pytest.mark.parametrize("error", UNSENT)
def test_what_earlier_versions_counted_though_it_was_never_sent_is_not_counted_again(error):
    stopped = "A question to the model was given up because the run ends."
    for entry in (
        logged([error] * 2, times(2), error=error),
        logged([error] * 3, times(3), error="The cap of 40000 tokens is reached."),
        logged([error] * 2, times(2), error=stopped),
        logged([error] * 2, times(3), error="the process ended during this call"),
    ):
        assert cost_in(entry) == Cost()


@pytest.mark.parametrize(
    "entry",
    [
        logged(["no answer within 180 s"], error="no answer within 180 s"),
        logged(["the connection broke (ReadError)"], error="the connection broke (ReadError)"),
        logged(["ReadError"], error="ReadError"),
        logged(["ImportError", "ReadError"], error="ReadError"),
        logged([], error="the process ended during this call"),
        logged(["it is no chat completion: ''"], error="it is no chat completion: ''"),
        logged(["ValueError"], answer="hello", finish_reason="stop"),
    ],
)
def test_what_may_have_been_sent_stays_counted(entry):
    assert cost_in(entry) == MOST


def test_connections_that_did_not_come_about_were_counted_as_calls_and_are_no_more():
    refused = "no connection (ConnectError)"
    assert cost_in(logged([refused] * 2, Cost(2), error=refused)) == Cost()
    assert cost_in(logged([refused], Cost(2, 9, 3, None), answer="hello")) == Cost(1, 9, 3, None)
    # The second try may have been sent when the process ended.
    killed = logged([refused], Cost(1) + MOST, error="the process ended during this call")
    assert cost_in(killed) == MOST


def test_a_run_that_was_refused_for_what_was_never_sent_goes_on(model, meter, tmp_path):
    lines = [logged(["ImportError"] * 3, times(3), error="The cap of 2000 tokens is reached.")]
    (tmp_path / "llm.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "in_flight").mkdir()
    killed = logged(["ImportError"], times(2), call="4567", error="the process ended")
    (tmp_path / "in_flight" / "4567.json").write_text(json.dumps(killed))
    asked = model(max_tokens=2000, max_answer_tokens=1000)
    assert asked.total == Cost()
    assert asked.ask("idea", "?", str, meter) == "hello"
