"""One policy for all kept tasks of a run: from the archive to `generalists/<name>/`."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..archive.folder import check_folder
from ..archive.generalists import POLICY_NAME, generalist_folder, write_generalist
from ..archive.store import Archive, now
from ..errors import ArchiveError, UsageError, storage_explained
from ..generalist import Generalist, GeneralistPoint
from ..task import Record, Robot
from ..trainer.requests import GeneralistRequest, GeneralistTask

if TYPE_CHECKING:
    from ..trainer.generalist import Tell


def generalist_request(
    run_dir: Path,
    *,
    robot: Robot | None,
    sampler: str,
    seed: int,
    max_steps: int,
    max_seconds: float,
    slots: int,
    evaluation_episodes: int,
    processes: int,
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
        policy_path=str((generalist_folder(run_dir, name) / POLICY_NAME).resolve()),
        max_steps=max_steps,
        max_seconds=max_seconds,
        slots=slots,
        evaluation_episodes=evaluation_episodes,
        processes=processes,
    )


def train_on_archive(run_dir: Path, request: GeneralistRequest, tell: Tell) -> Generalist:
    """Train, and keep `generalist.json` in the run folder up to date meanwhile.

    Raises ArchiveError where another command trains the same generalist, StorageError where the
    disk takes no more, and what `trainer.generalist.train_generalist` raises.
    """
    # Torch takes seconds to load.
    from ..trainer.generalist import train_generalist

    written: Generalist | None = None

    def keep(generalist: Generalist, point: GeneralistPoint) -> None:
        nonlocal written
        state = (generalist.curve, generalist.tasks, generalist.dropped, generalist.finished)
        if written is None or state != (
            written.curve,
            written.tasks,
            written.dropped,
            written.finished,
        ):
            written = generalist
            write_generalist(run_dir, dataclasses.replace(generalist, updated_at=now()))
        tell(generalist, point)

    folder = generalist_folder(run_dir, request.name)
    check_folder(run_dir, to_write=True)
    with storage_explained():
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder, request.name):
            return train_generalist(request, keep)


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
