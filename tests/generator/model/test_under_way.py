"""What a model is told of the journeys in flight, over real HTTP."""

from __future__ import annotations

import importlib.util
import itertools
import re
import threading
from pathlib import Path

import pytest

from taskwright.archive.store import Archive
from taskwright.generator import run as run_module
from taskwright.generator.run import open_run, prepare_config

SCRIPT = Path(__file__).parents[1] / "scripted.py"
spec = importlib.util.spec_from_file_location("scripted_for_models", SCRIPT)
assert spec is not None
assert spec.loader is not None
scripted = importlib.util.module_from_spec(spec)
spec.loader.exec_module(scripted)

IDEA = "TITLE: {0}\nDESCRIPTION: The scene of {0}.\nSUCCESS: b\nREWARDS: c\nTERMINATION: None"
MODULE = "```python\nimport numpy as np\n# {}\nclass Env(R2D2Env):\n    pass\n```"


class Inventor:
    """Answers each prompt for an idea with another title, and says yes to everything."""

    def __init__(self) -> None:
        self.prompts: list[tuple[str, str]] = []
        """What was asked for and the prompt, in the order of asking."""
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def title(self, number: int) -> str:
        return f"Title the {number}th"

    def __call__(self, prompt: str) -> str:
        with self._lock:
            if "You judge whether" in prompt:
                self.prompts.append(("judge", prompt))
                return "CLOSEST: 1\nREASON: Something.\nVERDICT: INTERESTING"
            if prompt.startswith("Write the environment"):
                return MODULE.format(next(self._numbers))
            self.prompts.append(("idea", prompt))
            return IDEA.format(self.title(len(self.ideas)))

    @property
    def ideas(self) -> list[str]:
        return [prompt for what, prompt in self.prompts if what == "idea"]

    @property
    def judgements(self) -> list[str]:
        return [prompt for what, prompt in self.prompts if what == "judge"]


@pytest.fixture
def inventor(model_server, monkeypatch) -> Inventor:
    monkeypatch.setattr(scripted, "VERDICTS", ("learned",))
    monkeypatch.setattr(run_module, "make_encoder", lambda config: scripted.ScriptedEncoder())
    model_server.answer = Inventor()
    return model_server.answer


@pytest.fixture
def go(model_server, tmp_path):
    """A run with a real author, a scripted server and scripted jobs; returns its records."""

    def run(name="run", longest_s=0.02, concurrency=4, attempts=4, model=None, **limits):
        settings = {
            "model": {"name": "scripted", "base_url": model_server.url, **(model or {})},
            "run": {
                "concurrency": concurrency,
                "attempts": attempts,
                "seed_tasks": 0,
                "workers": 2,
                **limits,
            },
        }
        config = prepare_config(tmp_path / name, settings)
        executor = scripted.ScriptedExecutor(2, longest_s)
        open_run(tmp_path / name, config, executor, lambda event: None)
        with Archive.open(tmp_path / name) as archive:
            return archive.records()

    return run


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
