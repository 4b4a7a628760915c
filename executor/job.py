"""Jobs and their results."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from ..errors import BrokenError
from ..sandbox.checker import check_task
from ..task import CurvePoint, Noun, Task, from_json, to_json
from ..trainer.plans import FilmPlan, ReplayPlan, TrialPlan

Tell = Callable[[CurvePoint], None]


@dataclass(frozen=True)
class Job(Noun):
    """One piece of work.

    `payload` is JSON of the noun that this kind of job takes: `Task` for a check, `TrialPlan` for a
    trial, `FilmPlan` for a film, `ReplayPlan` for a replay.
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


class Executor(Protocol):
    """Runs jobs somewhere, and ends with `close`."""

    def run(self, job: Job, tell: Tell = ...) -> JobResult:
        """Do a job and wait for its result; `tell` hears of each point of a trial's learning
        curve. Never raises for what goes wrong in the job."""
        ...

    def close(self) -> None: ...


def run_job(job: Job, tell: Tell) -> JobResult:
    """Do a job; `tell` hears of each point of a trial's learning curve. Never raises."""
    try:
        return JobResult(job.job_id, payload=to_json(_work(job, tell)))
    except BrokenError as error:
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

        return run_trial(from_json(TrialPlan, job.payload), tell)
    if job.kind == "replay":
        from ..trainer.replay import make_replay

        return make_replay(from_json(ReplayPlan, job.payload))
    from ..trainer.film import make_film

    return make_film(from_json(FilmPlan, job.payload))
