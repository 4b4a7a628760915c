"""What a journey has the executor compute: checks, trials, pictures and replays, each as a job.

Jobs are functions of bytes. Whatever files they make are written to the run folder here, whole and
safe on the disk before anybody learns that the job is done.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..archive.folder import frame_strip_path, policy_path, poster_path, replay_path
from ..archive.novelty import Neighbour
from ..errors import BrokenError, storage_explained
from ..executor.contents import digest_of
from ..executor.job import Executor, Job, JobResult
from ..files import write_whole
from ..sandbox.recording import Agent
from ..task import CurvePoint, Outcome, Record, Task, Trial, from_json, to_json
from ..trainer.policy_files import policy_bytes
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
    """Gives the jobs of one journey to the executor, reads their results, and writes the files that
    they make.

    Its methods raise BrokenError where our machinery failed, StorageError where the disk takes no
    more, Stopped where the run ends, and JobCancelled.
    """

    def __init__(self, context: RunContext, number: int) -> None:
        self._context = context
        self._number = number

    def check(self, task: Task) -> Outcome:
        """Check a task, and once more where our machinery failed."""
        job = Job(f"check-{task.task_id}", "check", to_json(task), CHECK_DEADLINE_S)
        outcome = from_json(Outcome, self._do(job).payload)
        if outcome.verdict == "broken":
            # A failure of ours says nothing about the task: once more, and then it is reported.
            outcome = from_json(Outcome, self._do(job).payload)
        return outcome

    def draw_poster(self, task: Task) -> None:
        """Draw the poster of a task, unless there is one. A failure is only warned of."""
        path = Path(poster_path(self._context.run_dir, task.task_id))
        if path.exists():
            return
        request = FilmRequest(task.source, task.robot, width=480, height=360)
        job = Job(f"poster-{task.task_id}", "film", to_json(request), POSTER_DEADLINE_S)
        try:
            keep(path, self._do(job).outputs["film"])
        except BrokenError as error:
            self.warn(error.message)

    def train(self, task: Task, seed: int, neighbours: Sequence[Neighbour]) -> Trial:
        """Run a trial, in which the policies of the nearest neighbours are tried first. The policy
        that it trains is in the run folder before this returns."""
        settings, run_dir = self._context.config.trainer, self._context.run_dir
        archived: list[ArchivedPolicy] = []
        inputs: dict[str, bytes] = {}
        unreadable: dict[str, str] = {}
        for near in neighbours[: settings.nearest_policies]:
            task_id = near.record.task_id or ""
            path = policy_path(run_dir, task_id)
            if not Path(path).exists():
                self.warn(f"The policy {path} is missing; the trial goes on without it.")
                continue
            try:
                digest, inputs_of_it = self._policy(path)
            except BrokenError as error:
                unreadable[task_id] = error.message
            else:
                inputs |= inputs_of_it
                archived.append(ArchivedPolicy(task_id, near.record.idea.title, digest))
        request = TrialRequest(
            source=task.source,
            robot=task.robot,
            seed=seed,
            archived=tuple(archived),
            **settings.model_dump(exclude={"nearest_policies"}),
        )
        name, deadline_s = f"trial-{self._number}-{task.task_id}", settings.max_seconds
        job = Job(name, "trial", to_json(request), deadline_s + TRIAL_GRACE_S, inputs)
        result = self._do(job)
        trial = from_json(Trial, result.payload)
        if "policy" in result.outputs:
            keep(Path(policy_path(run_dir, task.task_id)), result.outputs["policy"])
        trial = dataclasses.replace(trial, left_out={**unreadable, **trial.left_out})
        for reason in trial.left_out.values():
            self.warn(f"{reason} The trial has gone on without it.")
        return trial

    def film_frame_strip(self, task: Task, seed: int, count: int) -> Film:
        """Draw `count` frames of an episode of the trained agent side by side in one picture."""
        run_dir = self._context.run_dir
        digest, inputs = self._policy(policy_path(run_dir, task.task_id))
        request = FilmRequest(task.source, task.robot, seed=seed, policy=digest, frames=count)
        name = f"look-{self._number}-{task.task_id}"
        result = self._do(Job(name, "film", to_json(request), LOOK_DEADLINE_S, inputs))
        keep(Path(frame_strip_path(run_dir, task.task_id)), result.outputs["film"])
        return from_json(Film, result.payload)

    def record_replay(self, task: Task, trial: Trial | None) -> None:
        """Record the replay that the browser plays. A failure is only warned of."""
        run_dir = self._context.run_dir
        path = replay_path(run_dir, task.task_id)
        if trial is None and path.exists():
            return  # An earlier journey with this source has recorded a better replay.
        try:
            # Even while the run is ending: else the journey's record would have to wait.
            keep(path, self._result(replay_job(run_dir, task, trial)).outputs["replay"])
        except BrokenError as error:
            self.warn(error.message)

    def warn(self, text: str) -> None:
        """Report a warning about this journey."""
        self._context.events("warning", journey=self._number, text=text)

    def _policy(self, path: str) -> tuple[str, dict[str, bytes]]:
        """The digest of a policy, and the inputs of a job that needs it. Jobs that need the same
        policy hold the same bytes: hundreds of them may be under way."""
        data = policy_bytes(path)
        digest = digest_of(data)
        shared = self._context.policies.get(digest)
        if shared is None:
            shared = data
            self._context.policies.add(data)
        return digest, {digest: shared}

    def _do(self, job: Job) -> JobResult:
        """Have a job done, unless the run ends."""
        if self._context.in_flight.is_stopped:
            raise Stopped
        return self._result(job)

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

        job = dataclasses.replace(job, turn=self._number)
        return done(self._context.executor.run(job, tell, at_work))


def done(result: JobResult) -> JobResult:
    """The result of a job that was done. Raises BrokenError where our machinery failed."""
    if result.broken:
        raise BrokenError(result.broken, "Run the same command again, or report it.")
    return result


def keep(path: Path, data: bytes) -> None:
    """Write a file that a job has made: whole, and safe on the disk once this returns. Raises
    StorageError where the disk takes no more, and BrokenError where the file cannot be written for
    another reason."""
    try:
        with storage_explained():
            write_whole(path, data)
    except OSError as error:
        raise BrokenError(
            f"The file {path} cannot be written ({error.strerror}).",
            "See to it that its folder is one, and ours to write to.",
        ) from None


# Replays. Nothing else depends on them, and those that are missing can be recorded later.


def who_is_recorded(run_dir: Path, task: Task, trial: Trial | None) -> tuple[Agent, ...]:
    """The agents that a replay shows: the trained one beside an untrained one where there is a
    policy, also from an earlier journey with this source; the untrained one alone where a trial
    ended without a policy; and an idle one where there was no trial."""
    if Path(policy_path(run_dir, task.task_id)).exists():
        return ("trained", "random")
    return ("idle",) if trial is None else ("random",)


def replay_job(run_dir: Path, task: Task, trial: Trial | None) -> Job:
    """The job that records a task which has passed its checks. Raises BrokenError where its policy
    cannot be read."""
    agents = who_is_recorded(run_dir, task, trial)
    digest, inputs = None, {}
    if "trained" in agents:
        policy = policy_bytes(policy_path(run_dir, task.task_id))
        digest = digest_of(policy)
        inputs = {digest: policy}
    request = ReplayRequest(task.source, task.robot, agents, policy=digest)
    return Job(f"replay-{task.task_id}", "replay", to_json(request), REPLAY_DEADLINE_S, inputs)


def record_replay(
    executor: Executor, run_dir: Path, task: Task, trial: Trial | None
) -> Replay | str:
    """Record a task, and write the replay to the run folder. Returns the reason where it could not
    be done; raises StorageError where the disk takes no more."""
    try:
        result = done(executor.run(replay_job(run_dir, task, trial)))
        keep(replay_path(run_dir, task.task_id), result.outputs["replay"])
    except BrokenError as error:
        return error.message
    return from_json(Replay, result.payload)


def record_missing_replays(
    executor: Executor, run_dir: Path, records: list[Record]
) -> Iterator[tuple[Record, Replay | str]]:
    """Record the tasks that passed their checks and have no replay yet."""
    for record in records:
        if record.task is None or not (record.outcomes and record.outcomes[-1].passed):
            continue
        if not replay_path(run_dir, record.task.task_id).exists():
            yield record, record_replay(executor, run_dir, record.task, record.trial)
