"""A run: journeys one after another over a run folder, until a limit is reached or it is stopped.

The folder holds everything: the same command goes on where the last one ended, whatever ended it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from ..archive.embedding import Embedder, Encoder, SentenceEncoder
from ..archive.metric import Metric, load_metric
from ..archive.store import Archive
from ..config import Config, merge, resolve, write_config
from ..errors import ArchiveError, BrokenError, BudgetSpent, UsageError
from ..executor.job import Executor
from ..sandbox.host import describe_missing, require_isolation
from ..task import Cost
from .author import Author
from .composer import Composer
from .events import Events, Watcher
from .journey import Workshop, run_journey
from .model import FoundationModel
from .model_author import ModelAuthor
from .seeds import example_tasks

CONFIG_NAME = "config.yaml"
DEFAULT_SEED_TASKS = 3
"""How many example tasks a run with a model begins with; OMNI-EPIC begins with three as well."""
MAX_BROKEN_IN_A_ROW = 3
"""Failures of our machinery, after which a run stops rather than go on failing."""


class StopRun(BaseException):
    """Ends the run now: time is up, or somebody asked. What was begun is left for the next command.

    Not an `Exception`, so that nothing on the way mistakes it for a failure.
    """


@dataclass(frozen=True)
class Ending:
    """How a command ended."""

    reason: str
    counts: dict[str, int]
    """Records by status, those of earlier commands included."""
    cost: Cost
    seconds: float
    interrupted: bool = False
    """Whether somebody stopped it before its limits did."""


def prepare_config(run_dir: Path, settings: dict[str, Any]) -> Config:
    """The settings of a run: those it was started with, and over them the ones given now.

    Raises UsageError for settings that are wrong, or that would change what an archive with
    records in it rests on.
    """
    path = run_dir / CONFIG_NAME
    if not path.exists():
        return resolve(settings)
    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(stored, dict):
            raise ValueError(f"it holds a {type(stored).__name__}")
        before = resolve(stored)
    except (OSError, ValueError, yaml.YAMLError, UsageError) as error:
        raise ArchiveError(
            f"The settings of this run, {path}, cannot be used: {' '.join(str(error).split())}",
            "Restore the file, or start in a new folder.",
        ) from None
    config = resolve(merge(stored, settings))
    for name in ("robot", "seed"):
        old, new = getattr(before.run, name), getattr(config.run, name)
        if old != new:
            raise UsageError(
                f"The run in {run_dir} was started with {name} {old}; it cannot go on with {new}.",
                f"Leave --{name} out, or start in a new folder.",
            )
    return config


def open_run(run_dir: Path, config: Config, executor: Executor, watcher: Watcher) -> Ending:
    """Run journeys in a folder until a limit is reached, time is up, or somebody stops it.

    Raises UsageError, ArchiveError or ModelError; the archive is sound whatever happens.
    """
    events = Events(run_dir / "events.jsonl", watcher)
    log_path = run_dir / "llm.jsonl"
    # Whatever can be wrong with the settings shows here, before the folder is touched.
    author, model = make_author(config, log_path, events)
    if model:
        model.greet()
    metric = _metric(run_dir, config)
    isolation = require_isolation(config.sandbox.require_isolation)
    run_dir.mkdir(parents=True, exist_ok=True)
    with _locked(run_dir), Archive.create_or_open(run_dir) as archive:
        write_config(config, run_dir / CONFIG_NAME)
        events(
            "run",
            author=author.name,
            seed=config.run.seed,
            tasks=config.run.tasks,
            minutes=config.run.minutes,
            counts=archive.counts(),
            isolation=isolation.level,
        )
        if isolation.missing:
            events(
                "warning",
                text=f"Isolation is {isolation.level} on this host: task code could "
                f"{describe_missing(isolation)}. `taskwright doctor` tells more.",
            )
        workshop = Workshop(
            run_dir=run_dir,
            config=config,
            archive=archive,
            author=author,
            embedder=Embedder(archive, make_encoder()),
            executor=executor,
            events=events,
            seed_tasks=example_tasks(config.run.robot)[: seed_task_count(config, author)],
            meter=model.meter if model else Cost,
            metric=metric,
        )
        ending = _journeys_until_the_end(workshop)
        events("end", reason=ending.reason, counts=ending.counts, seconds=ending.seconds)
        return ending


def _journeys_until_the_end(workshop: Workshop) -> Ending:
    started = time.monotonic()
    archive, limits = workshop.archive, workshop.config.run
    interrupted = False
    try:
        with _stopped_by_signals_and_time(limits.minutes):
            while not (reason := _limit_reached(workshop)):
                unfinished = archive.unfinished()
                number = unfinished[0] if unfinished else archive.start_journey()
                run_journey(workshop, number)
                _refuse_to_go_on_broken(workshop)
    except StopRun as stop:
        reason = str(stop)
        interrupted = reason != TIME_IS_UP
    except BudgetSpent as spent:
        reason = str(spent)
    total = sum((record.cost for record in archive.records()), Cost())
    seconds = round(time.monotonic() - started, 1)
    return Ending(reason, archive.counts(), total, seconds, interrupted)


def _limit_reached(workshop: Workshop) -> str:
    """Why no further journey should begin; empty while it should."""
    limits, counts = workshop.config.run, workshop.archive.counts()
    if limits.tasks is not None and counts.get("learned", 0) >= limits.tasks:
        return f"{limits.tasks} tasks are kept."
    if limits.attempts is not None and sum(counts.values()) >= limits.attempts:
        return f"{limits.attempts} journeys have ended."
    return ""


def _refuse_to_go_on_broken(workshop: Workshop) -> None:
    last = workshop.archive.records()[-MAX_BROKEN_IN_A_ROW:]
    if len(last) == MAX_BROKEN_IN_A_ROW and all(record.status == "broken" for record in last):
        raise BrokenError(
            f"{MAX_BROKEN_IN_A_ROW} journeys in a row broke, the last one because: "
            f"{last[-1].reason}",
            "Run `taskwright doctor`; the same command goes on once the cause is mended.",
        )


TIME_IS_UP = "Time is up."


@contextlib.contextmanager
def _stopped_by_signals_and_time(minutes: float | None) -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and the end of the time allowed into StopRun."""

    def stop(signum: int, frame: FrameType | None) -> None:
        # A second Ctrl-C while we are ending must not interrupt that.
        signal.signal(signum, signal.SIG_IGN)
        raise StopRun(TIME_IS_UP if signum == signal.SIGALRM else "It was stopped.")

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = {signum: signal.signal(signum, stop) for signum in signals}
    if minutes is not None:
        signal.setitimer(signal.ITIMER_REAL, 60 * minutes)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextlib.contextmanager
def _locked(run_dir: Path) -> Iterator[None]:
    """Keep a second command from writing to the same folder."""
    with (run_dir / "run.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise ArchiveError(
                f"The run folder {run_dir} is in use by process {holder}.",
                "Wait until that run has ended, or choose another folder.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def make_author(
    config: Config, log_path: Path, events: Events
) -> tuple[Author, FoundationModel | None]:
    """Who writes the tasks of this run. Raises UsageError where the settings do not say."""
    name = config.model.name
    if name is None and model_is_configured(config):
        raise UsageError(
            "A key or a base URL is set, but no model is named.",
            "Name one with --model NAME, or use --model composer to do without.",
        )
    if name in (None, "composer"):
        if config.run.robot != "r2d2":
            raise UsageError(
                f"The Composer writes tasks for r2d2 only, not for {config.run.robot}.",
                "Name a model with --model NAME, or leave --robot away.",
            )
        return Composer(config.novelty.interesting), None
    model = FoundationModel(config.model, log_path, events)
    examples = example_tasks(config.run.robot)
    return ModelAuthor(model, config.model, config.run.robot, examples), model


def model_is_configured(config: Config) -> bool:
    """Whether there is a key or an address to ask a model with."""
    address = config.model.base_url or os.environ.get("OPENAI_BASE_URL")
    return bool(address or os.environ.get("OPENAI_API_KEY"))


def seed_task_count(config: Config, author: Author) -> int:
    if config.run.seed_tasks is not None:
        return config.run.seed_tasks
    return 0 if author.name == "composer" else DEFAULT_SEED_TASKS


def _metric(run_dir: Path, config: Config) -> Metric | None:
    """What novelty is told by; None for the cosine. Raises UsageError where it is asked for and not
    there, or was learned for other embeddings."""
    if config.novelty.metric == "cosine":
        return None
    metric = load_metric(run_dir)
    if metric is None or metric.model != SentenceEncoder.name:
        raise UsageError(
            f"`novelty.metric` is learned, but {run_dir} holds no metric for "
            f"{SentenceEncoder.name}.",
            "Answer on the Judge page of `taskwright browse RUN_DIR --allow-feedback` and learn "
            "one there, copy another run's metric.npz, or set novelty.metric=cosine.",
        )
    return metric


def make_encoder() -> Encoder:
    return SentenceEncoder()
