"""The front door: what Taskwright does, each in one call. The commands call the same functions.

A task may be named in whatever way is at hand (see `load_task`). Wherever a path is taken, text
will do. What is wrong with what was given raises a `TaskwrightError`, whose message is one sentence
on what is wrong and one on how to mend it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UsageError
from .task import CurvePoint, Outcome, Record, Robot, Status, Task, Trial, robot_named_in
from .task_file import UnreadableTask, read_source

if TYPE_CHECKING:
    from .archive.store import Archive
    from .executor.job import Executor
    from .exporter.package import Exported
    from .generator.events import Event
    from .generator.summary import Ending
    from .sandbox.vector_env import TaskVectorEnv
    from .world import TaskEnv

CHECK_TIMEOUT_S = 30.0
RUN_SHUTDOWN_S = 30.0
TRIAL_GRACE_S = 120.0
"""What a trial may take beyond its time limit before it is stopped from outside."""


def load_task(named: Any, key: str | int | None = None, *, robot: Robot | None = None) -> Task:
    """The task that is named.

    Args:
        named: A `Task`; a `Record`; the path of a task file; source text; the id of an environment
            that `make` or `register` gave; or, with `key`, an `Archive` or the path of a run
            folder.
        key: Which task of the archive: a `task_id`, the beginning of one, or a journey's number.
        robot: Who acts in a task that comes as a file or text. The one that its base class names,
            unless given.

    Returns:
        The task: its source and its robot. Its code is not run, and may be wrong.

    Raises:
        UsageError: Nothing is named so, or the file cannot be read.
        ArchiveError: The run folder holds no archive, or the archive no such task.
    """
    from .archive.store import Archive

    if key is not None:
        if isinstance(named, Archive):
            return _task_of(named.find(str(key)))
        with open_archive(named) as archive:
            return _task_of(archive.find(str(key)))
    match named:
        case Task():
            return named
        case Record():
            return _task_of(named)
        case str() if "\n" in named:
            return task_from(named, robot)
        case str() if (registered := _registered(named)) is not None:
            return task_from(registered, robot)
        case str() | os.PathLike():
            return _read(Path(named), robot)
    raise UsageError(
        f"{type(named).__name__} names no task.",
        "Give a Task, a Record, the path of a task file, its source, or a run folder and a key.",
    )


def check(
    named: Any,
    key: str | int | None = None,
    *,
    robot: Robot | None = None,
    timeout_s: float = CHECK_TIMEOUT_S,
) -> Outcome:
    """Put a task through the staged checks, in a sandboxed process.

    Args:
        named: The task; with `key`, a run folder or an archive. See `load_task`.
        key: Which task of the archive.
        robot: Who acts in it.
        timeout_s: Seconds that the task may take for all checks together.

    Returns:
        The outcome: `passed`, or `rejected` with its stage, symptom, cause and fix, or `broken`
        where our machinery failed.

    Raises:
        UsageError: Nothing is named so, or the file cannot be read.
        ArchiveError: The run folder holds no archive, or the archive no such task.
    """
    from .sandbox.checker import check_task

    return check_task(load_task(named, key, robot=robot), timeout_s)


def train(
    named: Any,
    key: str | int | None = None,
    *,
    robot: Robot | None = None,
    seed: int = 0,
    steps: int | None = None,
    minutes: float | None = None,
    workers: int | None = None,
    policy: str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    on_progress: Callable[[CurvePoint], None] | None = None,
    executor: Executor | None = None,
) -> Trial:
    """Try whether a task can be learned, in sandboxed processes.

    Args:
        named: The task; with `key`, a run folder or an archive. See `load_task`.
        key: Which task of the archive.
        robot: Who acts in it.
        seed: The same seed, settings and number of `workers` give the same trial.
        steps: Agent steps before the task counts as too hard.
        minutes: Wall-clock limit.
        workers: Processes that step environments; one for each core unless given.
        policy: Where the learned policy is written. It is not kept unless given.
        settings: Further settings of the section `trainer` of `config`.
        on_progress: Called with each point of the learning curve, from another thread.
        executor: Who does the work; a process on this machine unless given.

    Returns:
        The trial, with its verdict and all that it rests on. Its verdict is `broken` where our
        machinery failed.

    Raises:
        UsageError: Nothing is named so, or the file cannot be read; a setting is wrong.
        ArchiveError: The run folder holds no archive, or the archive no such task.
    """
    from .config import resolve
    from .executor import make_executor
    from .executor.job import Job
    from .files import write_whole
    from .task import from_json, to_json
    from .trainer.requests import TrialRequest

    task = load_task(named, key, robot=robot)
    limits = {"max_steps": steps, "max_seconds": None if minutes is None else 60 * minutes}
    given = {**(settings or {}), **{k: v for k, v in limits.items() if v is not None}}
    trainer = resolve({"run": {"robot": task.robot}, "trainer": given}).trainer
    if executor is None:
        with make_executor("local", workers=1) as executor:
            return train(
                task,
                seed=seed,
                workers=workers,
                policy=policy,
                settings=given,
                on_progress=on_progress,
                executor=executor,
            )
    request = TrialRequest(
        source=task.source,
        robot=task.robot,
        seed=seed,
        processes=workers or trainer.processes,
        **trainer.model_dump(exclude={"nearest_policies", "processes"}),
    )
    deadline_s = request.max_seconds + TRIAL_GRACE_S
    job = Job(f"train-{task.task_id}", "trial", to_json(request), deadline_s)
    result = executor.run(job, on_progress or (lambda point: None))
    if result.broken:
        return Trial("broken", result.broken, seed=seed)
    if policy is not None and "policy" in result.outputs:
        write_whole(Path(policy).resolve(), result.outputs["policy"])
    return from_json(Trial, result.payload)


def open_archive(run_dir: str | os.PathLike[str]) -> Archive:
    """The archive of a run folder, for reading, also while a run writes to it.

    It has a length, can be iterated over (its records in the order of their journeys), gives a
    record by `archive["2db0"]` or `archive[3]`, the learned ones by `kept()` and a table by
    `to_frame()`. Close it, or use it as a context manager.

    Args:
        run_dir: The run folder. Nothing is written to it.

    Returns:
        The archive; its length is 0 where no journey has ended.

    Raises:
        ArchiveError: There is none, or it cannot be used.
    """
    from .archive.store import Archive

    return Archive.open(run_dir)


def make(
    named: Any, key: str | int | None = None, *, robot: Robot | None = None, **keywords: Any
) -> TaskEnv:
    """A task as a Gymnasium environment.

    The task's code runs in this process, behind the language policy but without the walls of the
    sandbox; `make_vec` steps it in sandboxed processes. The id in its `spec` is registered, so that
    `gymnasium.make("taskwright:" + env.spec.id)` makes it again.

    Args:
        named: The task; with `key`, a run folder or an archive. See `load_task`.
        key: Which task of the archive.
        robot: Who acts in it.
        **keywords: Those of `TaskEnv`: `render_mode`, `steered`, `vision`, `time_limit`, ...

    Returns:
        The environment; call `reset` first. Close it after use.

    Raises:
        UsageError: Nothing is named so, or the file cannot be read.
        ArchiveError: The run folder holds no archive, or the archive no such task.
        ValueError: A keyword has a value that `TaskEnv` does not take.
        LoadError: The source defines no environment. Whatever else the task's module raises while
            it is loaded is let through.
    """
    from .world import TaskEnv

    env = TaskEnv(load_task(named, key, robot=robot).source, **keywords)
    _register(env.task.source)
    return env


def make_vec(
    named: Any,
    key: str | int | None = None,
    *,
    num_envs: int,
    robot: Robot | None = None,
    **keywords: Any,
) -> TaskVectorEnv:
    """A task as a Gymnasium `VectorEnv` over sandboxed processes.

    Args:
        named: The task; with `key`, a run folder or an archive. See `load_task`.
        key: Which task of the archive.
        num_envs: How many environments are stepped together.
        robot: Who acts in it.
        **keywords: Those of `TaskVectorEnv`: `processes`, `steered`, `time_limit`, ...

    Returns:
        The environments; call `reset` first. Close them after use, or use them as a context
        manager: they hold processes.

    Raises:
        UsageError: Nothing is named so, or a number does not fit.
        ArchiveError: The run folder holds no archive, or the archive no such task.
        ChildFault: The task cannot be loaded; symptom, cause and fix say why.
        BrokenError: No process starts.
    """
    from .sandbox.vector_env import TaskVectorEnv

    task = load_task(named, key, robot=robot)
    return TaskVectorEnv(task.source, num_envs, robot=task.robot, **keywords)


def register(run_dir: str | os.PathLike[str]) -> dict[str, str]:
    """Register the learned tasks of a run with Gymnasium, in this process.

    Programs that are only told an id find the tasks of the run folders in the environment variable
    `TASKWRIGHT_RUNS` (separated as in `PATH`): `gymnasium.make("taskwright:" + id)`.

    Args:
        run_dir: The run folder.

    Returns:
        The title of each task by its id; empty where none has been learned.

    Raises:
        ArchiveError: The folder holds no archive, or it cannot be used.
    """
    with open_archive(run_dir) as archive:
        return {
            _register(record.task.source): record.idea.title
            for record in archive.kept()
            if record.task
        }


def run(
    run_dir: str | os.PathLike[str],
    *,
    author: str | None = None,
    tasks: int | None = None,
    attempts: int | None = None,
    minutes: float | None = None,
    robot: Robot | None = None,
    seed: int | None = None,
    settings: Mapping[str, Any] | None = None,
    on_event: Callable[[Event], None] | None = None,
    stop: threading.Event | None = None,
    executor: Executor | None = None,
    expect_end_within: Callable[[float], None] = lambda seconds: None,
    shutdown_s: float = RUN_SHUTDOWN_S,
) -> Ending:
    """Make tasks in a run folder until a limit is reached or it is stopped; a folder in which there
    is a run goes on with it.

    It may be called from a notebook and from any thread. In the main thread Ctrl-C (a notebook's
    "interrupt") ends it, from elsewhere setting `stop` does: what was earned is kept, no process is
    left, and the next call goes on.

    Args:
        run_dir: The folder; made where there is none.
        author: Who proposes and writes tasks: `composer`, or the name of a model.
        tasks: How many tasks are to be kept.
        attempts: How many journeys are to end.
        minutes: How long it takes, not counting the steps that are then under way.
        robot: Who learns the tasks. It cannot change later.
        seed: Settles the run's random choices. It cannot change later.
        settings: Further settings by section, as in a YAML file: `{"model": {"max_usd": 2.0}}`.
        on_event: Called with each event of the run as it happens, from several threads.
        stop: Ends the run once it is set.
        executor: Who checks and trains; as many processes as this machine has cores unless given.
        expect_end_within: Called with the seconds after which it has ended at the latest.
        shutdown_s: How long a run that was stopped waits for its threads. One that is loading the
            encoder cannot be interrupted, and Python must not end beside it.

    Returns:
        Why it ended, what was kept, and what it took.

    Raises:
        UsageError: The settings are wrong.
        ArchiveError: The folder cannot be used, or another process is using it.
        ModelError: The model cannot be reached, or refuses.
    """
    from .config import merge
    from .executor import make_executor
    from .generator.run import open_run, prepare_config

    given: dict[str, dict[str, Any]] = {
        "run": {
            "tasks": tasks,
            "attempts": attempts,
            "minutes": minutes,
            "robot": robot,
            "seed": seed,
        },
        "model": {"name": author},
    }
    asked = {name: {k: v for k, v in s.items() if v is not None} for name, s in given.items()}
    folder = Path(run_dir)
    config = prepare_config(folder, merge(dict(settings or {}), asked))
    watcher = on_event or (lambda event: None)
    with contextlib.ExitStack() as resources:
        if executor is None:
            executor = make_executor(config.run.executor, config.run.workers)
            resources.enter_context(executor)
        return open_run(
            folder,
            config,
            executor,
            watcher,
            expect_end_within,
            stop=stop,
            shutdown_s=shutdown_s,
        )


def export(
    run_dir: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    name: str | None = None,
    only: Sequence[str] = (),
    statuses: Sequence[Status] = (),
    policies: bool = False,
    version: str | None = None,
    force: bool = False,
    complain: Callable[[str], None] = warnings.warn,
) -> Exported:
    """Write tasks of a run as an installable Gymnasium package that needs nothing of Taskwright: a
    source tree, and a wheel in `out/dist`.

    Args:
        run_dir: The run folder.
        out: Where the package is written.
        name: Of the package; from `out` unless given.
        only: These tasks: journey numbers, `task_id`s or their beginnings.
        statuses: Tasks with one of these statuses; `learned` unless given.
        policies: Whether trained policies come along.
        version: Of the package; from its contents unless given.
        force: Whether an earlier export in `out` is replaced.
        complain: Called with a sentence about each record or policy that cannot be used and is left
            out; a warning unless given.

    Returns:
        The names, ids and paths of what was written.

    Raises:
        UsageError: There is nothing to export, or a name, a version or `out` cannot be used.
        ArchiveError: The run folder holds no archive, or the archive no such task.
    """
    from .archive.store import Archive
    from .exporter.choice import choose
    from .exporter.provenance import provenance_of
    from .presentation.names import package_name

    folder, target = Path(run_dir), Path(out)
    with Archive.open(folder) as archive:
        records = choose(archive, tuple(statuses), tuple(only))
        for sentence in archive.complaints:
            complain(sentence)

    # Loads PyBullet, which takes a while: not before it is known that there is something to export.
    from .exporter.package import export_package
    from .exporter.policies import ExportedPolicy
    from .trainer.policies import kept_perceptrons

    tasks = [record.task for record in records if record.task] if policies else []
    kept = kept_perceptrons(
        folder.resolve() / "policies",
        tasks,
        lambda problem: complain(f"{problem} The task is exported without it."),
    )
    return export_package(
        records,
        target,
        package_name(target.resolve().name) if name is None else name,
        pictures=folder / "media",
        provenance=provenance_of(folder),
        policies={task_id: ExportedPolicy(*policy) for task_id, policy in kept.items()},
        version=version,
        force=force,
    )


def task_from(source: str, robot: Robot | None = None) -> Task:
    """A task as text.

    Args:
        source: The task's code; it is not run.
        robot: Who acts in it. Unless given, the robot that its base class names, else R2D2.

    Returns:
        The task.
    """
    return Task(source, robot or robot_named_in(source) or "r2d2")


def _read(path: Path, robot: Robot | None) -> Task:
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder.", "Name a task file, or a run folder and one of its tasks."
        )
    try:
        return task_from(read_source(path), robot)
    except UnreadableTask as error:
        raise UsageError(f"{path} cannot be read: {error.reason}.", error.fix) from None


def _task_of(record: Record) -> Task:
    if record.task is None:
        raise UsageError(
            f"Journey {record.number} ended before code was written.",
            "Name a task that has a task_id.",
        )
    return record.task


def _register(source: str) -> str:
    """The id under which Gymnasium knows a task from now on, in this process."""
    from gymnasium.envs.registration import register, registry

    from .world.task_env import TASK_ENV, task_env_id

    if (env_id := task_env_id(source)) not in registry:
        register(env_id, entry_point=TASK_ENV, kwargs={"source": source})
    return env_id


def _registered(env_id: str) -> str | None:
    """The source of the task that was registered under an id; None where there is none."""
    from gymnasium.envs.registration import registry

    spec = registry.get(env_id.removeprefix("taskwright:"))
    return spec.kwargs.get("source") if spec else None
