"""Many journeys at once: what becomes of them hangs on neither timing nor kills nor workers."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from taskwright.archive.store import Archive
from taskwright.errors import ModelError

SCRIPT = Path(__file__).with_name("scripted.py")
spec = importlib.util.spec_from_file_location("scripted", SCRIPT)
assert spec is not None
assert spec.loader is not None
scripted = importlib.util.module_from_spec(spec)
spec.loader.exec_module(scripted)


@pytest.fixture
def server(model_server, reply):
    """Answers with what the prompt says, after a moment that nobody knows beforehand."""
    model_server.answer = lambda prompt: reply(
        json.loads(prompt) if "explain" in prompt else prompt, delay_s=random.uniform(0.0, 0.02)
    )
    return model_server


@pytest.fixture
def go(server, tmp_path, monkeypatch):
    """A scripted run in this process; returns its content, its ending and its events."""
    for name, replacement in scripted.replacements().items():
        monkeypatch.setattr(scripted.run_module, name, replacement)

    def run(name="run", workers=2, concurrency=4, executor=None, together=1, **limits):
        settings = {"run": {"concurrency": concurrency, **limits}}
        settings["model"] = {"ideas_per_call": together}
        executor = executor or scripted.ScriptedExecutor(workers, 0.02)
        run_dir = tmp_path / name
        ending = scripted.go(run_dir, server.url, executor, settings)
        lines = (run_dir / "events.jsonl").read_text().splitlines()
        return scripted.content(run_dir), ending, [json.loads(line) for line in lines]

    return run


def statuses(content) -> list[str]:
    return [record.status for record in content]


def test_the_archive_depends_neither_on_timing_nor_on_the_number_of_workers(go):
    first, _, _ = go("a", attempts=30, workers=1)
    second, _, _ = go("b", attempts=30, workers=4)
    assert first == second
    # All that can happen has happened.
    assert {"learned", "duplicate", "uninteresting", "too_hard", "too_easy"} <= set(statuses(first))
    reasons = " ".join(record.reason for record in first)
    assert "cosine similarity" in reasons
    assert "Its source is that of journey" in reasons
    stages = [[outcome.stage for outcome in record.outcomes] for record in first]
    assert ["train", None] in stages, "a fault that training finds is mended"
    assert ["step", "train", None] in stages or ["train", "train", None] in stages


def test_nor_does_it_where_several_ideas_are_asked_for_in_a_call(go, server):
    first, _, _ = go("a", attempts=22, workers=1, concurrency=6, together=3)
    calls = [r for r in server.requests if r["messages"][0]["content"].startswith('["Idea ')]
    assert len(calls) > 3
    go("b", attempts=10, workers=4, concurrency=6, together=3)
    second, _, _ = go("b", attempts=22, workers=4, concurrency=6, together=3)
    assert first == second


def test_as_many_journeys_as_asked_for_are_in_flight_and_no_more(go):
    _, _, events = go(attempts=10, concurrency=6, workers=1)
    in_flight, most = set(), 0
    for event in events:
        if event["event"] == "stage":
            in_flight.add(event["journey"])
        elif event["event"] == "record":
            in_flight.remove(event["journey"])
        most = max(most, len(in_flight))
    assert most == 6


def test_no_more_jobs_are_computed_at_once_than_there_are_workers(go):
    _, _, events = go(attempts=10, concurrency=8, workers=2)
    busy, most = 0, 0
    for event in events:
        if event["event"] == "job":
            busy += 1 if event["state"] == "begun" else -1
            most = max(most, busy)
    assert busy == 0
    assert most == 2


def test_near_copies_and_same_sources_in_flight_do_not_both_enter(go, monkeypatch):
    """Everybody has the same idea at the same time."""
    monkeypatch.setattr(scripted, "FAULTY", 1_000_000)
    monkeypatch.setattr(scripted, "UNINTERESTING", 1_000_000)
    monkeypatch.setattr(scripted, "VERDICTS", ("learned",))
    monkeypatch.setattr(scripted, "IDEAS", 1)
    first, *others = go(attempts=8, concurrency=4)[0]
    assert first.status == "learned"
    for record in others:
        assert record.status == "duplicate"
        assert f"cosine similarity to the kept task {first.task_id}" in record.reason
        assert record.trial is None
        # Those beside the first one write their code before they wait for its end.
        assert (record.task is None) == (record.number > 4)
    monkeypatch.setattr(scripted, "IDEAS", 1_000_000)
    monkeypatch.setattr(scripted, "SOURCES", 1)
    first, *others = go("sources", attempts=8, concurrency=4)[0]
    assert first.status == "learned"
    for record in others:
        assert record.status == "duplicate"
        assert record.reason == "Its source is that of journey 1, which was learned."
        assert record.trial is None


def test_what_is_repaired_after_training_to_the_same_source_is_learned_once(go, monkeypatch):
    """Everybody has the same code, in which training finds a fault, and mends it alike."""
    for name, value in (("UNINTERESTING", 1_000_000), ("VERDICTS", ("learned",)), ("FAULTY", 1)):
        monkeypatch.setattr(scripted, name, value)
    monkeypatch.setattr(scripted, "IDEAS", 1_000_000)
    monkeypatch.setattr(scripted, "SOURCES", 1)
    monkeypatch.setattr(scripted.ScriptedAuthor, "max_repairs", 4)
    (first, *others), _, _ = go(attempts=8, concurrency=4)
    assert first.status == "learned"
    assert [outcome.stage for outcome in first.outcomes] == ["step", "train", None]
    for record in others:
        assert (record.status, record.task) == ("duplicate", first.task)
        assert record.reason == "Its source is that of journey 1, which was learned."
    # Also where journeys before it have ended before it asks.
    assert go("again", attempts=8, concurrency=4, workers=8)[0] == [first, *others]


def test_a_near_copy_that_waits_for_its_twin_holds_nobody_up(go, monkeypatch):
    """The first trial does not end before one of a later journey than the near copy has begun."""
    propose = scripted.ScriptedAuthor.propose

    def first_two_alike(author, brief):
        number = len(brief.records) + len(brief.under_way)
        return dataclasses.replace(propose(author, brief), title=f"Idea {max(number, 1)}")

    class Held(scripted.ScriptedExecutor):
        later = threading.Event()
        was_later = None

        def run(self, job, *arguments):
            if job.kind == "trial" and job.job_id.startswith("trial-1-"):
                self.was_later = self.later.wait(timeout=20.0)
            elif job.kind == "trial":
                self.later.set()
            return super().run(job, *arguments)

    monkeypatch.setattr(scripted.ScriptedAuthor, "propose", first_two_alike)
    monkeypatch.setattr(scripted, "UNINTERESTING", 1_000_000)
    monkeypatch.setattr(scripted, "VERDICTS", ("learned",))
    executor = Held(4, 0.02)
    records, _, _ = go(attempts=4, concurrency=4, executor=executor)
    assert [record.status for record in records[:2]] == ["learned", "duplicate"]
    assert executor.was_later


@pytest.mark.slow
def test_a_run_ends_with_the_journey_that_brings_the_last_task_wanted(go):
    whole, _, _ = go("whole", attempts=40)
    for tasks in (1, 4):
        records, ending, _ = go(f"run-{tasks}", tasks=tasks)
        assert ending.reason == f"{tasks} tasks are kept."
        assert statuses(records).count("learned") == tasks
        assert records[-1].status == "learned"
        assert records == whole[: len(records)]


def test_a_run_goes_on_as_if_it_had_never_ended(go):
    whole, _, _ = go("whole", attempts=24)
    go("parts", tasks=3)
    go("parts", attempts=11, tasks=None)
    go("parts", minutes=0.005, grace_minutes=0.0, attempts=24)
    go("parts", minutes=0.005, grace_minutes=1.0, attempts=24)
    records, _, _ = go("parts", minutes=None, attempts=24)
    assert records == whole


def test_time_that_is_up_lets_steps_under_way_end_and_begins_none(go):
    executor = scripted.ScriptedExecutor(2, 0.3)
    records, ending, events = go(executor=executor, minutes=0.02)
    assert ending.reason == "Time is up."
    assert len(records) < 30
    time_was_up_s = events[0]["elapsed_s"] + 1.2
    begun = [event["elapsed_s"] for event in events if event.get("state") == "begun"]
    # The whole run would begin steps for nine seconds; a busy machine may be late by one.
    assert max(begun) < time_was_up_s + 2.0
    jobs = [event["state"] for event in events if event["event"] == "job"]
    assert jobs.count("begun") == jobs.count("ended")


@pytest.mark.slow
def test_another_concurrency_is_told_and_only_later_journeys_change(go):
    first, _, _ = go(attempts=8, concurrency=4)
    records, _, events = go(attempts=16, concurrency=2)
    assert records[:8] == first
    (warning,) = [event["text"] for event in events if event["event"] == "warning"]
    assert "So far 4 journeys were in flight at once, now it is 2" in warning


def test_a_spent_cap_lets_others_finish_what_needs_no_model(go, server, tmp_path):
    whole, _, _ = go("whole", attempts=12)
    limits = {"attempts": 12}
    settings = {"model": {"max_tokens": 20 * 120}, "run": {"concurrency": 4, **limits}}
    executor = scripted.ScriptedExecutor(2, 0.03)
    ending = scripted.go(tmp_path / "run", server.url, executor, settings)
    assert "The cap of 2400 tokens is reached" in ending.reason
    with Archive.open(tmp_path / "run") as archive:
        left = archive.unfinished()
        assert left
        for number in left:
            # Nothing stands still that could have gone on: each waits for the model, or for one
            # that does.
            assert archive.journal(number).steps()[-1][0] != "judgement" or number > left[0]
    settings["model"]["max_tokens"] = 10**6
    scripted.go(tmp_path / "run", server.url, executor, settings)
    assert scripted.content(tmp_path / "run") == whole


def test_a_server_that_goes_away_ends_the_command_and_nothing_is_lost(go, server, reply):
    whole, _, _ = go("whole", attempts=12)
    answer, asked = server.answer, []

    def failing(prompt):
        asked.append(prompt)
        return answer(prompt) if len(asked) < 15 else reply(status=503)

    server.answer = failing
    with pytest.raises(ModelError, match="status 503"):
        go("run", attempts=12)
    server.answer = answer
    records, _, _ = go("run", attempts=12)
    assert records == whole


def test_ctrl_c_does_not_wait_for_the_model(go, server, reply):
    def answer(prompt):
        # Whoever asks has begun, and will not leave the signal to pytest.
        if not pressed.is_set():
            pressed.set()
            os.kill(os.getpid(), signal.SIGINT)
        return reply(prompt, delay_s=30.0)

    pressed = threading.Event()
    server.answer = answer
    started = time.monotonic()
    records, ending, _ = go(attempts=5)
    assert time.monotonic() - started < 8.0
    assert ending.interrupted
    assert records == []


def test_it_is_told_beforehand_when_a_run_ends_at_the_latest(go, server, tmp_path):
    told = []
    for name, limits in (("a", {"minutes": 0.5, "grace_minutes": 1.5}), ("b", {"tasks": 1})):
        settings = {"run": {"attempts": 1, **limits}}
        executor = scripted.ScriptedExecutor(1, 0.0)
        scripted.go(tmp_path / name, server.url, executor, settings, expect_end_within=told.append)
    assert told == [120.0]


def test_a_run_in_another_thread_than_the_main_one_leaves_signals_alone(go):
    endings = []
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    thread = threading.Thread(target=lambda: endings.append(go(attempts=2)[1]))
    thread.start()
    thread.join(60)
    assert [ending.reason for ending in endings] == ["2 journeys have ended."]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def run_killed(run_dir, url, executor, kills, seed, longest_s, *settings, **environment):
    """How many of the kills hit the run while it was under way."""
    command = [sys.executable, str(SCRIPT), str(run_dir), url, executor]
    command += [str(word) for word in (kills, seed, longest_s, *settings)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=400, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["found_alive"]


@pytest.mark.slow
@pytest.mark.parametrize("together", [1, 3])
def test_kills_at_random_moments_leave_no_trace(server, tmp_path, together):
    settings = ("run.attempts=48", "run.concurrency=4", f"model.ideas_per_call={together}")
    run_killed(tmp_path / "whole", server.url, "scripted", 0, 0, 0, *settings)
    alive = run_killed(tmp_path / "killed", server.url, "scripted", 6, 2026, 0.5, *settings)
    assert alive > 3
    assert scripted.content(tmp_path / "killed") == scripted.content(tmp_path / "whole")


@pytest.mark.slow
def test_fifty_kills_at_random_moments_leave_no_trace(server, tmp_path, easy_source):
    """40 of a scripted run, and 10 of one whose checks and trials are real."""
    # More journeys than even a fast machine makes between that many kills.
    settings = ("run.attempts=240", "run.concurrency=4")
    run_killed(tmp_path / "whole", server.url, "scripted", 0, 0, 0, *settings)
    alive = run_killed(tmp_path / "killed", server.url, "scripted", 40, 2026, 0.6, *settings)
    assert alive > 30
    assert scripted.content(tmp_path / "killed") == scripted.content(tmp_path / "whole")

    template = tmp_path / "template.py"
    template.write_text(easy_source)
    trial = {"max_steps": 400, "environments": 4, "screening_episodes": 1}
    trial |= {"evaluation_episodes": 4, "nearest_policies": 1, "learned_success_rate": 0.01}
    settings = ("run.attempts=16", "run.concurrency=3", "trainer.easy_success_rate=1.0")
    settings += tuple(f"trainer.{name}={value}" for name, value in trial.items())
    one, other = tmp_path / "whole-real", tmp_path / "killed-real"
    run_killed(one, server.url, "local", 0, 0, 0, *settings, TEMPLATE=str(template))
    alive = run_killed(other, server.url, "local", 10, 2026, 6.0, *settings, TEMPLATE=str(template))
    assert alive > 5
    assert scripted.content(other) == scripted.content(one)
