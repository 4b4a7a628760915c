"""What a model is told of the journeys in flight, over real HTTP."""

from __future__ import annotations

import re


def test_the_prompt_of_a_journey_holds_the_titles_of_those_in_flight(inventor, go):
    records = go(concurrency=6, attempts=6)
    assert [record.idea.title for record in records] == [inventor.title(n) for n in range(1, 7)]
    for number, prompt in enumerate(inventor.ideas, 1):
        listed = re.findall(r"Title the \d+th", prompt)
        assert sorted(listed) == [inventor.title(n) for n in range(1, number)]


def test_a_title_is_listed_once_and_not_where_its_task_is_told_of_in_full(inventor, go):
    go(concurrency=2, attempts=8)
    last = inventor.ideas[-1]
    told = re.findall(r"^- (Title the \d+th) \(", last, re.MULTILINE)
    assert told
    titles = re.search(r"not to be proposed again: (.*)\.\n", last)
    listed = titles[1].split("; ")
    assert len(set(listed)) == len(listed)
    assert set(told).isdisjoint(listed)
    assert set(told) | set(listed) == {inventor.title(n) for n in range(1, 8)}


def test_a_judge_is_told_of_the_nearest_ideas_under_way(inventor, go):
    go(concurrency=4, attempts=4)
    assert len(inventor.judgements) == 3, "the first has nothing to be compared with"
    for prompt in inventor.judgements:
        own = re.search(r"The proposal: Title the (\d+)th", prompt)
        _, _, under_way = prompt.partition("still under way")
        listed = re.findall(r"^\d+\. (Title the \d+th)$", under_way, re.MULTILINE)
        assert sorted(listed) == [inventor.title(n) for n in range(1, int(own[1]))]


def test_a_template_of_before_that_lists_nothing_under_way_is_asked_by_as_it_was(
    inventor, go, tmp_path
):
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "interestingness.md.j2").write_text(
        "You judge whether it is new: {{ idea.title }}.\n"
        "{% for record in neighbours %}{{ loop.index }}. {{ record.idea.title }}\n{% endfor %}"
        "{{ yes }} or {{ no }}; {{ pictures }} pictures."
    )
    go(concurrency=3, attempts=5, model={"prompts": str(folder)})
    # Nothing is kept in the eyes of the first three journeys, so they are not judged.
    assert len(inventor.judgements) == 2


def test_whoever_waits_for_an_idea_that_is_not_to_be_had_waits_for_the_next_command(
    inventor, go, model_server, reply
):
    """The second journey's prompts no longer fit the cap; the others need its idea first."""
    records = go(concurrency=4, attempts=4, model={"max_calls": 2})
    assert len(records) <= 1
    records = go(concurrency=4, attempts=4, model={"max_calls": None})
    assert [record.idea.title for record in records] == [inventor.title(n) for n in range(1, 5)]
    assert len(inventor.ideas) == 4


def test_whoever_waits_for_a_journey_that_breaks_goes_on_without_its_idea(
    inventor, go, model_server
):
    broken: list[str] = []

    def broken_second(prompt):
        # It is asked, and asked once more.
        if prompt.startswith("You invent") and len(inventor.ideas) == 1 and len(broken) < 2:
            broken.append(prompt)
            return "I would rather not."
        return inventor(prompt)

    model_server.answer = broken_second
    records = go(concurrency=4, attempts=4)
    assert [record.status for record in records] == ["learned", "broken", "learned", "learned"]
    assert [record.idea.title for record in records[2:]] == [inventor.title(2), inventor.title(3)]
