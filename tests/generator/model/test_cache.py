"""Answers on disk: what was paid for is not paid for again, and a run can be replayed."""

from __future__ import annotations

import pytest

from taskwright.errors import ModelError, UsageError
from taskwright.generator.model.log import read_calls
from taskwright.generator.model.meter import Meter
from taskwright.task import Cost


@pytest.fixture
def counting(model_server):
    """A server whose answers are all different."""
    model_server.answer = lambda prompt: f"answer {len(model_server.requests)}"
    return model_server


def ask(asked, *prompts: str, journey: int = 1, step: str = "idea", role: str = "idea"):
    meter = Meter(journey)
    meter.begin(step)
    return [asked.ask(role, prompt, str, meter) for prompt in prompts], meter.read()


def test_two_samples_of_one_prompt_differ_and_a_step_done_again_gets_the_same(
    model, counting, tmp_path
):
    first, cost = ask(model(), "A", "A", "B")
    assert first == ["answer 1", "answer 2", "answer 3"]
    resumed = model()
    assert ask(resumed, "A", "A", "B") == (first, cost)
    assert len(counting.requests) == 3
    assert resumed.total == cost
    assert len(list(read_calls(tmp_path))) == 3
    assert ask(resumed, "A", step="code 0")[0] == ["answer 4"]
    assert ask(resumed, "A", journey=2)[0] == ["answer 5"]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"temperature": 0.5},
        {"max_answer_tokens": 99},
        {"extra": {"seed": 1}},
    ],
)
def test_the_whole_request_is_the_key(model, counting, change):
    ask(model(), "A")
    assert ask(model(**change), "A")[0] == ["answer 2"]


def test_an_answer_that_cannot_be_read_is_asked_for_again(model, counting, tmp_path):
    ask(model(), "A")
    (kept,) = tmp_path.glob("answers/*/*.json")
    kept.write_text("{")
    assert ask(model(), "A")[0] == ["answer 2"]


def test_runs_share_answers_in_a_folder_and_pay_once(model, counting, tmp_path):
    shared = tmp_path / "shared"
    first, _ = ask(model(tmp_path / "a", cache=shared), "A", "B")
    second = model(tmp_path / "b", cache=shared)
    assert ask(second, "A", "B") == (first, Cost())
    assert second.total == Cost()
    assert len(counting.requests) == 2
    assert [entry["source"] for entry in read_calls(tmp_path / "b")] == ["cache", "cache"]


def test_a_replay_answers_from_the_record_without_server_key_or_price(
    model, counting, tmp_path, monkeypatch
):
    first, _ = ask(model(tmp_path / "a"), "A", "A")
    counting.close()
    replay = model(tmp_path / "b", replay=tmp_path / "a", base_url=None, max_usd=1.0, max_tokens=1)
    replay.greet()
    assert ask(replay, "A", "A") == (first, Cost())
    assert [entry["source"] for entry in read_calls(tmp_path / "b")] == ["replay", "replay"]
    with pytest.raises(ModelError, match=r"never asked this: journey 1, step code 0, as repair"):
        ask(replay, "A", step="code 0", role="repair")
    assert len(counting.requests) == 2


def test_a_replay_can_be_replayed(model, counting, tmp_path):
    first, _ = ask(model(tmp_path / "a"), "A")
    ask(model(tmp_path / "b", replay=tmp_path / "a"), "A")
    assert ask(model(tmp_path / "c", replay=tmp_path / "b"), "A")[0] == first


def test_a_folder_without_answers_is_not_replayed(model, tmp_path):
    with pytest.raises(UsageError, match="no recorded answers"):
        model(replay=tmp_path)
