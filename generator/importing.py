"""Tasks from elsewhere, taken into an archive: checked first, and all in one transaction.

What another archive has tried keeps that evidence, and its status, with a reason that says where
they come from. What nobody has tried becomes a journey under way, with its code written and
checked: the next `run` screens it and trains it, and gives it the status that it earns.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import yaml

from ..archive.embedding import Embedder
from ..archive.folder import FRAME_STRIP_ENDING, REPLAY_ENDING
from ..archive.novelty import nearest, novelty
from ..archive.run_lock import locked
from ..archive.store import Archive, now
from ..config import Config
from ..errors import BrokenError, TaskwrightError, UsageError, storage_explained
from ..executor.job import Executor, Job
from ..files import FileProblem, open_within, read_bytes, write_whole
from ..task import Idea, Judgement, Outcome, Record, Robot, Task, from_json, to_json
from ..trainer.policy_files import read_policy
from .archive_view import Selection
from .embedder import make_encoder
from .import_sources import ImportCandidate, Unusable, find_candidates
from .job_client import CHECK_DEADLINE_S
from .run import CONFIG_NAME, prepare_config

FILES = (
    ("policies", ".zip"),
    ("media", ".png"),
    ("media", FRAME_STRIP_ENDING),
    ("media", REPLAY_ENDING),
)
"""What a run holds of a task: the folder, and what follows the `task_id` in the name."""
MAX_FILE_BYTES = 32_000_000
UNTRIED = "untried"
"""Stands for the status of what is imported and has yet to be tried."""


@dataclass(frozen=True)
class Imported:
    """A task that was imported."""

    origin: str
    task_id: str
    number: int
    status: str
    """The status of its record, or `UNTRIED`."""
    title: str


@dataclass(frozen=True)
class Present:
    """A task that the archive had already."""

    origin: str
    task_id: str
    number: int


@dataclass(frozen=True)
class Failed:
    """A task that cannot be imported."""

    origin: str
    task_id: str | None
    stage: str | None
    """The stage at which the checks rejected it; None where the reason is another."""
    reason: str


@dataclass(frozen=True)
class LeftOut:
    """A file of a task that was not imported with it."""

    origin: str
    task_id: str
    reason: str


@dataclass
class Import:
    """The result of an import."""

    imported: list[Imported] = field(default_factory=list)
    present: list[Present] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def import_tasks(
    run_dir: Path,
    paths: Sequence[Path],
    executor: Executor,
    robot: Robot | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Import:
    """Take the tasks of some paths into the archive of a run folder; both are made where there is
    none.

    Cut off at any time, all of it is in the archive or nothing. What is wrong with one path, or
    with one file of it, is reported and keeps nothing else from being imported.

    Args:
        run_dir: The run folder.
        paths: What `find_candidates` can read.
        executor: Checks the tasks.
        robot: Is taken for files that name none, and for a new run folder.
        tell: Is called with the number of tasks that are checked, and of all that are to be.

    Returns:
        What was imported, what was there already, and what was not imported and why.

    Raises:
        UsageError: No path holds a task, or a setting is wrong. ArchiveError, StorageError and
            ModelError are raised as by a run.
    """
    found = _found(paths, robot)
    candidates = [candidate for candidate in found if isinstance(candidate, ImportCandidate)]
    config = _config(run_dir, candidates, robot)
    unusable = [candidate for candidate in found if isinstance(candidate, Unusable)]
    result = Import(failed=[Failed(each.origin, None, None, each.reason) for each in unusable])
    encoder = make_encoder(config.embedder)
    run_dir.mkdir(parents=True, exist_ok=True)
    with storage_explained(), locked(run_dir), Archive.create_or_open(run_dir) as archive:
        new = _sorted_out(archive, candidates, config.run.robot, result)
        passed = _checked(new, executor, result, tell)
        taken = Taking(run_dir, archive, Embedder(archive, encoder), config)
        taken.take(passed, result)
        if not (run_dir / CONFIG_NAME).exists():
            # Nothing but what the archive rests on now: the first run may choose all else.
            settings = {"run": {"robot": config.run.robot}}
            (run_dir / CONFIG_NAME).write_text(yaml.safe_dump(settings), encoding="utf-8")
    return result


def _found(paths: Sequence[Path], robot: Robot | None) -> list[ImportCandidate | Unusable]:
    """What the paths hold. Raises what is wrong with the first where none can be used at all."""
    found: list[ImportCandidate | Unusable] = []
    problems: list[TaskwrightError] = []
    for path in paths:
        try:
            found += find_candidates(path, robot)
        except TaskwrightError as error:
            problems.append(error)
            found.append(Unusable(str(path), str(error)))
    if len(problems) == len(paths):
        raise problems[0]
    return found


def _config(run_dir: Path, candidates: Sequence[ImportCandidate], robot: Robot | None) -> Config:
    """The settings of the run. A new one is for the robot that the tasks are for."""
    config = prepare_config(run_dir, {})
    if (run_dir / CONFIG_NAME).exists():
        return config
    named = {candidate.task.robot for candidate in candidates}
    if robot is None and len(named) > 1:
        raise UsageError(
            f"These tasks are for {' and '.join(sorted(named))}; a run is for one robot.",
            "Name one with --robot; tasks for others are then listed as left out.",
        )
    chosen = robot or next(iter(named), config.run.robot)
    return prepare_config(run_dir, {"run": {"robot": chosen}})


def _sorted_out(
    archive: Archive, candidates: Sequence[ImportCandidate], robot: Robot, result: Import
) -> list[ImportCandidate]:
    """The candidates that are for this run's robot and not there yet, each source once."""
    there = _there_already(archive)
    new: dict[str, ImportCandidate] = {}
    for candidate in candidates:
        task_id = candidate.task.task_id
        if task_id in there:
            result.present.append(Present(candidate.origin, task_id, there[task_id]))
        elif candidate.task.robot != robot:
            reason = f"It is for {candidate.task.robot}; this run is for {robot}."
            result.failed.append(Failed(candidate.origin, task_id, None, reason))
        elif task_id not in new or (new[task_id].record is None and candidate.record is not None):
            # Of two candidates with one source, the one with a trial counts.
            new[task_id] = candidate
    return list(new.values())


def _there_already(archive: Archive) -> dict[str, int]:
    """By `task_id`, the journey that has a task: one with a record, or one still under way."""
    there: dict[str, int] = {}
    for record in archive.records():
        if record.task_id and record.status != "broken":
            there.setdefault(record.task_id, record.number)
    for number in archive.unfinished():
        for name, payload in archive.journal(number).steps():
            if name.startswith("code "):
                # A record that cannot be read holds no task that could be imported again.
                with contextlib.suppress(ValueError):
                    there.setdefault(from_json(Task, payload).task_id, number)
    return there


# Checking.


def _checked(
    candidates: Sequence[ImportCandidate],
    executor: Executor,
    result: Import,
    tell: Callable[[int, int], None],
) -> list[tuple[ImportCandidate, Outcome]]:
    """Those that pass the checks, in their order."""
    passed = []
    with ThreadPoolExecutor(executor.workers) as pool:
        outcomes = pool.map(lambda candidate: _check(candidate.task, executor), candidates)
        for done, (candidate, outcome) in enumerate(zip(candidates, outcomes, strict=True), 1):
            tell(done, len(candidates))
            if outcome.passed:
                passed.append((candidate, outcome))
            else:
                task_id = candidate.task.task_id
                result.failed.append(
                    Failed(candidate.origin, task_id, outcome.stage, outcome.report)
                )
    return passed


def _check(task: Task, executor: Executor) -> Outcome:
    job = Job(f"check-{task.task_id}", "check", to_json(task), CHECK_DEADLINE_S)
    outcome = Outcome.broken("it was not checked")
    for _ in range(2):  # A failure of ours says nothing about the task: once more.
        done = executor.run(job)
        outcome = Outcome.broken(done.broken) if done.broken else from_json(Outcome, done.payload)
        if outcome.verdict != "broken":
            break
    return outcome


# Taking in.


class Taking:
    """Writes what has passed into the archive."""

    def __init__(self, run_dir: Path, archive: Archive, embedder: Embedder, config: Config) -> None:
        self._run_dir = run_dir
        self._archive = archive
        self._embedder = embedder
        self._settings = config.novelty
        self._kept = archive.kept()
        self._vectors = [embedder.embed(record.idea.text) for record in self._kept]

    def take(self, passed: Sequence[tuple[ImportCandidate, Outcome]], result: Import) -> None:
        """All of it, or nothing."""
        # Whatever takes long or may fail comes first; left-over vectors and files are harmless.
        vectors = list(self._embedder.embed_all([candidate.idea.text for candidate, _ in passed]))
        candidates = [candidate for candidate, _ in passed]
        with self._copied(candidates, result), self._archive.transaction():
            horizon = self._archive.last_number()
            for (candidate, outcome), vector in zip(passed, vectors, strict=True):
                number = self._archive.start_journey()
                status = UNTRIED
                if candidate.record is not None:
                    record = self._record(number, candidate, outcome, vector)
                    self._archive.add(record)
                    status = record.status
                    if status == "learned":
                        self._kept.append(record)
                        self._vectors.append(vector)
                else:
                    self._begin(number, candidate, outcome, horizon)
                result.imported.append(
                    Imported(
                        candidate.origin,
                        candidate.task.task_id,
                        number,
                        status,
                        candidate.idea.title,
                    )
                )

    def _record(
        self, number: int, candidate: ImportCandidate, outcome: Outcome, vector: np.ndarray
    ) -> Record:
        """A record of another archive, as a record of this one."""
        assert candidate.record is not None
        before, where = candidate.record, _where(candidate)
        near = nearest(vector, self._kept, self._vectors, self._settings.neighbours)
        value = novelty(near)
        record = Record(
            number=number,
            status=before.status,
            reason=f"Imported from {where}: {before.reason}",
            idea=candidate.idea,
            task=candidate.task,
            outcomes=(outcome,),
            trial=before.trial,
            judgements=before.judgements,
            novelty=None if value is None else round(value, 4),
            created_at=now(),
        )
        if before.status == "learned" and near and near[0].similarity >= self._settings.near_copy:
            twin = near[0]
            reason = (
                f"Imported from {where}, where it was learned. Its cosine similarity to the "
                f"kept task {twin.record.task_id} (“{twin.record.idea.title}”) is "
                f"{twin.similarity:.3f}; {self._settings.near_copy:g} counts as a copy."
            )
            return replace(record, status="duplicate", reason=reason)
        return record

    def _begin(
        self, number: int, candidate: ImportCandidate, outcome: Outcome, horizon: int
    ) -> None:
        """A journey whose code is written and checked, and that has yet to be tried."""
        once = self._archive.journal(number).once
        # It knows what came before the import, whichever of the journeys beside it are faster.
        once("select", Selection, lambda: Selection(horizon=horizon))
        once("idea", Idea, lambda: candidate.idea)
        once("code 0", Task, lambda: candidate.task)
        once("check 0", Outcome, lambda: outcome)
        judgement = Judgement(
            "interestingness", True, f"It was imported from {_where(candidate)}.", "seed"
        )
        once("judgement", Judgement, lambda: judgement)

    @contextlib.contextmanager
    def _copied(self, candidates: Sequence[ImportCandidate], result: Import) -> Iterator[None]:
        """Policies, replays and pictures, in their place; taken away again where it comes to
        nothing."""
        made: list[Path] = []
        try:
            for candidate in candidates:
                made += self._copy_files(candidate, result)
            yield
        except BaseException:
            for path in made:
                path.unlink(missing_ok=True)
            raise

    def _copy_files(self, candidate: ImportCandidate, result: Import) -> Iterator[Path]:
        if candidate.run_dir is None or candidate.record is None:
            return
        task_id = candidate.task.task_id
        for folder, ending in FILES:
            name = Path(folder, f"{task_id}{ending}")
            path, target = candidate.run_dir / name, self._run_dir / name
            if os.path.lexists(target) or not os.path.lexists(path):
                continue
            try:
                data = read_bytes(
                    open_within(candidate.run_dir, name, MAX_FILE_BYTES), MAX_FILE_BYTES
                )
                if folder == "policies":
                    read_policy(path)
            except FileProblem as problem:
                reason = f"The file {path} has not come along: {problem}."
                result.left_out.append(LeftOut(candidate.origin, task_id, reason))
            except BrokenError as error:
                result.left_out.append(LeftOut(candidate.origin, task_id, error.message))
            else:
                write_whole(target, data)
                yield target


def _where(candidate: ImportCandidate) -> str:
    """The origin as it is stored: without the folders of the machine it came from."""
    if candidate.record is None or candidate.run_dir is None:
        return "/".join(Path(candidate.origin).parts[-2:])
    return f"{candidate.run_dir.resolve().name}, journey {candidate.record.number}"
