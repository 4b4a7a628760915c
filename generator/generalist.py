"""One policy for all kept tasks of a run: from the archive to `generalists/<name>/`."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..archive.folder import check_folder
from ..archive.generalists import POLICY_NAME, generalist_folder, write_generalist
from ..archive.store import Archive, now
from ..errors import ArchiveError, UsageError, storage_explained
from ..executor.contents import digest_of
from ..executor.job import Executor, Job
from ..generalist import Generalist
from ..task import Record, Robot, from_json, to_json
from ..trainer.policy_files import policy_bytes
from ..trainer.requests import GeneralistNews, GeneralistRequest, GeneralistTask
from .job_client import done, keep

DEADLINE_S = 30 * 86_400.0
"""Of the job. Its request, or whoever waits for it, ends it long before."""
SAVE_EVERY_S = 60.0


def generalist_request(
    run_dir: Path,
    *,
    robot: Robot | None,
    sampler: str,
    seed: int,
    max_steps: int,
    max_seconds: float | None,
    slots: int,
    evaluation_episodes: int,
    processes: int | None,
) -> GeneralistRequest:
    """The request to train on the kept tasks of a run; `robot` may be None where all tasks are for
    the same robot. Raises UsageError where there are none."""
    with Archive.open(run_dir) as archive:
        kept = [record for record in archive.kept() if record.task]
        robots = Counter(record.task.robot for record in kept if record.task)
        if robot is None and len(robots) > 1:
            counts = ", ".join(f"{count} for {name}" for name, count in robots.items())
            raise UsageError(
                f"The kept tasks of {run_dir} are for several robots: {counts}.",
                "Say whose to train on, such as --robot r2d2.",
            )
        chosen = robot or next(iter(robots), None)
        records = [record for record in kept if record.task and record.task.robot == chosen]
        if chosen is None or not records:
            whose = f" for {robot}" if robot else ""
            raise UsageError(
                f"{run_dir} holds no kept task{whose}.",
                "Run journeys until at least one task has been learned.",
            )
        embeddings = _embeddings(archive, records) if sampler == "alp_gmm" else [()] * len(records)
    name = f"{chosen}-{sampler.replace('_', '-')}-seed{seed}"
    return GeneralistRequest(
        name=name,
        robot=chosen,
        tasks=tuple(map(_task, records, embeddings)),
        sampler=sampler,
        seed=seed,
        max_steps=max_steps,
        max_seconds=max_seconds,
        slots=slots,
        evaluation_episodes=evaluation_episodes,
        processes=processes,
    )


def train_on_archive(
    run_dir: Path,
    request: GeneralistRequest,
    executor: Executor,
    tell: Callable[[GeneralistNews], None] = lambda news: None,
) -> Generalist:
    """Train, and keep the policy and `generalist.json` in the run folder up to date meanwhile: the
    same request goes on from there, whatever has ended this one.

    Raises ArchiveError where another command trains the same generalist, StorageError where the
    disk takes no more, and BrokenError where training failed.
    """
    folder = generalist_folder(run_dir, request.name)
    check_folder(run_dir, to_write=True)
    with storage_explained():
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder, request.name):
            inputs: dict[str, bytes] = {}
            if os.path.lexists(folder / POLICY_NAME):
                before = policy_bytes(folder / POLICY_NAME)
                inputs[digest_of(before)] = before
            request = dataclasses.replace(request, checkpoint=next(iter(inputs), None))
            # Begun once: a second try would begin where the first began, before what is kept now.
            job = Job(
                f"generalist-{request.name}",
                "generalist",
                to_json(request),
                DEADLINE_S,
                inputs,
                tries=1,
            )
            with contextlib.closing(_Keeper(run_dir, request.name)) as keeper:

                def hear(news: GeneralistNews) -> None:
                    keeper.take(news)
                    tell(news)

                result = done(executor.run(job, hear))
    return from_json(Generalist, result.payload)


class _Keeper:
    """Writes what is told of a generalist to the run folder: what a reader sees whenever that
    changes, and the policy every minute, after every task evaluated, and when closed."""

    def __init__(self, run_dir: Path, name: str) -> None:
        self._run_dir = run_dir
        self._policy = generalist_folder(run_dir, name) / POLICY_NAME
        self._written: Generalist | None = None
        self._unsaved = b""
        self._saved_at = time.monotonic()
        # Whoever closes it is another thread than the one that hears.
        self._lock = threading.Lock()

    def take(self, news: GeneralistNews) -> None:
        with self._lock:
            self._unsaved = news.checkpoint
            is_evaluating = bool(news.generalist.tasks)
            if is_evaluating or time.monotonic() - self._saved_at >= SAVE_EVERY_S:
                self._save()
            if self._written is None or _shown(news.generalist) != _shown(self._written):
                self._written = news.generalist
                stamped = dataclasses.replace(news.generalist, updated_at=now())
                write_generalist(self._run_dir, stamped)

    def close(self) -> None:
        """Write what was trained since the policy was last written."""
        with self._lock:
            self._save()

    def _save(self) -> None:
        if self._unsaved:
            keep(self._policy, self._unsaved)
            self._unsaved, self._saved_at = b"", time.monotonic()


def _shown(generalist: Generalist) -> tuple[object, ...]:
    return generalist.curve, generalist.tasks, generalist.dropped, generalist.finished


def _task(record: Record, embedding: Sequence[float]) -> GeneralistTask:
    assert record.task is not None
    trial = record.trial
    return GeneralistTask(
        record.task.task_id,
        record.idea.title,
        record.task.source,
        alone=trial.success_after if trial else None,
        baseline=trial.screening.get("random", 0.0) if trial else 0.0,
        embedding=tuple(embedding),
    )


def _embeddings(archive: Archive, records: Sequence[Record]) -> list[tuple[float, ...]]:
    from ..archive.embedding import Embedder, SentenceEncoder

    embedder = Embedder(archive, SentenceEncoder())
    return [tuple(map(float, embedder.embed(record.idea.text))) for record in records]


@contextlib.contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    """Keep a second command from training the same generalist."""
    with (folder / "train.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ArchiveError(
                f"The generalist {name} is being trained by another command.",
                "Wait for it, or train one with another --seed or --sampler.",
            ) from None
        yield
