"""Jobs and their results: functions of bytes.

A job names no file. The files that it needs and those that it makes travel with it and with its
result, so that it can be done anywhere, and only whoever asked for it writes to a run folder.
"""

from __future__ import annotations

import abc
import dataclasses
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from ..errors import BrokenError, UsageError, is_storage_problem
from ..sandbox.checker import check_task
from ..sandbox.host import require_isolation
from ..sandbox.isolation import Isolation, Level
from ..task import Noun, Task, from_json, to_json
from ..trainer.requests import FilmRequest, GeneralistRequest, ReplayRequest, TrialRequest

Tell = Callable[[Any], None]
"""Hears how a job goes: each `CurvePoint` of a trial, each `GeneralistNews` of a generalist."""
AtWork = Callable[[bool], None]
MAX_OUTPUT_BYTES = 64_000_000
"""Of the files of a result together. A policy has 0.1 MB, a replay 0.02 MB, and a GIF of the
longest episode 3 MB."""
TRIES = 2
"""How often a job is begun whose worker dies: the system may have been short of memory."""

R = TypeVar("R", TrialRequest, GeneralistRequest)


class JobCancelled(Exception):
    """The job was not done because nobody wants its result any more."""


@dataclass(frozen=True)
class Job(Noun):
    """One piece of work.

    `payload` is JSON of the noun that this kind of job takes: `Task` for a check, `TrialRequest`
    for a trial, `FilmRequest` for a film, `ReplayRequest` for a replay, `GeneralistRequest` for a
    generalist.
    """

    job_id: str
    """The same work has the same id, whoever asks for it."""
    kind: Literal["check", "trial", "film", "replay", "generalist"]
    payload: str
    deadline_s: float
    """Wall-clock limit, after which the job is stopped and counts as broken."""
    inputs: dict[str, bytes] = field(default_factory=dict)
    """The files that the payload names, by `contents.digest_of` them."""
    tries: int = TRIES
    """How often it is begun where its worker dies; it begins from nothing each time."""
    turn: int = 0
    """Of jobs that wait for a worker, those of a lower turn go first. In a run it is the number of
    the journey: others can only begin once the earliest have ended."""


@dataclass(frozen=True)
class JobResult(Noun):
    """JSON of the noun a job gave (`Outcome`, `Trial`, `Film`, `Replay`, `Generalist`), or why our
    machinery failed."""

    job_id: str
    payload: str = ""
    broken: str = ""
    """Empty where the job was done."""
    is_refused: bool = False
    """Whether it is broken because of what was asked for, so that it would be again."""
    outputs: dict[str, bytes] = field(default_factory=dict)
    """The files that the job made: the `policy` of a trial in which one was trained to the end, or
    of a generalist; a `film`; a `replay`."""


def broken(job: Job, reason: str) -> JobResult:
    """The result of a job in which our machinery failed.

    Args:
        job: The work.
        reason: Why, in a sentence.

    Returns:
        A result that says nothing of what was to be done.
    """
    return JobResult(job.job_id, broken=reason)


def ignore_news(news: Any) -> None:
    """A `tell` for callers that do not follow how a job goes.

    Args:
        news: It is not used.
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

    It is made with the number of its workers. Any number of threads may use it at once. A job means
    the same wherever it is done: it needs no file of this machine and leaves none there.
    """

    workers: int
    """The number of jobs it does at once."""
    warn: Callable[[str], None] = staticmethod(ignore_warning)
    """Is called with a sentence about what is wrong with the workers, from any thread. A run sets
    it."""

    @abc.abstractmethod
    def run(self, job: Job, tell: Tell = ignore_news, at_work: AtWork = ignore_state) -> JobResult:
        """Do a job and wait for its result.

        Args:
            job: The work. It is stopped at its deadline and is then `broken`, as it is where the
                worker that does it dies as often as it may be tried.
            tell: Is called with what is told while the job goes on, in that order, from any thread.
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


def run_job(job: Job, tell: Tell, processes: int | None = None) -> JobResult:
    """Do a job in this process.

    Args:
        job: The work. Its deadline and its tries are not looked at here.
        tell: Is called with what is told while the job goes on.
        processes: How many processes step environments, where the request does not say so itself;
            by default as many as this machine has cores.

    Returns:
        What the job gave; or, in `broken`, why our machinery failed. Of what goes wrong, only what
        `tell` raises that is no `Exception` gets out of here.
    """
    try:
        noun, outputs = _work(job, tell, processes)
    except UsageError as error:
        return dataclasses.replace(broken(job, str(error)), is_refused=True)
    except BrokenError as error:
        return broken(job, str(error))
    except Exception as error:
        if isinstance(error, OSError) and is_storage_problem(error):
            return broken(
                job,
                f"The machine that did the {job.kind} cannot keep temporary files "
                f"({error.strerror}). Make room in {tempfile.gettempdir()} there.",
            )
        # A mistake of ours: say where, and let the run go on with other tasks.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{place.name}, line {place.lineno}"
        return broken(job, f"{type(error).__name__} in {where}: {error} (a bug in Taskwright)")
    size = sum(map(len, outputs.values()))
    if size > MAX_OUTPUT_BYTES:
        most = f"{MAX_OUTPUT_BYTES:,} bytes are the most that a worker may send"
        return broken(job, f"The {job.kind} has {size:,} bytes, and {most}. Ask for a smaller one.")
    return JobResult(job.job_id, to_json(noun), outputs=outputs)


def _work(job: Job, tell: Tell, processes: int | None) -> tuple[Noun, dict[str, bytes]]:
    """What is told of the work, and the files it has made by their names."""
    if job.kind == "check":
        return check_task(from_json(Task, job.payload)), {}
    # Imported late: torch takes seconds, and checks do without it.
    if job.kind == "trial":
        from ..trainer.trial import run_trial

        request = _settled(from_json(TrialRequest, job.payload), processes)
        trial, policy = run_trial(request, tell, job.inputs)
        return trial, {} if policy is None else {"policy": policy}
    if job.kind == "generalist":
        from ..trainer.generalist import train_generalist

        many = _settled(from_json(GeneralistRequest, job.payload), processes)
        generalist, checkpoint = train_generalist(many, tell, job.inputs)
        return generalist, {"policy": checkpoint}
    if job.kind == "replay":
        from ..trainer.media.replay import make_replay

        replay, recorded = make_replay(from_json(ReplayRequest, job.payload), job.inputs)
        return replay, {"replay": recorded}
    from ..trainer.media.film import make_film

    film, drawn = make_film(from_json(FilmRequest, job.payload), job.inputs)
    return film, {"film": drawn}


def _settled(request: R, processes: int | None) -> R:
    """The request with the processes of this machine, where it does not say how many it wants."""
    return dataclasses.replace(request, processes=request.processes or processes)
