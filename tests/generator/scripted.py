"""A run in which all but the loop itself is scripted.

The author asks a real `FoundationModel` over HTTP; what the server is to answer is the prompt.
Checks and trials take milliseconds, unless they are done for real. Whatever an author or a trial
says follows from the journey's number and from what the journey knows, so that two runs differ only
where the loop lets timing, kills or workers make a difference. Ideas and sources repeat often.

As a program, `scripted.py RUN_DIR URL EXECUTOR KILLS SEED LONGEST_S SETTING…` takes a run to its
end, after SIGKILL has hit it KILLS times at random moments, LONGEST_S apart at most. EXECUTOR is
`scripted` or `local`. It prints how many of the kills found it alive.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import os
import random
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import numpy as np

from taskwright.archive.store import Archive
from taskwright.config import merge, parse_assignment
from taskwright.executor import job as job_module
from taskwright.executor.job import Executor, Job, JobCancelled, JobResult
from taskwright.executor.local import LocalExecutor
from taskwright.generator import run as run_module
from taskwright.generator.model.client import FoundationModel
from taskwright.generator.run import Ending, open_run, prepare_config
from taskwright.sandbox.isolation.confine import Isolation
from taskwright.task import Cost, Idea, Judgement, Outcome, Task, Trial, from_json, to_json
from taskwright.trainer.requests import Film, Replay, TrialRequest

IDEAS, SOURCES = 25, 40
"""How many there are; a run of as many journeys meets some of them again and again."""
UNINTERESTING = 6
"""One idea in so many is."""
FAULTY = 3
"""In one source of so many, training finds a fault."""
LATE_MISTAKE = "# a mistake that training finds\n"
"""Some sources have several of them, and a repair mends one."""
VERDICTS = ("learned", "learned", "too_hard", "too_easy")


def digest(*words: object) -> int:
    """A number that depends on the words alone."""
    return int(hashlib.sha256(repr(words).encode()).hexdigest()[:8], 16)


class ScriptedAuthor:
    """Says what follows from what it is told. `template` is the code of all its tasks."""

    name = "scripted"
    max_repairs = 2

    def __init__(self, model: FoundationModel, template: str) -> None:
        self._model = model
        self._template = template

    def for_journey(self, meter):
        author = copy.copy(self)
        author._meter = meter
        return author

    def _ask(self, role, answer):
        return self._model.ask(role, json.dumps(answer), json.loads, self._meter)

    def supports(self, strategy):
        return strategy.name in ("frontier", "revision")

    def propose(self, brief):
        title = self._ask("idea", f"Idea {self._drawn(brief)}")
        return Idea(title, f"Known: {len(brief.records)}.", "Done.", "Speed.", "None.")

    def _drawn(self, brief):
        known = [(record.number, record.status) for record in brief.records]
        stones = [stone.task_id for stone in brief.stones]
        titles = [idea.title for idea in brief.under_way]
        return digest(known, stones, titles, int(brief.random.integers(2**31))) % IDEAS

    def can_ask_beside(self, strategy):
        return strategy.name == "frontier"

    def propose_together(self, briefs):
        """One answer for all; now and then it has no idea for one of them."""
        drawn = [self._drawn(brief) for brief in briefs]
        titles = self._ask("idea", [f"Idea {n}" if n % 5 else None for n in drawn])
        return [
            title and Idea(title, f"Known: {len(brief.records)}.", "Done.", "Speed.", "None.")
            for title, brief in zip(titles, briefs, strict=True)
        ]

    def write(self, idea, stones):
        number = digest(idea.title, [stone.task_id for stone in stones]) % SOURCES
        mistake = "# mistake\nundefined_name\n" if number % 4 == 0 else ""
        late = LATE_MISTAKE * (1 + number // 3 % 3) if (number + 1) % FAULTY == 0 else ""
        return self._ask("code", f"{self._template}\n# {number}\n{late}{mistake}")

    def repair(self, idea, source, outcome):
        if outcome.stage == "train":
            return self._ask("repair", source.replace(LATE_MISTAKE, "", 1))
        return self._ask("repair", source.partition("# mistake")[0])

    def judge(self, idea, neighbours, novelty, under_way=(), pictures=()):
        seen = [(n.record.task_id, round(n.similarity, 4)) for n in neighbours]
        seen += [(other.idea.title, round(other.similarity, 4)) for other in under_way]
        positive = digest(idea.title, seen) % UNINTERESTING > 0
        reason = self._ask("interestingness", f"Beside {len(seen)} others.")
        return Judgement("interestingness", positive, reason, self.name)


class ScriptedEncoder:
    """Ideas of one title are alike, all others are not."""

    name = "scripted"

    def encode(self, text):
        vector = np.random.default_rng(digest(text.splitlines()[0])).normal(size=16)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


class ScriptedExecutor(Executor):
    """Takes some milliseconds for each job, now more and now less."""

    def __init__(self, workers: int, longest_s: float) -> None:
        self.workers = workers
        self._longest_s = longest_s
        self._free = threading.Semaphore(workers)
        self._cancelled = threading.Event()

    def run(self, job, tell=lambda point: None, at_work=lambda is_it: None):
        cancelled = self._cancelled
        with self._free:
            if cancelled.is_set():
                raise JobCancelled
            at_work(True)
            try:
                if cancelled.wait(random.uniform(0.0, self._longest_s)):
                    raise JobCancelled
                noun, outputs = self._work(job)
                return JobResult(job.job_id, to_json(noun), outputs=outputs)
            finally:
                at_work(False)

    def cancel(self, *, running=True):
        if running:
            self._cancelled.set()
            self._cancelled = threading.Event()

    def close(self):
        pass

    def _work(self, job: Job):
        if job.kind == "check":
            if "# mistake" in from_json(Task, job.payload).source:
                return Outcome.rejected("step", "A mistake.", "It was made.", "Mend it."), {}
            return Outcome("passed"), {}
        if job.kind == "film":
            return Film(1), {"film": b"a film"}
        if job.kind == "replay":
            return Replay(1, 1), {"replay": b"a replay"}
        return self._trial(from_json(TrialRequest, job.payload), job.inputs)

    def _trial(self, request: TrialRequest, inputs: dict[str, bytes]):
        if LATE_MISTAKE in request.source:
            found = Outcome.rejected("train", "A late mistake.", "It was made.", "Mend it.")
            return Trial("rejected", found.report, seed=request.seed, fault=found), {}
        policies = [(policy.task_id, inputs[policy.digest].decode()) for policy in request.archived]
        number = digest(request.source, request.seed, policies)
        verdict = VERDICTS[number % len(VERDICTS)]
        outputs = {"policy": str(number).encode()} if verdict == "learned" else {}
        success_after = number % 100 / 100
        return Trial(verdict, f"It was {verdict}.", 0.0, success_after, seed=request.seed), outputs


def replacements(template: str = "") -> dict[str, object]:
    """What `open_run` should find in its module instead of what is there."""

    def make_author(config, run_dir, events):
        model = FoundationModel(config.model, run_dir, events)
        return ScriptedAuthor(model, template), model

    return {"make_author": make_author, "make_encoder": lambda config: ScriptedEncoder()}


def go(run_dir: Path, url: str, executor, settings: dict, **options) -> Ending:
    scripted = {
        "model": {"name": "scripted", "base_url": url, "max_retries": 0},
        "run": {"seed_tasks": 0},
        "novelty": {"neighbours": 2},
    }
    config = prepare_config(run_dir, merge(scripted, settings))
    return open_run(run_dir, config, executor, lambda event: None, **options)


def content(run_dir: Path) -> list[object]:
    """All of an archive's records but times and costs, and what the policies hold."""
    with Archive.open(run_dir) as archive:
        records = archive.records()
    found: list[object] = []
    for record in records:
        trial = record.trial
        if trial is not None:
            curve = tuple(dataclasses.replace(point, seconds=0.0) for point in trial.curve)
            trial = dataclasses.replace(trial, seconds=0.0, curve=curve)
        found.append(
            dataclasses.replace(
                record,
                trial=trial,
                outcomes=tuple(dataclasses.replace(o, seconds=0.0) for o in record.outcomes),
                cost=Cost(),
                seconds=0.0,
                created_at="",
            )
        )
    return found


def main(run_dir: str, url: str, executor: str, kills: str, seed: str, longest: str, *more: str):
    if executor == "local":
        vars(run_module).update(replacements(Path(os.environ["TEMPLATE"]).read_text()))
    else:
        # Nothing is run that would have to be isolated, and finding out takes long.
        found = Isolation(5, False, True, True, [], [])
        vars(run_module).update(replacements())
        vars(job_module).update(require_isolation=lambda required: found)
    settings: dict = {}
    for assignment in more:
        settings = merge(settings, parse_assignment(assignment))

    def begin() -> int:
        """The run in a process of its own, forked because importing takes longer than much else."""
        pid = os.fork()
        if pid == 0:
            try:
                made = LocalExecutor(2) if executor == "local" else ScriptedExecutor(2, 0.02)
                go(Path(run_dir), url, made, settings)
                made.close()
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        return pid

    chance = random.Random(int(seed))
    alive = 0
    for _ in range(int(kills)):
        pid = begin()
        time.sleep(chance.uniform(0.0, float(longest)))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        alive += os.WIFSIGNALED(status)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    _, status = os.waitpid(begin(), 0)
    print(json.dumps({"found_alive": alive}))
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(*sys.argv[1:])
