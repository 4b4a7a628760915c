"""Runs: resumable, reproducible, and honest about why each journey ended."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taskwright.archive.embedding import SentenceEncoder
from taskwright.archive.run_lock import locked
from taskwright.archive.store import FILE_NAME, Archive
from taskwright.config import resolve
from taskwright.errors import ArchiveError, BrokenError, ModelError, UsageError
from taskwright.executor.job import Executor, JobResult
from taskwright.executor.local import LocalExecutor
from taskwright.generator import run as run_module
from taskwright.generator.run import open_run, prepare_config
from taskwright.sandbox import host

# A trial that is over in a second or two; what it finds out does not matter here.
TINY_TRIAL = {
    "max_steps": 400,
    "processes": 1,
    "environments": 4,
    "screening_episodes": 1,
    "evaluation_episodes": 16,
    "nearest_policies": 1,
}


@pytest.fixture(scope="module")
def shared_encoder() -> SentenceEncoder:
    encoder = SentenceEncoder()
    encoder.encode("Loading takes seconds, which no test is about.")
    return encoder


@pytest.fixture(autouse=True)
def one_encoder_for_all(shared_encoder, monkeypatch):
    """The real encoder, loaded once for the module instead of once per run."""
    monkeypatch.setattr(run_module, "make_encoder", lambda config: shared_encoder)


@pytest.fixture(scope="module")
def shared_executor():
    with LocalExecutor() as executor:
        yield executor


@pytest.fixture
def go(shared_executor):
    """Runs in this process, with one worker for the module; returns the ending and the events."""

    def run(run_dir: Path, executor=shared_executor, **sections):
        settings = {"trainer": TINY_TRIAL, **sections}
        events = []
        config = prepare_config(run_dir, settings)
        return open_run(run_dir, config, executor, events.append), events

    return run


def records_of(run_dir: Path):
    with Archive.open(run_dir) as archive:
        return archive.records()


def agents_shown(run_dir: Path, record) -> list[str]:
    """Who acts in the replay of a record's task."""
    path = run_dir / "media" / f"{record.task_id}.replay.json.gz"
    episodes = json.loads(gzip.decompress(path.read_bytes()))["episodes"]
    return [episode["agent"] for episode in episodes]


def test_a_run_by_the_composer_leaves_a_complete_folder(go, tmp_path):
    ending, events = go(tmp_path, run={"attempts": 2})
    assert ending.reason == "2 journeys have ended."
    records = records_of(tmp_path)
    assert [record.number for record in records] == [1, 2]
    for record in records:
        assert record.reason
        assert record.outcomes[-1].passed
        assert record.trial is not None
        assert (tmp_path / "media" / f"{record.task_id}.png").stat().st_size > 1000
        agents = agents_shown(tmp_path, record)
        if record.status in ("learned", "too_hard"):
            assert (tmp_path / "policies" / f"{record.task_id}.zip").exists()
            assert agents == ["trained", "random"]
        else:
            assert agents == ["random"]
    assert (tmp_path / "config.yaml").exists()
    written = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert written == events
    assert {"run", "stage", "record", "end"} <= {event["event"] for event in events}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_sequence_and_another_seed_another(go, tmp_path):
    sequences = {}
    for name, seed, attempts in (("a", 0, 2), ("b", 0, 2), ("c", 1, 1)):
        go(tmp_path / name, run={"attempts": attempts, "seed": seed})
        sequences[name] = [(r.idea, r.task, r.status) for r in records_of(tmp_path / name)]
    assert sequences["a"] == sequences["b"]
    assert sequences["a"][:1] != sequences["c"]


@pytest.mark.slow
def test_the_same_command_goes_on_and_a_reached_limit_does_nothing(go, tmp_path):
    go(tmp_path, run={"attempts": 1})
    before = records_of(tmp_path)
    ending, _ = go(tmp_path, run={"attempts": 1})
    assert records_of(tmp_path) == before
    assert ending.seconds < 5
    go(tmp_path, run={"attempts": 2})
    after = records_of(tmp_path)
    assert after[:1] == before
    assert len(after) == 2


@pytest.mark.slow
def test_time_that_is_up_leaves_the_journey_for_the_next_command(go, tmp_path):
    started = time.monotonic()
    ending, _ = go(tmp_path, run={"minutes": 0.02, "grace_minutes": 0.02})
    assert ending.reason == "Time is up."
    assert not ending.interrupted
    assert time.monotonic() - started < 15
    with Archive.open(tmp_path) as archive:
        assert archive.unfinished()[0] == 1
        assert archive.journal(1).steps()[0][0] == "select"
    go(tmp_path, run={"attempts": 1, "minutes": None})
    assert [record.number for record in records_of(tmp_path)] == [1]


@pytest.mark.slow
def test_a_resumed_run_keeps_its_seed_and_robot(go, tmp_path):
    go(tmp_path, run={"attempts": 1, "seed": 7})
    assert prepare_config(tmp_path, {}).run.seed == 7
    with pytest.raises(UsageError, match="started with seed 7"):
        prepare_config(tmp_path, {"run": {"seed": 8}})


@pytest.mark.slow
def test_a_weaker_host_is_said_in_the_log_and_refused_where_more_is_required(
    go, tmp_path, monkeypatch
):
    isolation = host.isolation
    monkeypatch.setattr(host, "isolation", lambda without=(): isolation(["landlock", "bubblewrap"]))
    _, events = go(tmp_path / "a", run={"attempts": 1})
    assert events[0]["isolation"] == "partial"
    assert "task code could read your files" in events[1]["text"]
    with pytest.raises(UsageError, match="full is required"):
        go(tmp_path / "b", run={"attempts": 1}, sandbox={"require_isolation": "full"})
    assert not (tmp_path / "b").exists()


def test_a_second_command_on_the_same_folder_is_refused_with_the_holder(go, tmp_path):
    with locked(tmp_path), pytest.raises(ArchiveError, match=str(os.getpid())):
        go(tmp_path, run={"attempts": 1})


class FailingExecutor(Executor):
    """An executor whose machine always fails."""

    workers = 1

    def run(self, job, tell=None, at_work=None):
        return JobResult(job.job_id, broken="The worker is gone.")

    def cancel(self, *, running=True):
        pass

    def close(self):
        pass


def test_failures_of_our_machinery_are_broken_and_end_the_run_after_three(go, tmp_path):
    with pytest.raises(BrokenError, match=r"3 journeys in a row broke.*The worker is gone"):
        go(tmp_path, FailingExecutor(), run={"attempts": 10})
    assert [record.status for record in records_of(tmp_path)] == ["broken"] * 3


# With a model.

IDEA = """TITLE: {title}
DESCRIPTION: An open floor.
SUCCESS: The robot is 2 m ahead.
REWARDS: Speed.
TERMINATION: None"""


def author(easy_source: str, titles: list[str], news: int = 3):
    """Answers prompts by what they ask for. The code it writes first has no ground; repaired, each
    idea's is another one."""
    floor = next(line for line in easy_source.splitlines() if "create_box" in line)
    written = []

    def answer(prompt: str) -> str:
        if "You invent tasks" in prompt or "turned out too hard" in prompt:
            written.append(titles.pop(0))
            return IDEA.format(title=written[-1])
        if "was tried and rejected" in prompt:
            return f"Sorry!\n```python\n{easy_source}\n# {len(written)}\n```"
        if "You judge" in prompt:
            return f"CLOSEST: 1\nREASON: Because.\nREACH: 20\nNEW: {news}"
        return f"```python\n{easy_source.replace(floor, '        pass')}```"

    return answer


def with_model(server, **more):
    return {
        "model": {"name": "scripted", "base_url": server.url, "max_retries": 0, **more},
        # One at a time: the scripted answers are told in their order.
        "run": {"attempts": 1, "seed_tasks": 0, "concurrency": 1},
    }


def test_a_journey_by_a_model_is_repaired_and_counted(go, tmp_path, model_server, easy_source):
    model_server.answer = author(easy_source, ["Drive ahead"])
    ending, events = go(tmp_path, **with_model(model_server))
    (record,) = records_of(tmp_path)
    assert [outcome.verdict for outcome in record.outcomes] == ["rejected", "passed"]
    assert record.outcomes[0].stage in ("reset", "step")
    assert record.idea.title == "Drive ahead"
    assert record.cost.calls == 3
    assert record.cost.tokens == 360
    assert record.cost.usd is None
    assert ending.cost == record.cost
    roles = [json.loads(line)["role"] for line in (tmp_path / "llm.jsonl").read_text().splitlines()]
    assert roles == ["idea", "code", "repair"]
    assert [event["role"] for event in events if event["event"] == "model"] == roles
    repair = model_server.requests[2]["messages"][0]["content"]
    assert record.outcomes[0].symptom in repair


def test_code_that_is_never_repaired_is_invalid_with_the_last_finding(
    go, tmp_path, model_server, easy_source
):
    broken = easy_source.replace("self.x = 0.0", "self.x = undefined_name")
    answer = author(easy_source, ["Drive ahead"])
    model_server.answer = lambda prompt: (
        answer(prompt) if "You invent" in prompt else f"```python\n{broken}```"
    )
    go(tmp_path, **with_model(model_server, max_repairs=2))
    (record,) = records_of(tmp_path)
    assert record.status == "invalid"
    assert len(record.outcomes) == 3
    assert "undefined_name" in record.reason
    assert record.trial is None


def test_a_fault_that_training_finds_is_repaired_and_trained_again(
    go, tmp_path, model_server, easy_source
):
    # In few episodes the list is empty, and in none of those that the checks play.
    step = "        self.x = x\n"
    faulty = easy_source.replace(
        "        self.x = 0.0\n",
        "        self.x = 0.0\n"
        "        self.left = [n for n in range(3) if self.np_random.random() > 0.35]\n",
    ).replace(step, f"        min(self.left)\n{step}")
    sources = [faulty, easy_source]
    model_server.answer = lambda prompt: (
        IDEA.format(title="Drive ahead")
        if "You invent tasks" in prompt
        else f"```python\n{sources.pop(0)}```"
    )
    settings = with_model(model_server, max_repairs=1)
    settings["trainer"] = {**TINY_TRIAL, "screening_episodes": 16}
    go(tmp_path, **settings)
    (record,) = records_of(tmp_path)
    assert [outcome.stage for outcome in record.outcomes] == ["train", None]
    found = record.outcomes[0].symptom
    assert re.search(r"raised ValueError: min\(\) .*empty.* \(line \d+: `min\(self.left\)", found)
    assert re.search(r"step \d+ of an episode", found, re.IGNORECASE)
    repair = model_server.requests[2]["messages"][0]["content"]
    assert "It passed its checks" in repair
    assert found in repair
    assert record.status == "too_easy"
    assert record.task.source.strip() == easy_source.strip()
    with Archive.open(tmp_path) as archive:
        steps = [name for name, _ in archive.journal(1).steps()]
    assert steps[-4:] == ["trial", "code 1", "check 1", "trial 1"]


@pytest.mark.slow
def test_the_judge_turns_down_and_near_copies_are_not_written(
    go, tmp_path, model_server, easy_source
):
    titles = ["Drive ahead", "Go round the pillar", "Drive ahead"]
    # Driving ahead would solve what is ahead before there is any training.
    source = easy_source.replace("[0] > 2.0", "[0] < -4.0").replace("x - self.x", "self.x - x")
    model_server.answer = author(source, titles, 1)
    settings = with_model(model_server)
    # The first task is beyond chance and soon learned; then there is something to compare with.
    settings["trainer"] = {
        **TINY_TRIAL,
        "learned_success_rate": 0.3,
        "easy_success_rate": 1.0,
        "screening_episodes": 8,
        "max_steps": 20_000,
    }
    settings["run"]["attempts"] = 3
    go(tmp_path, **settings)
    first, second, third = records_of(tmp_path)
    assert first.status == "learned"
    assert second.status == "uninteresting"
    assert second.reason == (
        "Most like “Drive ahead”, whose policy would succeed in 20 %; 1 of 4 is new: Because."
    )
    assert third.status == "duplicate"
    assert first.task_id in third.reason
    assert third.task is None
    assert third.trial is None


@pytest.mark.slow
def test_a_source_that_was_tried_is_not_tried_again(go, tmp_path, model_server, easy_source):
    titles = ["Drive ahead", "Go round the pillar"]
    answer = author(easy_source, titles)
    model_server.answer = lambda prompt: (
        f"```python\n{easy_source}```" if "rejected" in prompt else answer(prompt)
    )
    settings = with_model(model_server)
    settings["run"]["attempts"] = 2
    go(tmp_path, **settings)
    first, second = records_of(tmp_path)
    assert first.trial is not None
    assert second.task == first.task
    assert second.status == "duplicate"
    assert second.reason.startswith("Its source is that of journey 1, which was ")
    assert second.trial is None
    assert "random" in agents_shown(tmp_path, first), "what the first journey showed is kept"


def test_an_unusable_model_breaks_the_journey_not_the_task(go, tmp_path, model_server):
    model_server.answer = lambda prompt: "I would rather not."
    go(tmp_path, **with_model(model_server))
    (record,) = records_of(tmp_path)
    assert record.status == "broken"
    assert "no usable answer for the idea, twice" in record.reason
    assert record.cost.calls == 2


def test_a_lost_connection_ends_the_command_and_the_journey_goes_on_later(
    go, tmp_path, model_server, easy_source, reply
):
    answer = author(easy_source, ["Drive ahead"])
    model_server.answer = lambda prompt: answer(prompt) if "invent" in prompt else reply(status=503)
    with pytest.raises(ModelError, match="goes on where it stopped"):
        go(tmp_path, **with_model(model_server))
    assert records_of(tmp_path) == []
    model_server.answer = answer
    go(tmp_path, **with_model(model_server))
    (record,) = records_of(tmp_path)
    assert record.number == 1
    prompts = [request["messages"][0]["content"] for request in model_server.requests]
    assert sum("You invent" in prompt for prompt in prompts) == 1


@pytest.mark.slow
def test_runs_with_a_model_begin_with_the_seed_tasks(go, tmp_path, model_server):
    settings = with_model(model_server)
    settings["run"] = {"attempts": 1, "seed_tasks": 1}
    go(tmp_path, **settings)
    (record,) = records_of(tmp_path)
    assert record.idea.strategy == "seed"
    assert record.outcomes[-1].passed
    assert model_server.requests == []


def test_a_key_without_a_model_asks_for_its_name(go, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    with pytest.raises(UsageError, match="--model"):
        go(tmp_path / "run", run={"attempts": 1})
    assert not (tmp_path / "run").exists()


def test_no_key_is_written_to_the_folder(go, tmp_path, model_server, easy_source, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    model_server.answer = author(easy_source, ["Drive ahead"])
    go(tmp_path, **with_model(model_server))
    assert model_server.keys[0] == "Bearer sk-canary"
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"sk-canary" not in path.read_bytes(), path


def test_settings_that_do_not_exist_are_named():
    with pytest.raises(UsageError, match=r"no setting `trainer.steps`.*max_steps"):
        resolve({"trainer": {"steps": 3}})


# Killed.


def command(run_dir: Path, *options: str) -> list[str]:
    sets = [f"--set=trainer.{name}={value}" for name, value in TINY_TRIAL.items()]
    return [sys.executable, "-m", "taskwright", "run", str(run_dir), "--plain", *sets, *options]


def processes_of(marker: str) -> list[int]:
    """Processes of ours that carry a marker, which every child inherits in PYTHONPATH."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def wait_until_none_left(marker: str, timeout_s: float = 3.0) -> list[int]:
    deadline = time.monotonic() + timeout_s
    while (left := processes_of(marker)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def test_ctrl_c_ends_cleanly_and_leaves_nothing_running(tmp_path):
    marker = str(tmp_path / "marker")
    process = subprocess.Popen(
        command(tmp_path / "run", "--attempts=50"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": marker},
    )
    assert process.stdout is not None
    assert any("train:" in line for line in iter(process.stdout.readline, ""))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=15)
    assert process.returncode == 130
    assert "the same command goes on" in out
    assert "Traceback" not in err
    assert wait_until_none_left(marker) == []


@pytest.mark.slow
def test_five_kills_at_random_moments_leave_a_sound_archive(tmp_path):
    """The killed run ends with the very records of one that was left alone."""
    attempts = 6
    chance = random.Random(2026)
    marker = str(tmp_path / "marker")
    environment = {**os.environ, "PYTHONPATH": marker}
    options = (f"--attempts={attempts}",)
    subprocess.run(command(tmp_path / "whole", *options), check=True, capture_output=True)
    killed = tmp_path / "killed"
    for _ in range(5):
        process = subprocess.Popen(
            command(killed, *options), stdout=subprocess.DEVNULL, env=environment
        )
        time.sleep(chance.uniform(0.5, 14.0))
        process.kill()
        process.wait()
        assert wait_until_none_left(marker) == []
    subprocess.run(command(killed, *options), check=True, capture_output=True, env=environment)

    connection = sqlite3.connect(killed / FILE_NAME)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    with Archive.open(killed) as archive:
        assert archive.unfinished() == []
    survived, whole = records_of(killed), records_of(tmp_path / "whole")
    assert [record.number for record in survived] == list(range(1, attempts + 1))
    assert [content(record) for record in survived] == [content(record) for record in whole]


def content(record):
    """What of a record does not depend on the clock."""
    trial = record.trial
    curve = [(p.steps, p.success_rate, p.mean_return) for p in trial.curve] if trial else []
    return (
        record.number,
        record.status,
        re.sub(r"\d+(\.\d+)? seconds", "", record.reason),
        record.idea,
        record.task,
        record.novelty,
        record.stepping_stones,
        curve,
    )


def test_a_learned_metric_that_was_never_learned_is_asked_for_before_anything_is_made(go, tmp_path):
    with pytest.raises(UsageError, match=r"holds no metric .* novelty.metric=cosine"):
        go(tmp_path / "run", run={"attempts": 1}, novelty={"metric": "learned"})
    assert not (tmp_path / "run").exists()
