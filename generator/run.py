"""A run: journeys over a run folder, many at once, until a limit is reached or it is stopped.

The folder holds everything: the same command goes on where the last one ended, whatever ended it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..archive.embedding import Embedder, SentenceEncoder
from ..archive.folder import check_folder
from ..archive.learned_distance import Metric, load_metric
from ..archive.neighbourhood import Neighbourhood
from ..archive.run_lock import locked
from ..archive.selection import make_rule
from ..archive.store import Archive
from ..config import Config, bare, load_config, merge, resolve, write_config
from ..errors import ArchiveError, StorageError, TaskwrightError, UsageError, storage_explained
from ..executor.job import Executor, ignore_warning
from ..sandbox.host import describe_missing
from ..task import Robot
from ..trust import check_trusted
from ..versions import installed_versions
from .author import Author
from .composer import Composer
from .embedder import make_encoder
from .encoder_process import EncoderProcess
from .events import Event, Events, Watcher
from .in_flight import InFlight
from .model.client import FoundationModel
from .model_author import ModelAuthor
from .run_context import RunContext
from .scheduler import SHUTDOWN_S, STOPPED, Scheduler
from .seeds import example_tasks
from .strategies.bandit import enabled_strategies
from .summary import Ending, summarize

if TYPE_CHECKING:
    from ..trainer.tensorboard import RunCurves

CONFIG_NAME = "config.yaml"
DEFAULT_SEED_TASKS = 3
"""How many example tasks a run with a model begins with; OMNI-EPIC begins with three as well."""
CONCURRENCY_WITH_MODEL, CONCURRENCY_WITH_COMPOSER = 8, 4
"""Journeys in flight unless said otherwise. Not taken from the number of cores: the same seed is to
give the same tasks on every machine."""
MOST_IDEAS_PER_CALL = 8
"""Unless said otherwise. A longer list gets less thought for each, and less of what one call says
once for all of them is left to save."""


def prepare_config(run_dir: Path, settings: dict[str, Any]) -> Config:
    """Put together the settings of a run.

    Args:
        run_dir: The run folder, which need not exist.
        settings: Nested settings by section, not yet validated. They are laid over those that the
            run was started with.

    Returns:
        The validated settings.

    Raises:
        UsageError: A setting is wrong, or would change the robot or the seed of a run.
        ArchiveError: The stored settings cannot be used, or reach for what the user has never
            named.
    """
    path = run_dir / CONFIG_NAME
    if not path.exists():
        config = resolve(settings)
        if config.model.replay is None:
            return config
        recorded = config.model.replay / CONFIG_NAME
        if not recorded.is_file():
            raise UsageError(
                f"The folder {config.model.replay} holds no run to replay.", "Name a run folder."
            )
        config = resolve(merge(_stored_settings(recorded), settings))
        check_trusted(config, config.model.replay or run_dir, _reaching(settings))
        return config
    stored = _stored_settings(path)
    before = resolve(stored)
    config = resolve(merge(stored, settings))
    check_trusted(config, run_dir, _reaching(settings))
    for name in ("robot", "seed"):
        old, new = getattr(before.run, name), getattr(config.run, name)
        if old != new and name in stored.get("run", {}):
            raise UsageError(
                f"The run in {run_dir} was started with {name} {old}; it cannot go on with {new}.",
                f"Leave --{name} out, or start in a new folder.",
            )
    return config


def _reaching(settings: dict[str, Any]) -> Config:
    """The settings that reach beyond the run folder."""
    return resolve(
        {name: settings[name] for name in ("run", "model", "embedder") if name in settings}
    )


def _stored_settings(path: Path) -> dict[str, Any]:
    """The settings that a run has written, known to be sound. Raises ArchiveError."""
    try:
        stored = load_config(path, follow=False)
        resolve(stored)
    except UsageError as error:
        raise ArchiveError(
            f"The settings of this run, {path}, cannot be used: {error.message}",
            "Restore the file, or start in a new folder.",
        ) from None
    return stored


def open_run(
    run_dir: Path,
    config: Config,
    executor: Executor,
    watcher: Watcher,
    expect_end_within: Callable[[float], None] = lambda seconds: None,
    *,
    only_under_way: bool = False,
    stop: threading.Event | None = None,
    shutdown_s: float = SHUTDOWN_S,
) -> Ending:
    """Run journeys in a folder until a limit is reached, time is up, or somebody stops it.

    Args:
        run_dir: The run folder. It is made where it does not exist; otherwise its run goes on.
        config: The settings, from `prepare_config`.
        executor: Computes checks, trials and pictures. The caller closes it.
        watcher: Is called with each event, from any thread; see `events` for what they hold.
        expect_end_within: Is called with the number of seconds in which the run ends at the latest,
            where its time is limited.
        only_under_way: Begin no new journeys, and run until those under way have ended.
        stop: Setting it ends the run, from any thread, as Ctrl-C and SIGTERM do in the main one.
        shutdown_s: How long a stopped run waits for its threads, which may be in native code.

    Returns:
        How the command ended and what the run has come to.

    Raises:
        UsageError: A setting cannot work.
        ArchiveError: The folder is in use, or is not sound.
        ModelError: The model cannot be asked.
        BrokenError: Our machinery failed several times in a row.
        StorageError: The disk takes no more. Whatever is raised, the archive is sound.
    """
    curves = _tensorboard_files(run_dir) if config.run.tensorboard else None

    def watch(event: Event) -> None:
        watcher(event)
        if curves:
            curves(event)

    check_folder(run_dir, to_write=True)
    events = Events(run_dir / "events.jsonl", watch)
    # Whatever can be wrong with the settings shows here, before the folder is touched.
    strategies = enabled_strategies(config.strategies)
    author, model = make_author(config, run_dir, events)
    if not only_under_way:
        _require_new_tasks_for(config.run.robot, author)
    if model:
        model.greet()
    encoder = make_encoder(config.embedder)
    metric = _metric(run_dir, config, encoder.name)
    isolation = executor.require_isolation(config.sandbox.require_isolation)
    run_dir.mkdir(parents=True, exist_ok=True)
    with (
        storage_explained(),
        locked(run_dir),
        Archive.create_or_open(run_dir) as archive,
        contextlib.closing(events),
        contextlib.ExitStack() as resources,
    ):
        if curves:
            resources.push(curves)
        if isinstance(encoder, SentenceEncoder):
            encoder = resources.enter_context(EncoderProcess(encoder.batch))
        embedder = Embedder(archive, encoder)
        in_flight = InFlight(_concurrency(config, author), archive.records())
        before = _concurrency_before(run_dir)
        # What this run rests on is written down, so that no later default can change it.
        fixed = {
            "run": {"concurrency": in_flight.concurrency},
            "strategies": {"enabled": [strategy.name for strategy in strategies]},
            "model": {"ideas_per_call": _ideas_per_call(config, author, in_flight.concurrency)},
        }
        config = resolve(merge(config.model_dump(), fixed))
        write_config(config, run_dir / CONFIG_NAME)
        counts = archive.counts()
        events(
            "run",
            author=author.name,
            seed=config.run.seed,
            tasks=config.run.tasks,
            attempts=config.run.attempts,
            minutes=config.run.minutes,
            concurrency=in_flight.concurrency,
            workers=executor.workers,
            counts=counts,
            isolation=isolation.level,
            versions=installed_versions(),
        )
        executor.warn = lambda text: events("warning", text=text)
        resources.callback(setattr, executor, "warn", ignore_warning)
        for text in filter(None, (archive.note, *archive.complaints)):
            events("warning", text=text)
        if isolation.missing:
            events(
                "warning",
                text=f"Isolation is {isolation.level} where tasks run: task code could "
                f"{describe_missing(isolation)}. `taskwright doctor` tells more.",
            )
        if before not in (None, in_flight.concurrency):
            events(
                "warning",
                text=f"So far {before} journeys were in flight at once, now it is "
                f"{in_flight.concurrency}: the journeys that begin now know more or fewer of the "
                "latest tasks than they would have.",
            )
        neighbourhood = resources.enter_context(Neighbourhood(run_dir, archive, embedder))
        context = RunContext(
            run_dir=run_dir,
            config=config,
            archive=archive,
            author=author,
            embedder=embedder,
            neighbourhood=neighbourhood,
            executor=executor,
            events=events,
            seed_tasks=example_tasks(config.run.robot)[: seed_task_count(config, author)],
            in_flight=in_flight,
            selection=make_rule(config.selection.rule, embedder.embed, embedder.name),
            metric=metric,
        )
        started = time.monotonic()
        close_model = model.close if model else lambda: None
        scheduler = Scheduler(
            context,
            close_model,
            expect_end_within,
            only_under_way=only_under_way,
            stop=stop,
            shutdown_s=shutdown_s,
        )
        try:
            with model or contextlib.nullcontext():
                scheduler.run()
        except TaskwrightError as error:
            with contextlib.suppress(StorageError):
                seconds = round(time.monotonic() - started, 1)
                events("end", reason=str(error), counts=archive.counts(), seconds=seconds)
            raise
        ending = summarize(
            scheduler.reason,
            scheduler.recorded,
            counts.get("learned", 0),
            run_dir,
            time.monotonic() - started,
            half_life=config.strategies.half_life,
            interrupted=scheduler.reason == STOPPED,
        )
        events("end", reason=ending.reason, counts=ending.counts, seconds=ending.seconds)
        return ending


def _concurrency(config: Config, author: Author) -> int:
    if config.run.concurrency is not None:
        return config.run.concurrency
    return CONCURRENCY_WITH_COMPOSER if author.name == "composer" else CONCURRENCY_WITH_MODEL


def _ideas_per_call(config: Config, author: Author, concurrency: int) -> int:
    """Ideas come one after the other, so many journeys in flight would wait for single ones."""
    if author.name == "composer":
        return 1
    return config.model.ideas_per_call or min(max(concurrency // 8, 1), MOST_IDEAS_PER_CALL)


def _concurrency_before(run_dir: Path) -> int | None:
    """How many journeys were in flight in the last command; None where there was none. Before this
    was a setting, it was one."""
    path = run_dir / CONFIG_NAME
    if not path.exists():
        return None
    settings = load_config(path, follow=False)
    if "seed" not in settings.get("run", {}):
        return None  # Tasks were imported into this folder, but no run has begun.
    return resolve(settings).run.concurrency or 1


def make_author(
    config: Config, run_dir: Path, events: Events
) -> tuple[Author, FoundationModel | None]:
    """Who writes the tasks of this run. Raises UsageError where the settings do not say."""
    name = config.model.name
    if name is None and model_is_configured(config):
        raise UsageError(
            "A key or a base URL is set, but no model is named.",
            "Name one with --model NAME, or use --model composer to do without.",
        )
    if name in (None, "composer"):
        if config.model.replay is not None:
            raise UsageError(
                f"The run {config.model.replay} was made by the Composer: there is no model to "
                "replay.",
                "The same --seed makes the same tasks again.",
            )
        return Composer(config.novelty.interesting), None
    model = FoundationModel(config.model, run_dir, events)
    examples = example_tasks(config.run.robot)
    return ModelAuthor(model, config, examples), model


def _require_new_tasks_for(robot: Robot, author: Author) -> None:
    """Raises UsageError where the author has none to propose for this robot. Those under way are
    written, for they were imported."""
    if author.name == "composer" and robot != "r2d2":
        raise UsageError(
            f"The Composer writes tasks for r2d2 only, not for {robot}.",
            "Name a model with --model NAME, or begin a run for r2d2. Tasks from files need no "
            "model: `taskwright import RUN_DIR PATH --train` tries them.",
        )


def model_is_configured(config: Config) -> bool:
    """Whether there is a key or an address to ask a model with."""
    variables = ("OPENAI_BASE_URL", config.model.key_variable)
    return bool(config.model.base_url or any(bare(os.environ.get(name, "")) for name in variables))


def seed_task_count(config: Config, author: Author) -> int:
    if config.run.seed_tasks is not None:
        return config.run.seed_tasks
    return 0 if author.name == "composer" else DEFAULT_SEED_TASKS


def _tensorboard_files(run_dir: Path) -> RunCurves:
    """Raises UsageError where the package for them is missing."""
    # Loads torch, which a run can do without.
    from ..trainer.tensorboard import RunCurves

    return RunCurves(run_dir / "tb")


def _metric(run_dir: Path, config: Config, embedder: str) -> Metric | None:
    """The learned metric by which novelty is measured; None for the cosine distance. Raises
    UsageError where the settings want one that is not there or was learned for other embeddings."""
    if config.novelty.metric == "cosine":
        return None
    metric = load_metric(run_dir)
    if metric is None or metric.model != embedder:
        raise UsageError(
            f"`novelty.metric` is learned, but {run_dir} holds no metric for {embedder}.",
            "Answer on the Judge page of `taskwright browse RUN_DIR --allow-feedback` and learn "
            "one there, copy another run's metric.npz, or set novelty.metric=cosine.",
        )
    return metric
