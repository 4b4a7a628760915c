"""Several ideas in one call, over real HTTP: told apart, shared out, paid once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from taskwright.archive.store import Archive
from taskwright.generator.model.log import read_calls


def titles(records) -> list[str]:
    return [record.idea.title for record in records]


def test_journeys_of_a_block_share_a_call_and_each_has_an_idea_of_its_own(inventor, go):
    records = go(concurrency=8, attempts=8, model={"ideas_per_call": 4})
    assert titles(records) == [inventor.title(n) for n in range(1, 9)]
    first, second = inventor.ideas
    assert "Propose 4 tasks at once" in first
    assert re.findall(r"Title the \d+th", second) == [inventor.title(n) for n in (4, 3, 2, 1)]


def test_the_first_journey_of_a_block_pays_for_its_call(inventor, go, tmp_path):
    records = go(concurrency=8, attempts=8, model={"ideas_per_call": 4})
    ideas = [call["journey"] for call in read_calls(tmp_path / "run") if call["role"] == "idea"]
    assert ideas == [1, 5]
    spent = [record.cost.calls for record in records]
    # Each also asks for its code and, but for the first, for a judgement.
    assert spent == [2, 2, 2, 2, 3, 2, 2, 2]
    assert sum(spent) == len(list(read_calls(tmp_path / "run")))


def test_one_idea_per_call_is_asked_for_as_ever(inventor, go):
    records = go(concurrency=4, attempts=4, model={"ideas_per_call": 1})
    assert titles(records) == [inventor.title(n) for n in range(1, 5)]
    assert not [prompt for prompt in inventor.ideas if "at once" in prompt]
    assert len(inventor.ideas) == 4


@pytest.mark.parametrize(("concurrency", "calls"), [(8, 8), (16, 4), (64, 1)])
def test_by_default_one_call_asks_for_an_idea_for_every_eight_in_flight(
    inventor, go, tmp_path, concurrency, calls
):
    go(concurrency=concurrency, attempts=8)
    assert len(inventor.ideas) == calls
    settings = (tmp_path / "run" / "config.yaml").read_text()
    assert f"ideas_per_call: {min(concurrency // 8, 8)}\n" in settings


def test_seeds_are_in_no_block(inventor, go):
    records = go(concurrency=8, attempts=6, seed_tasks=2, model={"ideas_per_call": 4})
    assert titles(records[2:]) == [inventor.title(n) for n in range(1, 5)]
    (prompt,) = inventor.ideas
    assert all(record.idea.title in prompt for record in records[:2])


def spoilt(inventor, model_server, spoil) -> None:
    """Spoil the answer that the first block gets."""

    def answer(prompt: str) -> str:
        text = inventor(prompt)
        return spoil(text) if "at once" in prompt else text

    model_server.answer = answer


def test_whoever_gets_no_usable_idea_asks_by_itself_and_the_others_keep_theirs(
    inventor, go, model_server
):
    """The second has no success condition, the third the title of the first; the fourth is not
    there."""

    def spoil(text):
        text = text.replace("SUCCESS: b", "", 2).replace("IDEA 1:\n", "IDEA 1:\nSUCCESS: b\n")
        return text.replace(inventor.title(3), inventor.title(1)).partition("IDEA 4:")[0]

    spoilt(inventor, model_server, spoil)
    records = go(concurrency=4, attempts=4, model={"ideas_per_call": 4})
    assert titles(records) == [inventor.title(n) for n in (1, 5, 6, 7)]
    assert [record.status for record in records] == ["learned"] * 4
    _, *alone = inventor.ideas
    assert [re.findall(r"Title the \d+th", prompt) for prompt in alone] == [
        [inventor.title(n) for n in before] for before in ((1,), (5, 1), (6, 5, 1))
    ]


def test_where_none_is_usable_twice_each_asks_by_itself(inventor, go, model_server, tmp_path):
    spoilt(inventor, model_server, lambda text: "I would rather not.")
    records = go(concurrency=4, attempts=4, model={"ideas_per_call": 4})
    assert [record.status for record in records] == ["learned"] * 4
    assert len(set(titles(records))) == 4
    again = model_server.requests[1]["messages"][-1]["content"]
    assert "none of the 4 ideas" in again
    assert "Each journey of these asks by itself." in (tmp_path / "run/events.jsonl").read_text()


def test_each_idea_keeps_its_strategy_and_what_it_derives_from(inventor, go, tmp_path):
    records = go(concurrency=4, attempts=24, model={"ideas_per_call": 4})
    strategies = {record.idea.strategy for record in records}
    assert {"frontier", "breadth"} <= strategies
    with Archive.open(tmp_path / "run") as archive:
        kept = {record.task_id for record in archive.kept()}
    for record in records[8:]:
        assert record.idea.parents == (
            (record.stepping_stones[0],) if record.idea.strategy == "frontier" else ()
        )
        assert kept >= set(record.idea.parents)
    asked = "\n".join(prompt for prompt in inventor.ideas if "at once" in prompt)
    assert re.search(r"^IDEA \d is to be a small step beyond “Title the", asked, re.MULTILINE)
    assert re.search(r"^IDEA \d is to be from a region", asked, re.MULTILINE)


def test_a_run_that_ends_within_a_block_goes_on_without_asking_anything_twice(inventor, go):
    whole = go("whole", concurrency=4, attempts=12, model={"ideas_per_call": 4})
    inventor.restart()
    for attempts in (2, 5, 7):
        go("parts", concurrency=4, attempts=attempts, model={"ideas_per_call": 4})
    go("parts", concurrency=4, attempts=None, tasks=9)
    records = go("parts", concurrency=4, attempts=12, tasks=None)
    assert titles(records) == titles(whole)
    assert len(inventor.ideas) == 3


def test_a_block_of_before_is_used_whatever_the_setting_says_now(inventor, go):
    go(concurrency=4, attempts=2, model={"ideas_per_call": 4})
    records = go(concurrency=4, attempts=5, model={"ideas_per_call": 2})
    # Journey 3 is the first of a block now; those that have not begun go by the new setting.
    assert len(set(titles(records))) == 5
    assert len(inventor.ideas) == 3


def test_a_prompt_of_ones_own_for_one_idea_is_not_passed_over(inventor, go, tmp_path):
    folder = tmp_path / "prompts"
    folder.mkdir()
    own = Path(__file__).parents[3] / "prompts" / "idea.md.j2"
    (folder / "idea.md.j2").write_text(own.read_text().replace("The aim is", "My aim is"))
    go(concurrency=4, attempts=4, model={"ideas_per_call": 4, "prompts": str(folder)})
    assert len(inventor.ideas) == 4
    assert all("My aim is" in prompt for prompt in inventor.ideas)
