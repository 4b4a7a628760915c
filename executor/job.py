"""Jobs and their results."""

from __future__ import annotations

import abc
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from ..errors import BrokenError, StorageError, UsageError, storage_explained
from ..sandbox.checker import check_task
from ..sandbox.host import require_isolation
from ..sandbox.isolation import Isolation, Level
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


def ignore_point(point: CurvePoint) -> None:
    """A `tell` for callers that do not follow the learning curve.

    Args:
        point: It is not used.
    """


def ignore_state(is_at_work: bool) -> None:
    """An `at_work` for callers that do not follow the workers.

    Args:
        is_at_work: It is not used.
    """


def ignore_warning(text: str) -> None:
    """A `warn` for callers that have nobody to tell.

    Args:
        text: It is not used.
    """


class Executor(abc.ABC):
    """Runs jobs somewhere, several at a time. Use it as a context manager, or call `close`.

    It is made with the number of its workers. Any number of threads may use it at once.
    """

    workers: int
    """The number of jobs it does at once."""
    warn: Callable[[str], None] = staticmethod(ignore_warning)
    """Is called with a sentence about what is wrong with the workers, from any thread. A run sets
    it."""

    @abc.abstractmethod
    def run(self, job: Job, tell: Tell = ignore_point, at_work: AtWork = ignore_state) -> JobResult:
        """Do a job and wait for its result.

        Args:
            job: The work. It is stopped at its deadline and is then `broken`, as it is where the
                worker that does it dies and dies again.
            tell: Is called with each point of a trial's learning curve, from any thread.
            at_work: Is called with True when the job has found a worker and, in any case, with
                False when that worker turns to something else, from any thread.

        Returns:
            What `run_job` returns for this job, wherever that was called.

        Raises:
            JobCancelled: The job was cancelled. Nothing is raised for what goes wrong in the job;
                what `tell` and `at_work` raise is raised here.
        """

    @abc.abstractmethod
    def cancel(self, *, running: bool = True) -> None:
        """Cancel jobs. Those that are asked for later are done.

        Args:
            running: Whether the jobs under way are cancelled too: their work ends now, with all
                processes that it started. The jobs that wait for a worker always are.
        """

    def require_isolation(self, level: Level) -> Isolation:
        """The isolation of task code where jobs are done: on this host, unless an executor that
        computes elsewhere says otherwise.

        Args:
            level: What is required.

        Returns:
            The isolation; of several machines, that of the one where it is least.

        Raises:
            UsageError: It is less than what is required.
            BrokenError: No sandbox starts.
        """
        return require_isolation(level)

    @abc.abstractmethod
    def close(self) -> None:
        """End the workers and all they started. Calling it twice is harmless."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def run_job(job: Job, tell: Tell) -> JobResult:
    """Do a job in this process.

    Args:
        job: The work. Its deadline is not looked at here.
        tell: Is called with each point of a trial's learning curve.

    Returns:
        JSON of what the job gave; or, in `broken`, why our machinery failed. Of what goes wrong,
        only what `tell` raises that is no `Exception` gets out of here.
    """
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
