"""Caps on money, tokens and calls, with many calls at once against a real server."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskwright.config import ModelConfig, Price
from taskwright.errors import BudgetSpent, ModelStopped, UsageError
from taskwright.generator.model.budget import Budget
from taskwright.generator.model.log import read_calls
from taskwright.generator.model.meter import Meter
from taskwright.task import Cost

THREADS = 12


def ask_until_spent(asked) -> list[Meter]:
    """Threads that ask until a cap stops them, each for a journey of its own; their meters."""
    meters = [Meter(number) for number in range(THREADS)]

    def work(meter: Meter) -> None:
        for number in range(100):
            asked.ask("idea", f"{meter.journey} {number}", str, meter)

    with ThreadPoolExecutor(THREADS) as pool:
        for future in [pool.submit(work, meter) for meter in meters]:
            with pytest.raises(BudgetSpent, match="is reached"):
                future.result(60)
    return meters


def dear_answer(reply, tokens: int):
    """An answer that uses so many tokens, told by the server, after a moment."""
    answer = {
        "choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": tokens},
    }
    return lambda prompt: reply(body=json.dumps(answer).encode(), delay_s=0.02)


@pytest.mark.parametrize("used", [1000, 200], ids=["as long as allowed", "shorter"])
def test_no_number_of_calls_at_once_passes_the_token_cap_by_more_than_one_answer(
    model, model_server, reply, used
):
    model_server.answer = dear_answer(reply, used)
    asked = model(max_tokens=20_000, max_answer_tokens=1000)
    meters = ask_until_spent(asked)
    assert 20_000 - 1010 < asked.total.tokens <= 20_000 + 1000
    assert sum((meter.read() for meter in meters), Cost()) == asked.total
    assert len(model_server.requests) == asked.total.tokens // (used + 10)


def test_no_number_of_calls_at_once_passes_the_money_cap_by_more_than_one_answer(
    model, model_server, reply
):
    model_server.answer = dear_answer(reply, 1000)
    price = Price(prompt=1.0, completion=10.0)
    asked = model(max_usd=0.2, max_answer_tokens=1000, prices={"scripted": price})
    ask_until_spent(asked)
    assert 0.2 - 0.0101 < asked.total.usd <= 0.2 + 0.01


def test_the_cap_on_calls_is_exact_and_counts_retries(model, model_server, reply):
    model_server.script = [reply(status=503) for _ in range(5)]
    asked = model(max_calls=30, max_retries=5)
    ask_until_spent(asked)
    assert len(model_server.requests) == asked.total.calls == 30


def test_a_call_waits_for_room_that_calls_in_flight_may_leave():
    budget = Budget(ModelConfig(max_tokens=100), Cost())
    first = budget.reserve(Cost(1, 10), Cost(1, 10, 85))
    second: list[Cost] = []
    thread = threading.Thread(
        target=lambda: second.append(budget.reserve(Cost(1, 10), Cost(1, 10, 85)))
    )
    thread.start()
    time.sleep(0.1)
    assert second == []
    budget.settle(first, Cost(1, 10, 5))
    thread.join(5)
    assert second == [Cost(1, 10, 85)]
    with pytest.raises(BudgetSpent, match=r"15 tokens are spent.*Raise --max-tokens"):
        budget.reserve(Cost(1, 90), Cost(1, 90, 85))


def test_a_call_that_broke_off_counts_as_the_most_it_can_have_cost(
    model, meter, model_server, reply
):
    model_server.script = [reply(cut_after=10), reply(status=503), reply("hello")]
    asked = model(max_answer_tokens=1000, max_retries=2)
    asked.ask("idea", "x" * 30, str, meter)
    assert meter.read() == Cost(3, 110, 1020, None, estimated_tokens=1010)


def test_a_call_given_up_at_the_end_of_a_run_is_counted_and_ends_at_once(
    model, meter, model_server, reply, tmp_path
):
    model_server.answer = lambda prompt: reply(delay_s=5)
    asked = model(max_answer_tokens=1000)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(asked.ask, "idea", "x" * 30, str, meter)
        while not model_server.requests:
            time.sleep(0.01)
        started = time.monotonic()
        asked.close()
        with pytest.raises(ModelStopped):
            future.result(5)
    assert time.monotonic() - started < 2
    assert meter.read() == Cost(1, 10, 1000, None, estimated_tokens=1010)
    (entry,) = read_calls(tmp_path)
    assert "the run ends" in entry["error"]


def test_what_a_killed_process_had_in_flight_is_counted_by_the_next(
    model, meter, model_server, reply, tmp_path
):
    """What lies in the folder at the moment of the request is what a kill would leave."""
    left = {}

    def answer(prompt):
        left.update((path.name, path.read_bytes()) for path in tmp_path.glob("in_flight/*.json"))
        return "hello"

    model_server.answer = answer
    model(max_answer_tokens=1000).ask("idea", "x" * 30, str, meter)
    assert list(tmp_path.glob("in_flight/*")) == []
    ((name, entry),) = left.items()

    killed = tmp_path / "killed"
    (killed / "in_flight").mkdir(parents=True)
    (killed / "in_flight" / name).write_bytes(entry)
    (killed / "llm.jsonl").write_text('{"call": "cut sho')
    assert model(killed).total == Cost(1, 10, 1000, None, estimated_tokens=1010)
    (entry,) = read_calls(killed)
    assert entry["error"] == "the process ended during this call"
    assert (entry["journey"], entry["role"]) == (7, "idea")
    assert list(killed.glob("in_flight/*")) == []


def test_prices_told_later_count_for_what_was_spent_before(model, meter, model_server):
    model().ask("idea", "?", str, meter)
    with pytest.raises(UsageError, match="earlier calls"):
        model(name="other", prices={"other": Price(prompt=1, completion=1)}, max_usd=1.0)
    prices = {"scripted": Price(prompt=10, completion=100)}
    assert model(prices=prices, max_usd=1.0).total.usd == pytest.approx(0.003)


def test_caps_need_a_longest_answer(model):
    with pytest.raises(UsageError, match="longest answer"):
        model(max_tokens=1000, max_answer_tokens=None)
