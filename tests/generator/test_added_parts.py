"""A strategy, an executor and a provider of one's own take one class and one entry each, and a run
that names them in its settings goes through them."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from typing import ClassVar

import pytest
from click.testing import CliRunner

from taskwright.archive.store import Archive
from taskwright.cli.main import cli
from taskwright.config import RunConfig, load_config
from taskwright.errors import UsageError
from taskwright.executor import EXECUTORS, make_executor
from taskwright.executor.job import Executor, JobCancelled, JobResult, ignore_news, ignore_state
from taskwright.generator import run as run_module
from taskwright.generator.archive_view import Selection
from taskwright.generator.composer.drawing import candidates, grown
from taskwright.generator.model.providers import PROVIDERS
from taskwright.generator.model.providers.provider import Provider
from taskwright.generator.model.replies import Reply
from taskwright.generator.run import open_run, prepare_config
from taskwright.generator.strategies import STRATEGIES
from taskwright.generator.strategies.strategy import IdeaStrategy
from taskwright.task import Outcome, Trial, to_json
from taskwright.trainer.requests import Film, Replay

# One class for each.


class Homage(IdeaStrategy):
    """Asks for the same again in another mood."""

    name = "homage"
    asks_for = "a task that pays homage to a kept one"
    template = "homage"
    has_recipes = True

    def applies(self, situation):
        return situation.kept > 0

    def recipes(self, brief):
        return candidates(grown, brief)


class Believer(Executor):
    """Believes that every check passes and that every task is learned, without a process."""

    did: ClassVar[Counter] = Counter()

    def __init__(self, run):
        self.workers = run.workers or 1
        self._cancelled = threading.Event()

    def run(self, job, tell=ignore_news, at_work=ignore_state):
        if self._cancelled.is_set():
            raise JobCancelled
        self.did[job.kind] += 1
        results = {
            "check": Outcome("passed"),
            "trial": Trial("learned", "It was believed.", 0.0, 1.0),
            "film": Film(1),
            "replay": Replay(1, 1),
        }
        outputs = {job.kind: b"it was believed"} if job.kind in ("film", "replay") else {}
        return JobResult(job.job_id, to_json(results[job.kind]), outputs=outputs)

    def cancel(self, *, running=True):
        pass

    def close(self):
        self._cancelled.set()


class Oracle(Provider):
    """Knows all answers, and asks no server."""

    asked: ClassVar[list] = []

    def default_server(self):
        return "oracle://delphi"

    def request(self, asked, messages):
        return {"question": messages[0]["content"], "limit": asked.max_answer_tokens}

    def send(self, asked, request, timeout_s, before_it_is_sent):
        before_it_is_sent()
        self.asked.append(request)
        question, number = request["question"], len(self.asked)
        if "REACH:" in question:
            text = "CLOSEST: 1\nREASON: It differs.\nREACH: 10\nNEW: 3"
        elif "TITLE:" in question:
            words = f"{number} birds of the {number}th kind"
            text = f"TITLE: {words}\nDESCRIPTION: {words}\nSUCCESS: {words}\n"
            text += "REWARDS: Speed.\nTERMINATION: None"
        else:
            module = f"import numpy as np\n\n\nclass Env(R2D2Env):\n    number = {number}"
            text = f"```python\n{module}\n```"
        return Reply(text, "", "stop", 50, 10, 0)


@pytest.fixture
def added(monkeypatch, tmp_path):
    """One entry for each; and a folder with the strategy's template."""
    monkeypatch.setitem(STRATEGIES, "homage", Homage())
    monkeypatch.setitem(EXECUTORS, "believer", Believer)
    monkeypatch.setitem(PROVIDERS, "oracle", Oracle)
    monkeypatch.setattr(Believer, "did", Counter())
    monkeypatch.setattr(Oracle, "asked", [])
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "homage.md.j2").write_text(
        "Pay homage to {{ kept[0].idea.title }}.\n{% include 'fields.md.j2' %}"
    )
    return prompts


def records_in(run_dir):
    with Archive.open(run_dir) as archive:
        return archive.records()


@pytest.mark.slow
def test_the_command_line_runs_an_executor_and_a_strategy_that_were_added(added, tmp_path):
    result = CliRunner().invoke(
        cli,
        [
            *("run", str(tmp_path / "run"), "--attempts=3", "--quiet", "--json", "--workers=2"),
            *("--concurrency=1", "--set=novelty.interesting=0"),
            *("--set=run.executor=believer", "--set=strategies.enabled=[homage]"),
        ],
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    first, *later = records_in(tmp_path / "run")
    assert first.idea.strategy == "frontier", "nothing was kept to pay homage to"
    assert {record.idea.strategy for record in later} == {"homage"}
    assert {record.idea.parents for record in later} <= {(r.task_id,) for r in [first, *later]}
    assert Believer.did["check"] == 3
    assert json.loads(result.stdout)["strategies"]["homage"]["tried"] == 2
    settings = load_config(tmp_path / "run" / "config.yaml")
    assert settings["run"]["executor"] == "believer"
    assert settings["strategies"]["enabled"] == ["homage"]


def test_a_whole_run_goes_through_all_three(added, tmp_path):
    settings = {
        "model": {"name": "pythia", "provider": "oracle", "prompts": str(added)},
        "run": {"executor": "believer", "attempts": 3, "seed_tasks": 0, "concurrency": 1},
        "strategies": {"enabled": ["homage"]},
    }
    config = prepare_config(tmp_path / "run", settings)
    with make_executor(config.run) as executor:
        ending = open_run(tmp_path / "run", config, executor, lambda event: None)
    records = records_in(tmp_path / "run")
    assert [record.status for record in records] == ["learned"] * 3
    assert [record.idea.strategy for record in records] == ["frontier", "homage", "homage"]
    questions = [request["question"] for request in Oracle.asked]
    assert any(re.match(r"Pay homage to \d+ birds", question) for question in questions)
    assert Believer.did == {"check": 3, "film": 3, "trial": 3, "replay": 3}
    assert ending.cost.tokens == 60 * len(questions)
    calls = (tmp_path / "run" / "llm.jsonl").read_text().splitlines()
    assert {json.loads(line)["server"] for line in calls} == {"oracle://delphi"}


@pytest.mark.parametrize(
    ("setting", "known"),
    [
        ("run.executor=locla", "local"),
        ("strategies.enabled=[frontier, breath]", "breadth"),
        ("model.provider=opnai", "openai"),
    ],
)
def test_a_name_that_is_in_no_table_is_one_line_that_says_which_are(setting, known, tmp_path):
    folder = tmp_path / "run"
    options = ["--model=any", "--base-url=http://127.0.0.1:1/v1", "--quiet"]
    result = CliRunner().invoke(
        cli, ["run", str(folder), "--attempts=1", "--set", setting, *options]
    )
    assert not folder.exists()
    assert type(result.exception).__name__ in ("UsageError", "SystemExit")
    text = result.output + str(result.exception)
    assert setting.partition("=")[0].split(".")[-1] in text
    assert known in text


def test_a_strategy_that_was_taken_away_is_named_and_no_other_journey_is_lost(
    added, tmp_path, monkeypatch
):
    folder, settings = tmp_path / "run", {"run": {"executor": "believer", "attempts": 1}}

    def go(**more):
        config = prepare_config(folder, {**settings, **more})
        with make_executor(RunConfig(executor="believer")) as executor:
            return open_run(folder, config, executor, lambda event: None)

    go(strategies={"enabled": ["homage"]})
    with Archive.create_or_open(folder) as archive:
        journal = archive.journal(archive.start_journey())
        journal.once("select", Selection, lambda: Selection(strategy="homage"))
    monkeypatch.delitem(STRATEGIES, "homage")
    settings["run"]["attempts"] = 3
    with pytest.raises(UsageError, match="no idea strategy 'homage'"):
        go()
    go(strategies={"enabled": ["frontier"]})
    kept, stuck, later = records_in(folder)
    assert (kept.status, stuck.status) == ("learned", "broken")
    assert "'homage', which there is not here" in stuck.reason
    assert later.status in ("learned", "uninteresting", "duplicate")


def test_a_run_goes_on_with_the_strategies_that_there_were_when_it_began(added, tmp_path):
    config = prepare_config(tmp_path / "run", {"run": {"attempts": 1, "executor": "believer"}})
    assert config.strategies.enabled is None
    with make_executor(RunConfig(executor="believer")) as executor:
        open_run(tmp_path / "run", config, executor, lambda event: None)
    again = prepare_config(tmp_path / "run", {})
    assert again.strategies.enabled == tuple(STRATEGIES)
    assert run_module.enabled_strategies(again.strategies) == list(STRATEGIES.values())
