"""Jobs and their results."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from ..errors import BrokenError, StorageError, UsageError, storage_explained
from ..sandbox.checker import check_task
from ..task import CurvePoint, Noun, Task, from_json, to_json
from ..trainer.requests import FilmRequest, ReplayRequest, TrialRequest

Tell = Callable[[CurvePoint], None]
AtWork = Callable[[bool], None]


class JobCancelled(Exception):
    """The job was not done because nobody wants its result any more."""


@dataclass(frozen=True)
class Job(Noun):
    """One piece of work.

    `payload` is JSON of the noun that this kind of job takes: `Task` for a check, `TrialRequest`
    for a trial, `FilmRequest` for a film, `ReplayRequest` for a replay.
    """

    job_id: str
    """The same work has the same id, whoever asks for it."""
    kind: Literal["check", "trial", "film", "replay"]
    payload: str
    deadline_s: float
    """Wall-clock limit, after which the job is stopped and counts as broken."""


@dataclass(frozen=True)
class JobResult(Noun):
    """JSON of the noun a job gave (`Outcome`, `Trial`, `Film`, `Replay`), or why our machinery
    failed."""

    job_id: str
    payload: str = ""
    broken: str = ""
    """Empty where the job was done."""
    disk_is_full: bool = False
    """Whether it is broken for a reason that would befall all others too."""


class Executor(Protocol):
    """Runs jobs somewhere, several at a time, and ends with `close`."""

    workers: int
    """How many jobs it does at once."""

    def run(self, job: Job, tell: Tell = ..., at_work: AtWork = ...) -> JobResult:
        """Do a job and wait for its result; any number of threads may ask at once. `tell` hears of
        each point of a trial's learning curve; `at_work` hears True when the job has found a worker
        and, in any case, False when that worker turns to something else.

        Raises JobCancelled, but nothing for what goes wrong in the job.
        """
        ...

    def cancel(self, *, running: bool = True) -> None:
        """Cancel the jobs that wait for a worker and, unless told otherwise, those under way.
        Jobs that are asked for later are done."""
        ...

    def close(self) -> None: ...


def run_job(job: Job, tell: Tell) -> JobResult:
    """Do a job; `tell` hears of each point of a trial's learning curve. Never raises."""
    try:
        with storage_explained():
            return JobResult(job.job_id, payload=to_json(_work(job, tell)))
    except StorageError as error:
        return JobResult(job.job_id, broken=str(error), disk_is_full=True)
    except (BrokenError, UsageError) as error:
        return JobResult(job.job_id, broken=str(error))
    except Exception as error:
        # A mistake of ours: say where, and let the run go on with other tasks.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{place.name}, line {place.lineno}"
        return JobResult(
            job.job_id, broken=f"{type(error).__name__} in {where}: {error} (a bug in Taskwright)"
        )


def _work(job: Job, tell: Tell) -> Noun:
    if job.kind == "check":
        return check_task(from_json(Task, job.payload))
    # Imported late: torch takes seconds, and checks do without it.
    if job.kind == "trial":
        from ..trainer.trial import run_trial

        return run_trial(from_json(TrialRequest, job.payload), tell)
    if job.kind == "replay":
        from ..trainer.media.replay import make_replay

        return make_replay(from_json(ReplayRequest, job.payload))
    from ..trainer.media.film import make_film

    return make_film(from_json(FilmRequest, job.payload))
