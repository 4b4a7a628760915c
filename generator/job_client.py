"""What a journey has the executor compute: checks, trials, pictures and replays, each as a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..archive.folder import frame_strip_path, policy_path, poster_path, replay_path
from ..archive.novelty import Neighbour
from ..errors import BrokenError, StorageError
from ..executor.job import Executor, Job, JobResult
from ..executor.local import processes_for
from ..sandbox.recording import Agent
from ..task import CurvePoint, Outcome, Record, Task, Trial, from_json, to_json
from ..trainer.requests import (
    ArchivedPolicy,
    Film,
    FilmRequest,
    Replay,
    ReplayRequest,
    TrialRequest,
)
from .in_flight import Stopped
from .run_context import RunContext

CHECK_DEADLINE_S = 120.0
POSTER_DEADLINE_S = 60.0
LOOK_DEADLINE_S = 120.0
"""Limits that guard against faults of our own; those on a task's code are far lower."""
REPLAY_DEADLINE_S = 180.0
TRIAL_GRACE_S = 120.0
"""Longer than the trial's own limit, which is the one that should end it."""


class JobClient:
    """Gives the jobs of one journey to the executor and reads their results.

    Its methods raise BrokenError where our machinery failed, StorageError where the disk takes no
    more, Stopped where the run ends, and JobCancelled.
    """

    def __init__(self, context: RunContext, number: int) -> None:
        self._context = context
        self._number = number

    def check(self, task: Task) -> Outcome:
        """Check a task, and once more where our machinery failed."""
        job = Job(f"check-{task.task_id}", "check", to_json(task), CHECK_DEADLINE_S)
        outcome = from_json(Outcome, self._do(job))
        # A failure of ours says nothing about the task: once more, and then it is reported.
        return outcome if outcome.verdict != "broken" else from_json(Outcome, self._do(job))

    def draw_poster(self, task: Task) -> None:
        """Draw the poster of a task, unless there is one. A failure is only warned of."""
        request = FilmRequest(
            source=task.source,
            robot=task.robot,
            path=poster_path(self._context.run_dir, task.task_id),
            width=480,
            height=360,
        )
        if Path(request.path).exists():
            return
        job = Job(f"poster-{task.task_id}", "film", to_json(request), POSTER_DEADLINE_S)
        try:
            self._do(job)
        except BrokenError as error:
            self.warn(error.message)

    def train(self, task: Task, seed: int, neighbours: Sequence[Neighbour]) -> Trial:
        """Run a trial, in which the policies of the nearest neighbours are tried first."""
        settings, run_dir = self._context.config.trainer, self._context.run_dir
        policies = []
        for near in neighbours[: settings.nearest_policies]:
            task_id = near.record.task_id or ""
            path = policy_path(run_dir, task_id)
            if Path(path).exists():
                policies.append(ArchivedPolicy(task_id, near.record.idea.title, path))
            else:
                self.warn(f"The policy {path} is missing; the trial goes on without it.")
        request = TrialRequest(
            source=task.source,
            robot=task.robot,
            seed=seed,
            policy_path=policy_path(run_dir, task.task_id),
            archived=tuple(policies),
            processes=processes_for(settings.processes, self._context.executor.workers),
            **settings.model_dump(exclude={"nearest_policies", "processes"}),
        )
        name, deadline_s = f"trial-{self._number}-{task.task_id}", settings.max_seconds
        job = Job(name, "trial", to_json(request), deadline_s + TRIAL_GRACE_S)
        trial = from_json(Trial, self._do(job))
        for reason in trial.left_out.values():
            self.warn(f"{reason} The trial has gone on without it.")
        return trial

    def film_frame_strip(self, task: Task, seed: int, count: int) -> Film:
        """Draw `count` frames of an episode of the trained agent side by side in one picture."""
        run_dir = self._context.run_dir
        request = FilmRequest(
            source=task.source,
            robot=task.robot,
            path=frame_strip_path(run_dir, task.task_id),
            seed=seed,
            policy_path=policy_path(run_dir, task.task_id),
            frames=count,
        )
        job = Job(f"look-{self._number}-{task.task_id}", "film", to_json(request), LOOK_DEADLINE_S)
        return from_json(Film, self._do(job))

    def record_replay(self, task: Task, trial: Trial | None) -> None:
        """Record the replay that the browser plays. A failure is only warned of."""
        run_dir = self._context.run_dir
        if trial is None and replay_path(run_dir, task.task_id).exists():
            return  # An earlier journey with this source has recorded a better replay.
        # It is recorded even while the run is ending: else the journey's record would have to wait.
        result = self._result(replay_job(run_dir, task, trial))
        if result.broken:
            self.warn(result.broken)

    def warn(self, text: str) -> None:
        """Report a warning about this journey."""
        self._context.events("warning", journey=self._number, text=text)

    def _do(self, job: Job) -> str:
        """The payload of a job's result. Raises BrokenError where our machinery failed."""
        if self._context.in_flight.is_stopped:
            raise Stopped
        result = self._result(job)
        if result.broken:
            raise BrokenError(result.broken, "Run the same command again, or report it.")
        return result.payload

    def _result(self, job: Job) -> JobResult:
        events = self._context.events

        def tell(point: CurvePoint) -> None:
            events(
                "curve",
                journey=self._number,
                steps=point.steps,
                success_rate=point.success_rate,
                mean_return=point.mean_return,
            )

        def at_work(is_it: bool) -> None:
            state = "begun" if is_it else "ended"
            events("job", journey=self._number, kind=job.kind, state=state)

        result = self._context.executor.run(job, tell, at_work)
        if result.disk_is_full:
            raise StorageError(result.broken, "")
        return result


# Replays. Nothing else depends on them, and those that are missing can be recorded later.


def who_is_recorded(run_dir: Path, task: Task, trial: Trial | None) -> tuple[Agent, ...]:
    """The agents that a replay shows: the trained one beside an untrained one where there is a
    policy, also from an earlier journey with this source; the untrained one alone where a trial
    ended without a policy; and an idle one where there was no trial."""
    if Path(policy_path(run_dir, task.task_id)).exists():
        return ("trained", "random")
    return ("idle",) if trial is None else ("random",)


def replay_job(run_dir: Path, task: Task, trial: Trial | None) -> Job:
    """The job that records a task which has passed its checks."""
    agents = who_is_recorded(run_dir, task, trial)
    request = ReplayRequest(
        source=task.source,
        robot=task.robot,
        path=str(replay_path(run_dir, task.task_id)),
        agents=agents,
        policy_path=policy_path(run_dir, task.task_id) if "trained" in agents else None,
    )
    return Job(f"replay-{task.task_id}", "replay", to_json(request), REPLAY_DEADLINE_S)


def record_replay(
    executor: Executor, run_dir: Path, task: Task, trial: Trial | None
) -> Replay | str:
    """Record a task. Returns the reason where it could not be done."""
    result = executor.run(replay_job(run_dir, task, trial))
    return result.broken or from_json(Replay, result.payload)


def record_missing_replays(
    executor: Executor, run_dir: Path, records: list[Record]
) -> Iterator[tuple[Record, Replay | str]]:
    """Record the tasks that passed their checks and have no replay yet."""
    for record in records:
        if record.task is None or not (record.outcomes and record.outcomes[-1].passed):
            continue
        if not replay_path(run_dir, record.task.task_id).exists():
            yield record, record_replay(executor, run_dir, record.task, record.trial)
